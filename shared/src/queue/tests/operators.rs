//! select.lua, delete_dead.lua, show.lua, the pause; and who comes first.

use std::time::Duration;

use super::stage::{LEASE, Stage, jobs, retry};
use crate::queue::turn::Note;
use crate::queue::{Asker, JobState, Matching, Outcome};

fn because(reason: &str) -> Matching {
    Matching { reason: reason.to_owned(), ..Matching::default() }
}

fn entities(views: Vec<crate::queue::JobView>) -> Vec<String> {
    views.into_iter().map(|job| job.entity).collect()
}

#[tokio::test]
async fn jobs_of_each_state_are_listed_by_pages() {
    let stage = Stage::new().await;
    for entity in ["a", "b", "c"] {
        stage.give_up(entity).await;
        stage.time_comes("dead", entity).await;
    }
    // Died at 1, 2 and 3.
    for (score, entity) in [(2, "b"), (3, "c")] {
        let mut zadd = redis::cmd("ZADD");
        zadd.arg(stage.queue.key("dead")).arg(score).arg(entity);
        let () = zadd.query_async(&mut stage.queue.link.commands()).await.expect("zadd");
    }
    let page = |offset| stage.queue.list(JobState::Dead, offset, 2);
    let first = page(0).await.expect("list");
    assert_eq!((first[0].reason.as_str(), first[0].dead_since_ms), ("gave up c", Some(3)));
    assert_eq!(entities(first), ["c", "b"]);
    assert_eq!(entities(page(2).await.expect("list")), ["a"]);

    stage.trigger_as("scanned", 1, Asker::Scan).await;
    stage.trigger("event", 1).await;
    let ready = stage.queue.list(JobState::Ready, 0, 10).await.expect("list");
    assert_eq!(ready.iter().map(|job| job.is_from_scan).collect::<Vec<_>>(), [false, true]);
    assert_eq!(entities(ready), ["event", "scanned"]);
    assert_eq!(entities(stage.queue.list(JobState::Ready, 1, 1).await.expect("list")), ["scanned"]);
    let run = stage.start("w").await;
    assert_eq!(entities(stage.queue.list(JobState::Running, 0, 10).await.expect("list")), ["event"]);
    stage.finish("w", &run, retry(LEASE)).await;
    assert_eq!(entities(stage.queue.list(JobState::Delayed, 0, 10).await.expect("list")), ["event"]);
}

