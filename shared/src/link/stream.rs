//! Opening the stream of bytes to one server.

use std::time::Duration;

use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use redis::{ErrorKind, RedisError};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::address::Endpoint;

/// A listener only reads: without these it would never notice that the other machine is gone.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_PROBES: u32 = 3;

pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(super) async fn open(endpoint: &Endpoint) -> Result<Box<dyn Duplex>, RedisError> {
    match endpoint {
        Endpoint::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Endpoint::Tcp { host, port, tls: false } => Ok(Box::new(tcp(host, *port).await?)),
        Endpoint::Tcp { host, port, tls: true } => {
            let wrong = |_| RedisError::from((ErrorKind::InvalidClientConfig, "this host cannot be in a certificate"));
            let name = ServerName::try_from(host.clone()).map_err(wrong)?;
            let config = crate::tls::client_config().map_err(std::io::Error::other)?;
            Ok(Box::new(TlsConnector::from(config).connect(name, tcp(host, *port).await?).await?))
        }
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, RedisError> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_PROBES);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}
