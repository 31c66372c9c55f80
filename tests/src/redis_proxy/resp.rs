//! Just enough of Redis' protocol (RESP 2 and 3) to see where a request and a reply end.

/// Length in bytes of the first whole message in `bytes`; `None`: its end has not arrived yet.
pub(super) fn message_length(bytes: &[u8]) -> Option<usize> {
    let head_length = line_length(bytes)?;
    let count = || std::str::from_utf8(&bytes[1..head_length - 2]).ok()?.parse::<i64>().ok();
    match bytes[0] {
        // Texts and blobs carry their length; -1 stands for none.
        b'$' | b'=' | b'!' => match usize::try_from(count()?) {
            Ok(length) => Some(head_length + length + 2).filter(|end| bytes.len() >= *end),
            Err(_) => Some(head_length),
        },
        b'*' | b'~' | b'>' => parts_end(bytes, head_length, count()?),
        b'%' | b'|' => parts_end(bytes, head_length, count()? * 2),
        // Simple strings, errors, numbers: the line is all.
        _ => Some(head_length),
    }
}

fn parts_end(bytes: &[u8], mut end: usize, parts: i64) -> Option<usize> {
    for _ in 0..parts {
        end += message_length(bytes.get(end..)?)?;
    }
    Some(end)
}

/// With its `\r\n`.
fn line_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n").map(|position| position + 2)
}

/// The words of a request: an array of texts.
pub(super) fn words(request: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let Some(mut at) = line_length(request) else { return words };
    while let Some(length) = request.get(at..).and_then(message_length) {
        let text = &request[at..at + length];
        let head_length = line_length(text).unwrap_or_default();
        words.push(String::from_utf8_lossy(&text[head_length..length - 2]).into_owned());
        at += length;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_where_they_end() {
        for whole in
            ["+OK\r\n", "$-1\r\n", "$2\r\n\r\n\r\n", "*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "*-1\r\n", "%1\r\n+a\r\n:1\r\n"]
        {
            assert_eq!(message_length(format!("{whole}+next\r\n").as_bytes()), Some(whole.len()), "{whole:?}");
            for cut in 1..whole.len() {
                assert_eq!(message_length(&whole.as_bytes()[..cut]), None, "{whole:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn words_of_a_request() {
        assert_eq!(words(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"), ["GET", ""]);
    }
}
