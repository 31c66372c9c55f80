//! A place between a hub and PostgreSQL where statements are numbered, and where one of them can be held.
//!
//! A point is what PostgreSQL carries out as a whole: a simple query, or everything up to a `Sync` with an `Execute` in it. Its
//! messages are passed on together, so that a point that is held has not begun. What a connection says when it begins is none,
//! nor what only prepares a statement, asks for a type or whether somebody is there: that depends on which connection a pool gives out.

mod connection;
mod message;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, PrivatePostgres, Result};

/// Where the hub is held. Points are numbered from 1, over all connections of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostgresHold {
    /// PostgreSQL does not get this point.
    Before(u64),
    /// PostgreSQL has carried it out; the client does not get the answer.
    After(u64),
}

impl PostgresHold {
    fn point(self) -> u64 {
        match self {
            Self::Before(point) | Self::After(point) => point,
        }
    }
}

/// A proxy on a port of its own. Dropping it cuts all its connections.
pub struct PostgresProxy {
    address: SocketAddr,
    credentials: String,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

/// What the connections of one proxy share.
struct Shared {
    postgres: SocketAddr,
    hold: Mutex<Option<PostgresHold>>,
    /// The statement of each point so far.
    points: Mutex<Vec<String>>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing passes, on any connection.
    Held,
    Released,
}

impl PostgresProxy {
    /// In front of `postgres`. Without `hold` it only counts.
    pub async fn start(postgres: &PrivatePostgres, hold: Option<PostgresHold>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            postgres: SocketAddr::from((Ipv4Addr::LOCALHOST, postgres.port())),
            hold: Mutex::new(hold),
            points: Mutex::default(),
            state: watch::Sender::new(State::Open),
        });
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        let credentials = format!("{}:{}", postgres.user(), postgres.password());
        Ok(Self { address, credentials, shared, _accepting: accepting })
    }

    /// The way through the proxy to what `database_url` names; password included: not for logs.
    pub fn url_of(&self, database_url: &str) -> String {
        let name = database_url.rsplit('/').next().unwrap_or_default();
        format!("postgres://{}@{}/{name}", self.credentials, self.address)
    }

    /// The points so far, each by its statement.
    pub fn points(&self) -> Vec<String> {
        self.shared.points.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds a point that is counted from now on, in the place of an earlier one.
    pub fn hold_from_now(&self, hold: PostgresHold) {
        let points = self.shared.points.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = points.len() as u64;
        let hold = match hold {
            PostgresHold::Before(point) => PostgresHold::Before(so_far + point),
            PostgresHold::After(point) => PostgresHold::After(so_far + point),
        };
        *self.shared.hold.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
    }

    /// Whether the point has been reached, and is held or was.
    pub fn is_hit(&self) -> bool {
        *self.shared.state.borrow() != State::Open
    }

    /// Completes when the point is held; before, never.
    pub async fn until_hit(&self) -> Result<()> {
        let mut state = self.shared.state.subscribe();
        state.wait_for(|state| *state != State::Open).await.map(drop).map_err(|_| Error::new("the proxy is gone"))
    }

    /// Lets everything go on.
    pub fn release(&self) {
        self.shared.state.send_replace(State::Released);
    }
}

impl Shared {
    /// Notes a point; answers whether it is the one to be held.
    fn note(&self, statement: &str) -> Option<PostgresHold> {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        points.push(statement.to_owned());
        let number = points.len() as u64;
        self.hold.lock().unwrap_or_else(PoisonError::into_inner).filter(|hold| hold.point() == number)
    }

    async fn hold(&self) {
        self.state.send_if_modified(|state| {
            let is_first = *state == State::Open;
            if is_first {
                *state = State::Held;
            }
            is_first
        });
        self.wait_while_held().await;
    }

    async fn wait_while_held(&self) {
        let mut state = self.state.subscribe();
        // The sender lives in `self`.
        let _ = state.wait_for(|state| *state != State::Held).await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // A PostgreSQL that is away refuses; here the connection ends at once, which the client takes the same way.
        let Ok(server) = TcpStream::connect(shared.postgres).await else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        connections.spawn(connection::carry(client, server, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}
