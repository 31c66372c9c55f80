//! The one error of the harness: a sentence for the person who reads the failed run.

use std::fmt;

/// What went wrong, in words. Tests do not tell errors of the harness apart, people read them.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

/// Result of everything in the harness that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The same error with what was being done put in front.
    #[must_use]
    pub fn while_doing(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As `Display`: a test that returns `Err` is reported through `Debug`, and log excerpts must stay readable there.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

macro_rules! from_errors {
    ($($source:ty),+ $(,)?) => { $(
        impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self(error.to_string())
            }
        }
    )+ };
}

from_errors!(std::io::Error, rustix::io::Errno, redis::RedisError, sqlx::Error);
