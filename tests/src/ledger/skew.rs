//! Machines whose clocks are wrong.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Error, Program, Result};

/// A wall clock that is wrong by a constant, as seen by a program: libfaketime (Debian package `faketime`) answers for the
/// kernel. The monotonic clock stays right, as it does on such a machine.
#[derive(Clone, Debug)]
pub struct Skew {
    library: PathBuf,
    seconds: i64,
}

impl Skew {
    /// Ahead of the true time, or behind it.
    pub fn seconds(seconds: i64) -> Result<Self> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
        let library = libraries.find(|library| library.is_file());
        let library =
            library.ok_or_else(|| Error::new("no libfaketime (package `faketime`): `make setup` installs it"))?;
        Ok(Self { library, seconds })
    }

    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME", format!("{:+}s", self.seconds)),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// What a program under it takes for the time: seconds since 1970.
    pub async fn now_seconds(&self) -> Result<i64> {
        let date = Program::new("/bin/date").arg("+%s").envs(self.environment());
        let answer = date.run(Duration::from_secs(10)).await?.stdout;
        answer.trim().parse().map_err(|_| Error::new(format!("`date` said {answer:?}")))
    }
}
