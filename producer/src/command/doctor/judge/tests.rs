//! What was seen and what is said of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use domain::beteiligte::SyncStatus;
use domain::ids::Kuerzel;
use domain::kommunikation::PhoneFormat;
use proptest::prelude::*;
use shared::error::System;
use shared::espocrm::{EntityDefinition, FieldDefinition, Reach, Rights, SetUp, WebhookEvent};
use shared::hub::HubServer;
use shared::queue::{Counts, QueueName, RedisServer, RedisSetUp};

use super::super::facts::*;
use super::super::finding::{Finding, Level};
use super::super::trouble::Trouble;
use super::findings;
use crate::command::webhooks::standing::{SecretHere, Standing};

/// Name, type, length, options.
type Field = (&'static str, &'static str, Option<i64>, Vec<&'static str>);

fn fields() -> Vec<Field> {
    let of = |names: &[&'static str], kind: &'static str, length| {
        names.iter().map(|name| (*name, kind, length, Vec::new())).collect::<Vec<Field>>()
    };
    let mut all = of(&["betnr", "syncRetryCount"], "int", None);
    all.extend(of(&["syncNextRetry", "syncAutoResetAt", "advowareLastSync"], "datetime", None));
    all.extend(of(
        &["lastName", "firstName", "firmenname", "rechtsform", "handelsregisterNummer"],
        "varchar",
        Some(100),
    ));
    all.extend(of(&["handelsregisterArt"], "varchar", Some(100)));
    all.extend(of(&["salutationName"], "enum", None));
    all.extend(of(&["syncErrorMessage"], "text", None));
    all.extend(of(&["dateOfBirth"], "date", None));
    all.extend(of(&["emailAddress"], "email", None));
    all.extend(of(&["kommunikationHash"], "varchar", Some(16)));
    all.extend(of(&["advowareRowId"], "varchar", Some(40)));
    all.push(("syncStatus", "enum", None, SyncStatus::ALL.iter().map(|status| status.name()).collect()));
    all.push(("phoneNumber", "phone", None, vec!["Mobile", "Office", "Home", "Fax", "Other"]));
    all
}

fn definition((name, kind, max_length, options): Field) -> (&'static str, Option<FieldDefinition>) {
    let options = options.into_iter().map(str::to_owned).collect();
    let definition = FieldDefinition {
        name: name.to_owned(),
        kind: kind.to_owned(),
        max_length,
        options,
        ..FieldDefinition::default()
    };
    (name, Some(definition))
}

fn set_up() -> SetUp {
    SetUp {
        version: Some("9.2.7".to_owned()),
        entity: "CBeteiligte".to_owned(),
        definition: Some(EntityDefinition {
            has_versions: true,
            fields: fields().into_iter().map(definition).collect(),
        }),
        has_stream: true,
        phone_numbers_international: Some(true),
        rights: Rights { read: Reach::All, edit: Reach::All, stream: Reach::All },
        may_have_webhooks: true,
    }
}

fn counts(workers: u64) -> Counts {
    Counts { ready: 0, delayed: 0, running: 0, dead: 0, oldest_ready: Duration::ZERO, workers, is_paused: false }
}

fn kuerzel(text: &str) -> Kuerzel {
    Kuerzel::parse(text).unwrap()
}

/// Everything as it should be.
fn fine() -> Facts {
    let time = DateTime::UNIX_EPOCH;
    let set_up_of_redis = RedisSetUp {
        version: "7.0.15".to_owned(),
        has_append_only_file: true,
        append_only_file_is_written: true,
        eviction: "noeviction".to_owned(),
        is_master: true,
    };
    let webhook = |event| WebhookFact { event, standing: Standing::Right, secret: SecretHere::Set, surplus: 0 };
    let calendar = |name, access| EmployeeCalendar { kuerzel: kuerzel(name), is_given: false, access };
    Facts {
        settings: Vec::new(),
        has_calendars: true,
        redis: Looked::Seen(RedisFacts {
            server: RedisServer { time, set_up: Some(set_up_of_redis) },
            ahead: TimeDelta::zero(),
            queues: vec![(QueueName::Beteiligte, counts(2)), (QueueName::Calendar, counts(2))],
        }),
        postgres: Looked::Seen(PostgresFacts {
            server: HubServer { time, applied_version: Some(5), known_version: 5, missing_rights: Vec::new() },
            ahead: TimeDelta::zero(),
        }),
        advoware: AdvowareFacts { beteiligte: Looked::Seen(()), employees: Looked::Seen(7) },
        espocrm: Looked::Seen(EspocrmFacts { set_up: set_up(), phone_format: PhoneFormat::E164 }),
        webhooks: Looked::Seen(WebhookFacts {
            address_is_known: true,
            webhooks: WebhookEvent::ALL.into_iter().map(webhook).collect(),
        }),
        google: Looked::Seen(GoogleFacts {
            has_owner: true,
            requests_per_minute: 600,
            calendars: Some(vec![calendar("SB", Access::Write), calendar("MK", Access::NotYet)]),
        }),
        clocks: vec![ServerClock {
            system: System::Espocrm,
            server: "API",
            ahead: Looked::Seen(Some(TimeDelta::seconds(1))),
        }],
    }
}

fn wrong(facts: &Facts) -> Vec<Finding> {
    findings(facts).into_iter().filter(|finding| finding.level != Level::Ok).collect()
}

/// What is said of a world in which this one thing is different, in one line.
fn said(change: impl FnOnce(&mut Facts)) -> (Level, String) {
    let mut facts = fine();
    change(&mut facts);
    match wrong(&facts).as_slice() {
        [one] => {
            assert!(!one.advice.is_empty(), "{one:?}");
            (one.level, format!("{}: {} -> {}", one.area.name(), one.found, one.advice))
        }
        other => panic!("{other:?}"),
    }
}

fn seen<T>(looked: &mut Looked<T>) -> &mut T {
    match looked {
        Looked::Seen(facts) => facts,
        Looked::Failed(_) | Looked::Left => panic!("not seen"),
    }
}

fn field<'a>(facts: &'a mut Facts, name: &str) -> &'a mut Option<FieldDefinition> {
    seen(&mut facts.espocrm).set_up.definition.as_mut().unwrap().fields.get_mut(name).unwrap()
}

