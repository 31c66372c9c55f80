//! Records without betnr, created in Advoware once and never twice (B2b).

use domain::job::Wants;
use domain::kommunikation::Direction;
use harness::Result;
use harness::world::{Beteiligter, World, fields, mail};
use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation};

use crate::synced::A;

const ID: &str = "0000000000000aaaa";
const BETNR: i64 = 104_900;

fn espo_edit(name: &str, value: impl Into<Value>) -> Edit {
    Edit::EspoSet { id: ID.to_owned(), fields: fields(json!({name: value.into()})) }
}

#[tokio::test]
async fn b2b_a_record_without_number_is_created_once_with_its_kommunikationen() -> Result<()> {
    let world = World::start().await?;
    let record = json!({"lastName": "Neu", "firstName": "Kim", "dateOfBirth": "1970-05-17", "emailAddressData": [mail(A, true)]});
    world.simulator.espocrm().seed(ID, record).expect("EspoCRM takes the record");
    let _worker = world.worker().await?;
    world.sync_at_once(&[ID]).await?;
    let betnr = world.field(ID, "betnr").as_i64().expect("EspoCRM has the number");
    assert_eq!(world.simulator.advoware().betnrs(), [betnr]);
    let created = world.simulator.advoware().beteiligter(betnr).unwrap_or_default();
    assert_eq!((&created["name"], &created["vorname"]), (&json!("Neu"), &json!("Kim")));
    world.then_agreed_and_silent(&[&Beteiligter { id: ID.to_owned(), betnr }]).await
}

#[tokio::test]
async fn b2b_a_post_without_answer_is_never_repeated_and_waits_for_a_person() -> Result<()> {
    for fault in [
        FaultKind::AnswerLost,
        FaultKind::AppliedThenStatus { code: 500 },
        FaultKind::NullField { field: "betNr".to_owned() },
    ] {
        let world = World::start().await?;
        world.simulator.espocrm().seed(ID, json!({"lastName": "Neu"})).expect("EspoCRM takes the record");
        world.simulator.faults().arm(Fault::new(Calls::to(Operation::PostBeteiligte), fault.clone()));
        let _worker = world.worker().await?;
        world.sync(&[ID]).await?;
        for _ in 0..2 {
            assert_eq!(world.simulator.journal().count(Operation::PostBeteiligte), 1, "{fault:?}");
            assert_eq!(world.field(ID, "syncStatus"), json!("permanently_failed"));
            assert_eq!(world.field(ID, "syncAutoResetAt"), Value::Null, "nobody but a person puts it back");
            assert_eq!(world.simulator.espocrm().notes().len(), 1);
            world.trigger(&[ID]).await?;
            world.run_until_quiet().await?;
        }
        // A person finds it in Advoware and enters its number.
        let betnr = world.simulator.advoware().betnrs()[0];
        world.simulator.edit(&espo_edit("betnr", json!(betnr))).expect("the edit is possible");
        world.sync(&[ID]).await?;
        assert_eq!(world.simulator.journal().count(Operation::PostBeteiligte), 1);
        world.then_agreed_and_silent(&[&Beteiligter { id: ID.to_owned(), betnr }]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn b2b_create_again_releases_what_is_held_and_what_was_refused_is_tried_again() -> Result<()> {
    let world = World::start().await?;
    world.simulator.espocrm().seed(ID, json!({"lastName": "Neu"})).expect("EspoCRM takes the record");
    let refused = FaultKind::Status { code: 400, retry_after_seconds: None, body: None };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::PostBeteiligte), refused));
    let _worker = world.worker().await?;
    world.sync(&[ID]).await?;
    assert_eq!(world.field(ID, "syncStatus"), json!("permanently_failed"));
    assert_ne!(world.field(ID, "syncAutoResetAt"), Value::Null, "a refusal is no unknown outcome");
    world.simulator.faults().clear();
    let cut = Fault::new(Calls::to(Operation::PostBeteiligte), FaultKind::CutBefore);
    world.simulator.faults().arm(cut);
    world.trigger(&[ID]).await?;
    world.run_until_quiet().await?;
    assert!(world.simulator.advoware().betnrs().is_empty(), "held");
    world.trigger_wanting(&[ID], Wants::sync(Direction::Both).creating_again()).await?;
    world.run_until_quiet().await?;
    let betnr = world.simulator.advoware().betnrs()[0];
    world.then_agreed_and_silent(&[&Beteiligter { id: ID.to_owned(), betnr }]).await
}

