//! The file that holds the webhooks' keys.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// Puts `value` into the file at `path`, which nobody else can read at any moment; one that is there is replaced as a whole.
pub(super) fn write(path: &Path, value: &SecretString) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", uuid::Uuid::new_v4()));
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(value.expose_secret().as_bytes()).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        // Not to leave keys about; the first error is the one to tell.
        let _ = fs::remove_file(&new);
    }
    placed
}
