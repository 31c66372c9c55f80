//! A place between one program and Redis where its calls are counted, and where one of them can meet a fault.
//!
//! Script calls and the channel of wake-ups are what the queue is made of, so those are counted; what a connection says when it
//! begins, or to see whether Redis is there, is not.

mod connection;
mod resp;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, PrivateRedis, Result};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// Nothing passes any more, beginning with this request: it never reaches Redis. For a kill before the call.
    FreezeBefore,
    /// Redis carries the request out; its answer and all else stay here. For a kill after the call.
    FreezeAfter,
    /// The connection is cut, and the request never reaches Redis.
    CutBefore,
    /// Redis carries the request out, and the connection is cut before the answer.
    CutAfter,
}

impl ProxyFault {
    fn is_after(self) -> bool {
        matches!(self, Self::FreezeAfter | Self::CutAfter)
    }

    fn freezes(self) -> bool {
        matches!(self, Self::FreezeBefore | Self::FreezeAfter)
    }
}

/// One of a program's calls: the `nth` (from 1) of that name. Programs do several things at once, so a number among all calls
/// would name another call in each run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxyCall {
    /// A command, or a script by the beginning of its hash.
    pub name: String,
    pub nth: u64,
}

/// A proxy on a port of its own; gone with this value.
pub struct RedisProxy {
    url: String,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

/// What the connections of one proxy share.
struct Shared {
    redis: SocketAddr,
    fault: Option<(ProxyCall, ProxyFault)>,
    /// How often each was made so far.
    calls: Mutex<BTreeMap<String, u64>>,
    /// Set when the fault has happened.
    hit: watch::Sender<bool>,
}

/// What becomes of a request.
enum Verdict {
    Pass,
    Fault(ProxyFault),
}

impl RedisProxy {
    /// In front of `redis`; a `fault` at that call.
    pub async fn start(redis: &PrivateRedis, fault: Option<(ProxyCall, ProxyFault)>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            redis: SocketAddr::from((Ipv4Addr::LOCALHOST, redis.port())),
            fault,
            calls: Mutex::default(),
            hit: watch::Sender::new(false),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        let url = format!("redis://:{}@{address}/0", redis.password());
        Ok(Self { url, shared, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// As [`PrivateRedis::url`], through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<ProxyCall> {
        let calls = self.shared.calls();
        calls.iter().flat_map(|(name, count)| (1..=*count).map(|nth| ProxyCall { name: name.clone(), nth })).collect()
    }

    /// Whether the fault has happened.
    pub fn is_hit(&self) -> bool {
        *self.shared.hit.borrow()
    }

    /// Completes when the fault has happened; before, never.
    pub async fn until_hit(&self) -> Result<()> {
        let mut hit = self.shared.hit.subscribe();
        hit.wait_for(|hit| *hit).await.map(drop).map_err(|_| Error::new("the proxy is gone"))
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, request: &[u8]) -> Verdict {
        let Some(name) = counted_name(&resp::words(request)) else { return Verdict::Pass };
        let mut calls = self.calls();
        let nth = calls.entry(name.clone()).or_default();
        *nth += 1;
        match &self.fault {
            Some((at, fault)) if at.name == name && at.nth == *nth => Verdict::Fault(*fault),
            _ => Verdict::Pass,
        }
    }

    fn is_frozen(&self) -> bool {
        *self.hit.borrow() && self.fault.as_ref().is_some_and(|(_, fault)| fault.freezes())
    }
}

/// `None`: it does not count.
fn counted_name(words: &[String]) -> Option<String> {
    let command = words.first()?.to_ascii_uppercase();
    match command.as_str() {
        "EVALSHA" | "EVALSHA_RO" => Some(words.get(1)?.chars().take(8).collect()),
        "HELLO" | "AUTH" | "CLIENT" | "SELECT" | "PING" | "INFO" => None,
        _ => Some(command),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if !shared.is_frozen() {
            // A Redis that is away refuses; here the connection ends at once, which the client takes the same way.
            let Ok(server) = TcpStream::connect(shared.redis).await else { continue };
            connections.spawn(connection::carry(client, server, Arc::clone(&shared)));
        }
        while connections.try_join_next().is_some() {}
    }
}
