//! What users do on either side, one scenario each: the seed's six variants and their neighbours.

use chrono::Utc;
use domain::ids::BetNr;
use domain::job::Wants;
use domain::kommunikation::Direction;
use harness::world::{Beteiligter, PATIENCE, espo_id, fields, mail, phone, row};
use harness::{Result, eventually};
use serde_json::json;
use shared::hub::{Claim, Hub};
use simulator::{Calls, Edit, JournalEntry, Moment, Operation};

use crate::bad_input::findings;
use crate::synced::{A, B, C, Synced};

const OFFICE: &str = "+493023125100";

fn operations(calls: &[JournalEntry]) -> Vec<Operation> {
    let mut operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
    // Both loads go out together, so they arrive in any order.
    for pair in operations.chunks_mut(2) {
        pair.sort_by_key(|operation| matches!(operation, Operation::GetBeteiligte));
    }
    operations
}

#[tokio::test]
async fn a_run_with_nothing_to_do_makes_its_two_calls_at_the_same_time() -> Result<()> {
    let synced = Synced::with_a().await?;
    let simulator = &synced.world.simulator;
    let held = simulator.pause_at(Moment::before(Calls::to(Operation::EspoGet)));
    let before = simulator.journal().last_sequence();
    synced.world.trigger(&[&synced.one.id]).await?;
    held.reached().await;
    eventually(harness::world::PATIENCE, "Advoware answers while EspoCRM is held", async || {
        let calls = simulator.journal().since(before);
        calls.iter().any(|call| call.operation == Operation::GetBeteiligte && call.status == Some(200))
    })
    .await?;
    held.release();
    synced.world.run_until_quiet().await?;
    assert_eq!(simulator.journal().since(before).len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_change_costs_its_writes_one_re_read_of_both_sides_and_one_bookkeeping_write() -> Result<()> {
    let synced = Synced::with_a().await?;
    let calls = synced.after(&[synced.change(0, B)]).await?;
    let expected = [
        (Operation::EspoGet, "load"),
        (Operation::GetBeteiligte, "load"),
        (Operation::EspoPut, "syncing"),
        (Operation::EspoPut, "stage 2"),
        (Operation::GetBeteiligte, "K8b"),
        (Operation::PutKommunikation, "stage 3"),
        (Operation::EspoGet, "K9"),
        (Operation::GetBeteiligte, "K9"),
        (Operation::EspoPut, "bookkeeping"),
    ];
    let mut seen: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
    for pair in [0..2, 6..8] {
        seen[pair].sort_by_key(|operation| *operation == Operation::GetBeteiligte);
    }
    assert_eq!(seen, expected.map(|(operation, _)| operation), "{expected:?}");
    let announced = calls[2].request.as_ref().map(|body| body["syncStatus"].clone());
    assert_eq!(announced, Some(json!("syncing")));
    assert!(calls.iter().filter(|call| call.operation == Operation::EspoPut).all(|put| put.version_number.is_some()));
    Ok(())
}

#[tokio::test]
async fn var1_a_new_value_in_espocrm_gets_a_row() -> Result<()> {
    let synced = Synced::with_a().await?;
    let calls = synced.after(&[synced.add_mail(B)]).await?;
    assert!(operations(&calls).contains(&Operation::PostKommunikation));
    let rows = synced.world.simulator.advoware().rows(synced.one.betnr);
    assert_eq!(rows[1].tlf, B);
    assert_eq!((rows[1].komm_kz, rows[1].bemerkung.as_deref()), (4, Some("[ESPOCRM:YkBleGFtcGxlLm9yZw==:4] ")));
    Ok(())
}

#[tokio::test]
async fn var2_a_value_deleted_in_espocrm_leaves_a_slot_that_the_next_one_takes() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.remove(A)]).await?;
    assert_eq!(synced.remark(0), "[ESPOCRM-SLOT:4]");
    let calls = synced.after(&[synced.add_mail(B)]).await?;
    assert!(!operations(&calls).contains(&Operation::PostKommunikation), "the slot is used, no row is created");
    assert_eq!(synced.world.simulator.advoware().rows(synced.one.betnr).len(), 1);
    Ok(())
}

