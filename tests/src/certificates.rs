//! An authority of one's own and a server certificate from it, as a firm has them that runs its servers itself.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::folder::RunFolder;
use crate::installed::openssl;
use crate::{Error, Result};

/// Files of an authority and of a certificate for `127.0.0.1` and `localhost`; removed on drop.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
    _owner: RunFolder,
}

impl Certificates {
    pub fn make() -> Result<Self> {
        let owner = RunFolder::create()?;
        let folder = owner.subfolder("certificates", None)?;
        let subject = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n\
                       subjectAltName=IP:127.0.0.1,DNS:localhost\n";
        fs::write(folder.join("extensions"), subject)?;
        for key in ["authority.key", "server.key"] {
            // Made first, so that openssl writes into a file that only we can read.
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(key))?;
        }
        let elliptic = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        run(
            &folder,
            &format!("req -x509 {elliptic} -subj /CN=authority -days 2 -keyout authority.key -out authority.pem"),
        )?;
        run(&folder, &format!("req {elliptic} -subj /CN=server -keyout server.key -out server.csr"))?;
        run(
            &folder,
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -set_serial 1 -days 2 -extfile extensions \
             -out server.pem",
        )?;
        Ok(Self { folder, _owner: owner })
    }

    /// Whom to trust; for `SSL_CERT_FILE`.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("server.key")
    }
}

fn run(folder: &Path, arguments: &str) -> Result<()> {
    let mut command = Command::new(openssl()?);
    let output = command.args(arguments.split_whitespace()).current_dir(folder).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::new(format!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr))))
}
