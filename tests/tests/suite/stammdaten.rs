//! Stammdaten on real parts: both ways, conflicts and policies, first sync (B2, B3, K5, K10).

use harness::Result;
use harness::world::{Beteiligter, World, fields, mail, row};
use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, JournalEntry, Operation};
use sqlx::PgPool;

use crate::synced::A;

pub(crate) const ID: &str = "0000000000000aaaa";
pub(crate) const BETNR: i64 = 104_900;

/// A person on both sides, and a worker.
pub(crate) struct Person {
    pub(crate) world: World,
    _worker: harness::RunningProgram,
}

fn one() -> Beteiligter {
    Beteiligter { id: ID.to_owned(), betnr: BETNR }
}

impl Person {
    /// `espo` beside betnr and a mail, `advo` as they are; the newer side was changed a minute after the other.
    async fn seeded(espo: Value, advo: Value, espo_is_newer_by_seconds: i64) -> Result<Self> {
        Self::with_policy(espo, advo, espo_is_newer_by_seconds, "espocrm_wins").await
    }

    async fn with_policy(espo: Value, advo: Value, espo_is_newer_by_seconds: i64, policy: &str) -> Result<Self> {
        let mut world = World::start().await?;
        world.setting("SYNC_CONFLICT_POLICY", policy);
        let clock = world.simulator.clock();
        clock.set_offset_milliseconds(-3_600_000);
        world.simulator.advoware().seed(BETNR, advo, vec![row(4, A, Some("Büro"))]);
        clock.advance_seconds(espo_is_newer_by_seconds);
        let mut record = fields(espo);
        record.insert("betnr".to_owned(), json!(BETNR));
        record.insert("emailAddressData".to_owned(), json!([mail(A, true)]));
        world.simulator.espocrm().seed(ID, Value::Object(record)).expect("EspoCRM takes the record");
        world.simulator.clock().set_offset_milliseconds(0);
        let worker = world.worker().await?;
        Ok(Self { world, _worker: worker })
    }

    pub(crate) async fn agreed() -> Result<Self> {
        let person = Self::seeded(
            json!({"lastName": "Beispiel", "firstName": "Kim", "salutationName": "Frau", "dateOfBirth": "1970-05-17"}),
            json!({"name": "Beispiel", "vorname": "Kim", "anrede": "Frau", "geburtsdatum": "1970-05-17T00:00:00", "merkmal": {"a": 1}}),
            0,
        )
        .await?;
        person.sync().await?;
        person.then_silent().await?;
        Ok(person)
    }

    pub(crate) async fn sync(&self) -> Result<Vec<JournalEntry>> {
        self.world.sync_at_once(&[ID]).await
    }

    pub(crate) async fn then_silent(&self) -> Result<()> {
        self.world.then_agreed_and_silent(&[&one()]).await
    }

    async fn then_silent_though_they_differ(&self) -> Result<()> {
        self.world.then_kommunikation_agrees_and_is_silent(&[&one()]).await
    }

    pub(crate) fn espo(&self, name: &str) -> Value {
        self.world.field(ID, name)
    }

    pub(crate) fn advo(&self, name: &str) -> Value {
        self.world.simulator.advoware().beteiligter(BETNR).map(|record| record[name].clone()).unwrap_or_default()
    }

    pub(crate) fn edit_espo(&self, name: &str, value: impl Into<Value>) {
        self.world.simulator.edit(&espo_edit(name, value)).expect("the edit is possible");
    }

    pub(crate) fn edit_advo(&self, name: &str, value: impl Into<Value>) {
        self.world.simulator.edit(&advo_edit(name, value)).expect("the edit is possible");
    }

    async fn audit(&self, rule: &str) -> Result<Vec<(String, Value)>> {
        let pool = PgPool::connect(&self.world.database_url).await?;
        let query =
            "SELECT field, before FROM sync_audit WHERE espo_id = $1 AND rule = $2 AND field IS NOT NULL ORDER BY at";
        Ok(sqlx::query_as(query).bind(ID).bind(rule).fetch_all(&pool).await?)
    }

