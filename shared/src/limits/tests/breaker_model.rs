//! The breaker's scripts against a small pure model, over random histories.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::limits;
use crate::limits::{Limits, PREFIX, script};
use crate::link::script::Call;

const FIRST_MS: u64 = 30_000;
const LONGEST_MS: u64 = 300_000;
const CREDENTIALS_MS: u64 = 200_000;
const ALIVE_MS: u64 = 60_000;
const SYSTEMS: [&str; 3] = ["advoware", "espocrm", "google"];
/// What runs ask for, by their place in `SYSTEMS`.
const ASKED: [&[usize]; 4] = [&[0, 1], &[0, 2], &[0, 1, 2], &[2]];

#[derive(Clone, Copy, Debug)]
enum What {
    Answered,
    Failed,
    Refused,
    Unused,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(u64),
    /// A run on this record begins, if it may; it asks for these systems.
    Begin(u8, &'static [usize]),
    /// A run that began earlier tells something of a system that it asked for; the numbers pick both.
    Report(usize, usize, What),
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Closed { streak: Vec<String> },
    Open { until: u64, pause: u64, credentials: bool },
    Probing { until: u64, pause: u64, credentials: bool, run: String },
}

#[derive(Debug)]
struct Model {
    state: State,
    openings: u64,
}

/// A run that was admitted.
#[derive(Clone, Debug)]
struct Run {
    name: String,
    record: String,
    /// Of each system that it asked for.
    openings: Vec<(usize, u64)>,
}

impl Model {
    fn new() -> Self {
        Self { state: State::Closed { streak: Vec::new() }, openings: 0 }
    }

    fn open(&mut self, now: u64, pause: u64, credentials: bool) {
        self.state = State::Open { until: now + pause, pause, credentials };
    }

    fn first_open(&mut self, now: u64, pause: u64, credentials: bool, streak: &[String]) -> Vec<String> {
        self.openings += 1;
        self.open(now, pause, credentials);
        let mut answer = vec!["opened".to_owned(), pause.to_string()];
        answer.extend(streak.iter().cloned());
        answer
    }

    fn report(&mut self, now: u64, run: &Run, openings: u64, what: What) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let bad = matches!(what, What::Failed | What::Refused);
        match (self.state.clone(), what) {
            (State::Probing { run: probe, pause, credentials, .. }, _)
                if probe == run.name || matches!(what, What::Answered) && self.openings == openings =>
            {
                match what {
                    What::Answered => {
                        self.state = State::Closed { streak: Vec::new() };
                        words(&["closed"])
                    }
                    What::Failed => {
                        let pause = (2 * pause).min(LONGEST_MS);
                        self.open(now, pause, false);
                        words(&["reopened", &pause.to_string()])
                    }
                    What::Refused => {
                        self.open(now, CREDENTIALS_MS, true);
                        words(&["reopened", &CREDENTIALS_MS.to_string()])
                    }
                    What::Unused => {
                        self.state = State::Open { until: now, pause, credentials };
                        words(&["nothing"])
                    }
                }
            }
            (State::Closed { streak }, What::Refused) if self.openings == openings => {
                self.first_open(now, CREDENTIALS_MS, true, &streak)
            }
            (State::Closed { mut streak }, What::Failed) if self.openings == openings => {
                let earlier = streak.clone();
                streak.push(run.record.clone());
                if streak.len() >= 5 && streak.iter().collect::<BTreeSet<_>>().len() >= 3 {
                    return self.first_open(now, FIRST_MS, false, &earlier);
                }
                self.state = State::Closed { streak };
                words(&["counted"])
            }
            (State::Closed { .. }, What::Answered) if self.openings == openings => {
                self.state = State::Closed { streak: Vec::new() };
                words(&["nothing"])
            }
            (State::Closed { .. } | State::Probing { .. }, _) if bad => words(&["waits", "0"]),
            (State::Open { credentials: false, .. }, What::Refused) => {
                self.open(now, CREDENTIALS_MS, true);
                words(&["waits", &CREDENTIALS_MS.to_string()])
            }
            (State::Open { until, .. }, _) if bad => words(&["waits", &until.saturating_sub(now).to_string()]),
            _ => words(&["nothing"]),
        }
    }
}