#[test]
fn where_all_is_right_every_area_says_so() {
    let (all, wrong) = (findings(&fine()), wrong(&fine()));
    assert_eq!(wrong, []);
    for area in ["settings", "redis", "postgresql", "workers", "advoware", "espocrm", "webhooks", "google", "clocks"] {
        assert!(all.iter().any(|finding| finding.area.name() == area), "{area}");
    }
}

/// How bad it is, what its line holds, and what makes it so.
type Case = (Level, &'static str, Box<dyn FnOnce(&mut Facts)>);

fn each_is_one_line(cases: Vec<Case>) {
    for (level, text, change) in cases {
        let (found, line) = said(change);
        assert!(found == level && line.contains(text), "{text}: {found:?} {line}");
    }
}

#[test]
fn what_is_wrong_with_our_own_servers_is_one_line_with_what_to_do() {
    each_is_one_line(vec![
        (Level::Problem, "settings: X: missing", Box::new(|f| f.settings.push("X: missing".into()))),
        (Level::Problem, "appendonly yes", Box::new(|f| seen_set_up(f).has_append_only_file = false)),
        (Level::Problem, "its disk", Box::new(|f| seen_set_up(f).append_only_file_is_written = false)),
        (Level::Problem, "allkeys-lru", Box::new(|f| seen_set_up(f).eviction = "allkeys-lru".into())),
        (Level::Problem, "replica", Box::new(|f| seen_set_up(f).is_master = false)),
        (Level::Problem, "needs Redis 7", Box::new(|f| seen_set_up(f).version = "6.2.1".into())),
        (Level::Warning, "+info", Box::new(|f| seen(&mut f.redis).server.set_up = None)),
        (
            Level::Problem,
            "no worker is alive",
            Box::new(|f| seen(&mut f.redis).queues.iter_mut().for_each(|of| of.1 = counts(0))),
        ),
        (Level::Problem, "no worker takes calendars", Box::new(|f| seen(&mut f.redis).queues[1].1 = counts(0))),
        (Level::Warning, "jobs resume --queue calendar", Box::new(|f| seen(&mut f.redis).queues[1].1.is_paused = true)),
        (Level::Problem, "migrate", Box::new(|f| seen(&mut f.postgres).server.applied_version = None)),
        (
            Level::Problem,
            "version 4, this program needs 5",
            Box::new(|f| seen(&mut f.postgres).server.applied_version = Some(4)),
        ),
        (Level::Warning, "newer", Box::new(|f| seen(&mut f.postgres).server.applied_version = Some(6))),
        (
            Level::Problem,
            "postgres-roles.sql",
            Box::new(|f| seen(&mut f.postgres).server.missing_rights.push("beteiligte (UPDATE)".into())),
        ),
        (Level::Problem, "ADVOWARE_EMPLOYEES_PATH", Box::new(|f| f.advoware.employees = Looked::Seen(0))),
    ]);
}

#[test]
fn what_is_wrong_with_an_outside_system_is_one_line_with_what_to_do() {
    each_is_one_line(vec![
        (Level::Problem, "field betnr: missing -> install", Box::new(|f| *field(f, "betnr") = None)),
        (
            Level::Problem,
            "field betnr: of type varchar -> make it int",
            Box::new(|f| "varchar".clone_into(&mut one(f, "betnr").kind)),
        ),
        (Level::Problem, "holds 10 characters", Box::new(|f| one(f, "kommunikationHash").max_length = Some(10))),
        (Level::Problem, "read-only", Box::new(|f| one(f, "syncStatus").is_read_only = true)),
        (Level::Problem, "may not change", Box::new(|f| one(f, "lastName").is_locked = true)),
        (
            Level::Problem,
            "without the options clean",
            Box::new(|f| one(f, "syncStatus").options.retain(|option| option != "clean")),
        ),
        (
            Level::Problem,
            "without the types Fax",
            Box::new(|f| one(f, "phoneNumber").options.retain(|option| option != "Fax")),
        ),
        (Level::Warning, "version check", Box::new(|f| one(f, "syncStatus").is_unversioned = true)),
        (Level::Problem, "ESPOCRM_FIELDS", Box::new(|f| espocrm(f).definition = None)),
        (Level::Problem, "may not edit CBeteiligte -> set edit", Box::new(|f| espocrm(f).rights.edit = Reach::None)),
        (Level::Problem, "may read only some", Box::new(|f| espocrm(f).rights.read = Reach::Some)),
        (Level::Warning, "post notes", Box::new(|f| espocrm(f).rights.stream = Reach::None)),
        (Level::Warning, "scope Webhooks", Box::new(|f| espocrm(f).may_have_webhooks = false)),
        (
            Level::Warning,
            "optimistic concurrency is off",
            Box::new(|f| espocrm(f).definition.as_mut().unwrap().has_versions = false),
        ),
        (Level::Warning, "Stream is off", Box::new(|f| espocrm(f).has_stream = false)),
        (Level::Warning, "version 8.4.2", Box::new(|f| espocrm(f).version = Some("8.4.2".into()))),
        (Level::Warning, "as_typed", Box::new(|f| espocrm(f).phone_numbers_international = Some(false))),
        (
            Level::Problem,
            "ESPOCRM_PHONE_FORMAT=e164",
            Box::new(|f| seen(&mut f.espocrm).phone_format = PhoneFormat::AsTyped),
        ),
        (
            Level::Warning,
            "create: missing",
            Box::new(|f| seen(&mut f.webhooks).webhooks[0].standing = Standing::Missing),
        ),
        (
            Level::Warning,
            "--secrets-file",
            Box::new(|f| seen(&mut f.webhooks).webhooks[1].secret = SecretHere::Differs),
        ),
        (Level::Warning, "told 2 times", Box::new(|f| seen(&mut f.webhooks).webhooks[2].surplus = 1)),
        (
            Level::Problem,
            "calendar of SB: can be read, not written",
            Box::new(|f| calendars(f)[0].access = Access::Read),
        ),
        (Level::Problem, "calendar of SB: not there", Box::new(|f| calendars(f)[0].access = Access::None)),
        (Level::Warning, "GOOGLE_CALENDAR_OWNER", Box::new(|f| seen(&mut f.google).has_owner = false)),
        (Level::Warning, "allows one service account 600", Box::new(|f| seen(&mut f.google).requests_per_minute = 601)),
        (Level::Warning, "see postgresql", Box::new(|f| seen(&mut f.google).calendars = None)),
        (Level::Warning, "PostgreSQL: 9 s behind", Box::new(|f| seen(&mut f.postgres).ahead = TimeDelta::seconds(-9))),
        (
            Level::Problem,
            "EspoCRM, API: 600 s ahead",
            Box::new(|f| f.clocks[0].ahead = Looked::Seen(Some(TimeDelta::seconds(600)))),
        ),
        (
            Level::Problem,
            "no answer within 20 s",
            Box::new(|f| f.espocrm = Looked::Failed(Trouble::too_slow(Duration::from_secs(20)))),
        ),
    ]);
}

fn seen_set_up(facts: &mut Facts) -> &mut RedisSetUp {
    seen(&mut facts.redis).server.set_up.as_mut().unwrap()
}

fn espocrm(facts: &mut Facts) -> &mut SetUp {
    &mut seen(&mut facts.espocrm).set_up
}

fn one<'a>(facts: &'a mut Facts, name: &str) -> &'a mut FieldDefinition {
    field(facts, name).as_mut().unwrap()
}

