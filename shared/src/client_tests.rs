//! Both clients against the simulator, which is an independent reading of how the systems behave.

mod google;
mod google_log_in;
mod google_refusals;
mod stammdaten;
mod termine;
mod visits;

use std::time::Duration;

use domain::beteiligte::SyncStatus;
use domain::ids::{BetNr, EspoId, KommId};
use domain::kommunikation::EspoPhone;
use serde_json::json;
use simulator::{
    AdvowareSwitches, Calls, EspoSwitches, Fault, FaultKind, NewKommunikation, Operation as Call, Simulator,
    SimulatorConfig,
};

use crate::advoware::private_redis::PrivateRedis;
use crate::advoware::{Advoware, KommunikationWrite, Visit};
use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Next, Operation, Refusal};
use crate::espocrm::{EspoPatch, Espocrm, Filter, PageRequest};
use crate::settings::{AdvowareSettings, EspocrmSettings, Source};

const BET_NR: BetNr = BetNr(104_860);
const ESPO_ID: &str = "68e3e7eab49f09adb";
const TIMEOUT: Duration = Duration::from_millis(700);

/// One Beteiligte in both systems, and a client for each.
struct World {
    simulator: Simulator,
    advoware: Advoware,
    espocrm: Espocrm,
    komm_id: KommId,
    id: EspoId,
    redis: PrivateRedis,
}

impl World {
    async fn start() -> Self {
        Self::start_with(SimulatorConfig::default(), true).await
    }

    async fn start_with(config: SimulatorConfig, api_address_known: bool) -> Self {
        let (simulator, redis) = (Simulator::start(config).await.unwrap(), PrivateRedis::start().await);
        let row = NewKommunikation { komm_kz: 3, tlf: "0170 1234567".into(), ..NewKommunikation::default() };
        let rows = simulator.advoware().seed(BET_NR.0, json!({"name": "x", "mobil": "0170 1234567"}), vec![row]);
        let fields = json!({
            "lastName": "x", "betnr": BET_NR.0, "syncStatus": "dirty",
            "emailAddressData": [{"emailAddress": "a@example.com", "primary": true, "optOut": true}],
            "phoneNumberData": [{"phoneNumber": "+491701234567", "type": "Mobile", "primary": true}],
        });
        simulator.espocrm().seed(ESPO_ID, fields).unwrap();
        let source = source(&simulator, api_address_known);
        let advoware = AdvowareSettings::read(&source).unwrap();
        let espocrm = EspocrmSettings::read(&source).unwrap();
        Self {
            advoware: Advoware::new(&advoware, redis.cache().await, Clock::system()).unwrap(),
            espocrm: Espocrm::new(&espocrm).unwrap(),
            komm_id: KommId(rows[0]),
            id: EspoId::parse(ESPO_ID).unwrap(),
            simulator,
            redis,
        }
    }

    fn arm(&self, call: Call, kind: FaultKind) {
        self.simulator.faults().clear();
        self.simulator.faults().arm(Fault::new(Calls::to(call).always(), kind));
    }

    async fn visit(&self) -> Visit {
        self.advoware.visit(Operation::AdvowarePutKommunikation, 1).await.unwrap()
    }

    async fn put_kommunikation(&self) -> Result<(), ApiError> {
        let write = KommunikationWrite { tlf: "0170 7654321".into(), bemerkung: None, komm_kz: 0, online: false };
        self.visit().await.put_kommunikation(BET_NR, self.komm_id, &write).await.map(drop)
    }

    async fn update(&self) -> Result<(), ApiError> {
        let patch = EspoPatch::new().sync_status(SyncStatus::Syncing);
        self.espocrm.update_beteiligte(&self.id, &patch, None).await.map(drop)
    }
}

