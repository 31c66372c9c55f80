//! Other queues on the same Redis: their programs are in `bench/peers`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::plan::{
    ENQUEUE_SINGLE_JOBS, PEER_CONCURRENCIES, PEER_ENQUEUE_BULK_JOBS, PEER_PROCESS_JOBS, PICK_UP_SAMPLES,
};
use super::rate::{Latencies, Rate, measured};
use super::server::Server;
use crate::bench::firm::told;
use crate::installed::{in_repository, program_in_path};
use crate::{Error, Finished, Program, Result};

/// The slowest step takes some ten seconds.
const STEP_WITHIN: Duration = Duration::from_mins(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    BullMq,
    Sidekiq,
}

/// One process of a peer, measured as ours is.
#[derive(Debug, Clone)]
pub(super) struct PeerFigures {
    /// Its version and that of its language.
    pub(super) version: String,
    pub(super) enqueue_single: Rate,
    pub(super) enqueue_bulk: Rate,
    pub(super) bytes_per_job: f64,
    pub(super) processed: Vec<PeerProcessed>,
    pub(super) pick_up: Latencies,
    pub(super) pick_up_without_file: Latencies,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct PeerProcessed {
    pub(super) concurrency: usize,
    pub(super) rate: Rate,
    pub(super) peak_resident_kib: u64,
}

impl PeerFigures {
    pub(super) fn at(&self, concurrency: usize) -> Option<&PeerProcessed> {
        self.processed.iter().find(|processed| processed.concurrency == concurrency)
    }

    /// At the concurrency at which it is fastest.
    pub(super) fn best(&self) -> Option<&PeerProcessed> {
        self.processed.iter().max_by(|one, other| one.rate.per_second().total_cmp(&other.rate.per_second()))
    }
}

impl Peer {
    pub(super) const ALL: [Self; 2] = [Self::BullMq, Self::Sidekiq];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BullMq => "BullMQ",
            Self::Sidekiq => "Sidekiq",
        }
    }

    fn interpreter(self) -> &'static str {
        match self {
            Self::BullMq => "node",
            Self::Sidekiq => "ruby",
        }
    }

    fn script(self) -> PathBuf {
        let file = match self {
            Self::BullMq => "bullmq.mjs",
            Self::Sidekiq => "sidekiq.rb",
        };
        in_repository("bench/peers").join(file)
    }

    async fn run(self, server: &Server, words: &[&str]) -> Result<Finished> {
        let interpreter = program_in_path(self.interpreter())
            .ok_or_else(|| Error::new(format!("`{}` is not installed", self.interpreter())))?;
        let program = Program::new(interpreter).arg(self.script().display()).args(words);
        program.env("REDIS_URL", server.url()).run(STEP_WITHIN).await
    }

    /// Its version and that of its language.
    async fn version(self, server: &Server) -> Result<String> {
        let finished = self.run(server, &["version"]).await?;
        if !finished.status.success() {
            return Err(Error::new("it is not installed (scripts/setup-peers.sh does that)"));
        }
        let about: Value = serde_json::from_str(&finished.stdout).map_err(told)?;
        let word = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
        Ok(format!("{} on {}", word("version"), word("runtime")))
    }

    async fn ask(self, server: &Server, words: &[&str]) -> Result<Value> {
        let finished = self.run(server, words).await?;
        if !finished.status.success() {
            // Names folders of this machine, so it stays out of the report.
            eprintln!("\n{}", finished.stderr);
            return Err(Error::new(format!("its `{}` failed ({})", words.join(" "), finished.status)));
        }
        serde_json::from_str(&finished.stdout).map_err(told)
    }

    async fn rate(self, server: &Server, words: &[&str]) -> Result<(Rate, Value)> {
        let (answer, redis_time) = measured(server, self.ask(server, words)).await?;
        let (Some(jobs), Some(seconds)) = (answer["jobs"].as_u64(), answer["seconds"].as_f64()) else {
            return Err(Error::new(format!("{} answered {answer}", self.name())));
        };
        let took = Duration::try_from_secs_f64(seconds).map_err(told)?;
        Ok((Rate { jobs, took, redis_time }, answer))
    }
}

/// Everything that is measured of a peer; an error says why it could not be.
pub(super) async fn measure(server: &Server, peer: Peer) -> Result<PeerFigures> {
    let version = peer.version(server).await?;

    server.clear().await?;
    let (enqueue_single, _) = peer.rate(server, &["enqueue-single", &ENQUEUE_SINGLE_JOBS.to_string()]).await?;

    server.clear().await?;
    let empty_bytes = server.used_memory().await?;
    let (enqueue_bulk, _) = peer.rate(server, &["enqueue-bulk", &PEER_ENQUEUE_BULK_JOBS.to_string()]).await?;
    server.settled().await?;
    let bytes_per_job = server.used_memory().await?.saturating_sub(empty_bytes) as f64 / PEER_ENQUEUE_BULK_JOBS as f64;

    let mut processed = Vec::new();
    for concurrency in PEER_CONCURRENCIES {
        processed.push(process(server, peer, concurrency).await?);
    }
    let pick_up = pick_up(server, peer).await?;
    server.set_append_only(false).await?;
    let pick_up_without_file = self::pick_up(server, peer).await;
    server.set_append_only(true).await?;
    Ok(PeerFigures {
        version,
        enqueue_single,
        enqueue_bulk,
        bytes_per_job,
        processed,
        pick_up,
        pick_up_without_file: pick_up_without_file?,
    })
}

async fn process(server: &Server, peer: Peer, concurrency: usize) -> Result<PeerProcessed> {
    server.clear().await?;
    let jobs = PEER_PROCESS_JOBS.to_string();
    peer.ask(server, &["enqueue-bulk", &jobs]).await?;
    let (rate, answer) = peer.rate(server, &["process", &jobs, &concurrency.to_string()]).await?;
    let peak_resident_kib = answer["peak_resident_kib"].as_u64().unwrap_or_default();
    Ok(PeerProcessed { concurrency, rate, peak_resident_kib })
}

async fn pick_up(server: &Server, peer: Peer) -> Result<Latencies> {
    server.clear().await?;
    let answer = peer.ask(server, &["pick-up", &PICK_UP_SAMPLES.to_string()]).await?;
    let samples = answer["latencies_ms"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    Latencies::of(samples.collect())
}