    async fn findings(&self) -> Result<String> {
        let pool = PgPool::connect(&self.world.database_url).await?;
        let query = "SELECT findings::text FROM beteiligte WHERE espo_id = $1";
        Ok(sqlx::query_scalar(query).bind(ID).fetch_one(&pool).await?)
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.world.simulator.espocrm().notes().into_iter().map(|note| note.post).collect()
    }
}

pub(crate) fn espo_edit(name: &str, value: impl Into<Value>) -> Edit {
    Edit::EspoSet { id: ID.to_owned(), fields: fields(json!({name: value.into()})) }
}

pub(crate) fn advo_edit(name: &str, value: impl Into<Value>) -> Edit {
    Edit::AdvowareSet { betnr: BETNR, fields: fields(json!({name: value.into()})) }
}

fn puts(calls: &[JournalEntry]) -> usize {
    calls.iter().filter(|call| call.operation == Operation::PutBeteiligte).count()
}

#[tokio::test]
async fn b2_spellings_are_no_difference_and_nothing_is_written_for_them() -> Result<()> {
    let espo = json!({"firmenname": "Beispiel", "rechtsform": "GmbH", "handelsregisterNummer": "HRB 1"});
    let advo = json!({"name": "Beispiel", "rechtsform": "G.m.b.H.", "handelsRegisterNummer": "HRB 1 "});
    let person = Person::seeded(espo, advo, 60).await?;
    let calls = person.sync().await?;
    assert_eq!(puts(&calls), 0);
    assert_eq!((person.espo("rechtsform"), person.advo("rechtsform")), (json!("GmbH"), json!("G.m.b.H.")));
    person.then_silent().await
}

#[tokio::test]
async fn b2_first_sync_the_newer_side_wins_and_nothing_is_emptied() -> Result<()> {
    for (seconds, kept) in [(60, "Espo"), (-60, "Advo")] {
        let espo = json!({"lastName": "Espo", "dateOfBirth": "1970-05-17"});
        let advo = json!({"name": "Advo", "anrede": "Herr"});
        let person = Person::seeded(espo, advo, seconds).await?;
        person.sync().await?;
        assert_eq!((person.espo("lastName"), person.advo("name")), (json!(kept), json!(kept)));
        assert_eq!(person.espo("salutationName"), json!("Herr"), "filled in");
        assert_eq!(person.advo("geburtsdatum"), json!("1970-05-17T00:00:00"), "filled in");
        person.then_silent().await?;
    }
    Ok(())
}

#[tokio::test]
async fn b2_first_sync_goes_by_when_users_changed_the_record_not_by_our_own_telling_of_failures() -> Result<()> {
    let person = Person::seeded(json!({"lastName": "Espo"}), json!({"name": "Advo"}), -60).await?;
    let fault = FaultKind::Status { code: 500, retry_after_seconds: None, body: None };
    person.world.simulator.faults().arm(Fault::new(Calls::to(Operation::GetBeteiligte).times(2), fault));
    person.world.sync(&[ID]).await?;
    let told = person
        .world
        .simulator
        .journal()
        .mutating()
        .iter()
        .any(|call| call.request.as_ref().is_some_and(|body| body["syncStatus"] == "failed"));
    assert!(told, "which moved modifiedAt");
    assert_eq!(person.espo("lastName"), json!("Advo"), "Advoware's users were last");
    person.then_silent().await
}

#[tokio::test]
async fn b3_kommunikation_follows_the_stammdaten_and_runs_also_when_nothing_changed_there() -> Result<()> {
    let person = Person::agreed().await?;
    let add = |address: &str| {
        let edit = Edit::EspoAddMail { id: ID.to_owned(), address: address.to_owned() };
        person.world.simulator.edit(&edit).expect("the edit is possible");
    };
    let puts = |calls: Vec<JournalEntry>| -> Vec<Operation> {
        let advoware = [Operation::PutBeteiligte, Operation::PostKommunikation];
        calls.into_iter().map(|call| call.operation).filter(|operation| advoware.contains(operation)).collect()
    };
    person.edit_espo("firstName", json!("Toni"));
    add("zwei@example.org");
    assert_eq!(puts(person.sync().await?), [Operation::PutBeteiligte, Operation::PostKommunikation]);
    add("drei@example.org");
    assert_eq!(puts(person.sync().await?), [Operation::PostKommunikation]);
    person.then_silent().await
}