#[tokio::test]
async fn var3_a_row_emptied_or_removed_in_advoware_leaves_espocrm() -> Result<()> {
    let rows = vec![row(4, A, None), row(4, B, None), row(4, C, None)];
    let synced = Synced::with(json!([mail(A, true), mail(B, false), mail(C, false)]), json!([]), rows).await?;
    synced.after(&[synced.change(0, "")]).await?;
    assert_eq!(synced.values(), [B, C]);
    let gone = Edit::AdvowareRemove { betnr: synced.one.betnr, komm_id: synced.row_id(1) };
    synced.after(&[gone]).await?;
    assert_eq!(synced.values(), [C]);
    Ok(())
}

#[tokio::test]
async fn k8_an_emptied_row_takes_a_new_value_in_the_same_run() -> Result<()> {
    let synced = Synced::with_a().await?;
    let calls = synced.after(&[synced.change(0, ""), synced.add_mail(B)]).await?;
    assert_eq!(synced.values(), [B]);
    assert_eq!(
        calls.iter().filter(|call| call.mutating).count(),
        4,
        "announcement, EspoCRM, the row, bookkeeping: {calls:?}"
    );
    Ok(())
}

#[tokio::test]
async fn var4_a_new_row_comes_to_espocrm_in_e164_and_keeps_its_spelling_and_text() -> Result<()> {
    let synced = Synced::with_a().await?;
    let new = row(1, "030/23125 10-0", Some("Zentrale\r\n[Mo-Fr] Tür 3"));
    synced.after(&[Edit::AdvowareAdd { betnr: synced.one.betnr, row: new }]).await?;
    let phones = synced.world.simulator.espocrm().phones(&synced.one.id);
    assert_eq!((&phones[0]["phoneNumber"], &phones[0]["type"]), (&json!(OFFICE), &json!("Office")));
    assert_eq!(synced.world.simulator.advoware().rows(synced.one.betnr)[1].tlf, "030/23125 10-0");
    assert!(synced.remark(1).ends_with("] Zentrale\r\n[Mo-Fr] Tür 3"), "{}", synced.remark(1));
    Ok(())
}

#[tokio::test]
async fn var5_a_value_changed_in_espocrm_changes_its_row_and_keeps_the_text() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.replace(A, B)]).await?;
    let rows = synced.world.simulator.advoware().rows(synced.one.betnr);
    assert_eq!((rows.len(), rows[0].tlf.as_str(), rows[0].online), (1, B, true));
    assert!(synced.remark(0).ends_with(" Büro"));
    Ok(())
}

#[tokio::test]
async fn var6_a_value_changed_in_advoware_keeps_its_place_in_espocrm() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.change(0, B)]).await?;
    let mails = synced.world.simulator.espocrm().mails(&synced.one.id);
    assert_eq!((mails.len(), &mails[0]["emailAddress"], &mails[0]["primary"]), (1, &json!(B), &json!(true)));
    assert!(synced.remark(0).ends_with(" Büro"));
    Ok(())
}

#[tokio::test]
async fn k6_both_sides_changed_one_item_espocrm_wins_a_note_tells_and_the_audit_keeps_the_other() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.change(0, C), synced.replace(A, B)]).await?;
    assert_eq!(synced.values(), [B]);
    let notes = synced.world.simulator.espocrm().notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(!notes[0].post.contains('@'), "a note names ids, no values");
    let pool = sqlx::PgPool::connect(&synced.world.database_url).await?;
    let query = "SELECT before->>'tlf' FROM sync_audit WHERE rule = 'overwritten_by_espo'";
    let kept: Vec<Option<String>> = sqlx::query_scalar(query).fetch_all(&pool).await?;
    assert_eq!(kept, [Some(C.to_owned())]);
    let address = harness::world::address_in(&synced.worker.wait_for_line("worker ready", PATIENCE).await?)?;
    let metrics = reqwest::get(format!("http://{address}/metrics")).await.expect("metrics").text().await.expect("text");
    let told = "kanzleisync_findings_total{flow=\"beteiligte\",kind=\"overwritten_by_espo\"} 1";
    assert!(metrics.contains(told), "a decided conflict is counted, once: {metrics}");
    Ok(())
}

#[tokio::test]
async fn k10_every_value_that_leaves_is_in_the_audit_first() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.change(0, B)]).await?;
    synced.after(&[synced.remove(B)]).await?;
    let pool = sqlx::PgPool::connect(&synced.world.database_url).await?;
    let query = "SELECT rule || ' ' || target || ' ' || coalesce(before->>'emailAddress', before->>'tlf')
                 FROM sync_audit WHERE rule IN ('var6', 'var2') ORDER BY at, target DESC";
    let kept: Vec<String> = sqlx::query_scalar(query).fetch_all(&pool).await?;
    let expected = [format!("var6 espocrm {A}"), format!("var6 advoware {B}"), format!("var2 advoware {B}")];
    assert_eq!(kept, expected);
    Ok(())
}