fn source(simulator: &Simulator, api_address_known: bool) -> Source {
    let (addresses, credentials) = (simulator.addresses(), simulator.credentials());
    let timeout = TIMEOUT.as_secs_f64().to_string();
    let api = if api_address_known { addresses.advoware_api_base_url.as_str() } else { "" };
    [
        ("ADVOWARE_API_BASE_URL", api),
        ("ADVOWARE_CONFIGURATOR_URL", &addresses.advoware_configurator_url),
        ("ADVOWARE_AUTH_URL", &addresses.advoware_auth_url),
        ("ADVOWARE_APP_ID", &credentials.advoware_app_id),
        ("ADVOWARE_API_KEY", &credentials.advoware_api_key),
        ("ADVOWARE_KANZLEI", &credentials.advoware_kanzlei),
        ("ADVOWARE_DATABASE", &credentials.advoware_database),
        ("ADVOWARE_USER", &credentials.advoware_user),
        ("ADVOWARE_PASSWORD", &credentials.advoware_password),
        ("ADVOWARE_API_TIMEOUT_SECONDS", &timeout),
        ("ESPOCRM_API_BASE_URL", &addresses.espocrm_api_base_url),
        ("ESPOCRM_API_KEY", &credentials.espocrm_api_key),
        ("ESPOCRM_API_TIMEOUT_SECONDS", &timeout),
    ]
    .into_iter()
    .collect()
}

#[tokio::test]
async fn advoware_is_read_and_written() {
    for array_of_one in [false, true] {
        let advoware = AdvowareSwitches { array_of_one, ..AdvowareSwitches::default() };
        let world = World::start_with(SimulatorConfig { advoware, ..SimulatorConfig::default() }, true).await;
        let before = world.advoware.get_beteiligte(BET_NR).await.unwrap();
        assert_eq!(before.bet_nr, BET_NR);
        assert!(before.row_id.is_some() && before.geaendert_am.is_some());
        assert_eq!(before.view.top_level[0].value, "0170 1234567");
        let row = &before.view.rows[0];
        assert_eq!((row.id, row.komm_kz, row.tlf.as_str()), (world.komm_id, 0, "0170 1234567"));

        let write = KommunikationWrite { tlf: "0170 7654321".into(), ..KommunikationWrite::from(row) };
        let answer = world.visit().await.put_kommunikation(BET_NR, row.id, &write).await.unwrap();
        assert_ne!(answer.row_id.as_ref(), Some(&row.row_id));
        let write = KommunikationWrite { tlf: "a@example.com".into(), bemerkung: None, komm_kz: 4, online: true };
        let added = world.visit().await.post_kommunikation(BET_NR, &write).await.unwrap();

        let after = world.advoware.get_beteiligte(BET_NR).await.unwrap().view.rows;
        assert_eq!(after.len(), 2);
        assert_eq!(Some(&after[0].row_id), answer.row_id.as_ref());
        assert_eq!((after[1].id, after[1].tlf.as_str(), after[1].online), (added.id, "a@example.com", true));
        assert_eq!(world.simulator.journal().count(Call::AdvowareToken), 1);
    }
}

#[tokio::test]
async fn advoware_is_found_through_the_look_up() {
    let world = World::start_with(SimulatorConfig::default(), false).await;
    assert!(world.advoware.get_beteiligte(BET_NR).await.is_ok());
    assert!(world.advoware.get_beteiligte(BET_NR).await.is_ok());
    assert_eq!(world.simulator.journal().count(Call::AdvowareUrl), 1);
}

#[tokio::test]
async fn an_expired_token_costs_one_log_in_and_one_repetition() {
    let world = World::start().await;
    assert!(world.advoware.get_beteiligte(BET_NR).await.is_ok());
    world.simulator.advoware().revoke_tokens();
    assert!(world.put_kommunikation().await.is_ok());
    assert_eq!(world.simulator.journal().count(Call::AdvowareToken), 2);
    assert_eq!(world.simulator.journal().count(Call::PutKommunikation), 2);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let world = World::start().await;
    world.simulator.advoware().switch(|switches| switches.refuse_password = true);
    for _ in 0..3 {
        let error = world.advoware.get_beteiligte(BET_NR).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::CredentialsRefused(Refusal::WrongPassword));
    }
    assert_eq!(world.simulator.journal().count(Call::AdvowareToken), 1);
}

