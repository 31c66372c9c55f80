//! The queue part of the result, for a terminal and as a section of the document.

use super::figures::{Figures, ProcessFigures};
use super::goals::{self, Verdict};
use super::peer::PeerFigures;
use super::plan::{
    ONLY_SHOWN_TO_WORK, PEER_CONCURRENCIES, PEER_ENQUEUE_BULK_JOBS, PEER_PROCESS_JOBS, PICK_UP_SAMPLES, USUAL,
};
use super::rate::{Latencies, Rate};
use crate::table::{Table, grouped};

/// What the columns mean; the same words in both forms.
const LEGEND: [&str; 7] = [
    "One private Redis for all, append-only file synced every second and rewritten when it has doubled (Redis' default), emptied \
     before each line. Redis, worker and producer share the machine's cores. Jobs do nothing; their entities are ids of 17 \
     characters.",
    "*enqueue*: one call after the other, 1 or 1,000 jobs in each. *process*: the jobs wait already, then the workers begin; the \
     clock stops at the end of the last run. A backlog of 1,000 is filled and worked off anew for each round.",
    "*limit*: `redis-benchmark` with plain HSETs on the same Redis, four for each job to enqueue and seven for each to process, one \
     connection for each process, in pipelines as long as our batches. A script saves Redis the reading of single commands, so \
     the limit is a mark, not a wall.",
    "*share*: measured / limit.",
    "*Redis CPU*: processor time of the Redis server for one job (user and system, by its own count), here and for the limit.",
    "*peak*: the most memory that one worker process ever held (resident, start-up included).",
    "*idle pick-up*: from before the call that enqueues one job to the start of its run, producer and idle worker in one process.",
];

pub(in crate::bench) struct Report {
    figures: Figures,
}

impl Report {
    pub(super) fn new(figures: Figures) -> Self {
        Self { figures }
    }

    /// None was missed; one that could not be judged, for want of a peer, does not count.
    pub(in crate::bench) fn goals_are_met(&self) -> bool {
        goals::all(&self.figures).iter().all(|goal| goal.verdict != Verdict::Missed)
    }

    pub(in crate::bench) fn to_text(&self) -> String {
        let goals: Vec<String> = goals::all(&self.figures).iter().map(goals::Goal::line).collect();
        format!(
            "{}\n{}\n{}\n{}\n",
            self.ours().to_text(str::to_owned),
            self.side_by_side().to_text(str::to_owned),
            self.notes().join("\n"),
            goals.join("\n"),
        )
    }

    /// `## Queue` and what belongs below it.
    pub(in crate::bench) fn to_markdown(&self) -> String {
        let list = |lines: Vec<String>| lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n");
        format!(
            "## Queue\n\nOurs, beside what Redis can do with plain commands:\n\n{}\n\
             In one process each, beside other queues:\n\n{}\n{}\n\n{}\n\n{}\n",
            self.ours().to_markdown(),
            self.side_by_side().to_markdown(),
            list(self.notes()),
            list(goals::all(&self.figures).iter().map(goals::Goal::line).collect()),
            list(LEGEND.map(str::to_owned).to_vec()),
        )
    }

    fn ours(&self) -> Table {
        let mut table = Table::default();
        table.head([
            "work",
            "processes",
            "at once",
            "jobs",
            "jobs/s",
            "limit",
            "share",
            "Redis CPU",
            "of the limit",
            "peak",
        ]);
        let enqueue = &self.figures.enqueue;
        for (name, rate, limit) in [
            ("enqueue single", enqueue.single, enqueue.single_limit),
            ("enqueue bulk", enqueue.bulk, enqueue.bulk_limit),
        ] {
            let what = [name, "1", "1"].map(str::to_owned).into_iter().chain([grouped(rate.jobs)]);
            table.row(what.chain(beside_limit(rate, limit)).chain([String::new()]));
        }
        for ProcessFigures { ours, limit } in &self.figures.processed {
            let case = ours.case;
            let backlog = grouped(case.backlog as u64);
            let jobs = if case.rounds > 1 { format!("{} x {backlog}", case.rounds) } else { backlog };
            let what = ["process".to_owned(), case.processes.to_string(), case.concurrency.to_string(), jobs];
            table.row(what.into_iter().chain(beside_limit(ours.rate, *limit)).chain([mib(ours.peak_resident_kib)]));
        }
        table
    }

