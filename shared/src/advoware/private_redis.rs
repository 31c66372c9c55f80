//! A Redis for one test.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::TokenCache;
use crate::settings::{RedisSettings, Source};

/// A Redis of one's own, without a port; ends with the test.
pub(crate) struct PrivateRedis {
    server: Child,
    folder: tempfile::TempDir,
}

impl PrivateRedis {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self::serve(&folder).await;
        Self { server, folder }
    }

    async fn serve(folder: &tempfile::TempDir) -> Child {
        let socket = folder.path().join("redis.sock");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        while tokio::net::UnixStream::connect(&socket).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server
    }

    /// After [`Self::kill`]: an empty one at the same address.
    pub(crate) async fn start_again(&mut self) {
        self.server = Self::serve(&self.folder).await;
    }

    pub(crate) async fn cache(&self) -> TokenCache {
        let url = self.url();
        TokenCache::connect(&RedisSettings::read(&Source::from_iter([("REDIS_URL", url)])).unwrap()).await.unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }

    /// Ends the server while its clients go on.
    pub(crate) fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.kill();
    }
}
