//! A master, a replica and three Sentinels of one's own.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use redis::aio::MultiplexedConnection;

use crate::folder::RunFolder;
use crate::installed::{random_hex, redis_server};
use crate::port::ReservedPort;
use crate::private_redis::{PrivateRedis, RedisOptions, config};
use crate::process::{EndSignal, Launch, Process};
use crate::wait::eventually;
use crate::{Certificates, Result};

/// What the Sentinels call the master and its replica.
pub const SENTINEL_SERVICE: &str = "jobs";

/// On a busy machine a Sentinel may find its own timers late; it then looks on for half a minute before it acts.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Two Redis servers, of which the Sentinels keep one the master. Everything has a password.
#[derive(Debug)]
pub struct PrivateSentinels {
    sentinels: Vec<Sentinel>,
    servers: [PrivateRedis; 2],
    password: String,
    tls: bool,
}

#[derive(Debug)]
struct Sentinel {
    // Declared, and so dropped, before its folder.
    _process: Process,
    port: ReservedPort,
    folder: RunFolder,
}

impl PrivateSentinels {
    /// Starts all and returns when the Sentinels know each other and the replica.
    pub async fn start() -> Result<Self> {
        Self::start_with(None).await
    }

    /// The same, every port speaking TLS.
    pub async fn start_with(tls: Option<&Certificates>) -> Result<Self> {
        let master = PrivateRedis::start_with(RedisOptions { tls, replica_of: None }).await?;
        let replica = PrivateRedis::start_with(RedisOptions { tls, replica_of: Some(&master) }).await?;
        eventually(READY_WITHIN, "the replica has the master's data", async || follows(&replica).await == Ok(true))
            .await?;
        let password = random_hex()?;
        let sentinels = (0..3).map(|_| Sentinel::start(&password, &master, tls)).collect::<Result<_>>()?;
        let started = Self { sentinels, servers: [master, replica], password, tls: tls.is_some() };
        eventually(READY_WITHIN, "the Sentinels know all", async || started.know_all().await == Ok(true)).await?;
        Ok(started)
    }

    /// `redis+sentinel://...`, or `rediss+sentinel://...`. Holds passwords: not for logs.
    pub fn url_of_database(&self, number: u8) -> String {
        let scheme = if self.tls { "rediss+sentinel" } else { "redis+sentinel" };
        let hosts: Vec<String> = self.sentinels.iter().map(|sentinel| sentinel.port.address()).collect();
        let (hosts, password) = (hosts.join(","), self.servers[0].password());
        let own = &self.password;
        format!("{scheme}://:{password}@{hosts}/{SENTINEL_SERVICE}/{number}?sentinel_password={own}")
    }

    /// Whichever of the two is the master now.
    pub async fn master(&self) -> Result<&PrivateRedis> {
        let is_master = async |redis: &PrivateRedis| redis.pid().is_some() && role(redis).await == "master";
        let found = eventually(READY_WITHIN, "one is the master", async || {
            let (first, second) = (is_master(&self.servers[0]).await, is_master(&self.servers[1]).await);
            (first != second).then_some(usize::from(second))
        });
        Ok(&self.servers[found.await?])
    }

    /// The port that all Sentinels name as the master's; `None` while they do not agree.
    pub async fn named_port(&self) -> Result<Option<u16>> {
        let mut named = None;
        for sentinel in &self.sentinels {
            let command = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(SENTINEL_SERVICE).to_owned();
            let (_, port): (String, u16) = command.query_async(&mut sentinel.connection(&self.password).await?).await?;
            if named.is_some_and(|other| other != port) {
                return Ok(None);
            }
            named = Some(port);
        }
        Ok(named)
    }

    /// Has the Sentinels make the replica the master, though the master is well. Returns at once.
    pub async fn swap(&self) -> Result<()> {
        let mut sentinel = self.sentinels[0].connection(&self.password).await?;
        Ok(redis::cmd("SENTINEL").arg("FAILOVER").arg(SENTINEL_SERVICE).query_async(&mut sentinel).await?)
    }

    /// What the Sentinels have logged so far.
    pub fn log(&self) -> String {
        let log = |sentinel: &Sentinel| fs::read_to_string(sentinel.folder.path().join("sentinel/log"));
        self.sentinels.iter().filter_map(|sentinel| log(sentinel).ok()).collect()
    }

    /// Each knows the other two, and has heard from the replica that it follows: before, it would find none to promote.
    async fn know_all(&self) -> Result<bool> {
        for sentinel in &self.sentinels {
            let mut connection = sentinel.connection(&self.password).await?;
            let others = redis::cmd("SENTINEL").arg("SENTINELS").arg(SENTINEL_SERVICE).to_owned();
            let others: Vec<BTreeMap<String, String>> = others.query_async(&mut connection).await?;
            let replicas = redis::cmd("SENTINEL").arg("REPLICAS").arg(SENTINEL_SERVICE).to_owned();
            let replicas: Vec<BTreeMap<String, String>> = replicas.query_async(&mut connection).await?;
            let is =
                |facts: &BTreeMap<String, String>, name, value: &str| facts.get(name).is_some_and(|is| is == value);
            let follows = |replica| is(replica, "flags", "slave") && is(replica, "master-link-status", "ok");
            if others.len() != 2
                || !others.iter().all(|other| is(other, "flags", "sentinel"))
                || !replicas.iter().any(follows)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Sentinel {
    fn start(password: &str, master: &PrivateRedis, tls: Option<&Certificates>) -> Result<Self> {
        let folder = RunFolder::create()?;
        let data = folder.subfolder("sentinel", None)?;
        let port = ReservedPort::reserve()?;
        let lines = config::of_sentinel(&port, password, SENTINEL_SERVICE, master, tls);
        config::write_private(&data.join("sentinel.conf"), &lines)?;
        let process = Process::start(&Launch {
            program: redis_server()?,
            args: vec!["sentinel.conf".into(), "--sentinel".into()],
            env: BTreeMap::from([("LC_ALL".into(), "C.UTF-8".into())]),
            stdout: data.join("log"),
            stderr: data.join("log"),
            folder: data,
            account: None,
            end_signal: EndSignal::Kill,
        })?;
        Ok(Self { _process: process, port, folder })
    }

    async fn connection(&self, password: &str) -> Result<MultiplexedConnection> {
        let socket = self.folder.path().join("sentinel/sentinel.sock");
        let url = format!("redis+unix://{}?pass={password}", socket.display());
        Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
    }
}

async fn follows(replica: &PrivateRedis) -> Result<bool> {
    let facts: String = redis::cmd("INFO").arg("replication").query_async(&mut replica.connection().await?).await?;
    Ok(facts.contains("master_link_status:up"))
}

/// Empty if it does not answer.
async fn role(redis: &PrivateRedis) -> String {
    let asked = async {
        let facts: String = redis::cmd("INFO").arg("replication").query_async(&mut redis.connection().await?).await?;
        Result::Ok(facts)
    };
    let facts = asked.await.unwrap_or_default();
    facts.lines().find_map(|line| line.strip_prefix("role:")).unwrap_or_default().trim().to_owned()
}
