//! Folders for the data of private servers, removed on drop and, after a kill, by whoever comes next.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::installed::Account;

const PREFIX: &str = "kanzleisync-run-";
const OWNER_FILE: &str = "owner";
/// The folder itself may be crossed by the server's account; what is inside belongs to that account alone.
const PASSABLE: u32 = 0o711;
const PRIVATE: u32 = 0o700;

/// One folder below the temporary folder, locked for as long as its owner lives.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Held, never read: the kernel frees the lock when the owner ends, which is how a left-over is recognised.
    _lock: File,
}

impl RunFolder {
    /// Makes a folder, after removing those whose owner was killed.
    pub(crate) fn create() -> Result<Self> {
        let parent = parent_folder();
        sweep(&parent);
        // It gets its final name only when the lock is held: a sweep never sees it unlocked.
        let fresh = tempfile::Builder::new().prefix("kanzleisync-new-").tempdir_in(&parent)?;
        fs::set_permissions(fresh.path(), fs::Permissions::from_mode(PASSABLE))?;
        let lock = File::create(fresh.path().join(OWNER_FILE))?;
        lock.lock()?;
        let suffix = fresh.path().file_name().unwrap_or_default().to_string_lossy().replace("kanzleisync-new-", PREFIX);
        let path = parent.join(suffix);
        fs::rename(fresh.path(), &path)?;
        // The name it knew is gone; nothing is left for it to remove.
        let _ = fresh.keep();
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A subfolder that only `account` (else the current one) may enter.
    pub(crate) fn subfolder(&self, name: &str, account: Option<&Account>) -> Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new().mode(PRIVATE).create(&path)?;
        if let Some(account) = account {
            chown(&path, Some(account.uid), Some(account.gid))?;
        }
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // What cannot be removed now (a server's last write) is swept by the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// `/tmp` for root, whose own temporary folder may be closed to the account that PostgreSQL runs under.
fn parent_folder() -> PathBuf {
    if rustix::process::geteuid().is_root() { PathBuf::from("/tmp") } else { std::env::temp_dir() }
}

/// Removes folders of ours whose owner is gone: nobody holds their lock.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let me = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|about| about.is_dir() && about.uid() == me);
        if ours && is_abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    File::open(folder.join(OWNER_FILE)).is_ok_and(|file| file.try_lock().is_ok())
}
