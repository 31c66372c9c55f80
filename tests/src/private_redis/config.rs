//! The configuration files of Redis and of Sentinel.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{PrivateRedis, RedisOptions};
use crate::port::ReservedPort;
use crate::{Certificates, Result};

/// Durable as in production.
pub(super) fn of_redis(port: &ReservedPort, password: &str, options: RedisOptions<'_>) -> String {
    let mut lines = listening(port, options.tls);
    lines.push_str("unixsocket redis.sock\nappendonly yes\nappendfsync everysec\nsave \"\"\n");
    // Who may be asked to follow another needs the password as well as who follows from the start.
    let _ = writeln!(lines, "requirepass {password}\nmasterauth {password}\nrepl-diskless-sync-delay 0");
    if let Some(master) = options.replica_of {
        let _ = writeln!(lines, "replicaof 127.0.0.1 {}", master.port());
    }
    lines
}

/// One of three Sentinels, quick to notice.
pub(crate) fn of_sentinel(
    port: &ReservedPort,
    password: &str,
    service: &str,
    master: &PrivateRedis,
    tls: Option<&Certificates>,
) -> String {
    let (master_port, master_password) = (master.port(), master.password());
    listening(port, tls)
        + &format!(
            "unixsocket sentinel.sock\nrequirepass {password}\nsentinel sentinel-pass {password}\n\
             sentinel monitor {service} 127.0.0.1 {master_port} 2\nsentinel auth-pass {service} {master_password}\n\
             sentinel down-after-milliseconds {service} 500\nsentinel failover-timeout {service} 2000\n"
        )
}

fn listening(port: &ReservedPort, tls: Option<&Certificates>) -> String {
    let mut lines = "bind 127.0.0.1\ndaemonize no\n".to_owned();
    let Some(certificates) = tls else { return lines + &format!("port {port}\n") };
    let _ = writeln!(lines, "port 0\ntls-port {port}\ntls-replication yes\ntls-auth-clients no");
    let _ = writeln!(lines, "tls-cert-file {}", certificates.certificate().display());
    let _ = writeln!(lines, "tls-key-file {}", certificates.key().display());
    let _ = writeln!(lines, "tls-ca-cert-file {}", certificates.authority().display());
    lines
}

/// Passwords go into a file that only we can read: arguments are visible to every account of the machine.
pub(crate) fn write_private(path: &Path, lines: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(lines.as_bytes())?)
}