#[tokio::test]
async fn k7_another_primary_mail_moves_online() -> Result<()> {
    let rows = vec![row(4, A, None), row(8, B, None)];
    let synced = Synced::with(json!([mail(A, true), mail(B, false)]), json!([]), rows).await?;
    synced.after(&[Edit::EspoMakePrimary { id: synced.one.id.clone(), value: B.to_owned() }]).await?;
    let online: Vec<bool> =
        synced.world.simulator.advoware().rows(synced.one.betnr).iter().map(|row| row.online).collect();
    assert_eq!(online, [false, true]);
    Ok(())
}

#[tokio::test]
async fn k1a_a_cleared_remark_is_written_again_and_duplicates_nothing() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (betnr, komm_id) = (synced.one.betnr, synced.row_id(0));
    let clear =
        Edit::AdvowareChange { betnr, komm_id, tlf: Some(B.to_owned()), bemerkung: Some(String::new()), online: None };
    synced.after(&[clear]).await?;
    assert_eq!(synced.values(), [B]);
    assert!(synced.remark(0).starts_with("[ESPOCRM:"));
    Ok(())
}

#[tokio::test]
async fn k1a_a_mass_deletion_is_held_until_it_is_approved() -> Result<()> {
    let mails = [A, B, C];
    let rows = mails.iter().map(|address| row(4, address, None)).collect();
    let held = json!([mail(A, true), mail(B, false), mail(C, false)]);
    let synced = Synced::with(held, json!([]), rows).await?;
    for komm_id in [synced.row_id(0), synced.row_id(1), synced.row_id(2)] {
        synced.world.simulator.edit(&Edit::AdvowareRemove { betnr: synced.one.betnr, komm_id }).unwrap();
    }
    for _ in 0..2 {
        let calls = synced.world.sync(&[&synced.one.id]).await?;
        assert!(calls.iter().all(|call| call.operation.is_read_of_records() || !call.applied || call.is_bookkeeping()));
        assert_eq!(synced.values(), [A, B, C]);
    }
    synced.world.trigger_wanting(&[&synced.one.id], Wants::sync(Direction::Both).approving_deletions()).await?;
    synced.world.run_until_quiet().await?;
    assert!(synced.values().is_empty());
    synced.world.then_agreed_and_silent(&[&synced.one]).await
}

/// What a held run may do.
trait Harmless {
    fn is_read_of_records(&self) -> bool;
}

impl Harmless for Operation {
    fn is_read_of_records(&self) -> bool {
        matches!(self, Self::EspoGet | Self::GetBeteiligte)
    }
}

trait Bookkeeping {
    fn is_bookkeeping(&self) -> bool;
}

impl Bookkeeping for JournalEntry {
    fn is_bookkeeping(&self) -> bool {
        let body = self.request.as_ref();
        body.is_some_and(|body| body.get("emailAddressData").is_none() && body.get("advowareLastSync").is_some())
    }
}

#[tokio::test]
async fn k8a_to_advoware_leaves_advowares_edit_waiting_and_a_follow_up_fetches_it() -> Result<()> {
    let synced = Synced::with(json!([mail(A, true)]), json!([]), vec![row(4, A, None)]).await?;
    synced.world.simulator.edit(&synced.change(0, B)).unwrap();
    synced.world.simulator.edit(&synced.add_mail(C)).unwrap();
    let before = synced.world.simulator.journal().last_sequence();
    synced.world.trigger_wanting(&[&synced.one.id], Wants::sync(Direction::ToAdvoware)).await?;
    synced.world.run_until_quiet().await?;
    let calls = synced.world.simulator.journal().since(before);
    let created = calls.iter().position(|call| call.operation == Operation::PostKommunikation).unwrap();
    let fetched =
        calls.iter().position(|call| call.request.as_ref().is_some_and(|body| body.get("emailAddressData").is_some()));
    assert!(Some(created) < fetched, "first to Advoware, then the follow-up: {calls:?}");
    assert_eq!(synced.values(), [B, C]);
    synced.world.then_agreed_and_silent(&[&synced.one]).await
}