#[tokio::test]
async fn b2b_an_approval_is_good_for_one_post_even_if_its_run_is_killed() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_LEASE_SECONDS", "0.5");
    world.simulator.espocrm().seed(ID, json!({"lastName": "Neu"})).expect("EspoCRM takes the record");
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::PostBeteiligte), FaultKind::AnswerLost));
    let worker = world.worker().await?;
    world.sync(&[ID]).await?;
    let pause = world.simulator.pause_at(Moment::after(Calls::to(Operation::PostBeteiligte)));
    world.trigger_wanting(&[ID], Wants::sync(Direction::Both).creating_again()).await?;
    pause.reached().await;
    worker.kill()?;
    pause.release();
    let _next = world.worker().await?;
    world.run_until_quiet().await?;
    assert_eq!(
        world.simulator.journal().count(Operation::PostBeteiligte),
        2,
        "the first, and the one that was approved"
    );
    assert_eq!(world.field(ID, "syncStatus"), json!("permanently_failed"));
    Ok(())
}

#[tokio::test]
async fn b2b_a_number_entered_while_the_record_is_created_is_kept_and_the_other_is_told() -> Result<()> {
    let world = World::start().await?;
    world.simulator.advoware().seed(BETNR, json!({"name": "Neu"}), vec![]);
    world.simulator.espocrm().seed(ID, json!({"lastName": "Neu"})).expect("EspoCRM takes the record");
    world.simulator.edit_at(Moment::after(Calls::to(Operation::PostBeteiligte)), espo_edit("betnr", json!(BETNR)));
    let _worker = world.worker().await?;
    world.sync(&[ID]).await?;
    assert_eq!(world.field(ID, "betnr"), json!(BETNR));
    let created = world.simulator.advoware().betnrs().into_iter().find(|betnr| *betnr != BETNR).unwrap_or_default();
    let notes = world.simulator.espocrm().notes();
    assert!(notes.len() == 1 && notes[0].post.contains(&created.to_string()), "{notes:?}");
    world.then_agreed_and_silent(&[&Beteiligter { id: ID.to_owned(), betnr: BETNR }]).await
}

#[tokio::test]
async fn b2b_what_users_edit_while_the_record_is_created_is_newer_than_our_own_post() -> Result<()> {
    let world = World::start().await?;
    world
        .simulator
        .espocrm()
        .seed(ID, json!({"lastName": "Neu", "firstName": "Kim"}))
        .expect("EspoCRM takes the record");
    let post = || Calls::to(Operation::PostBeteiligte);
    world.simulator.edit_at(Moment::before(post()), espo_edit("firstName", "Toni"));
    let _worker = world.worker().await?;
    let held = world.simulator.pause_at(Moment::after(post()));
    world.trigger(&[ID]).await?;
    held.reached().await;
    let betnr = world.simulator.advoware().betnrs()[0];
    let edit = Edit::AdvowareSet { betnr, fields: fields(json!({"name": "Alt"})) };
    world.simulator.edit(&edit).expect("the edit is possible");
    held.release();
    world.run_until_quiet().await?;
    let created = world.simulator.advoware().beteiligter(betnr).unwrap_or_default();
    assert_eq!((world.field(ID, "firstName"), &created["vorname"]), (json!("Toni"), &json!("Toni")));
    assert_eq!((world.field(ID, "lastName"), &created["name"]), (json!("Alt"), &json!("Alt")));
    world.then_agreed_and_silent(&[&Beteiligter { id: ID.to_owned(), betnr }]).await
}
