//! Outside systems that fail in the middle: whatever was reached stays right, and the next run ends in agreement.

use harness::world::{Beteiligter, PATIENCE, World, mail, row};
use harness::{Result, eventually};
use serde_json::json;
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation};

const A: &str = "a@example.org";
const B: &str = "b@example.org";
const C: &str = "c@example.org";

/// One Beteiligter with work for every stage: B is new in EspoCRM (Var1), C is new in Advoware (Var4), A is linked.
fn with_work(world: &World) -> Beteiligter {
    world.given(
        104_860,
        json!([mail(A, true), mail(B, false)]),
        json!([]),
        vec![row(4, A, None), row(8, C, Some("privat"))],
    )
}

/// Invariant 4 at its simplest: each value once on each side.
fn assert_each_value_once(world: &World, one: &Beteiligter) {
    assert_eq!(world.espo_values(&one.id), [A, B, C]);
    let rows = world.simulator.advoware().rows(one.betnr);
    assert_eq!(rows.len(), 3, "{rows:?}");
}

#[tokio::test]
async fn a_fault_at_any_call_of_a_run_costs_a_try_and_nothing_else() -> Result<()> {
    let operations = [
        (Operation::EspoGet, 1),
        (Operation::GetBeteiligte, 1),
        (Operation::EspoPut, 1),
        (Operation::EspoPut, 2),
        (Operation::EspoPut, 3),
        (Operation::PostKommunikation, 1),
        (Operation::PutKommunikation, 1),
        (Operation::PutKommunikation, 2),
    ];
    let kinds = [
        FaultKind::status(500),
        FaultKind::status(503),
        FaultKind::AppliedThenStatus { code: 502 },
        FaultKind::AnswerLost,
        FaultKind::CutBefore,
        FaultKind::TruncatedBody,
        FaultKind::EmptyBody,
        FaultKind::MalformedBody,
    ];
    let world = World::start().await?;
    let worker = world.worker().await?;
    let mut betnr = 104_000;
    for (operation, nth) in operations {
        for kind in &kinds {
            betnr += 1;
            let rows = vec![row(4, A, None), row(8, C, Some("privat"))];
            let one = world.given(betnr, json!([mail(A, true), mail(B, false)]), json!([]), rows);
            world.simulator.faults().clear();
            world.simulator.faults().arm(Fault::new(Calls::to(operation).nth(nth), kind.clone()));
            world.sync(&[&one.id]).await?;
            let hit = world.simulator.faults().armed().is_empty();
            assert!(hit || kind.name() == "status", "{operation:?} {nth} {kind:?} did not hit");
            assert_each_value_once(&world, &one);
            world.then_agreed_and_silent(&[&one]).await?;
        }
    }
    assert!(worker.is_running());
    Ok(())
}

#[tokio::test]
async fn an_expired_token_costs_one_new_token_and_one_repetition() -> Result<()> {
    let world = World::start().await?;
    let one = with_work(&world);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    world.simulator.advoware().revoke_tokens();
    let calls = world.sync(&[&one.id]).await?;
    let tokens = calls.iter().filter(|call| call.operation == Operation::AdvowareToken).count();
    let gets: Vec<_> =
        calls.iter().filter(|call| call.operation == Operation::GetBeteiligte).map(|call| call.status).collect();
    assert_eq!((tokens, gets), (1, vec![Some(401), Some(200)]));
    world.then_agreed_and_silent(&[&one]).await
}

#[tokio::test]
async fn a_new_token_is_fetched_once_for_all_workers() -> Result<()> {
    let world = World::start().await?;
    let many: Vec<Beteiligter> =
        (0..60).map(|n| world.given(104_000 + n, json!([mail(A, true)]), json!([]), vec![row(4, A, None)])).collect();
    let _workers = (world.worker().await?, world.worker().await?);
    let ids: Vec<&str> = many.iter().map(|one| one.id.as_str()).collect();
    world.sync(&ids).await?;
    assert_eq!(world.simulator.journal().count(Operation::AdvowareToken), 1);
    Ok(())
}

#[tokio::test]
async fn j4_a_worker_killed_after_its_announcement_is_replaced() -> Result<()> {
    killed_after(Operation::EspoPut, 1).await
}

#[tokio::test]
async fn j4_a_worker_killed_after_its_espocrm_write_is_replaced() -> Result<()> {
    killed_after(Operation::EspoPut, 2).await
}

#[tokio::test]
async fn j4_a_worker_killed_after_it_created_a_row_is_replaced() -> Result<()> {
    killed_after(Operation::PostKommunikation, 1).await
}