    fn side_by_side(&self) -> Table {
        let figures = &self.figures;
        let peers: Vec<&PeerFigures> = figures.peers.iter().filter_map(|(_, peer)| peer.as_ref().ok()).collect();
        let names = figures.peers.iter().filter(|(_, figures)| figures.is_ok()).map(|(peer, _)| peer.name());
        let mut table = Table::default();
        table.head(["one process", "kanzleisync"].into_iter().chain(names));
        let mut row = |name: &str, ours: Option<String>, of: &dyn Fn(&PeerFigures) -> Option<String>| {
            let cells = [Some(name.to_owned()), ours].into_iter().chain(peers.iter().map(|peer| of(peer)));
            table.row(cells.map(Option::unwrap_or_default));
        };
        let usual = figures.of_case(USUAL);
        row("enqueue single, jobs/s", Some(per_second(figures.enqueue.single)), &|peer| {
            Some(per_second(peer.enqueue_single))
        });
        row("enqueue bulk, jobs/s", Some(per_second(figures.enqueue.bulk)), &|peer| {
            Some(per_second(peer.enqueue_bulk))
        });
        for at_once in PEER_CONCURRENCIES {
            row(
                &format!("process, {at_once} at once, jobs/s"),
                figures.at(at_once).map(|ours| per_second(ours.rate)),
                &|peer| peer.at(at_once).map(|processed| per_second(processed.rate)),
            );
        }
        row("idle pick-up, p50 / p99", Some(latencies(figures.pick_up.with_file)), &|peer| {
            Some(latencies(peer.pick_up))
        });
        row("the same without AOF", Some(latencies(figures.pick_up.without_file)), &|peer| {
            Some(latencies(peer.pick_up_without_file))
        });
        row("Redis CPU, enqueue bulk", Some(micros(figures.enqueue.bulk)), &|peer| Some(micros(peer.enqueue_bulk)));
        let at_once = USUAL.concurrency;
        row(&format!("Redis CPU, process {at_once} at once"), usual.map(|ours| micros(ours.rate)), &|peer| {
            peer.at(at_once).map(|processed| micros(processed.rate))
        });
        row("bytes per queued job", usual.map(|ours| format!("{:.0}", ours.bytes_per_job)), &|peer| {
            Some(format!("{:.0}", peer.bytes_per_job))
        });
        row(&format!("worker's peak, {at_once} at once"), usual.map(|ours| mib(ours.peak_resident_kib)), &|peer| {
            peer.at(at_once).map(|processed| mib(processed.peak_resident_kib))
        });
        table
    }

    /// What of the peers was measured, and how; what was not, and why.
    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for (peer, figures) in &self.figures.peers {
            notes.push(match figures {
                Ok(figures) => format!("{} {}", peer.name(), figures.version),
                Err(reason) => format!("{} was not measured: {reason}", peer.name()),
            });
        }
        if self.figures.peers.is_empty() {
            notes.push("no other queue was measured (--peers)".to_owned());
        } else {
            notes.push(format!(
                "peers: {} jobs enqueued in bulk, {} processed at each concurrency, {PICK_UP_SAMPLES} picked up; finished jobs are \
                 removed, as ours are",
                grouped(PEER_ENQUEUE_BULK_JOBS as u64),
                grouped(PEER_PROCESS_JOBS as u64),
            ));
        }
        if ONLY_SHOWN_TO_WORK {
            notes.push("not optimised, and few jobs: this only shows that the benchmark works".to_owned());
        }
        notes.push(format!("the queue part took {:.0} s", self.figures.took.as_secs_f64()));
        notes
    }
}

fn beside_limit(rate: Rate, limit: Rate) -> [String; 5] {
    [
        per_second(rate),
        per_second(limit),
        format!("{:.0} %", 100.0 * rate.per_second() / limit.per_second()),
        micros(rate),
        micros(limit),
    ]
}

fn per_second(rate: Rate) -> String {
    grouped(rate.whole_per_second())
}

fn micros(rate: Rate) -> String {
    format!("{:.1} us", rate.redis_micros_per_job())
}

fn latencies(measured: Latencies) -> String {
    format!("{:.2} / {:.2} ms", measured.p50_ms, measured.p99_ms)
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::queue::figures::{EnqueueFigures, PickUpFigures};
    use crate::bench::queue::ours::Processed;
    use crate::bench::queue::peer::Peer;
    use crate::bench::queue::plan::CASES;

    fn report(jobs_in_one_second: u64, peers: Vec<(Peer, Result<PeerFigures, String>)>) -> Report {
        let second = Duration::from_secs(1);
        let rate = Rate { jobs: jobs_in_one_second, took: second, redis_time: second / 2 };
        let pick_up = Latencies { p50_ms: 1.0, p99_ms: 2.0 };
        let processed = CASES.map(|case| ProcessFigures {
            ours: Processed { case, rate, bytes_per_job: 200.0, left_bytes: 0, peak_resident_kib: 8_192 },
            limit: rate,
        });
        Report::new(Figures {
            enqueue: EnqueueFigures { single: rate, single_limit: rate, bulk: rate, bulk_limit: rate },
            processed: processed.into(),
            pick_up: PickUpFigures { with_file: pick_up, without_file: pick_up },
            peers,
            took: second,
        })
    }

    #[test]
    fn a_peer_that_could_not_be_measured_is_named_and_its_goal_is_not_judged() {
        let report = report(40_000, vec![(Peer::Sidekiq, Err("it is not installed".to_owned()))]);
        assert!(report.to_text().contains("Sidekiq was not measured: it is not installed\n"));
        assert!(report.to_markdown().contains("- not judged: enqueue bulk: times Sidekiq's rate"));
        assert!(report.goals_are_met(), "{}", report.to_text());
    }

    #[test]
    fn a_goal_that_is_missed_is_told_and_counts() {
        let report = report(34_999, Vec::new());
        assert!(report.to_text().contains("\nMISSED: process: 34,999 jobs/s"), "{}", report.to_text());
        assert!(!report.goals_are_met());
    }
}
