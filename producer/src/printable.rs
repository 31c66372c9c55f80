//! Foreign text where people read it: names and titles come from anybody who can write to a system, and a terminal obeys what a character says.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that move a cursor, break a line, or turn the direction in which what follows is read.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// On one line: what would break it, or move the cursor, is a space.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same text, with those characters as they would be written in a program: `\u{1b}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    written(text, is_obeyed, |written, c| write!(written, "\\u{{{:x}}}", u32::from(c)))
}

/// As [`visible`], of a text whose line breaks are our own.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    written(text, |c| is_obeyed(c) && c != '\n', |written, c| write!(written, "\\u{{{:x}}}", u32::from(c)))
}

/// As [`visible`], within the strings of serialised JSON, which means the same. All of them are in the basic plane.
pub(crate) fn visible_json(json: &str) -> Cow<'_, str> {
    written(json, is_obeyed, |written, c| write!(written, "\\u{:04x}", u32::from(c)))
}

fn written(
    text: &str,
    is_meant: impl Fn(char) -> bool,
    write: impl Fn(&mut String, char) -> std::fmt::Result,
) -> Cow<'_, str> {
    if !text.contains(&is_meant) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_meant(c) {
            let _ = write(&mut written, c);
        } else {
            written.push(c);
        }
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(visible("A\u{1b}[31mB\u{7}\n\u{9b}2J"), r"A\u{1b}[31mB\u{7}\u{a}\u{9b}2J");
        assert_eq!(visible("live\u{202e}lave\u{2066}"), r"live\u{202e}lave\u{2066}");
        assert_eq!(one_line("a\x1b[31mb\nc"), "a [31mb c");
        assert_eq!(visible_lines("a\nb\u{202e}"), "a\nb\\u{202e}");
        for plain in ["Müller & Söhne «GmbH»", "שלום", "日本", ""] {
            assert!(matches!(visible(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn json_means_the_same_afterwards() {
        let value = json!({"a": "x\u{1b}\u{202e}\u{9b}\"\\y", "b": ["\u{2028}"]});
        let printed = value.to_string();
        let shown = visible_json(&printed);
        assert!(!shown.chars().any(is_obeyed), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }
}
