//! Random interleavings of everything that can happen to a queue, against a simple model in memory: no job is lost, no entity has
//! two runs, outcomes count once, and in the end everybody was served.

mod world;

use std::collections::BTreeMap;

use domain::job::Wants;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::stage::{LEASE, Stage, job};
use crate::queue::{Asker, Outcome};
use world::{Expected, World};

const ENTITIES: u8 = 4;
const WORKERS: u8 = 2;

#[derive(Clone, Debug)]
enum Step {
    Trigger {
        entity: u8,
        bits: u32,
        asker: Asker,
    },
    Take {
        worker: u8,
        wanted: usize,
    },
    /// The answer never arrives; the worker then gives back what it does not know of.
    TakeWithLostAnswer {
        worker: u8,
        wanted: usize,
    },
    End {
        run: usize,
        outcome: Outcome,
        is_repeated: bool,
    },
    Crash {
        run: usize,
    },
    /// A run that has crashed or was given back ends after all.
    EndLate {
        run: usize,
    },
    Due {
        entity: u8,
    },
    Drop {
        entity: u8,
    },
    GiveBackTries {
        entity: u8,
    },
    RequeueDead,
    DeleteDead,
    HandBack {
        worker: u8,
    },
    Pause(bool),
}

fn asker() -> impl Strategy<Value = Asker> {
    proptest::sample::select(Asker::ALL.to_vec())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Done { follow_up: None }),
        1 => Just(Outcome::Done { follow_up: Some(Wants::from_bits(4)) }),
        2 => Just(Outcome::RetryAfter { delay: LEASE, reason: "http 503".to_owned() }),
        1 => Just(Outcome::Snooze { delay: LEASE }),
        2 => Just(Outcome::GiveUp { reason: "http 400".to_owned() }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (entity, worker, run) = (0..ENTITIES, 0..WORKERS, 0..8_usize);
    prop_oneof![
        8 => (entity.clone(), 1..4_u32, asker()).prop_map(|(entity, bits, asker)| Step::Trigger { entity, bits, asker }),
        8 => (worker.clone(), 1..4_usize).prop_map(|(worker, wanted)| Step::Take { worker, wanted }),
        1 => (worker.clone(), 1..4_usize).prop_map(|(worker, wanted)| Step::TakeWithLostAnswer { worker, wanted }),
        8 => (run.clone(), outcome(), any::<bool>())
            .prop_map(|(run, outcome, is_repeated)| Step::End { run, outcome, is_repeated }),
        4 => run.clone().prop_map(|run| Step::Crash { run }),
        2 => run.prop_map(|run| Step::EndLate { run }),
        3 => entity.clone().prop_map(|entity| Step::Due { entity }),
        1 => entity.clone().prop_map(|entity| Step::Drop { entity }),
        2 => entity.prop_map(|entity| Step::GiveBackTries { entity }),
        1 => Just(Step::RequeueDead),
        1 => Just(Step::DeleteDead),
        1 => worker.prop_map(|worker| Step::HandBack { worker }),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

#[test]
fn j1_j2_j3_every_interleaving_agrees_with_the_model_and_ends_with_everybody_served() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let idle = std::cell::RefCell::new(Some(runtime.block_on(Stage::new())));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(step(), 1..60), |steps| {
            let stage = match idle.take() {
                Some(stage) => stage,
                // A failing case took it with it.
                None => runtime.block_on(Stage::new()),
            };
            let world = runtime.block_on(async {
                let () = redis::cmd("FLUSHALL").query_async(&mut stage.queue.link.commands()).await.expect("flush");
                let jobs = BTreeMap::new();
                let mut world = World::new(stage, jobs);
                for step in steps {
                    world.apply(step).await;
                }
                world.wind_up().await;
                world
            });
            idle.replace(Some(world.stage));
            Ok(())
        })
        .expect("the queue is what the model says");
}

#[tokio::test]
async fn the_model_test_would_notice_a_lost_token() {
    let stage = Stage::new().await;
    stage.queue.enqueue(&[job("e0", 1)], Asker::Event).await.expect("enqueue");
    let () = redis::cmd("DEL")
        .arg(stage.queue.key("ready:events"))
        .query_async(&mut stage.queue.link.commands())
        .await
        .expect("del");
    let jobs = BTreeMap::from([("e0".to_owned(), Expected::new(1, 1))]);
    let mut world = World::new(stage, jobs);
    let lost = tokio::spawn(async move { world.take(0, 1).await }).await;
    assert!(lost.is_err_and(|error| error.is_panic()));
}
