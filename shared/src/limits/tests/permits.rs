//! The script of permits over random histories: told at random, with lost answers and processes that die.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::limits;
use crate::limits::{Limits, script};
use crate::link::script::Call;

const KEY: &str = "{kanzleisync:limits}:parallel:advoware";
const LIVENESS_US: u64 = 6_000_000;

#[derive(Clone, Debug)]
struct Step {
    passed_us: u64,
    process: usize,
    /// Of the permits that it holds, so many come back before it tells.
    released: u32,
    wanted: u32,
    answer_is_lost: bool,
}

#[derive(Clone, Copy, Default)]
struct Process {
    held: u32,
    told_us: u64,
    tellings: u64,
}

async fn tell(limits: &Limits, now_us: u64, name: usize, process: Process, wanted: u32, most: u32) -> u32 {
    let call = Call::new(&script::PARALLEL, KEY).arg(now_us).arg(name).arg(process.held).arg(wanted);
    let call = call.arg(process.tellings).arg(most).arg(LIVENESS_US).arg(500_000);
    let granted: i64 = call.once(&limits.link).await.expect("Redis answers");
    u32::try_from(granted).expect("each telling is newer than the one before")
}

fn step() -> impl Strategy<Value = Step> {
    let passed = prop_oneof![8 => 0_u64..600_000, 1 => 2_000_000..9_000_000_u64];
    (passed, 0_usize..4, 0_u32..4, 0_u32..6, prop::bool::weighted(0.1)).prop_map(
        |(passed_us, process, released, wanted, answer_is_lost)| Step {
            passed_us,
            process,
            released,
            wanted,
            answer_is_lost,
        },
    )
}

#[test]
fn j5_live_processes_never_hold_more_than_the_limit_and_nothing_is_kept_back_for_nobody() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_redis, limits) = runtime.block_on(limits());
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner
        .run(&(1_u32..6, prop::collection::vec(step(), 1..80)), |(most, steps)| {
            let wiped = runtime.block_on(redis::cmd("FLUSHALL").exec_async(&mut limits.link.commands()));
            wiped.expect("Redis answers");
            let mut now_us = 1_700_000_000_000_000;
            let mut processes = [Process::default(); 4];
            for step in steps {
                now_us += step.passed_us;
                // Who did not tell for so long is dead, and its calls have ended with it.
                for process in &mut processes {
                    if process.told_us + LIVENESS_US <= now_us {
                        process.held = 0;
                    }
                }
                let process = &mut processes[step.process];
                process.held -= step.released.min(process.held);
                process.told_us = now_us;
                process.tellings += 1;
                let asked = *process;
                let granted = runtime.block_on(tell(&limits, now_us, step.process, asked, step.wanted, most));
                prop_assert!(granted <= step.wanted);
                if !step.answer_is_lost {
                    processes[step.process].held += granted;
                }
                let held: u32 = processes.iter().map(|process| process.held).sum();
                prop_assert!(held <= most, "{} of {} permits are held", held, most);
            }
            // When all others are dead, one gets everything.
            now_us += 2 * LIVENESS_US;
            processes[0].tellings += 1;
            processes[0].held = 0;
            let granted = runtime.block_on(tell(&limits, now_us, 0, processes[0], most + 3, most));
            prop_assert_eq!(granted, most);
            Ok(())
        })
        .unwrap();
}