#[tokio::test]
async fn espocrm_is_read_and_written() {
    let world = World::start().await;
    let before = world.espocrm.get_beteiligte(&world.id).await.unwrap();
    assert_eq!((before.betnr, before.sync_status), (Some(BET_NR), Some(SyncStatus::Dirty)));
    assert!(before.view.mails[0].opt_out);
    assert!(!before.deleted);

    let fax =
        EspoPhone { number: "+49511123456".into(), phone_type: Some("Fax".into()), ..before.view.phones[0].clone() };
    let patch = EspoPatch::new()
        .phones(&[EspoPhone { primary: false, ..fax }, before.view.phones[0].clone()])
        .sync_status(SyncStatus::Clean)
        .sync_next_retry(Some(Clock::system().now()))
        .kommunikation_hash("df2de7fd69a9a442");
    let answer = world.espocrm.update_beteiligte(&world.id, &patch, before.version_number).await.unwrap();
    let after = world.espocrm.get_beteiligte(&world.id).await.unwrap();
    assert_eq!((after.version_number, after.modified_at), (answer.version_number, answer.modified_at));
    assert_eq!((after.view.phones.len(), after.view.mails), (2, before.view.mails));
    assert_eq!(after.view.stored_hash.as_deref(), Some("df2de7fd69a9a442"));
    assert!(after.sync_next_retry.is_some());

    let stale = world.espocrm.update_beteiligte(&world.id, &EspoPatch::new().phones(&[]), before.version_number).await;
    assert_eq!(stale.unwrap_err().kind, ErrorKind::Conflict);

    world.espocrm.post_note(&world.id, "text").await.unwrap();
    assert_eq!(world.simulator.espocrm().notes().len(), 1);
}

#[tokio::test]
async fn a_refused_value_names_field_and_rule_only() {
    let world = World::start().await;
    let mut phone = world.espocrm.get_beteiligte(&world.id).await.unwrap().view.phones.remove(0);
    phone.number = "0511 123456".into();
    let patch = EspoPatch::new().phones(&[phone]);
    let error = world.espocrm.update_beteiligte(&world.id, &patch, None).await.unwrap_err();
    assert!(matches!(&error.kind, ErrorKind::Rejected { field: Some(field), .. } if field == "phoneNumber"));
    assert!(!error.to_string().contains("0511"));
}

#[tokio::test]
async fn without_optimistic_concurrency_there_is_no_version() {
    let espocrm = EspoSwitches { optimistic_concurrency: false, ..EspoSwitches::default() };
    let world = World::start_with(SimulatorConfig { espocrm, ..SimulatorConfig::default() }, true).await;
    assert_eq!(world.espocrm.get_beteiligte(&world.id).await.unwrap().version_number, None);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = World::start().await;
    for n in 0..5 {
        let status = if n < 4 { "failed" } else { "clean" };
        let retry = if n == 0 { json!("2099-01-01 00:00:00") } else { json!(null) };
        let fields = json!({"lastName": "x", "syncStatus": status, "syncNextRetry": retry});
        world.simulator.espocrm().seed(&format!("{n:017}"), fields).unwrap();
    }
    let due = Filter::And(vec![
        Filter::StatusIn(vec![SyncStatus::Failed, SyncStatus::Dirty]),
        Filter::RetryDue(Clock::system().now()),
    ]);
    let mut ids = Vec::new();
    let mut page = Some(PageRequest::first(3));
    while let Some(request) = page {
        let answer = world.espocrm.list_beteiligte(&due, &request).await.unwrap();
        ids.extend(answer.records.into_iter().map(|record| record.id));
        page = answer.next;
    }
    ids.sort();
    let expected = ["00000000000000001", "00000000000000002", "00000000000000003", ESPO_ID];
    assert_eq!(ids.iter().map(EspoId::as_str).collect::<Vec<_>>(), expected);
    let all = world.espocrm.list_beteiligte(&Filter::All, &PageRequest::first(200)).await.unwrap();
    assert_eq!((all.records.len(), all.unreadable, all.next), (6, 0, None));
    assert_eq!(world.espocrm.count_beteiligte(&due).await.unwrap(), Some(4));
}

#[tokio::test]
async fn a_wrong_key_is_sent_once() {
    let world = World::start().await;
    world.simulator.espocrm().switch(|switches| switches.refuse_api_key = true);
    for _ in 0..15 {
        let error = world.espocrm.get_beteiligte(&world.id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::CredentialsRefused(Refusal::ApiKeyRejected));
    }
    assert_eq!(world.simulator.journal().count(Call::EspoGet), 1);
}

#[tokio::test]
async fn a_lock_out_is_told_and_does_not_blame_our_key() {
    let world = World::start().await;
    world.simulator.espocrm().switch(|switches| switches.refuse_api_key = true);
    let settings = EspocrmSettings::read(&source(&world.simulator, true)).unwrap();
    // Eleven processes of one machine, each with the wrong key.
    for _ in 0..11 {
        assert!(Espocrm::new(&settings).unwrap().get_beteiligte(&world.id).await.is_err());
    }
    world.simulator.espocrm().switch(|switches| switches.refuse_api_key = false);
    let error = world.espocrm.get_beteiligte(&world.id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LockedOut);
    world.simulator.espocrm().lift_lock_out();
    assert!(world.espocrm.get_beteiligte(&world.id).await.is_ok());
}