#[tokio::test]
async fn j4_a_worker_killed_after_its_bookkeeping_is_replaced() -> Result<()> {
    killed_after(Operation::EspoPut, 3).await
}

/// Another worker finishes the run, and nothing is there twice.
async fn killed_after(operation: Operation, nth: u32) -> Result<()> {
    let world = World::start().await?;
    let one = with_work(&world);
    let killed = world.worker().await?;
    let held = world.simulator.pause_at(Moment::after(Calls::to(operation).nth(nth)));
    world.trigger(&[&one.id]).await?;
    held.reached().await;
    killed.kill()?;
    killed.exited(PATIENCE).await?;
    held.release();
    let _other = world.worker().await?;
    world.run_until_quiet().await?;
    assert_each_value_once(&world, &one);
    world.then_agreed_and_silent(&[&one]).await
}

#[tokio::test]
async fn b1_a_worker_that_lost_its_lease_stops_before_its_next_write() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_LEASE_SECONDS", "0.6");
    // The run's next write after the announcement creates a row: nothing but the lease keeps a late worker from doing it twice.
    let one = world.given(104_860, json!([mail(A, true), mail(B, false)]), json!([]), vec![row(4, A, None)]);
    let slow = world.worker().await?;
    let held = world.simulator.pause_at(Moment::after(Calls::to(Operation::EspoPut).nth(1)));
    world.trigger(&[&one.id]).await?;
    held.reached().await;
    // The process stands still, as on an overloaded machine, until another one has done the work.
    slow.pause()?;
    let other = world.worker().await?;
    held.release();
    eventually(PATIENCE, "the other worker has finished", async || {
        world.field(&one.id, "syncStatus") == json!("clean")
    })
    .await?;
    let before = world.simulator.journal().last_sequence();
    slow.resume()?;
    slow.wait_for_line("outcome refused", PATIENCE).await?;
    let late: Vec<_> = world.simulator.journal().since(before).into_iter().filter(|call| call.mutating).collect();
    assert!(late.is_empty(), "the late worker wrote: {late:?}");
    assert_eq!(world.simulator.advoware().rows(one.betnr).len(), 2);
    drop(other);
    Ok(())
}

#[tokio::test]
async fn j4_a_stopped_worker_finishes_its_run_and_ends_with_0() -> Result<()> {
    let world = World::start().await?;
    let one = with_work(&world);
    let worker = world.worker().await?;
    let held = world.simulator.pause_at(Moment::after(Calls::to(Operation::EspoPut).nth(1)));
    world.trigger(&[&one.id]).await?;
    held.reached().await;
    worker.terminate()?;
    held.release();
    let status = worker.exited(PATIENCE).await?;
    assert!(status.success(), "{status:?}");
    assert_each_value_once(&world, &one);
    assert_eq!(world.field(&one.id, "syncStatus"), json!("clean"));
    Ok(())
}

#[tokio::test]
async fn j2_a_trigger_during_a_run_leads_to_one_more_run() -> Result<()> {
    let world = World::start().await?;
    let one = with_work(&world);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let held = world.simulator.pause_at(Moment::after(Calls::to(Operation::EspoGet)));
    let before = world.simulator.journal().last_sequence();
    world.trigger(&[&one.id]).await?;
    held.reached().await;
    let late = Edit::EspoRemove { id: one.id.clone(), value: B.to_owned() };
    world.simulator.edit(&late).expect("B is there");
    for _ in 0..5 {
        world.trigger(&[&one.id]).await?;
    }
    held.release();
    world.run_until_quiet().await?;
    assert_eq!(world.espo_values(&one.id), [A, C]);
    let looks =
        world.simulator.journal().since(before).iter().filter(|call| call.operation == Operation::EspoGet).count();
    assert!(looks <= 3, "one run that saw nothing, one that saw the edit with its re-read: {looks}");
    world.then_agreed_and_silent(&[&one]).await
}

#[tokio::test]
async fn a_firm_with_many_workers_agrees_whoever_does_what() -> Result<()> {
    let world = World::start().await?;
    let firm = simulator::generate(11, 60);
    world.simulator.load(&firm);
    let ids: Vec<&str> = firm.beteiligte.iter().map(|one| one.espo_id.as_str()).collect();
    let _workers = (world.worker().await?, world.worker().await?, world.worker().await?);
    world.sync(&ids).await?;
    let all: Vec<Beteiligter> =
        firm.beteiligte.iter().map(|one| Beteiligter { id: one.espo_id.clone(), betnr: one.betnr }).collect();
    world.then_agreed_and_silent(&all.iter().collect::<Vec<_>>()).await
}
