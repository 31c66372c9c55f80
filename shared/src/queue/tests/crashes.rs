//! tend.lua, renew.lua, hand_back.lua, and the part of work.lua that lets a job run alone.

use std::time::Duration;

use domain::job::Wants;

use super::stage::{DONE, LEASE, Stage, job, jobs, retry};
use crate::queue::turn::{Note, Retention};
use crate::queue::{Asker, EnqueueResult, JobState, Outcome};

#[tokio::test]
async fn b1_renewing_holds_the_entity_and_a_lost_lease_is_told() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1").await;
    let pair = [("a".to_owned(), run.fence)];
    stage.time_comes("running", "a").await;
    assert_eq!(stage.queue.renew("w1", LEASE, &pair).await.expect("renew"), [true], "nobody took it yet");
    assert_eq!(stage.tend().await.rescued, 0, "the renewal counts");
    assert_eq!(stage.crash(&run).await.rescued, 1);
    assert_eq!(stage.queue.renew("w1", LEASE, &pair).await.expect("renew"), [false]);
    let second = stage.start("w2").await;
    assert_eq!(stage.queue.renew("w1", LEASE, &pair).await.expect("renew"), [false]);
    stage.done("w2", &second).await;
    assert_eq!(stage.queue.renew("w2", LEASE, &[("a".to_owned(), second.fence)]).await.expect("renew"), [false]);
}

#[tokio::test]
async fn b1_a_stale_outcome_is_refused_and_changes_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let first = stage.start("w1").await;
    stage.crash(&first).await;
    assert!(!stage.finish("w1", &first, DONE).await, "it waits for another run");
    let second = stage.start("w2").await;
    assert!(second.fence > first.fence);
    assert!(!stage.finish("w1", &first, Outcome::GiveUp { reason: "late".to_owned() }).await);
    assert_eq!(stage.counts().await, [0, 0, 1, 0]);
    stage.done("w2", &second).await;
    assert!(!stage.finish("w1", &first, retry(LEASE)).await);
    stage.then_empty().await;
}

#[tokio::test]
async fn j4_the_job_of_a_crashed_run_is_next_and_what_was_asked_meanwhile_is_in_it() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1").await;
    stage.trigger("b", 1).await;
    stage.trigger("a", 2).await;
    stage.crash(&run).await;
    let again = stage.start("w2").await;
    assert_eq!((again.job.entity(), again.wants), ("a", Wants::from_bits(3)));
    assert_eq!((again.starts, again.crashes, again.failures), (2, 1, 0));
}

#[tokio::test]
async fn j4_leases_are_left_alone_while_their_workers_may_be_coming_back() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1").await;
    stage.time_comes("running", "a").await;
    // Nobody has tended for two seconds: Redis was away.
    let mut set = redis::cmd("SET");
    let (seconds, _): (u64, u64) =
        redis::cmd("TIME").query_async(&mut stage.queue.link.commands()).await.expect("time");
    set.arg(stage.queue.key("tended")).arg(format!("{} 0", (seconds - 2) * 1000));
    let () = set.query_async(&mut stage.queue.link.commands()).await.expect("set");
    for _ in 0..2 {
        assert_eq!(stage.queue.tend(None).await.expect("tend").rescued, 0);
    }
    stage.done("w1", &run).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn j3_the_third_crash_is_poison_and_kept_with_its_reason() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    for _ in 0..2 {
        let run = stage.start("w").await;
        assert_eq!(stage.crash(&run).await.poisoned, []);
    }
    let third = stage.start("w").await;
    assert_eq!((third.starts, third.crashes), (3, 2));
    assert_eq!(stage.crash(&third).await.poisoned, std::slice::from_ref(&third.job));
    let dead = stage.show("a").await.expect("kept");
    assert_eq!((dead.state, dead.crashes), (JobState::Dead, 3));
    assert!(dead.reason.contains("3 runs crashed"), "{}", dead.reason);
    assert!(!stage.finish("w", &third, DONE).await);
    assert_eq!(stage.trigger_as("a", 1, Asker::Scan).await.result, EnqueueResult::LeftDead);
}

#[tokio::test]
async fn j3_a_poison_job_that_is_triggered_again_has_one_run_alone_and_a_requeued_one_starts_over() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    for _ in 0..3 {
        let run = stage.start("w").await;
        stage.crash(&run).await;
    }
    stage.trigger("a", 1).await;
    let turn = stage.turn("w", 4, 0, &[]).await;
    assert_eq!((turn.taken.len(), turn.note), (1, Note::Alone));
    assert_eq!(stage.crash(&turn.taken[0]).await.poisoned.len(), 1);
    stage.trigger_as("a", 1, Asker::Requeue).await;
    let turn = stage.turn("w", 4, 0, &[]).await;
    assert_eq!((turn.taken.len(), turn.note, turn.taken[0].crashes), (1, Note::None, 0));
}

