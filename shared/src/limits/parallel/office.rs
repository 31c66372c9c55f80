//! The one task of a process that talks to Redis about a parallel limit.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{LimitAway, Permit};
use crate::limits::{PREFIX, script};
use crate::link::Link;
use crate::link::script::Call;

/// Looks without being woken: for wake-ups that were published while we were not listening, and for permits of the dead.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// A waiting process that missed two of its looks is passed over by the others.
const PASSED_OVER_AFTER: Duration = Duration::from_millis(500);
/// Longest wait for one answer of Redis, and pause before it is asked again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Where a caller waits for its permits.
pub(super) type Waiting = oneshot::Sender<Result<Vec<Permit>, LimitAway>>;

/// In which line it waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Before all of the second.
    First,
    Second,
}

/// One that waits. It is content with one permit, and takes as many of those that it likes as are free when its turn comes.
pub(super) struct Asking {
    pub(super) line: Line,
    pub(super) likes: u32,
    pub(super) waiting: Waiting,
}

pub(super) enum Request {
    Permits(Asking),
    Release,
}

pub(super) struct Office {
    link: Link,
    key: String,
    /// A name that no other process has, nor this one after a restart.
    process: String,
    most: u32,
    liveness: Duration,
    patience: Duration,
    requests: mpsc::WeakUnboundedSender<Request>,
    /// Permits handed out and not yet given back.
    held: u32,
    /// Those of the first line, then those of the second.
    waiting: VecDeque<Asking>,
    /// Grows with every telling, so that a late one does not count.
    tellings: u64,
    /// Redis may hold another state of ours than the true one.
    untold: bool,
    told_at: Instant,
    /// The last telling left somebody without a permit: the next ones wait until something becomes free.
    refused: bool,
    /// Since when Redis does not answer.
    away_since: Option<Instant>,
}

impl Office {
    pub(super) fn new(
        link: Link,
        system: &str,
        most: u32,
        liveness: Duration,
        patience: Duration,
        requests: mpsc::WeakUnboundedSender<Request>,
    ) -> Self {
        Self {
            link,
            key: format!("{PREFIX}:parallel:{system}"),
            process: Uuid::now_v7().simple().to_string(),
            most,
            liveness,
            patience,
            requests,
            held: 0,
            waiting: VecDeque::new(),
            tellings: 0,
            untold: false,
            told_at: Instant::now(),
            refused: false,
            away_since: None,
        }
    }

    /// Works until nobody is left who could ask or give back.
    pub(super) async fn work(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        let wake = Arc::new(Notify::new());
        let _listening = AbortOnDropHandle::new(tokio::spawn(listen(
            self.link.clone(),
            self.key.clone(),
            self.process.clone(),
            Arc::clone(&wake),
        )));
        loop {
            let mut woken = false;
            tokio::select! {
                biased;
                request = inbox.recv() => match request {
                    Some(request) => self.note(request),
                    None => return self.say_good_bye().await,
                },
                () = wake.notified(), if !self.waiting.is_empty() => woken = true,
                () = tokio::time::sleep_until(self.next_telling()), if self.has_business() => {}
            }
            while let Ok(request) = inbox.try_recv() {
                self.note(request);
            }
            self.forget_those_who_left();
            let hopes = !self.waiting.is_empty() && (woken || !self.refused);
            if self.untold || hopes || (self.has_business() && Instant::now() >= self.next_telling()) {
                self.tell().await;
            }
        }
    }

    fn note(&mut self, request: Request) {
        match request {
            Request::Permits(asking) => {
                let at = match asking.line {
                    Line::First => self.waiting.iter().take_while(|other| other.line == Line::First).count(),
                    Line::Second => self.waiting.len(),
                };
                self.waiting.insert(at, asking);
            }
            Request::Release => {
                self.held = self.held.saturating_sub(1);
                self.untold = true;
            }
        }
    }