#[tokio::test]
async fn b2_first_sync_with_equal_timestamps_changes_nothing_and_tells_it() -> Result<()> {
    let person = Person::seeded(json!({"lastName": "Espo"}), json!({"name": "Advo"}), 0).await?;
    person.sync().await?;
    assert_eq!((person.espo("lastName"), person.advo("name")), (json!("Espo"), json!("Advo")));
    assert!(person.findings().await?.contains("left_to_differ"));
    person.then_silent_though_they_differ().await?;
    person.edit_advo("name", json!("Neu"));
    person.sync().await?;
    assert_eq!(person.espo("lastName"), json!("Neu"), "whoever is edited next wins");
    person.then_silent().await
}

#[tokio::test]
async fn b2_espocrm_newer_goes_to_advoware_and_unknown_fields_stay() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    let calls = person.sync().await?;
    assert_eq!(puts(&calls), 1);
    assert_eq!((person.advo("vorname"), person.advo("merkmal")), (json!("Toni"), json!({"a": 1})));
    person.edit_espo("dateOfBirth", Value::Null);
    person.sync().await?;
    assert_eq!(person.advo("geburtsdatum"), Value::Null);
    person.then_silent().await
}

#[tokio::test]
async fn b2_advoware_newer_goes_to_espocrm() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_advo("geburtsdatum", json!("1971-01-02T00:00:00"));
    let calls = person.sync().await?;
    assert_eq!((puts(&calls), person.espo("dateOfBirth")), (0, json!("1971-01-02")));
    assert!(calls.iter().filter(|call| call.operation == Operation::EspoPut).all(|call| call.version_number.is_some()));
    person.then_silent().await
}

#[tokio::test]
async fn b2_different_fields_changed_on_both_sides_are_both_kept() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    person.edit_advo("anrede", json!("Herr"));
    person.sync().await?;
    assert_eq!((person.advo("vorname"), person.espo("salutationName")), (json!("Toni"), json!("Herr")));
    assert!(person.notes().is_empty(), "that was no conflict");
    person.then_silent().await
}

#[tokio::test]
async fn k5_in_a_conflict_espocrm_wins_the_loser_is_in_the_audit_and_people_are_told() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("firstName", json!("Toni"));
    person.edit_advo("vorname", json!("Robin"));
    let new_row = Edit::AdvowareAdd { betnr: BETNR, row: row(4, "neu@example.org", None) };
    person.world.simulator.edit(&new_row).expect("the edit is possible");
    let calls = person.sync().await?;
    assert_eq!((person.espo("firstName"), person.advo("vorname")), (json!("Toni"), json!("Toni")));
    assert_eq!(person.audit("overwritten_by_espo").await?, [("vorname".to_owned(), json!("Robin"))]);
    assert!(
        person.notes().iter().any(|note| note.contains("vorname") && !note.contains("Robin")),
        "{:?}",
        person.notes()
    );
    let put = calls.iter().position(|call| call.operation == Operation::PutBeteiligte);
    let fetched =
        calls.iter().position(|call| call.request.as_ref().is_some_and(|body| body.get("emailAddressData").is_some()));
    let recorded =
        calls.iter().position(|call| call.request.as_ref().is_some_and(|body| body.get("advowareLastSync").is_some()));
    assert!(
        put < recorded && recorded < fetched,
        "Kommunikation to Advoware only; the follow-up fetches the new mail (DOMAIN 4)"
    );
    assert_eq!(person.world.espo_values(ID), [A, "neu@example.org"]);
    person.then_silent().await
}

#[tokio::test]
async fn k5_where_the_stream_is_closed_to_us_the_record_itself_tells() -> Result<()> {
    let person = Person::agreed().await?;
    let forbidden = FaultKind::Status { code: 403, retry_after_seconds: None, body: Some("no".to_owned()) };
    person.world.simulator.faults().arm(Fault::new(Calls::to(Operation::EspoPostNote), forbidden));
    person.edit_espo("firstName", "Toni");
    person.edit_advo("vorname", "Robin");
    person.sync().await?;
    assert!(person.espo("syncErrorMessage").as_str().is_some_and(|text| text.contains("vorname")));
    person.then_silent().await
}

