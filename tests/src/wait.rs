//! Waiting: the only place of the harness that lets time pass.

use std::fmt::Display;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Error, Result};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a condition of [`eventually`] may answer: yes or no, a value once there is one, or the reason why not yet.
pub trait Condition {
    type Value;

    /// The value if the condition holds, else why not (may be empty).
    fn met(self) -> std::result::Result<Self::Value, String>;
}

impl Condition for bool {
    type Value = ();

    fn met(self) -> std::result::Result<(), String> {
        if self { Ok(()) } else { Err(String::new()) }
    }
}

impl<T> Condition for Option<T> {
    type Value = T;

    fn met(self) -> std::result::Result<T, String> {
        self.ok_or_else(String::new)
    }
}

impl<T, E: Display> Condition for std::result::Result<T, E> {
    type Value = T;

    fn met(self) -> std::result::Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Asks again and again until `condition` holds and answers with its value; gives up after `within`.
///
/// The condition itself is cut off at the deadline too, so one that hangs fails with the same clear message.
/// `what` completes the sentence "not within 5s: ...".
pub async fn eventually<C: Condition>(
    within: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> C,
) -> Result<C::Value> {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut last = String::new();
    while let Ok(answer) = timeout_at(deadline, condition()).await {
        match answer.met() {
            Ok(value) => return Ok(value),
            Err(reason) => last = reason,
        }
        if Instant::now() + pause >= deadline {
            break;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let reason = if last.is_empty() { last } else { format!(" (last: {last})") };
    Err(Error::new(format!("not within {within:?}: {what}{reason}")))
}

/// Completes at the first Ctrl-C, SIGTERM or hang-up of this process.
///
/// Whoever waits for it can return normally and so end its servers in order; without it the signal ends the process
/// at once, and the servers with it.
pub async fn interrupted() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