    fn forget_those_who_left(&mut self) {
        let before = self.waiting.len();
        self.waiting.retain(|asking| !asking.waiting.is_closed());
        self.untold |= self.waiting.is_empty() && before > 0;
    }

    fn has_business(&self) -> bool {
        self.held > 0 || self.untold || !self.waiting.is_empty()
    }

    fn next_telling(&self) -> Instant {
        let wait = if self.untold && self.away_since.is_none() {
            Duration::ZERO
        } else if self.untold {
            ASK_AGAIN
        } else if self.waiting.is_empty() {
            self.liveness / 3
        } else {
            LOOK_INTERVAL.min(self.liveness / 3)
        };
        self.told_at + wait
    }

    /// How many permits those who wait would take.
    fn wanted(&self) -> u32 {
        self.waiting.iter().fold(0, |sum, asking| sum.saturating_add(asking.likes))
    }

    /// Tells Redis what is held and wanted, and hands out what it grants.
    async fn tell(&mut self) {
        let wanted = self.wanted();
        let answer = self.exchange(wanted).await;
        let now = Instant::now();
        self.told_at = now;
        self.untold = answer.is_none();
        if let Some(granted) = answer {
            self.away_since = None;
            self.hand_out(granted);
            // Whoever got fewer than it likes does not want the rest any more; nobody may be kept waiting for that.
            self.untold |= self.wanted() != wanted.saturating_sub(granted);
            self.refused = !self.waiting.is_empty();
            return;
        }
        let away_since = *self.away_since.get_or_insert(now);
        if away_since.elapsed() >= self.patience && !self.waiting.is_empty() {
            let waiting = self.waiting.len();
            tracing::warn!(waiting, "Redis does not answer, calls that wait for a permit fail");
            self.waiting.drain(..).for_each(|asking| drop(asking.waiting.send(Err(LimitAway))));
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }

    /// `None`: no answer, and whether Redis has heard us is not known.
    async fn exchange(&mut self, wanted: u32) -> Option<u32> {
        self.tellings += 1;
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let call = Call::new(&script::PARALLEL, &self.key)
            .arg("")
            .arg(&self.process)
            .arg(self.held)
            .arg(wanted)
            .arg(self.tellings)
            .arg(self.most)
            .arg(micros(self.liveness))
            .arg(micros(PASSED_OVER_AFTER));
        match tokio::time::timeout(ANSWER_TIMEOUT, call.once::<i64>(&self.link)).await {
            Ok(Ok(granted)) => u32::try_from(granted).ok(),
            Ok(Err(error)) => {
                tracing::debug!(category = error.category(), "permits could not be asked for");
                None
            }
            Err(_) => None,
        }
    }

    fn hand_out(&mut self, granted: u32) {
        let mut left = granted;
        while left > 0 {
            // Without a handle nobody waits any more.
            let next = self.waiting.pop_front().zip(self.requests.upgrade());
            let Some((asking, requests)) = next else {
                self.untold = true;
                return;
            };
            let share = asking.likes.min(left);
            left -= share;
            self.held += share;
            let permits = (0..share).map(|_| Permit { requests: requests.clone() }).collect();
            // A caller that has gone meanwhile drops the permits, which gives them back.
            drop(asking.waiting.send(Ok(permits)));
        }
    }

    async fn say_good_bye(mut self) {
        self.held = 0;
        let _ = self.exchange(0).await;
    }
}

/// Wakes the office when permits have become free for it, until it is dropped.
async fn listen(link: Link, key: String, process: String, wake: Arc<Notify>) -> Infallible {
    loop {
        if let Ok(mut channel) = link.listen().await
            && channel.subscribe(format!("{key}:wake")).await.is_ok()
        {
            let mut messages = channel.on_message();
            while let Some(message) = messages.next().await {
                if message.get_payload_bytes() == process.as_bytes() {
                    wake.notify_one();
                }
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
