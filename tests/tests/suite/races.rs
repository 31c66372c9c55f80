//! Users who edit while a run is going on.

use harness::Result;
use harness::world::PATIENCE;
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation};

use crate::synced::{A, B, C, Synced};

#[tokio::test]
async fn k8b_a_users_edit_before_stage_3_is_kept_and_our_own_write_is_not_taken_for_one() -> Result<()> {
    let synced = Synced::with_a().await?;
    // Stage 2 writes B; right after it the user changes the row again, to C.
    synced.world.simulator.edit_at(Moment::after(Calls::to(Operation::EspoPut).nth(2)), synced.change(0, C));
    synced.after(&[synced.change(0, B)]).await?;
    assert_eq!(synced.values(), [C]);
    assert!(synced.world.simulator.espocrm().notes().is_empty(), "nobody is told of a conflict that was none");
    Ok(())
}

#[tokio::test]
async fn k8b_a_value_entered_again_while_its_deletion_is_synced_comes_back() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.world.simulator.edit_at(Moment::after(Calls::to(Operation::EspoPut).nth(2)), synced.change(0, A));
    synced.after(&[synced.change(0, "")]).await?;
    assert_eq!(synced.values(), [A]);
    Ok(())
}

#[tokio::test]
async fn k8b_an_edit_in_espocrm_between_load_and_write_is_seen_by_its_version() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.world.simulator.edit_at(Moment::before(Calls::to(Operation::EspoPut).nth(2)), synced.add_mail(C));
    let calls = synced.after(&[synced.change(0, B)]).await?;
    assert!(calls.iter().any(|call| call.status == Some(409)), "{calls:?}");
    assert_eq!(synced.values(), [B, C]);
    Ok(())
}

#[tokio::test]
async fn k8b_without_optimistic_concurrency_the_record_is_read_again_before_it_is_written() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.world.simulator.espocrm().switch(|switches| switches.optimistic_concurrency = false);
    synced.world.simulator.edit_at(Moment::after(Calls::to(Operation::EspoPut)), synced.add_mail(C));
    synced.after(&[synced.change(0, B)]).await?;
    assert_eq!(synced.values(), [B, C]);
    Ok(())
}

#[tokio::test]
async fn k9_without_optimistic_concurrency_a_late_edit_is_not_marked_clean_either() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.world.simulator.espocrm().switch(|switches| switches.optimistic_concurrency = false);
    // The last read but one is the look after the writes; the user edits after it, and no webhook tells.
    synced.world.simulator.edit_at(Moment::after(Calls::to(Operation::EspoGet).nth(4)), synced.add_mail(C));
    synced.after_without_counting(&[synced.change(0, B)]).await?;
    assert_eq!(synced.values(), [B, C]);
    Ok(())
}

#[tokio::test]
async fn k1a_a_row_that_this_run_created_and_a_user_removed_is_not_created_again() -> Result<()> {
    let synced = Synced::with_a().await?;
    let betnr = synced.one.betnr;
    let held = synced.world.simulator.pause_at(Moment::after(Calls::to(Operation::PostKommunikation)));
    synced.world.simulator.edit(&synced.add_mail(B)).unwrap();
    synced.world.trigger(&[&synced.one.id]).await?;
    held.reached().await;
    let komm_id = synced.row_id(1);
    synced.world.simulator.edit(&Edit::AdvowareRemove { betnr, komm_id }).unwrap();
    held.release();
    synced.world.run_until_quiet().await?;
    assert_eq!(synced.values(), [A]);
    synced.world.then_agreed_and_silent(&[&synced.one]).await
}

#[tokio::test]
async fn k9_an_edit_just_before_the_bookkeeping_write_is_not_marked_clean() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.world.simulator.edit_at(Moment::before(Calls::to(Operation::EspoPut).nth(3)), synced.add_mail(C));
    synced.after(&[synced.change(0, B)]).await?;
    assert_eq!(synced.values(), [B, C]);
    Ok(())
}

#[tokio::test]
async fn an_edit_while_a_failed_run_waits_is_kept_and_is_no_conflict_with_our_own_write() -> Result<()> {
    let synced = Synced::with_a().await?;
    let simulator = &synced.world.simulator;
    // B has reached EspoCRM; its marker fails, and before the next try the user changes the row again, to C.
    simulator.faults().arm(Fault::new(Calls::to(Operation::PutKommunikation), FaultKind::status(500)));
    simulator.edit_at(Moment::after(Calls::to(Operation::PutKommunikation)), synced.change(0, C));
    simulator.edit(&synced.change(0, B)).unwrap();
    synced.world.sync(&[&synced.one.id]).await?;
    assert_eq!(synced.values(), [C]);
    assert!(simulator.espocrm().notes().is_empty(), "nobody is told of a conflict that was none");
    synced.world.then_agreed_and_silent(&[&synced.one]).await
}

#[tokio::test]
async fn an_edit_after_a_worker_was_killed_between_both_halves_of_a_change_is_kept() -> Result<()> {
    for (before, after, expected) in [(B, C, vec![C]), ("", A, vec![A]), (B, "", vec![])] {
        let synced = Synced::with_a().await?;
        let simulator = &synced.world.simulator;
        let held = simulator.pause_at(Moment::after(Calls::to(Operation::EspoPut).nth(2)));
        simulator.edit(&synced.change(0, before)).unwrap();
        synced.world.trigger(&[&synced.one.id]).await?;
        held.reached().await;
        synced.worker.kill()?;
        synced.worker.exited(PATIENCE).await?;
        held.release();
        simulator.edit(&synced.change(0, after)).unwrap();
        let _other = synced.world.worker().await?;
        synced.world.run_until_quiet().await?;
        assert_eq!(synced.values(), expected, "{before:?} then {after:?}");
        assert!(simulator.espocrm().notes().is_empty(), "nobody is told of a conflict that was none");
        synced.world.then_agreed_and_silent(&[&synced.one]).await?;
    }
    Ok(())
}
