//! When a program is asked to stop.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// When this process was asked.
static ASKED_AT: OnceLock<Instant> = OnceLock::new();

/// What is left of the grace period; all of it where nobody has asked to stop.
pub fn grace_left(grace: Duration) -> Duration {
    ASKED_AT.get().map_or(grace, |asked_at| grace.saturating_sub(asked_at.elapsed()))
}

/// A token that SIGTERM or Ctrl-C cancels. Must be called within a runtime.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        ASKED_AT.get_or_init(Instant::now);
        asked.cancel();
    });
    Ok(token)
}
