//! A private Redis, and the queue seen from workers that take by hand.

use std::future::Future;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::job::Wants;
use redis::AsyncCommands;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::queue::turn::{Caller, Claim, Ended, Note, Retention, Tended, Turn};
use crate::queue::{Asker, Enqueued, JobView, NewJob, Outcome, Queue, QueueName};

pub(super) const DONE: Outcome = Outcome::Done { follow_up: None };
pub(super) const LEASE: Duration = Duration::from_secs(6);
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

    pub(super) fn kill(&mut self) {
        self.server.kill().expect("kill");
        self.server.wait().expect("wait");
    }

    /// On the same log.
    pub(super) fn start_again(&mut self) {
        self.server = Self::spawn(&self.folder);
    }

    /// It answers nobody any more, and no connection ends.
    pub(super) fn freeze(&mut self) {
        let stop = Command::new("kill").args(["-STOP", &self.server.id().to_string()]).status();
        assert!(stop.expect("kill").success());
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
        self.queue.enqueue(&[job(entity, bits)], asker).await.expect("enqueue").remove(0)
    }

    /// One turn of a worker that has `busy` runs.
    pub(super) async fn turn(&self, worker: &str, wanted: usize, busy: usize, ended: &[Ended]) -> Turn {
        self.queue.work(&caller(worker), LEASE, wanted, busy, ended, false).await.expect("a turn")
    }

    /// Takes up to `wanted` jobs.
    pub(super) async fn take(&self, worker: &str, wanted: usize) -> Vec<Claim> {
        self.turn(worker, wanted, 0, &[]).await.taken
    }

    /// Takes the next job, which must be there.
    pub(super) async fn start(&self, worker: &str) -> Claim {
        self.take(worker, 1).await.pop().expect("a ready job")
    }

    /// Whether the outcome was written.
    pub(super) async fn finish(&self, worker: &str, claim: &Claim, outcome: Outcome) -> bool {
        let ended = Ended { claim: claim.clone(), outcome };
        let turn = self.turn(worker, 0, 0, &[ended]).await;
        assert_eq!((turn.taken, turn.note), (Vec::new(), Note::None));
        turn.written == [true]
    }

    pub(super) async fn done(&self, worker: &str, claim: &Claim) {
        assert!(self.finish(worker, claim, DONE).await);
    }

    /// Triggers `entity` and gives its job up.
    pub(super) async fn give_up(&self, entity: &str) -> Claim {
        self.trigger(entity, 1).await;
        let run = self.start("w").await;
        assert!(self.finish("w", &run, Outcome::GiveUp { reason: format!("gave up {entity}") }).await);
        run
    }

    pub(super) async fn tend(&self) -> Tended {
        self.tend_keeping(Some(Retention::default())).await
    }

    /// However long ago the last look was: what a slow machine does to a test is no gap.
    pub(super) async fn tend_keeping(&self, retention: Option<Retention>) -> Tended {
        let () = self.queue.link.commands().del(self.queue.key("tended")).await.expect("del");
        self.queue.tend(retention).await.expect("tend")
    }

    pub(super) async fn hand_back(&self, worker: &str, leaves: bool, kept: &[(String, u64)]) -> u64 {
        self.queue.hand_back(&caller(worker), leaves, kept).await.expect("hand back")
    }

    /// The process of this run dies, and time passes.
    pub(super) async fn crash(&self, claim: &Claim) -> Tended {
        self.time_comes("running", claim.job.entity()).await;
        self.tend().await
    }

    /// The time of a delayed job comes.
    pub(super) async fn due(&self, entity: &str) {
        self.time_comes("delayed", entity).await;
        assert_eq!(self.tend().await.due, 1);
    }

    /// As if the moment until which the job is in this index had passed.
    pub(super) async fn time_comes(&self, index: &str, entity: &str) {
        let changed: u64 = redis::cmd("ZADD")
            .arg(self.queue.key(index))
            .arg(&["XX", "CH"])
            .arg(1)
            .arg(entity)
            .query_async(&mut self.queue.link.commands())
            .await
            .expect("zadd");
        assert_eq!(changed, 1, "{entity} is not {index}");
    }

    /// Ready, delayed, running, dead.
    pub(super) async fn counts(&self) -> [u64; 4] {
        let counts = self.queue.counts().await.expect("counts");
        [counts.ready, counts.delayed, counts.running, counts.dead]
    }

    pub(super) async fn show(&self, entity: &str) -> Option<JobView> {
        self.queue.show(&[entity.to_owned()]).await.expect("show").pop()
    }

    /// Keys of the queue that exist, without those that outlive the jobs.
    pub(super) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.queue.link.commands().keys("*").await.expect("keys");
        let kept = ["issued", "turns", "workers", "workers:calls", "tended"].map(|key| self.queue.key(key));
        keys.retain(|key| !kept.contains(key));
        keys.sort();
        keys
    }

    /// Nothing of any job is left but tokens that nobody has met yet.
    pub(super) async fn then_empty(&self) {
        assert_eq!(self.counts().await, [0, 0, 0, 0]);
        assert_eq!(self.take("sweeper", 100).await, []);
        assert_eq!(self.keys().await, Vec::<String>::new());
    }
}

/// Every call is later than the one before it.
pub(super) fn caller(name: &str) -> Caller<'_> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Caller { name, call: CALLS.fetch_add(1, Ordering::Relaxed) }
}

pub(super) fn job(entity: &str, bits: u32) -> NewJob {
    NewJob { entity: entity.to_owned(), wants: Wants::from_bits(bits) }
}

pub(super) fn jobs(count: usize) -> Vec<NewJob> {
    (0..count).map(|i| job(&format!("e{i}"), 3)).collect()
}

pub(super) fn retry(delay: Duration) -> Outcome {
    Outcome::RetryAfter { delay, reason: "http 503".to_owned() }
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