#[tokio::test]
async fn k1a_a_new_espocrm_record_for_an_old_number_costs_no_value() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, betnr) = (&synced.world, synced.one.betnr);
    world.simulator.edit(&Edit::EspoDelete { id: synced.one.id.clone() }).unwrap();
    let again = Beteiligter { id: "000000000000a6a12".to_owned(), betnr };
    let fields = json!({"betnr": betnr, "lastName": format!("Beispiel {betnr}"), "emailAddressData": [mail(B, true)]});
    world.simulator.espocrm().seed(&again.id, fields).unwrap();
    world.sync_at_once(&[&again.id]).await?;
    assert_eq!(world.espo_values(&again.id), [A, B]);
    world.then_agreed_and_silent(&[&again]).await
}

#[tokio::test]
async fn a_second_record_with_the_same_number_is_told_once_and_synced_when_the_first_is_gone() -> Result<()> {
    second_record_is_synced_after(async |_, _| Ok(())).await
}

#[tokio::test]
async fn a_second_record_that_just_got_the_number_still_goes_by_its_users_time() -> Result<()> {
    // A run was killed after it had claimed the number, before it knew what to do.
    second_record_is_synced_after(async |hub: &Hub, second: &Beteiligter| {
        let (id, betnr) = (espo_id(second), BetNr(second.betnr));
        let holder = hub.holder_of(betnr).await.expect("PostgreSQL answers").expect("the first one");
        hub.release(&holder).await.expect("PostgreSQL answers");
        assert_eq!(hub.claim(&id, betnr, true, Utc::now()).await.expect("PostgreSQL answers"), Claim::Granted);
        Ok(())
    })
    .await
}

async fn second_record_is_synced_after(meanwhile: impl AsyncFn(&Hub, &Beteiligter) -> Result<()>) -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, first) = (&synced.world, &synced.one);
    let (second, clock) =
        (Beteiligter { id: "00000000000005ec0".to_owned(), betnr: first.betnr }, world.simulator.clock());
    let named = json!({"betnr": first.betnr, "lastName": "Beispiel", "emailAddressData": [mail(B, true)]});
    clock.set_offset_milliseconds(-3_600_000);
    world.simulator.espocrm().seed(&second.id, named).unwrap();
    clock.advance_seconds(60);
    let later = Edit::AdvowareSet { betnr: first.betnr, fields: fields(json!({"name": "Neuer"})) };
    world.simulator.edit(&later).unwrap();
    clock.set_offset_milliseconds(0);
    for _ in 0..2 {
        world.sync_at_once(&[&second.id]).await?;
        assert_eq!(world.field(&second.id, "syncStatus"), json!("conflict"));
        let told = world.field(&second.id, "syncErrorMessage");
        assert!(told.as_str().is_some_and(|told| told.contains(&first.id)), "who has the number: {told}");
        assert_eq!(world.simulator.espocrm().notes().len(), 1, "told once");
        assert_eq!(findings(world, &second.id).await?, json!([{"kind": "betnr_taken"}]));
    }
    assert_eq!(
        (world.espo_values(&second.id), world.advo_values(first.betnr)),
        (vec![B.to_owned()], vec![A.to_owned()])
    );
    assert!(world.sync(&[&second.id]).await?.iter().all(|call| !call.mutating), "and then it is quiet");

    world.simulator.edit(&Edit::EspoDelete { id: first.id.clone() }).unwrap();
    meanwhile(&Hub::new(world.database_url.parse()?), &second).await?;
    world.sync_at_once(&[&second.id]).await?;
    assert_eq!(world.espo_values(&second.id), [A, B]);
    assert_eq!(world.field(&second.id, "lastName"), json!("Neuer"), "our telling is no later edit of EspoCRM's");
    assert_eq!(world.field(&second.id, "syncErrorMessage"), json!(null));
    world.then_agreed_and_silent(&[&second]).await
}

#[tokio::test]
async fn k3_phones_of_all_groups_meet_whatever_their_spelling() -> Result<()> {
    let phones = json!([
        phone(OFFICE, "Office"),
        phone("+493023125101", "Fax"),
        phone("+4915228817386", "Mobile"),
        phone("+493023125103", "Home"),
    ]);
    let rows = vec![
        row(1, "030/231251-00", None),
        row(2, "+49 (0)30 23125101", None),
        row(3, "0049 152 28817386", None),
        row(6, "030 23125103", None),
    ];
    let synced = Synced::with(json!([]), phones, rows).await?;
    assert_eq!(synced.world.simulator.advoware().rows(synced.one.betnr).len(), 4, "linked, none created");
    assert_eq!(synced.values().len(), 4);
    Ok(())
}
