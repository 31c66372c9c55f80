//! Writes of Stammdaten that meet an edit, are confirmed and not kept, or whose answer is lost (B2a, K8b, K9).

use harness::Result;
use serde_json::json;
use simulator::{Calls, Fault, FaultKind, JournalEntry, Moment, Operation};

use crate::stammdaten::{BETNR, ID, Person, advo_edit, espo_edit};

#[tokio::test]
async fn k8b_an_edit_of_another_field_between_look_and_put_is_not_overwritten() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    // Right after the load; the PUT carries the whole record.
    let moment = Moment::after(Calls::to(Operation::GetBeteiligte));
    person.world.simulator.edit_at(moment, advo_edit("anrede", json!("Herr")));
    person.world.simulator.edit_at(Moment::before(Calls::to(Operation::EspoPut)), advo_edit("merkmal", json!("neu")));
    person.sync().await?;
    assert_eq!((person.advo("anrede"), person.advo("merkmal")), (json!("Herr"), json!("neu")));
    assert_eq!((person.espo("salutationName"), person.advo("vorname")), (json!("Herr"), json!("Toni")));
    person.then_silent().await
}

#[tokio::test]
async fn k9_a_put_that_is_confirmed_and_not_kept_is_no_agreement() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    // The answer comes, but from somebody who did nothing: it names the row's old change token.
    let row_id = person.world.simulator.advoware().row_id(BETNR).unwrap_or_default();
    let body = json!({"betNr": BETNR, "rowId": row_id, "kommunikation": []}).to_string();
    let status = FaultKind::Status { code: 200, retry_after_seconds: None, body: Some(body) };
    person.world.simulator.faults().arm(Fault::new(Calls::to(Operation::PutBeteiligte), status));
    person.world.trigger(&[ID]).await?;
    person.world.run_until_quiet().await?;
    let failed = |call: &JournalEntry| call.request.as_ref().is_some_and(|body| body["syncStatus"] == "failed");
    assert!(person.world.simulator.journal().entries().iter().any(failed), "it counts as a try");
    assert_eq!(person.advo("vorname"), json!("Toni"), "and the next run mended it");
    person.then_silent().await
}

#[tokio::test]
async fn b2a_a_lost_answer_of_the_put_is_recognised_as_our_own_write() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    person.world.simulator.faults().arm(Fault::new(Calls::to(Operation::PutBeteiligte), FaultKind::AnswerLost));
    // While the run waits for its next try, a user changes the field in Advoware again: no conflict, the write had happened.
    person.world.trigger(&[ID]).await?;
    person.world.run_until_quiet().await?;
    assert!(person.notes().is_empty());
    person.then_silent().await?;
    person.edit_advo("vorname", json!("Robin"));
    person.sync().await?;
    assert_eq!(person.espo("firstName"), json!("Robin"));
    person.then_silent().await
}

#[tokio::test]
async fn b2a_what_was_begun_and_overtaken_is_not_taken_for_ours_later() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", "Toni");
    // Its user takes it back before our first write, which is refused.
    person.world.simulator.edit_at(Moment::before(Calls::to(Operation::EspoPut)), espo_edit("firstName", "Kim"));
    person.sync().await?;
    assert_eq!(person.advo("vorname"), json!("Kim"));
    // What we had begun to write, a user of Advoware writes now.
    person.edit_advo("vorname", "Toni");
    person.sync().await?;
    assert_eq!((person.espo("firstName"), person.advo("vorname")), (json!("Toni"), json!("Toni")));
    person.then_silent().await
}