/// The breakers that the run asks for; the others stay as they are and say nothing.
fn begin(models: &mut [Model], asked: &[usize], now: u64, run: &str) -> Vec<String> {
    let left = |model: &Model, probing: bool| match &model.state {
        State::Open { until, .. } if !probing => until.saturating_sub(now),
        State::Probing { until, .. } if probing => until.saturating_sub(now),
        _ => 0,
    };
    for (probing, word) in [(false, "open"), (true, "probing")] {
        let left = asked.iter().map(|at| left(&models[*at], probing)).max().unwrap_or_default();
        if left > 0 {
            return vec![word.to_owned(), left.to_string()];
        }
    }
    let mut answer = vec!["go".to_owned()];
    for at in asked {
        let model = &mut models[*at];
        let probes = match model.state {
            State::Closed { .. } => false,
            State::Open { pause, credentials, .. } | State::Probing { pause, credentials, .. } => {
                model.state = State::Probing { until: now + ALIVE_MS, pause, credentials, run: run.to_owned() };
                true
            }
        };
        answer.push(model.openings.to_string());
        answer.push(u8::from(probes).to_string());
    }
    answer
}

async fn script_begin(limits: &Limits, asked: &[usize], now: u64, run: &str) -> Vec<String> {
    let call = Call::new(&script::BREAKER_BEGIN, PREFIX).arg(now * 1000).arg(run).arg(ALIVE_MS);
    let call = asked.iter().fold(call, |call, at| call.arg(SYSTEMS[*at]));
    call.once(&limits.link).await.expect("Redis answers")
}

async fn script_report(limits: &Limits, now: u64, run: &Run, system: (usize, u64), what: What) -> Vec<String> {
    let (system, openings) = system;
    let word = match what {
        What::Answered => "answered",
        What::Failed => "failed",
        What::Refused => "refused",
        What::Unused => "unused",
    };
    let call = Call::new(&script::BREAKER_REPORT, PREFIX).arg(now * 1000).arg(SYSTEMS[system]).arg(word);
    let call = call.arg(&run.record).arg(openings).arg(&run.name).arg(5).arg(3);
    call.arg(FIRST_MS).arg(LONGEST_MS).arg(CREDENTIALS_MS).once(&limits.link).await.expect("Redis answers")
}

/// Mostly bad news, or nothing would ever open; waits around the lengths that matter.
fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        2 => Just(What::Answered),
        8 => Just(What::Failed),
        1 => Just(What::Refused),
        1 => Just(What::Unused)
    ];
    let pass = prop_oneof![0_u64..2000, Just(FIRST_MS), Just(ALIVE_MS), 0..400_000_u64];
    prop_oneof![
        1 => pass.prop_map(Step::Pass),
        4 => (0_u8..6, prop::sample::select(&ASKED[..])).prop_map(|(record, asked)| Step::Begin(record, asked)),
        4 => (0_usize..64, 0_usize..6, what).prop_map(|(run, system, what)| Step::Report(run, system, what)),
    ]
}

#[test]
fn j4a_the_scripts_decide_as_the_model_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_redis, limits) = runtime.block_on(limits());
    let opened = std::cell::Cell::new(0_u32);
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(step(), 1..120), |steps| {
            let wiped = runtime.block_on(redis::cmd("FLUSHALL").exec_async(&mut limits.link.commands()));
            wiped.expect("Redis answers");
            let mut models = SYSTEMS.map(|_| Model::new());
            let mut runs: Vec<Run> = Vec::new();
            let mut now = 1_700_000_000_000;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Pass(ms) => now += ms,
                    Step::Begin(record, asked) => {
                        let name = format!("run {number}");
                        let answer = runtime.block_on(script_begin(&limits, asked, now, &name));
                        prop_assert_eq!(&answer, &begin(&mut models, asked, now, &name), "{:?} at {}", asked, now);
                        if answer[0] == "go" {
                            let told = answer.iter().skip(1).step_by(2).map(|openings| openings.parse().unwrap());
                            let openings = asked.iter().copied().zip(told).collect();
                            runs.push(Run { name, record: format!("record {record}"), openings });
                        }
                    }
                    Step::Report(run, system, what) => {
                        let Some(run) = runs.len().checked_sub(1 + run % runs.len().max(1)).map(|at| &runs[at]) else {
                            continue;
                        };
                        let (system, openings) = run.openings[system % run.openings.len()];
                        let answer = runtime.block_on(script_report(&limits, now, run, (system, openings), what));
                        let expected = models[system].report(now, run, openings, what);
                        prop_assert_eq!(&answer, &expected, "{:?} of {:?} at {}", what, run, SYSTEMS[system]);
                        opened.set(opened.get() + u32::from(answer[0] == "opened"));
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(opened.get() > 50, "the histories are too harmless: {} openings", opened.get());
}
