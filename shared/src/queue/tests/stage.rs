//! A private Redis, and the queue seen from one worker that fetches by hand.

use std::future::Future;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::job::Wants;
use redis::AsyncCommands;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::queue::claim::{Claim, Claimed, Finished};
use crate::queue::{Asker, Enqueued, JobId, NewJob, Outcome, Queue, QueueName};

pub(super) const LEASE: Duration = Duration::from_secs(6);
/// A lease that ends within a test.
pub(super) const SHORT: Duration = Duration::from_millis(30);
const DEADLINE: Duration = Duration::from_secs(30);

/// A Redis server with its log on, in a folder of its own, reached by a socket. Killed when dropped.
pub(super) struct PrivateRedis {
    server: Child,
    folder: TempDir,
}

impl PrivateRedis {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let server = Self::spawn(&folder);
        Self { server, folder }
    }

    fn spawn(folder: &TempDir) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket", "redis.sock"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed")
    }

    /// Kills the server and starts it again on the same log.
    pub(super) fn restart(&mut self) {
        self.server.kill().expect("kill");
        self.server.wait().expect("wait");
        self.server = Self::spawn(&self.folder);
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub(super) struct Stage {
    pub(super) redis: PrivateRedis,
    pub(super) queue: Queue,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let redis = PrivateRedis::start();
        let url = redis.url();
        let queue =
            until("Redis is up", || async { Queue::connect(url.as_str(), QueueName::Beteiligte).await.ok() }).await;
        Self { redis, queue }
    }

    pub(super) async fn trigger(&self, entity: &str, bits: u32) -> Enqueued {
        self.trigger_as(entity, bits, Asker::Event).await
    }

    pub(super) async fn trigger_as(&self, entity: &str, bits: u32, asker: Asker) -> Enqueued {
        let jobs = [NewJob { entity: entity.to_owned(), wants: Wants::from_bits(bits) }];
        self.queue.enqueue(&jobs, asker).await.expect("enqueue").remove(0)
    }

    /// As apalis-redis fetches: the oldest ready id moves into the worker's in-flight set.
    pub(super) async fn fetch(&self, worker: &str) -> Option<JobId> {
        let mut redis = self.queue.link.commands();
        let id: Option<String> = redis.lpop(self.key("active"), None).await.expect("lpop");
        if let Some(id) = &id {
            let () = redis.sadd(self.key(&format!("inflight:{worker}")), id).await.expect("sadd");
        }
        id.map(JobId::new)
    }

    /// As apalis-redis recovers orphans: all that the worker holds becomes ready again.
    pub(super) async fn declare_dead(&self, worker: &str) {
        let mut redis = self.queue.link.commands();
        let held: Vec<String> = redis.smembers(self.key(&format!("inflight:{worker}"))).await.expect("smembers");
        let () = redis.del(self.key(&format!("inflight:{worker}"))).await.expect("del");
        if !held.is_empty() {
            let () = redis.rpush(self.key("active"), held).await.expect("rpush");
        }
    }

    pub(super) async fn claim(&self, worker: &str, job: &JobId, lease: Duration) -> Claimed {
        let key = fastrand::u64(..).to_string();
        self.queue.claim(worker, job, &key, lease).await.expect("claim")
    }

    /// Fetches and claims the next job, which must be there.
    pub(super) async fn start(&self, worker: &str, lease: Duration) -> Claim {
        let job = self.fetch(worker).await.expect("a ready job");
        self.start_job(worker, &job, lease).await
    }

    pub(super) async fn start_job(&self, worker: &str, job: &JobId, lease: Duration) -> Claim {
        match self.claim(worker, job, lease).await {
            Claimed::Run(claim) => claim,
            other => panic!("not to be run: {other:?}"),
        }
    }

    pub(super) async fn finish(&self, worker: &str, claim: &Claim, outcome: Outcome) -> Finished {
        self.queue.finish(worker, claim, &outcome).await.expect("finish")
    }

    pub(super) async fn done(&self, worker: &str, claim: &Claim) {
        let finished = self.finish(worker, claim, Outcome::Done { follow_up: None }).await;
        assert_eq!(finished, Finished::Written);
    }

    /// Ready, delayed, running, dead.
    pub(super) async fn counts(&self) -> [u64; 4] {
        let counts = self.queue.counts().await.expect("counts");
        [counts.ready, counts.delayed, counts.running, counts.dead]
    }

    /// Promotes until `n` jobs became ready.
    pub(super) async fn promoted(&self, n: u64) {
        let mut promoted = 0;
        let deadline = Instant::now() + DEADLINE;
        while promoted < n {
            promoted += self.queue.promote().await.expect("promote").0;
            assert!(Instant::now() < deadline, "promoted {promoted} of {n}");
        }
        assert_eq!(promoted, n);
    }

    /// Keys of the queue that exist, without what apalis-redis and the counter keep in any case.
    pub(super) async fn keys(&self) -> Vec<String> {
        let mut redis = self.queue.link.commands();
        let mut keys: Vec<String> = redis.keys("*").await.expect("keys");
        let kept = ["book:issued", "workers", "signal"].map(|key| self.key(key));
        keys.retain(|key| {
            !kept.contains(key) && key != "core:apalis:queues:list" && !key.contains(":workers:metadata:")
        });
        keys.sort();
        keys
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.queue.prefix)
    }
}

/// Asks until the answer is there; fails after a deadline that no healthy machine reaches.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