#[tokio::test]
async fn j3_a_job_that_crashed_twice_runs_alone_and_the_others_wait_for_it() {
    let stage = Stage::new().await;
    stage.trigger("suspect", 1).await;
    for crash in 1..=2 {
        let turn = stage.turn("w", 4, 0, &[]).await;
        assert_eq!(turn.note, Note::None, "not alone yet: crash {crash}");
        stage.crash(&turn.taken[0]).await;
    }
    stage.trigger("b", 1).await;
    // A busy worker is asked to let its runs end; another busy one goes on meanwhile.
    let turn = stage.turn("w1", 4, 3, &[]).await;
    assert_eq!((turn.taken, turn.note), (vec![], Note::Drain));
    let turn = stage.turn("w2", 4, 1, &[]).await;
    assert_eq!((turn.taken.len(), turn.note), (1, Note::None));
    stage.done("w2", &turn.taken[0]).await;
    assert_eq!(stage.turn("w1", 4, 1, &[]).await.note, Note::Drain);
    let turn = stage.turn("w1", 4, 0, &[]).await;
    assert_eq!((turn.taken[0].job.entity(), turn.taken.len(), turn.note), ("suspect", 1, Note::Alone));
    stage.trigger("c", 1).await;
    assert_eq!(stage.turn("w2", 4, 1, &[]).await.taken.len(), 1, "the others are not held up");
}

#[tokio::test]
async fn j3_crashes_count_in_a_row_and_a_run_that_tells_its_outcome_ends_the_row() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    for _ in 0..2 {
        let run = stage.start("w").await;
        stage.crash(&run).await;
    }
    let run = stage.start("w").await;
    stage.finish("w", &run, retry(LEASE)).await;
    stage.due("a").await;
    let turn = stage.turn("w", 4, 1, &[]).await;
    assert_eq!((turn.taken.len(), turn.taken[0].crashes, turn.note), (1, 0, Note::None));
}

#[tokio::test]
async fn j2_a_trigger_during_the_crash_that_would_be_the_last_gets_one_more_run_alone() {
    let stage = Stage::new().await;
    for (asker, note) in [(Asker::Event, Note::Alone), (Asker::Requeue, Note::None)] {
        stage.trigger_as("a", 1, Asker::Requeue).await;
        for _ in 0..2 {
            let run = stage.start("w").await;
            stage.crash(&run).await;
        }
        let third = stage.start("w").await;
        stage.trigger_as("a", 2, asker).await;
        assert_eq!(stage.crash(&third).await.poisoned, []);
        let turn = stage.turn("w", 4, 0, &[]).await;
        assert_eq!((turn.taken.len(), turn.note), (1, note), "{asker:?}");
        stage.crash(&turn.taken[0]).await;
        stage.queue.drop_waiting("a").await.expect("drop");
    }
}