fn calendars(facts: &mut Facts) -> &mut Vec<EmployeeCalendar> {
    seen(&mut facts.google).calendars.as_mut().unwrap()
}

#[test]
fn more_calendars_than_one_account_can_create_are_told() {
    let calendar =
        |number| EmployeeCalendar { kuerzel: kuerzel(&format!("K{number}")), is_given: false, access: Access::NotYet };
    let (_, line) = said(|facts| *calendars(facts) = (0..39).map(calendar).collect());
    assert!(line.contains("39 employees without a calendar of their own"), "{line}");
}

#[test]
fn where_every_clock_differs_ours_is_the_wrong_one() {
    let mut facts = fine();
    let off = TimeDelta::seconds(-90);
    (seen(&mut facts.redis).ahead, seen(&mut facts.postgres).ahead) = (off, off);
    facts.clocks[0].ahead = Looked::Seen(Some(off));
    let told = wrong(&facts);
    assert!(told.len() == 4 && told[3].found.contains("every other clock"), "{told:?}");
}

#[test]
fn a_system_that_fails_says_why_once() {
    let trouble = || Trouble::too_slow(Duration::from_secs(20));
    let mut facts = fine();
    (facts.espocrm, facts.webhooks) = (Looked::Failed(trouble()), Looked::Failed(trouble()));
    facts.advoware = AdvowareFacts { beteiligte: Looked::Failed(trouble()), employees: Looked::Failed(trouble()) };
    assert_eq!(wrong(&facts).len(), 2);
}

#[test]
fn what_was_not_looked_at_says_nothing() {
    let mut facts = fine();
    (facts.redis, facts.google, facts.webhooks) = (Looked::Left, Looked::Left, Looked::Left);
    assert_eq!(wrong(&facts), []);
}

proptest! {
    /// Whatever fields there are or are not: each that is wrong has a line, and no line is without advice.
    #[test]
    fn no_definition_of_fields_is_passed_over(missing in proptest::collection::btree_set(0..19_usize, 0..19)) {
        let mut facts = fine();
        let names: Vec<_> = espocrm(&mut facts).definition.as_ref().unwrap().fields.keys().copied().collect();
        prop_assert_eq!(names.len(), 19);
        for at in &missing {
            *field(&mut facts, names[*at]) = None;
        }
        let told = wrong(&facts);
        prop_assert_eq!(told.len(), missing.len());
        prop_assert!(told.iter().all(|finding| !finding.advice.is_empty()));
    }
}