#[tokio::test]
async fn what_is_missing_is_told_as_such() {
    let world = World::start().await;
    let error = world.advoware.get_beteiligte(BetNr(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = world.espocrm.get_beteiligte(&EspoId::parse("0123").unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

/// Faults of an answer, the kind they become, and how often a read is sent.
fn faults() -> Vec<(FaultKind, ErrorKind, usize)> {
    let field = |field: &str| FaultKind::MissingField { field: field.into() };
    vec![
        (FaultKind::status(500), ErrorKind::ServerFault, 1),
        (FaultKind::status(503), ErrorKind::Unavailable { retry_after: None }, 3),
        (FaultKind::status(418), ErrorKind::UnexpectedStatus, 1),
        (FaultKind::Hang, ErrorKind::TimedOut, 1),
        (FaultKind::AppliedThenHang, ErrorKind::TimedOut, 1),
        (FaultKind::CutBefore, ErrorKind::ConnectionLost, 3),
        (FaultKind::AnswerLost, ErrorKind::ConnectionLost, 3),
        (FaultKind::TruncatedBody, ErrorKind::Truncated, 3),
        (FaultKind::EmptyBody, ErrorKind::Truncated, 3),
        (FaultKind::MalformedBody, ErrorKind::Malformed { what: "not JSON" }, 1),
        (FaultKind::OversizedBody { bytes: 9_000_000 }, ErrorKind::Oversized, 1),
        (field("kommunikation"), ErrorKind::Malformed { what: "kommunikation is missing" }, 1),
        (
            field("emailAddressData"),
            ErrorKind::Malformed { what: "emailAddressData is missing: check the API user's right to the field" },
            1,
        ),
    ]
}

#[tokio::test]
async fn e1_every_fault_of_a_read_is_told_and_repeated_only_where_it_may_pass() {
    let world = World::start().await;
    for (fault, kind, sent) in faults() {
        world.simulator.journal().clear();
        world.arm(Call::GetBeteiligte, fault.clone());
        if !matches!(&fault, FaultKind::MissingField { field } if field == "emailAddressData") {
            let error = world.advoware.get_beteiligte(BET_NR).await.unwrap_err();
            assert_eq!(error.kind, kind, "{fault:?}");
            assert_eq!(world.simulator.journal().count(Call::GetBeteiligte), sent, "{fault:?}");
        }
        world.arm(Call::EspoGet, fault.clone());
        if !matches!(&fault, FaultKind::MissingField { field } if field == "kommunikation") {
            let error = world.espocrm.get_beteiligte(&world.id).await.unwrap_err();
            assert_eq!(error.kind, kind, "{fault:?}");
            assert_eq!(world.simulator.journal().count(Call::EspoGet), sent, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn k8b_no_fault_makes_a_write_go_out_twice() {
    let world = World::start().await;
    let applied = FaultKind::AppliedThenStatus { code: 504 };
    let unavailable = ErrorKind::Unavailable { retry_after: None };
    let faults = faults().into_iter().filter(|(fault, ..)| !matches!(fault, FaultKind::MissingField { .. }));
    for (fault, kind, _) in faults.chain([(applied, unavailable, 1)]) {
        world.simulator.journal().clear();
        world.arm(Call::PutKommunikation, fault.clone());
        let error = world.put_kommunikation().await.unwrap_err();
        assert_eq!((&error.kind, error.next()), (&kind, Next::LookFirst), "{fault:?}");
        assert_eq!(world.simulator.journal().count(Call::PutKommunikation), 1, "{fault:?}");

        world.arm(Call::EspoPut, fault.clone());
        let error = world.update().await.unwrap_err();
        assert_eq!((&error.kind, error.next()), (&kind, Next::LookFirst), "{fault:?}");
        assert_eq!(world.simulator.journal().count(Call::EspoPut), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_without_id_leaves_the_outcome_open() {
    let world = World::start().await;
    world.arm(Call::PostKommunikation, FaultKind::NullField { field: "id".into() });
    let write = KommunikationWrite { tlf: "1".into(), bemerkung: None, komm_kz: 1, online: false };
    let error = world.visit().await.post_kommunikation(BET_NR, &write).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}