#[tokio::test]
async fn a_suspect_that_was_dropped_holds_nobody_up() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    for _ in 0..2 {
        let run = stage.start("w").await;
        stage.crash(&run).await;
    }
    stage.queue.drop_waiting("a").await.expect("drop");
    stage.trigger("b", 1).await;
    let turn = stage.turn("w", 4, 3, &[]).await;
    assert_eq!((turn.taken.len(), turn.note), (1, Note::None));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_nobody() {
    let stage = Stage::new().await;
    for entity in ["a", "odd", "b"] {
        stage.trigger(entity, 1).await;
    }
    let mut hset = redis::cmd("HSET");
    hset.arg(stage.queue.key("jobs")).arg("odd").arg("\u{1}not ours");
    let () = hset.query_async(&mut stage.queue.link.commands()).await.expect("hset");
    let runs = stage.take("w", 5).await;
    assert_eq!(runs.iter().map(|run| run.job.entity()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn j3_a_suspect_that_is_requeued_while_it_waits_goes_to_the_common_line() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    for _ in 0..2 {
        let run = stage.start("w").await;
        stage.crash(&run).await;
    }
    stage.trigger_as("a", 1, Asker::Requeue).await;
    let turn = stage.turn("w", 4, 0, &[]).await;
    assert_eq!((turn.taken.len(), turn.note, turn.taken[0].crashes), (1, Note::None, 0));
    stage.done("w", &turn.taken[0]).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn j4_a_stopping_worker_gives_back_its_runs_and_counts_no_crash() {
    let stage = Stage::new().await;
    for entity in ["mine", "kept", "waits"] {
        stage.trigger(entity, 1).await;
    }
    let runs = stage.take("w", 2).await;
    stage.trigger("mine", 2).await;
    stage.trigger("theirs", 1).await;
    let theirs = stage.take("w2", 2).await;
    let kept = [("kept".to_owned(), runs[1].fence)];
    assert_eq!(stage.hand_back("w", false, &kept).await, 1);
    assert!(!stage.finish("w", &runs[0], DONE).await);
    let again = stage.start("w2").await;
    assert_eq!((again.job.entity(), again.starts, again.crashes), ("mine", 1, 0), "it goes to the head of the line");
    assert_eq!(again.wants, Wants::from_bits(3));
    stage.done("w2", &again).await;
    stage.done("w", &runs[1]).await;
    for run in &theirs {
        stage.done("w2", run).await;
    }
    stage.then_empty().await;
}

#[tokio::test]
async fn workers_are_counted_from_their_first_sign_of_life_to_their_leaving() {
    let stage = Stage::new().await;
    let workers = || async { stage.queue.counts().await.expect("counts").workers };
    for worker in ["w1", "w2"] {
        stage.queue.renew(worker, LEASE, &[]).await.expect("renew");
    }
    assert_eq!(workers().await, 2);
    stage.hand_back("w1", true, &[]).await;
    assert_eq!(workers().await, 1);
    stage.time_comes("workers", "w2").await;
    stage.tend().await;
    assert_eq!(workers().await, 0);
}

#[tokio::test]
async fn delayed_jobs_become_due_a_thousand_at_a_time_and_the_rest_waits() {
    let stage = Stage::new().await;
    stage.queue.enqueue(&jobs(1200), Asker::Event).await.expect("enqueue");
    for (i, run) in stage.take("w", 600).await.into_iter().chain(stage.take("w", 600).await).enumerate() {
        let delay = if i == 0 { Duration::from_mins(1) } else { Duration::ZERO };
        stage.finish("w", &run, Outcome::Snooze { delay }).await;
    }
    assert_eq!(stage.counts().await, [0, 1200, 0, 0]);
    assert_eq!(stage.tend().await.due, 1000);
    let tended = stage.tend().await;
    assert_eq!(tended.due, 199);
    assert!(tended.next.expect("one waits") > Duration::from_secs(30));
    assert_eq!(stage.counts().await, [1199, 1, 0, 0]);
}

#[tokio::test]
async fn e4_dead_jobs_are_forgotten_by_age_and_by_number_oldest_first() {
    let stage = Stage::new().await;
    for entity in ["a", "b", "c", "d"] {
        stage.give_up(entity).await;
    }
    stage.time_comes("dead", "b").await;
    let day = Duration::from_hours(24);
    stage.tend_keeping(Some(Retention { time: day, count: 3 })).await;
    assert_eq!((stage.show("b").await, stage.counts().await), (None, [0, 0, 0, 3]));
    stage.tend_keeping(Some(Retention { time: day, count: 1 })).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 1]);
    assert!(stage.show("d").await.is_some(), "the latest is kept");
    stage.tend_keeping(None).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 1], "without a retention all are kept");
}

#[tokio::test]
async fn numbers_and_fences_grow_even_if_the_counter_was_lost() {
    let stage = Stage::new().await;
    let before = stage.trigger("a", 1).await.job;
    let run = stage.start("w").await;
    let () = redis::cmd("FLUSHALL").query_async(&mut stage.queue.link.commands()).await.expect("flush");
    let after = stage.trigger("a", 1).await.job;
    assert!(after.number > before.number);
    assert!(stage.start("w").await.fence > run.fence);
    assert!(!stage.finish("w", &run, DONE).await);
}

#[tokio::test]
async fn a_full_redis_refuses_new_jobs_and_lets_those_it_has_end() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .query_async(&mut stage.queue.link.commands())
        .await
        .expect("config");
    let refused = stage.queue.enqueue(&[job("b", 1)], Asker::Event).await.expect_err("it is full");
    assert!(refused.to_string().contains("OOM"), "{refused}");
    let run = stage.start("w").await;
    assert_eq!(stage.queue.renew("w", LEASE, &[("a".to_owned(), run.fence)]).await.expect("renew"), [true]);
    stage.done("w", &run).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
}
