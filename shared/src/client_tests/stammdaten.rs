//! Stammdaten of Advoware, against the simulator.

use simulator::NumberSpelling;

use super::*;
use crate::advoware::AdvoRecord;

#[tokio::test]
async fn a_put_sends_the_whole_record_that_was_read_with_changes_laid_over_it() {
    let world = World::start().await;
    let rows = world.simulator.advoware().beteiligter(BET_NR.0).unwrap()["kommunikation"].clone();
    let before = world.advoware.get_beteiligte(BET_NR).await.unwrap();
    let sent = before.record.with(&[("vorname", Some("Erika")), ("anrede", None)]);
    let row_id = world.visit().await.put_beteiligte(BET_NR, &sent).await.unwrap();

    let put = world.simulator.journal().entries().pop().unwrap();
    let body = put.request.unwrap();
    assert_eq!((put.operation, body.get("kommunikation")), (Call::PutBeteiligte, None));
    assert_eq!(body["mobil"], "0170 1234567");

    let after = world.advoware.get_beteiligte(BET_NR).await.unwrap();
    assert_ne!(after.row_id, before.row_id);
    assert_eq!(after.row_id, row_id);
    let expected = [("name", "x".to_owned()), ("vorname", "Erika".to_owned())];
    assert_eq!(after.stammdaten.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(world.simulator.advoware().beteiligter(BET_NR.0).unwrap()["kommunikation"], rows);
}

#[tokio::test]
async fn fields_that_we_do_not_know_survive_a_put() {
    let world = World::start().await;
    let fields = json!({"name": "x", "anrede": "Frau", "future": {"list": [1, null]}, "beruf": "y"});
    world.simulator.advoware().seed(7, fields, Vec::new());
    let read = world.advoware.get_beteiligte(BetNr(7)).await.unwrap();
    world.visit().await.put_beteiligte(BetNr(7), &read.record.with(&[("name", Some("z"))])).await.unwrap();
    let record = world.simulator.advoware().beteiligter(7).unwrap();
    assert_eq!((&record["name"], &record["beruf"]), (&json!("z"), &json!("y")));
    assert_eq!(record["future"], json!({"list": [1, null]}));
}

#[tokio::test]
async fn b2b_a_created_record_tells_its_number_in_any_spelling_or_not_at_all() {
    let world = World::start().await;
    let record = AdvoRecord::new(&[("name", Some("x")), ("vorname", None)]);
    for number_spelling in [NumberSpelling::BetNr, NumberSpelling::Betnr, NumberSpelling::Id] {
        world.simulator.advoware().switch(|switches| switches.number_spelling = number_spelling);
        let number = world.visit().await.post_beteiligte(&record).await.unwrap().unwrap();
        assert_eq!(world.advoware.get_beteiligte(number).await.unwrap().stammdaten["name"], "x");
    }
    world.simulator.advoware().switch(|switches| switches.number_spelling = NumberSpelling::None);
    assert_eq!(world.visit().await.post_beteiligte(&record).await.unwrap(), None);
    world.simulator.advoware().switch(|switches| switches.number_spelling = NumberSpelling::BetNr);
    world.arm(Call::PostBeteiligte, FaultKind::NullField { field: "betNr".into() });
    assert_eq!(world.visit().await.post_beteiligte(&record).await.unwrap(), None);
    assert_eq!(world.simulator.journal().count(Call::PostBeteiligte), 5);
}

#[tokio::test]
async fn b2b_k8b_writes_of_stammdaten_are_never_repeated() {
    let world = World::start().await;
    let record = world.advoware.get_beteiligte(BET_NR).await.unwrap().record;
    for fault in [FaultKind::AnswerLost, FaultKind::status(503), FaultKind::AppliedThenStatus { code: 504 }] {
        world.simulator.journal().clear();
        world.arm(Call::PutBeteiligte, fault.clone());
        let put = world.visit().await.put_beteiligte(BET_NR, &record).await.unwrap_err();
        world.arm(Call::PostBeteiligte, fault);
        let post = world.visit().await.post_beteiligte(&record).await.unwrap_err();
        for error in [put, post] {
            assert_eq!((error.next(), error.outcome_unknown()), (Next::LookFirst, true), "{error}");
        }
        let journal = world.simulator.journal();
        assert_eq!((journal.count(Call::PutBeteiligte), journal.count(Call::PostBeteiligte)), (1, 1));
    }
}
