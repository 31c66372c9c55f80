//! Calls under permits that are held (K8b), against the simulator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

use super::*;
use crate::error::Operation;
use crate::limits::Limits;

const DEADLINE: Duration = Duration::from_secs(30);

impl World {
    /// What another process has: its own voice at Redis.
    async fn another(&self, most: u32) -> Advoware {
        let settings = AdvowareSettings::read(&source(&self.simulator, true)).unwrap();
        let limits = Limits::connect(self.redis.url().as_str()).await.unwrap();
        let limit = limits.parallel(crate::error::System::Advoware, most);
        Advoware::within(limit, &settings, self.redis.cache().await, Clock::system()).unwrap()
    }
}

fn write(tlf: &str) -> KommunikationWrite {
    KommunikationWrite { tlf: tlf.into(), bemerkung: None, komm_kz: 0, online: false }
}

#[tokio::test]
async fn k8b_nothing_comes_between_look_and_write_while_others_wait_for_permits() {
    let world = World::start().await;
    let (one, other) = (world.another(1).await, world.another(1).await);
    // In each process readers are always waiting.
    let mut readers = JoinSet::new();
    for advoware in [&one, &other] {
        for _ in 0..8 {
            let advoware = advoware.clone();
            readers.spawn(async move {
                loop {
                    advoware.get_beteiligte(BET_NR).await.unwrap();
                }
            });
        }
    }
    for n in 0..10 {
        let visit = one.visit(Operation::AdvowarePutKommunikation, 1).await.unwrap();
        assert_eq!(visit.width(), 1);
        let row = visit.get_beteiligte(BET_NR).await.unwrap().view.rows.remove(0);
        visit.put_kommunikation(BET_NR, row.id, &write(&format!("0170 {n}"))).await.unwrap();
    }
    readers.shutdown().await;
    let calls = world.simulator.journal().entries();
    let puts: Vec<_> = calls.iter().filter(|call| call.operation == Call::PutKommunikation).collect();
    assert_eq!(puts.len(), 10);
    for put in puts {
        let before = calls.iter().find(|call| call.sequence == put.sequence - 1).unwrap();
        assert_eq!(before.operation, Call::GetBeteiligte);
        // With one call at a time the look has its answer before the write arrives, and no reader is in between.
        assert!(before.finished_milliseconds.is_some_and(|end| end <= put.started_milliseconds));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k8b_visits_of_several_never_hold_more_than_the_limit_nor_wait_for_each_other() {
    const MOST: u32 = 2;
    let world = World::start().await;
    let held = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
    let mut visits = JoinSet::new();
    for _ in 0..3 {
        let advoware = world.another(MOST).await;
        for _ in 0..6 {
            let (advoware, held) = (advoware.clone(), Arc::clone(&held));
            visits.spawn(async move {
                let mut widest = 0;
                for _ in 0..5 {
                    let visit = advoware.visit(Operation::AdvowarePutKommunikation, 2).await.unwrap();
                    let width = u32::try_from(visit.width()).unwrap();
                    let now = held.0.fetch_add(width, Ordering::SeqCst) + width;
                    held.1.fetch_max(now, Ordering::SeqCst);
                    visit.get_beteiligte(BET_NR).await.unwrap();
                    // Before they are given back.
                    held.0.fetch_sub(width, Ordering::SeqCst);
                    widest = widest.max(width);
                }
                widest
            });
        }
    }
    let widths = tokio::time::timeout(DEADLINE, visits.join_all()).await.expect("nobody waits for ever");
    assert_eq!(held.1.load(Ordering::SeqCst), MOST);
    assert!(widths.iter().all(|width| (1..=MOST).contains(width)), "{widths:?}");
}

#[tokio::test]
async fn a_visit_that_nothing_bounds_is_as_wide_as_wanted() {
    let world = World::start().await;
    for (wanted, width) in [(0, 1), (1, 1), (9, 9)] {
        assert_eq!(world.advoware.visit(Operation::AdvowarePutKommunikation, wanted).await.unwrap().width(), width);
    }
}

#[tokio::test]
async fn k8b_a_log_in_never_comes_between_look_and_write() {
    let world = World::start().await;
    let visit = world.advoware.visit(Operation::AdvowarePutKommunikation, 1).await.unwrap();
    let before = world.simulator.journal().last_sequence();
    visit.get_beteiligte(BET_NR).await.unwrap();
    visit.put_kommunikation(BET_NR, world.komm_id, &write("0170 1")).await.unwrap();
    let calls: Vec<_> = world.simulator.journal().since(before).iter().map(|call| call.operation).collect();
    assert_eq!(calls, [Call::GetBeteiligte, Call::PutKommunikation]);
    // One that is refused all the same is replaced, as without a visit.
    world.simulator.advoware().revoke_tokens();
    visit.get_beteiligte(BET_NR).await.unwrap();
}
