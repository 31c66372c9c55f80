//! TCP ports for servers that cannot bind port 0 themselves, without the usual race.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::{Error, Result};

/// Where candidates come from when the kernel's own range for outgoing connections does not say otherwise.
const CANDIDATES: Range<u16> = 20_000..32_000;

/// A TCP port on 127.0.0.1 that is ours until this value is dropped, also across a restart of the server that uses it.
///
/// Two precautions replace the race of "bind port 0, close, hand the number on":
/// * the number lies below the kernel's ephemeral range, so no outgoing connection and no `bind(0)` can take it;
/// * as long as the value lives it holds the *UDP* port of the same number. Every harness process takes that first,
///   so two never choose the same port, and the kernel frees it when the process ends in whatever way.
///
/// A foreign server may still bind it in between; starting a server therefore tries again with another port.
#[derive(Debug)]
pub struct ReservedPort {
    /// Held, never read.
    _token: UdpSocket,
    number: u16,
}

impl ReservedPort {
    pub fn reserve() -> Result<Self> {
        static TAKEN_BEFORE: AtomicU16 = AtomicU16::new(0);
        let range = below_ephemeral(CANDIDATES);
        let width = range.end - range.start;
        // Processes start at different places, so that they do not try each other's ports first.
        let offset = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(width)).unwrap_or_default();
        for _ in 0..width {
            let step = TAKEN_BEFORE.fetch_add(1, Ordering::Relaxed);
            let number = range.start + offset.wrapping_add(step) % width;
            let Ok(token) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { _token: token, number });
            }
        }
        Err(Error::new(format!("no free port on 127.0.0.1 between {} and {}", range.start, range.end)))
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:number`.
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.number)
    }
}

impl fmt::Display for ReservedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number, f)
    }
}

fn below_ephemeral(wanted: Range<u16>) -> Range<u16> {
    let lowest_ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u16>().ok())
        .unwrap_or(wanted.end);
    // Some machines let the kernel use nearly everything; then the reservation by UDP has to be enough.
    if lowest_ephemeral > wanted.start + 1_000 { wanted.start..lowest_ephemeral.min(wanted.end) } else { wanted }
}
