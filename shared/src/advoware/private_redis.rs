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
        Self { server, folder }
    }

    pub(crate) async fn cache(&self) -> TokenCache {
        let url = format!("unix://{}", self.folder.path().join("redis.sock").display());
        TokenCache::connect(&RedisSettings::read(&Source::from_iter([("REDIS_URL", url)])).unwrap()).await.unwrap()
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
