//! Where the server programs, the accounts and our own binaries are found on this machine.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const INSTALL: &str = "`make setup` installs it (Debian, Ubuntu)";
/// Where Debian and Ubuntu keep the server programs, one folder per major version; none of them is in PATH.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";
/// Where `scripts/setup-google-client.sh` makes the Python environment, in the repository.
const GOOGLE_CLIENT_PYTHON: &str = "target/google-client/bin/python";
const POSTGRES_ACCOUNT: &str = "postgres";

/// A Unix account that a server is run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Folder with `postgres` and `initdb`: the newest packaged version, else what is in PATH.
pub(crate) fn postgres_folder() -> Result<PathBuf> {
    let packaged = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten().filter_map(|entry| {
        let major: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        is_postgres_folder(&folder).then_some((major, folder))
    });
    packaged
        .max()
        .map(|(_, folder)| folder)
        .or_else(|| folders_in_path().into_iter().find(|folder| is_postgres_folder(folder)))
        .ok_or_else(|| Error::new(format!("no PostgreSQL server (package `postgresql`): {INSTALL}")))
}

fn is_postgres_folder(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// Redis, or another server program that PATH has under this name, such as Valkey.
pub(crate) fn redis_server() -> Result<PathBuf> {
    program_in_path("redis-server")
        .ok_or_else(|| Error::new(format!("no `redis-server` (package `redis-server`): {INSTALL}")))
}

pub(crate) fn prometheus() -> Result<PathBuf> {
    program_in_path("prometheus").ok_or_else(|| {
        Error::new("no `prometheus` (package `prometheus`): `bash scripts/setup.sh monitoring` installs it")
    })
}

/// Chromium, or Chrome.
pub(crate) fn chromium() -> Result<PathBuf> {
    ["chromium", "google-chrome"].into_iter().find_map(program_in_path).ok_or_else(no_browser)
}

/// What drives it; of the browser's version.
pub(crate) fn chromedriver() -> Result<PathBuf> {
    program_in_path("chromedriver").ok_or_else(no_browser)
}

fn no_browser() -> Error {
    Error::new(
        "no browser (packages `chromium` and `chromium-driver`, or Chrome with its `chromedriver`): \
         `bash scripts/setup.sh browser` installs it on Debian",
    )
}

pub(crate) fn openssl() -> Result<PathBuf> {
    program_in_path("openssl")
        .ok_or_else(|| Error::new("no `openssl` (package `openssl`, which `postgresql` brings along)"))
}

pub(crate) fn setpriv() -> Result<PathBuf> {
    program_in_path("setpriv")
        .ok_or_else(|| Error::new("no `setpriv` (package `util-linux`, part of every Debian and Ubuntu)"))
}

/// A Python that has Google's own client library.
pub fn google_client_python() -> Result<PathBuf> {
    let python = in_repository(GOOGLE_CLIENT_PYTHON);
    if python.is_file() {
        return Ok(python);
    }
    Err(Error::new("Google's client library is not installed: `bash scripts/setup-google-client.sh` does it"))
}

/// A file that is no program of ours, by its path from the repository's root.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The account that PostgreSQL runs under: it refuses to run as root, so root hands it to `postgres`.
pub(crate) fn postgres_account() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    accounts.lines().find_map(postgres_entry).map(Some).ok_or_else(|| {
        Error::new(format!("no account `{POSTGRES_ACCOUNT}` (comes with the package `postgresql`): {INSTALL}"))
    })
}

fn postgres_entry(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| *name == POSTGRES_ACCOUNT)?.to_owned();
    let _password = fields.next()?;
    Some(Account { name, uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

/// One of this workspace's binaries, from the same build folder as the running test or program.
///
/// Cargo builds the binaries of other packages only when asked to, so a missing one says how.
pub fn built_binary(name: &str) -> Result<PathBuf> {
    let running = std::env::current_exe()?;
    let folders = running.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file());
    found.ok_or_else(|| {
        Error::new(format!("`{name}` is not built: `make test` does it, or `cargo build --workspace --bins`"))
    })
}

/// A program by its name, if this machine has it.
pub(crate) fn program_in_path(program: &str) -> Option<PathBuf> {
    folders_in_path().into_iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// The folders of PATH, and the usual ones after them: a user's PATH on Debian lacks the `sbin` folders.
fn folders_in_path() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "PATH is the machine's, not a setting of the product")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = OsStr::new("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    std::env::split_paths(&path).chain(std::env::split_paths(usual)).collect()
}

/// 128 random bits as hex digits: a password for a server of ours.
pub(crate) fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