#[tokio::test]
async fn k5_newest_wins_takes_the_side_that_was_changed_last() -> Result<()> {
    let same = |name: &str| json!({name: "Beispiel"});
    let person = Person::with_policy(same("lastName"), same("name"), 0, "newest_wins").await?;
    person.sync().await?;
    person.edit_espo("lastName", json!("Espo"));
    person.world.simulator.clock().advance_seconds(60);
    person.edit_advo("name", json!("Advo"));
    person.sync().await?;
    assert_eq!((person.espo("lastName"), person.advo("name")), (json!("Advo"), json!("Advo")));
    assert_eq!(person.audit("overwritten_by_advoware").await?, [("name".to_owned(), json!("Espo"))]);
    assert!(person.notes().iter().any(|note| note.contains("Advoware's value was newer")), "{:?}", person.notes());
    person.then_silent().await
}

#[tokio::test]
async fn k5_manual_leaves_both_as_they_are_until_they_are_equal() -> Result<()> {
    let same = |name: &str| json!({name: "Beispiel"});
    let person = Person::with_policy(same("lastName"), same("name"), 0, "manual").await?;
    person.sync().await?;
    person.edit_espo("lastName", json!("Espo"));
    person.edit_advo("name", json!("Advo"));
    for _ in 0..2 {
        person.sync().await?;
        assert_eq!((person.espo("lastName"), person.advo("name")), (json!("Espo"), json!("Advo")));
        assert_eq!((person.espo("syncStatus"), person.notes().len()), (json!("conflict"), 1), "told once");
    }
    let before = person.world.simulator.journal().last_sequence();
    person.sync().await?;
    assert!(person.world.simulator.journal().since(before).iter().all(|call| !call.mutating));
    person.edit_espo("firstName", json!("Kim"));
    person.edit_advo("vorname", json!("Toni"));
    for _ in 0..2 {
        person.sync().await?;
        assert_eq!(
            (person.espo("syncStatus"), person.notes().len()),
            (json!("conflict"), 2),
            "the other field, told once"
        );
    }
    person.edit_advo("name", json!("Espo"));
    person.edit_advo("vorname", json!("Kim"));
    person.sync().await?;
    person.then_silent().await
}

#[tokio::test]
async fn k2_what_a_side_cannot_hold_is_told_and_stops_nothing_else() -> Result<()> {
    let person = Person::agreed().await?;
    person.edit_espo("lastName", Value::Null);
    person.edit_advo("geburtsdatum", json!("um 1970"));
    person.edit_advo("anrede", json!("Herr"));
    person.sync().await?;
    assert_eq!((person.advo("name"), person.espo("dateOfBirth")), (json!("Beispiel"), json!("1970-05-17")));
    assert_eq!(person.espo("salutationName"), json!("Herr"));
    let told = person.findings().await?;
    assert_eq!(told.matches("cannot_hold").count(), 2, "{told}");
    person.then_silent_though_they_differ().await
}

#[tokio::test]
async fn hub_lost_the_marks_of_change_decide() -> Result<()> {
    let person = Person::agreed().await?;
    let pool = PgPool::connect(&person.world.database_url).await?;
    sqlx::query("TRUNCATE beteiligte").execute(&pool).await?;
    person.edit_advo("vorname", json!("Robin"));
    person.sync().await?;
    assert_eq!((person.espo("firstName"), person.advo("vorname")), (json!("Robin"), json!("Robin")), "its rowId moved");
    person.then_silent().await
}

#[tokio::test]
async fn b2_a_record_deleted_in_espocrm_leaves_no_dead_job_and_its_base_is_kept() -> Result<()> {
    let person = Person::agreed().await?;
    person.world.simulator.edit(&Edit::EspoDelete { id: ID.to_owned() }).expect("the edit is possible");
    let calls = person.world.sync(&[ID]).await?;
    assert!(calls.iter().all(|call| !call.mutating));
    assert_eq!(person.world.queue.counts().await.map_or(1, |counts| counts.dead), 0);
    let pool = PgPool::connect(&person.world.database_url).await?;
    let query = "SELECT deleted_at IS NOT NULL AND kommunikation IS NOT NULL FROM beteiligte WHERE espo_id = $1";
    assert!(sqlx::query_scalar::<_, bool>(query).bind(ID).fetch_one(&pool).await?);
    Ok(())
}
