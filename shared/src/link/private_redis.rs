//! A Redis for one test.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A Redis of one's own, without a port and without files; ends with the test. Another server program, such as Valkey, is
/// tested by a PATH that has it as `redis-server`.
pub(crate) struct PrivateRedis {
    server: Child,
    folder: tempfile::TempDir,
}

impl PrivateRedis {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = Self { server: spawn(&folder), folder };
        redis.accepts().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Kills it; [`Self::start_again`] gives an empty one at the same place.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        std::fs::remove_file(self.socket()).unwrap();
        self.server = spawn(&self.folder);
        self.accepts().await;
    }

    /// Freezes it, or lets it go on: connections stay open meanwhile, nothing is answered.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.server.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("redis.sock")
    }

    async fn accepts(&self) {
        while tokio::net::UnixStream::connect(self.socket()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn spawn(folder: &tempfile::TempDir) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
