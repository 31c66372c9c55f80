use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation, Outage, System};

use crate::office::{BETNR, ID, Office};

const LONG: Duration = Duration::from_millis(300);

async fn get(office: &Office) -> reqwest::Result<String> {
    office.espo(Method::GET, &format!("CBeteiligte/{ID}")).timeout(LONG).send().await?.text().await
}

async fn rename(office: &Office) -> reqwest::Result<reqwest::Response> {
    office
        .espo(Method::PUT, &format!("CBeteiligte/{ID}"))
        .timeout(LONG)
        .json(&json!({ "lastName": "Neu" }))
        .send()
        .await
}

fn renamed(office: &Office) -> bool {
    office.sim.espocrm().record(ID).unwrap()["lastName"] == "Neu"
}

fn arm(office: &Office, calls: Calls, kind: FaultKind) {
    office.sim.faults().clear();
    office.sim.faults().arm(Fault::new(calls, kind));
}

#[tokio::test]
async fn a_status_hits_the_nth_call_and_applies_nothing() {
    let office = Office::open().await;
    let kind = FaultKind::Status { code: 503, retry_after_seconds: Some(7), body: Some("x".into()) };
    arm(&office, Calls::to(Operation::EspoPut).nth(2), kind);
    assert_eq!(office.put(json!({})).await.status(), 200);
    get(&office).await.unwrap();
    let hit = rename(&office).await.unwrap();
    assert_eq!((hit.status().as_u16(), hit.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    assert!(!renamed(&office));
    assert_eq!(rename(&office).await.unwrap().status(), 200);
    assert!(office.sim.faults().armed().is_empty());
    let faults: Vec<_> = office.sim.journal().entries().into_iter().map(|entry| entry.fault).collect();
    assert_eq!(faults, [None, None, Some("status"), None]);
}

#[tokio::test]
async fn lost_answers_are_applied_and_cuts_are_not() {
    for (kind, applied) in [
        (FaultKind::AnswerLost, true),
        (FaultKind::CutBefore, false),
        (FaultKind::Hang, false),
        (FaultKind::AppliedThenHang, true),
    ] {
        let office = Office::open().await;
        arm(&office, Calls::to(Operation::EspoPut), kind.clone());
        let error = rename(&office).await.unwrap_err();
        let hangs = matches!(kind, FaultKind::Hang | FaultKind::AppliedThenHang);
        assert_eq!(error.is_timeout(), hangs, "{kind:?}");
        assert_eq!(renamed(&office), applied, "{kind:?}");
        let entry = office.sim.journal().entries().pop().unwrap();
        assert_eq!((entry.status, entry.applied, entry.mutating), (None, applied, true), "{kind:?}");
        assert_eq!(entry.request, Some(json!({ "lastName": "Neu" })));
    }
}

#[tokio::test]
async fn a_status_may_lie_about_an_applied_write() {
    let office = Office::open().await;
    arm(&office, Calls::of(System::Espocrm), FaultKind::AppliedThenStatus { code: 500 });
    assert_eq!(rename(&office).await.unwrap().status(), 500);
    assert!(renamed(&office));
}

#[tokio::test]
async fn delays_outlast_the_client_and_apply_all_the_same() {
    let office = Office::open().await;
    arm(&office, Calls::any(), FaultKind::Delay { milliseconds: 400 });
    assert!(rename(&office).await.unwrap_err().is_timeout());
    tokio::time::sleep(LONG).await;
    assert!(renamed(&office));
}

#[tokio::test]
async fn bodies_can_be_spoiled() {
    let office = Office::open().await;
    arm(&office, Calls::any(), FaultKind::TruncatedBody);
    assert!(get(&office).await.is_err());
    arm(&office, Calls::any(), FaultKind::EmptyBody);
    assert_eq!(get(&office).await.unwrap(), "");
    arm(&office, Calls::any(), FaultKind::MalformedBody);
    assert!(serde_json::from_str::<Value>(&get(&office).await.unwrap()).is_err());
    arm(&office, Calls::any(), FaultKind::OversizedBody { bytes: 3_000_000 });
    assert!(get(&office).await.unwrap().len() > 3_000_000);
    arm(&office, Calls::any().with_key(BETNR), FaultKind::NullField { field: "tlf".into() });
    assert_eq!(office.beteiligter().await["kommunikation"][1]["tlf"], Value::Null);
    arm(&office, Calls::any(), FaultKind::MissingField { field: "kommunikation".into() });
    assert!(office.beteiligter().await.get("kommunikation").is_none());
}

#[tokio::test]
async fn an_expired_token_stays_expired() {
    let mut office = Office::open().await;
    arm(&office, Calls::to(Operation::GetBeteiligte), FaultKind::ExpiredToken);
    for _ in 0..2 {
        let refused = office.advoware(Method::GET, &format!("Beteiligte/{BETNR}")).send().await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    office.log_in("1f8fad5b-d9cb-469f-a165-70867728950e").await;
    office.beteiligter().await;
    office.sim.advoware().revoke_tokens();
    let refused = office.advoware(Method::GET, &format!("Beteiligte/{BETNR}")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn a_whole_system_can_be_down() {
    let office = Office::open().await;
    office.sim.espocrm().switch(|switches| switches.outage = Outage::ServiceUnavailable);
    assert_eq!(rename(&office).await.unwrap().status(), 503);
    office.sim.espocrm().switch(|switches| switches.outage = Outage::Cut);
    assert!(rename(&office).await.is_err());
    office.beteiligter().await;
    office.sim.espocrm().switch(|switches| switches.outage = Outage::None);
    rename(&office).await.unwrap();
}

#[tokio::test]
async fn latency_is_paid_per_system() {
    let office = Office::open().await;
    office.sim.set_latency_milliseconds(System::Advoware, 120);
    office.beteiligter().await;
    office.record().await;
    let took: Vec<u64> = office
        .sim
        .journal()
        .entries()
        .iter()
        .map(|one| one.finished_milliseconds.unwrap() - one.started_milliseconds)
        .collect();
    assert!(took[0] >= 119, "{took:?}");
    assert!(took[1] < 100, "{took:?}");
}

#[tokio::test]
async fn a_truncated_answer_starts_well() {
    let office = Office::open().await;
    arm(&office, Calls::any(), FaultKind::TruncatedBody);
    let answer = office.espo(Method::GET, &format!("CBeteiligte/{ID}")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}

#[tokio::test]
async fn edits_after_a_failed_call_still_run() {
    let office = Office::open().await;
    arm(&office, Calls::any(), FaultKind::CutBefore);
    office.sim.edit_at(Moment::after(Calls::any()), Edit::EspoDelete { id: ID.into() });
    get(&office).await.unwrap_err();
    assert!(office.sim.espocrm().record(ID).is_none());
}