#[tokio::test]
async fn dead_jobs_go_back_by_reason_with_their_counters_reset() {
    let stage = Stage::new().await;
    for entity in ["a", "b", "ab"] {
        stage.give_up(entity).await;
    }
    let matching = because("gave up a");
    assert_eq!(stage.queue.count(&matching).await.expect("count"), 2);
    assert_eq!(stage.counts().await, [0, 0, 0, 3], "a dry run changes nothing");
    assert_eq!(stage.queue.requeue(&matching, Duration::ZERO).await.expect("requeue"), 2);
    assert_eq!(stage.counts().await, [2, 0, 0, 1]);
    for run in stage.take("w", 5).await {
        assert_eq!((run.starts, run.failures, run.crashes), (1, 0, 0));
        stage.done("w", &run).await;
    }
    assert_eq!(stage.queue.requeue(&because(""), Duration::ZERO).await.expect("requeue"), 1);
    let run = stage.start("w").await;
    stage.done("w", &run).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn dead_jobs_go_back_by_age() {
    let stage = Stage::new().await;
    for entity in ["old", "new"] {
        stage.give_up(entity).await;
    }
    stage.time_comes("dead", "old").await;
    let hour = Some(Duration::from_hours(1));
    let new = Matching { died_within: hour, ..Matching::default() };
    let old = Matching { died_before: hour, includes_failed: true, ..Matching::default() };
    assert_eq!(stage.queue.count(&new).await.expect("count"), 1);
    assert_eq!(stage.queue.count(&old).await.expect("count"), 1);
    stage.queue.requeue(&old, Duration::ZERO).await.expect("requeue");
    assert_eq!(stage.start("w").await.job.entity(), "old");
}

#[tokio::test]
async fn jobs_in_back_off_are_meant_only_if_they_failed_and_are_asked_for() {
    let stage = Stage::new().await;
    for entity in ["failed", "snoozed"] {
        stage.trigger(entity, 1).await;
    }
    let runs = stage.take("w", 2).await;
    stage.finish("w", &runs[0], retry(Duration::from_hours(1))).await;
    stage.finish("w", &runs[1], Outcome::Snooze { delay: Duration::from_hours(1) }).await;
    assert_eq!(stage.queue.requeue(&because(""), Duration::ZERO).await.expect("requeue"), 0);
    let all = Matching { includes_failed: true, ..Matching::default() };
    assert_eq!(stage.queue.requeue(&all, Duration::ZERO).await.expect("requeue"), 1);
    let run = stage.start("w").await;
    assert_eq!((run.job.entity(), run.failures), ("failed", 0));
    assert_eq!(stage.counts().await, [0, 1, 1, 0]);
}

#[tokio::test]
async fn thousands_go_back_spread_over_time_and_each_once() {
    let stage = Stage::new().await;
    stage.queue.enqueue(&jobs(2500), Asker::Event).await.expect("enqueue");
    for _ in 0..3 {
        let ended: Vec<_> = stage
            .take("w", 1000)
            .await
            .into_iter()
            .map(|claim| crate::queue::turn::Ended { claim, outcome: Outcome::GiveUp { reason: "x".to_owned() } })
            .collect();
        stage.turn("w", 0, 0, &ended).await;
    }
    assert_eq!(stage.counts().await, [0, 0, 0, 2500]);
    let spread = Duration::from_hours(1);
    assert_eq!(stage.queue.requeue(&because("x"), spread).await.expect("requeue"), 2500);
    let [ready, delayed, ..] = stage.counts().await;
    assert_eq!(ready + delayed, 2500);
    assert!(ready <= 1, "only the first is due at once: {ready}");
    let last = stage.queue.list(JobState::Delayed, 2498, 1).await.expect("list").pop().expect("the last");
    let first = stage.queue.list(JobState::Delayed, 0, 1).await.expect("list").pop().expect("the first");
    let apart = Duration::from_millis(last.since_ms - first.since_ms);
    assert!(apart > spread * 9 / 10 && apart < spread * 11 / 10, "{apart:?}");
}

#[tokio::test]
async fn all_that_failed_go_back_although_they_stay_delayed() {
    let stage = Stage::new().await;
    stage.queue.enqueue(&jobs(2500), Asker::Event).await.expect("enqueue");
    for _ in 0..3 {
        let outcome = retry(Duration::from_mins(30));
        let runs = stage.take("w", 1000).await.into_iter();
        let ended: Vec<_> = runs.map(|claim| crate::queue::turn::Ended { claim, outcome: outcome.clone() }).collect();
        stage.turn("w", 0, 0, &ended).await;
    }
    let all = Matching { includes_failed: true, ..Matching::default() };
    assert_eq!(stage.queue.requeue(&all, Duration::from_hours(1)).await.expect("requeue"), 2500);
    assert_eq!(stage.queue.count(&all).await.expect("count"), 0, "none is left with a failure");
}

#[tokio::test]
async fn a_page_of_no_jobs_is_no_page_of_all() {
    let stage = Stage::new().await;
    for entity in ["a", "b"] {
        stage.give_up(entity).await;
    }
    assert_eq!(stage.queue.list(JobState::Dead, 0, 0).await.expect("list").len(), 1);
}

#[tokio::test]
async fn dead_jobs_are_deleted_by_name_or_by_reason_and_nothing_else_is() {
    let stage = Stage::new().await;
    let a = stage.give_up("a").await;
    let b = stage.give_up("b").await;
    stage.give_up("c").await;
    stage.trigger("waits", 1).await;
    let waiting = stage.show("waits").await.expect("waits").job;
    assert_eq!(stage.queue.delete_dead(&[a.job.clone(), waiting]).await.expect("delete"), 1);
    assert_eq!(stage.queue.delete_dead(&[a.job]).await.expect("delete"), 0);
    // A job of the same entity that was made later is another one.
    stage.trigger_as("b", 1, Asker::Requeue).await;
    let run = stage.take("w", 2).await.pop().expect("b runs");
    stage.trigger("b", 1).await;
    stage.done("w", &run).await;
    let later = stage.start("w").await;
    stage.finish("w", &later, Outcome::GiveUp { reason: "again".to_owned() }).await;
    assert_eq!(stage.queue.delete_dead(&[b.job]).await.expect("delete"), 0);
    assert_eq!(stage.queue.delete(&Matching { includes_failed: true, ..because("gave up") }).await.expect("delete"), 1);
    assert_eq!(stage.counts().await[3], 1);
}

#[tokio::test]
async fn j6_events_come_before_scans_and_do_not_starve_them() {
    let stage = Stage::new().await;
    let scanned: Vec<_> = (0..20).map(|i| super::stage::job(&format!("scan{i}"), 1)).collect();
    stage.queue.enqueue(&scanned, Asker::Scan).await.expect("enqueue");
    stage.queue.enqueue(&jobs(100), Asker::Event).await.expect("enqueue");
    for wanted in [1, 3, 16] {
        let mut scans = 0;
        for _ in 0..(48 / wanted) {
            for run in stage.take("w", wanted).await {
                scans += usize::from(run.job.entity().starts_with("scan"));
                stage.done("w", &run).await;
                stage
                    .trigger_as(
                        run.job.entity(),
                        1,
                        if run.job.entity().starts_with("scan") { Asker::Scan } else { Asker::Event },
                    )
                    .await;
            }
        }
        assert_eq!(scans, 6, "one start in eight, {wanted} at a time");
    }
}

#[tokio::test]
async fn j6_a_scanned_record_that_a_user_touches_comes_forward() {
    let stage = Stage::new().await;
    stage.trigger_as("a", 1, Asker::Scan).await;
    stage.trigger_as("b", 1, Asker::Scan).await;
    stage.trigger("b", 2).await;
    let first = stage.start("w").await;
    assert_eq!(first.job.entity(), "b");
    let second = stage.take("w", 5).await;
    assert_eq!(second.iter().map(|run| run.job.entity()).collect::<Vec<_>>(), ["a"], "the token left behind is no job");
}

#[tokio::test]
async fn a_paused_queue_gives_nothing_takes_everything_and_goes_on_when_resumed() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.queue.pause().await.expect("pause");
    stage.trigger("b", 1).await;
    let turn = stage.turn("w", 4, 1, &[]).await;
    assert_eq!((turn.taken, turn.note), (vec![], Note::Paused));
    stage.done("w", &run).await;
    assert!(stage.queue.counts().await.expect("counts").is_paused);
    stage.queue.resume().await.expect("resume");
    assert_eq!(stage.start("w").await.job.entity(), "b");
    assert!(!stage.queue.counts().await.expect("counts").is_paused);
}
