//! As much of PostgreSQL's protocol as it takes to tell messages apart.

use std::collections::HashMap;

/// Bytes of a statement that a point is called by.
const STATEMENT_LONGEST: usize = 80;
const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// Length of the first message in `buffer` if it is complete. The first one of a connection has no type.
pub(super) fn length(buffer: &[u8], has_type: bool) -> Option<usize> {
    let start = usize::from(has_type);
    let field: [u8; 4] = buffer.get(start..start + 4)?.try_into().ok()?;
    let length = start + usize::try_from(u32::from_be_bytes(field)).ok()?;
    (buffer.len() >= length).then_some(length)
}

/// A client's question whether the server speaks TLS, which stands in the place of the first message.
pub(super) fn asks_for_tls(message: &[u8]) -> bool {
    message.get(4..) == Some(&SSL_REQUEST)
}

/// What the client library asks once on each connection about an enum of ours.
const TYPE_LOOKUP: &str = "SELECT pg_type.oid, ";

/// What one connection has prepared, and what its next point is about.
#[derive(Default)]
pub(super) struct Statements {
    by_name: HashMap<String, String>,
    current: String,
    executes: bool,
}

/// What a client's message completes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing yet.
    Nothing,
    /// Something that PostgreSQL answers and that does nothing: a statement prepared, a connection tried.
    Harmless,
    /// A point.
    Point(String),
}

impl Statements {
    /// Reads a client's message.
    pub(super) fn read(&mut self, message: &[u8]) -> Ended {
        let body = message.get(5..).unwrap_or_default();
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match message.first() {
            Some(b'Q') => return Ended::Point(shortened(&texts.next().unwrap_or_default())),
            Some(b'P') => {
                let (name, statement) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                self.current = shortened(&statement);
                self.by_name.insert(name, self.current.clone());
            }
            Some(b'B') => {
                let name = texts.nth(1).unwrap_or_default();
                self.current = self.by_name.get(&name).cloned().unwrap_or(name);
            }
            Some(b'E') => self.executes = true,
            Some(b'S') => {
                let statement = std::mem::take(&mut self.current);
                let executes = std::mem::take(&mut self.executes) && !statement.starts_with(TYPE_LOOKUP);
                return if executes { Ended::Point(statement) } else { Ended::Harmless };
            }
            _ => {}
        }
        Ended::Nothing
    }
}

fn shortened(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    words.join(" ").chars().take(STATEMENT_LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    #[test]
    fn messages_are_told_apart_only_when_complete() {
        let query = message(b'Q', b"SELECT 1\0");
        assert_eq!(length(&query, true), Some(query.len()));
        assert_eq!(length(&query[..query.len() - 1], true), None);
        assert_eq!(length(&query[..3], true), None);
        assert!(asks_for_tls(&[&8_u32.to_be_bytes()[..], &SSL_REQUEST].concat()));
    }

    #[test]
    fn points_are_called_by_their_statement() {
        let mut statements = Statements::default();
        let select = || Ended::Point("SELECT 2".to_owned());
        assert_eq!(statements.read(&message(b'Q', b"BEGIN\0")), Ended::Point("BEGIN".to_owned()));
        assert_eq!(statements.read(&message(b'P', b"s1\0SELECT\n  2\0\0\0")), Ended::Nothing);
        assert_eq!(statements.read(&message(b'S', b"")), Ended::Harmless, "prepared only");
        assert_eq!(statements.read(&message(b'B', b"\0s1\0\0\0")), Ended::Nothing);
        assert_eq!(statements.read(&message(b'E', b"\0\0\0\0\0")), Ended::Nothing);
        assert_eq!(statements.read(&message(b'S', b"")), select());
        assert_eq!(statements.read(&message(b'S', b"")), Ended::Harmless, "a connection tried");
        statements.read(&message(b'P', b"\0SELECT pg_type.oid,\n  typname\0\0\0"));
        statements.read(&message(b'E', b"\0\0\0\0\0"));
        assert_eq!(statements.read(&message(b'S', b"")), Ended::Harmless, "types of a connection");
    }
}
