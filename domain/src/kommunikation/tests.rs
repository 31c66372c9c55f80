//! Rules that need more than one row; the table and properties over random worlds in their own files.

mod random;
mod table;

use super::model::World;
use super::*;
use crate::finding::FindingKind;
use crate::ids::{KommId, RowId};

const A: &str = "a@example.org";
const B: &str = "b@example.org";
const C: &str = "c@example.org";

/// A mail row of kind 4; `marked` is its marker's value.
fn row(id: i64, tlf: &str, marked: Option<&str>) -> AdvoRow {
    let bemerkung = marked.map(|value| {
        use base64::Engine;
        format!("[ESPOCRM:{}:4] Büro", base64::engine::general_purpose::STANDARD.encode(value))
    });
    bare_row(id, tlf, bemerkung.as_deref())
}

fn bare_row(id: i64, tlf: &str, bemerkung: Option<&str>) -> AdvoRow {
    AdvoRow {
        id: KommId(id),
        row_id: RowId(format!("ROW{id}")),
        komm_kz: 0,
        tlf: tlf.to_owned(),
        bemerkung: bemerkung.map(str::to_owned),
        online: false,
    }
}

fn phone(number: &str, phone_type: &str) -> EspoPhone {
    EspoPhone {
        number: number.to_owned(),
        phone_type: Some(phone_type.to_owned()),
        primary: false,
        opt_out: false,
        invalid: false,
    }
}

/// The first mail is primary.
fn world(mails: &[&str], rows: Vec<AdvoRow>) -> World {
    let mut world = World::default();
    world.espo.mails = mails
        .iter()
        .enumerate()
        .map(|(index, address)| EspoMail {
            address: (*address).to_owned(),
            primary: index == 0,
            opt_out: false,
            invalid: false,
        })
        .collect();
    world.advo.rows = rows;
    world
}

fn base(rows: &[(i64, &str)]) -> Base {
    let known = |(id, value): &(i64, &str)| BaseRow {
        id: KommId(*id),
        komm_kz: KommKz::MailGesch,
        value: (*value).to_owned(),
        held: false,
    };
    Base { rows: rows.iter().map(known).collect(), ahead: Vec::new() }
}

/// A plan in short: `1:` stage 1, `E:` changes in EspoCRM, `3:` stage 3, each with variant and the value written.
fn short(plan: &Plan) -> String {
    let advo = |write: &AdvoWrite| {
        let target = match &write.target {
            Target::Row { id, .. } => id.to_string(),
            Target::New => "new".to_owned(),
        };
        format!("{} {target}={}", write.variant.name(), first_letter(&write.content.tlf))
    };
    let espo = |change: &EspoChange| {
        let side = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), first_letter);
        format!("{} {}>{}", change.variant.name(), side(&change.before), side(&change.after))
    };
    let stages = [
        ("1:", plan.advo_first.iter().map(advo).collect::<Vec<_>>()),
        ("E:", plan.espo.iter().flat_map(|write| &write.changes).map(espo).collect()),
        ("3:", plan.advo_then.iter().map(advo).collect()),
    ];
    let told = stages.into_iter().filter(|(_, steps)| !steps.is_empty());
    told.map(|(stage, steps)| format!("{stage}{}", steps.join(","))).collect::<Vec<_>>().join(" ")
}

fn first_letter(value: &str) -> String {
    value.chars().next().map_or_else(|| "slot".to_owned(), String::from)
}

fn online(mut world: World) -> World {
    world.advo.rows.iter_mut().for_each(|row| row.online = true);
    world
}

fn kinds(plan: &Plan) -> Vec<FindingKind> {
    plan.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn k6_espocrm_wins_is_told_and_the_lost_value_is_in_the_plan_for_the_audit() {
    let plan = world(&[B], vec![row(7, C, Some(A))]).plan(Direction::Both);
    assert_eq!(kinds(&plan), [FindingKind::OverwrittenByEspo]);
    let Some(AdvoWrite { target: Target::Row { before, .. }, overwrites: true, .. }) = plan.advo_first.first() else {
        panic!("expected a write that overwrites, got {plan:?}")
    };
    assert_eq!(before.tlf, C);
}

#[test]
fn k6_a_value_that_another_row_carries_stays_in_espocrm() {
    let plan = world(&[A], vec![row(7, "", Some(A)), row(8, A, None)]).plan(Direction::Both);
    assert_eq!(short(&plan), "3:var3 7=slot,link 8=a");
    let plan = world(&[A], vec![row(7, B, Some(A)), row(8, A, Some(A))]).plan(Direction::Both);
    assert_eq!(short(&plan), "E:var6 ->b 3:var6 7=b,online 8=a");
}

#[test]
fn k6_one_number_on_rows_of_two_groups_is_one_value_in_espocrm() {
    let mut world = World::default();
    world.espo.phones.push(phone("+493023125100", "Office"));
    world.advo.rows.push(bare_row(1, "030/23125-100", Some("[ESPOCRM:KzQ5MzAyMzEyNTEwMA==:1]")));
    world.advo.rows.push(bare_row(2, "030 23125 100", Some("[ESPOCRM:KzQ5MzAyMzEyNTEwMA==:2] Fax")));
    assert!(world.plan(Direction::Both).is_empty());
}

#[test]
fn k6_a_slot_of_another_kind_is_not_used() {
    let plan = world(&[A], vec![bare_row(7, "", Some("[ESPOCRM-SLOT:8]"))]).plan(Direction::Both);
    assert_eq!(short(&plan), "3:var1 new=a");
}

#[test]
fn k8_var1_takes_the_row_that_this_plan_frees_and_keeps_its_text() {
    let plan =
        world(&[A, B], vec![row(7, "", Some(A)), bare_row(9, "", Some("[ESPOCRM-SLOT:4]"))]).plan(Direction::Both);
    assert_eq!(short(&plan), "E:var3 a>- 3:var1 7=b");
    assert!(plan.advo_then.iter().all(|write| write.content.bemerkung.ends_with(" Büro")));
}

#[test]
fn k1a_a_cleared_remark_duplicates_nothing() {
    let mut world = world(&[A], vec![bare_row(7, B, None)]);
    world.base = Some(base(&[(7, A)]));
    assert_eq!(short(&world.plan(Direction::Both)), "E:var6 a>b 3:var6 7=b");
    world.advo.rows = vec![bare_row(7, A, Some("nur vormittags"))];
    assert_eq!(short(&world.plan(Direction::Both)), "3:link 7=a");
}

#[test]
fn k1a_a_vanished_row_is_a_deletion_unless_espocrm_changed_its_value() {
    let mut deleted = world(&[A], vec![]);
    deleted.base = Some(base(&[(7, A)]));
    assert_eq!(short(&deleted.plan(Direction::Both)), "E:var3 a>-");
    assert_eq!(short(&deleted.plan(Direction::ToAdvoware)), "");
    let mut changed = world(&[B], vec![]);
    changed.base = Some(base(&[(7, A)]));
    assert_eq!(short(&changed.plan(Direction::Both)), "3:var1 new=b");
}

#[test]
fn k1a_many_vanished_rows_are_held_until_approved_and_stay_held() {
    let mut world = world(&[A, B, C], vec![]);
    world.base = Some(base(&[(7, A), (8, B), (9, C)]));
    let plan = world.run(Direction::Both);
    assert_eq!((short(&plan).as_str(), kinds(&plan).as_slice()), ("", &[FindingKind::MassDeletionHeld][..]));
    assert_eq!(kinds(&world.run(Direction::Both)), [FindingKind::MassDeletionHeld]);
    assert_eq!(short(&super::plan(world.seen(), Direction::Both, true)), "E:var3 a>-,var3 b>-,var3 c>-");
}

#[test]
fn k1a_held_rows_stay_held_when_the_record_gets_new_ones() {
    let mut world = world(&[A, B, C], vec![]);
    world.base = Some(base(&[(7, A), (8, B), (9, C)]));
    world.run(Direction::Both);
    world.advo.rows.extend((20..30).map(|id| row(id, &format!("x{id}@example.org"), None)).take(5));
    world.run(Direction::Both);
    let plan = world.plan(Direction::Both);
    assert!(plan.is_empty(), "{}", short(&plan));
    assert_eq!(kinds(&plan), [FindingKind::MassDeletionHeld]);
}

#[test]
fn k8b_a_row_edited_between_stage_2_and_3_is_known_by_what_stage_2_wrote() {
    let cases = [
        // Var6 a>b was written to EspoCRM; the user went on to c: an edit of b, not a conflict.
        (row(7, B, Some(A)), vec![A], C, "E:var6 b>c 3:var6 7=c"),
        // Var3: a left EspoCRM; the user entered it again: new, not deleted in EspoCRM.
        (row(7, "", Some(A)), vec![A], A, "E:var4 ->a 3:var4 7=a"),
        // Var4: a came to EspoCRM; the user went on to b: an edit, a must not stay.
        (row(7, A, None), vec![], B, "E:var6 a>b 3:var6 7=b"),
    ];
    for (before, mails, edited, expected) in cases {
        let mut world = world(&mails, vec![before]);
        let plan = world.plan(Direction::Both);
        plan.espo.iter().for_each(|write| world.write_espo(write));
        world.advo.rows.iter_mut().for_each(|row| row.tlf = edited.to_owned());
        let mut base = Base::default();
        base.intend(&plan);
        world.base = Some(base);
        let next = world.plan(Direction::Both);
        assert_eq!((short(&next).as_str(), kinds(&next).len()), (expected, 0));
    }
}

#[test]
fn k2_what_espocrm_cannot_hold_stays_and_stops_nobody() {
    let rows = vec![
        bare_row(1, "siehe Akte", None),
        row(2, B, None),
        bare_row(3, "DE.BRAK.0a1b", Some("[ESPOCRM:YUBleGFtcGxlLm9yZw==:4]")),
    ];
    let mut world = world(&[A], rows);
    let plan = world.run(Direction::Both);
    assert_eq!(short(&plan), "E:var4 ->b 3:var4 2=b");
    assert_eq!(kinds(&plan), [FindingKind::CannotHold, FindingKind::CannotHold]);
    assert!(world.plan(Direction::Both).is_empty());
}

#[test]
fn k2_an_eleventh_entry_stays_in_advoware() {
    let rows = (0..12).map(|n| row(n, &format!("x{n}@example.org"), None)).collect();
    let mut world = world(&[A], rows);
    let plan = world.run(Direction::Both);
    assert_eq!(world.espo.mails.len(), 10);
    assert_eq!(kinds(&plan), [FindingKind::CannotHold; 3]);
    assert!(world.plan(Direction::Both).is_empty());
}

#[test]
fn k2_a_type_that_differs_is_told_and_left() {
    let mut world = World::default();
    world.espo.phones.push(phone("+493023125100", "Mobile"));
    world.advo.rows.push(bare_row(1, "030/23125-100", Some("[ESPOCRM:KzQ5MzAyMzEyNTEwMA==:1]")));
    let plan = world.plan(Direction::Both);
    assert!(plan.is_empty());
    assert_eq!(kinds(&plan), [FindingKind::TypeDiffers]);
}

#[test]
fn k2_web_addresses_are_never_synced() {
    let marked = bare_row(2, "www.example.org", Some("[ESPOCRM:YUBleGFtcGxlLm9yZw==:5]"));
    assert!(world(&[], vec![bare_row(1, "www.example.org", None), marked]).plan(Direction::Both).is_empty());
}

#[test]
fn k7_online_follows_the_primary_that_espocrm_will_have() {
    let mut world = world(&[A, B], vec![row(7, "", Some(A)), row(8, B, Some(B))]);
    let plan = world.run(Direction::Both);
    assert_eq!(short(&plan), "E:var3 a>- 3:var3 7=slot,online 8=b");
    let online: Vec<bool> = world.advo.rows.iter().map(|row| row.online).collect();
    assert_eq!(online, [true, true], "mail slots are online, and B is primary now");
    assert!(world.plan(Direction::Both).is_empty());
}

#[test]
fn k8_untouched_entries_keep_their_flags() {
    let mut world = world(&[A, B], vec![row(7, A, Some(A)), row(8, C, Some(B))]);
    world.espo.mails.iter_mut().for_each(|mail| (mail.opt_out, mail.invalid) = (true, true));
    world.run(Direction::Both);
    let flags: Vec<_> = world.espo.mails.iter().map(|m| (m.address.as_str(), m.opt_out, m.invalid)).collect();
    assert_eq!(flags, [(A, true, true), (C, false, false)]);
}

#[test]
fn k3_a_number_in_advoware_keeps_its_spelling_and_espocrm_gets_e164() {
    let mut world = World::default();
    world.advo.rows.push(bare_row(1, "030/23125 10-0", Some("Zentrale")));
    let plan = world.run(Direction::Both);
    assert_eq!(world.espo.phones.first().map(|phone| phone.number.as_str()), Some("+493023125100"));
    let row = world.advo.rows.first().map(|row| (row.tlf.as_str(), row.bemerkung.as_deref()));
    assert_eq!(row, Some(("030/23125 10-0", Some("[ESPOCRM:KzQ5MzAyMzEyNTEwMA==:1] Zentrale"))), "{plan:?}");
}

#[test]
fn k3_where_espocrm_takes_any_spelling_it_gets_advowares_and_both_agree() {
    let mut world = World::default();
    world.phone_format = PhoneFormat::AsTyped;
    world.advo.rows.push(bare_row(1, " 030 23125 10-0", Some("Zentrale")));
    world.run(Direction::Both);
    assert_eq!(world.espo.phones.first().map(|phone| phone.number.as_str()), Some("030 23125 10-0"));
    // Var6 keeps the new spelling, too; a mere change of spelling is none.
    for (typed, held) in [("0170 1234567", "0170 1234567"), ("+49 170 1234567", "0170 1234567")] {
        world.advo.rows.iter_mut().for_each(|row| row.tlf = typed.to_owned());
        world.run(Direction::Both);
        assert_eq!(world.espo.phones.first().map(|phone| phone.number.as_str()), Some(held));
        assert!(world.plan(Direction::Both).is_empty());
    }
}

#[test]
fn k5_changes_are_told_by_the_base_or_without_one_by_hash_and_markers() {
    let mut world = online(world(&[A], vec![row(7, A, Some(A))]));
    assert_eq!(changed(world.seen()), Changed { espo: false, advo: true }, "no hash yet");
    world.espo.stored_hash = Some(agreement(world.seen()).hash);
    assert_eq!(changed(world.seen()), Changed::default());
    world.remember();
    world.espo.mails.clear();
    assert_eq!(changed(world.seen()), Changed { espo: true, advo: false });
    world.advo.rows.iter_mut().for_each(|row| row.tlf = B.to_owned());
    assert!(changed(world.seen()).is_conflict());
}

#[test]
fn k4_slots_and_web_addresses_are_not_hashed() {
    let hash = |rows| agreement(world(&[], rows).seen()).hash;
    let one = hash(vec![row(7, A, None)]);
    let more = vec![row(7, A, None), bare_row(8, "", Some("[ESPOCRM-SLOT:4]")), bare_row(9, "www.example.org", None)];
    assert_eq!(hash(more), one);
}

#[test]
fn k9_a_row_that_lost_what_was_written_is_told_and_an_edited_one_is_not() {
    let mut world = world(&[A], vec![row(7, A, None)]);
    let plan = world.run(Direction::Both);
    let content = plan.advo_then.first().map(|write| write.content.clone()).unwrap();
    let row_id = world.advo.rows.first().map(|row| row.row_id.clone()).unwrap();
    let written = [Written { id: KommId(7), row_id, content }];
    assert!(not_kept(&written, &world.advo).is_empty());
    world.advo.rows.iter_mut().for_each(|row| row.tlf.truncate(3));
    assert_eq!(not_kept(&written, &world.advo).len(), 1);
    world.advo.rows.iter_mut().for_each(|row| row.row_id = RowId("USER".to_owned()));
    assert!(not_kept(&written, &world.advo).is_empty());
}

#[test]
fn the_summary_counts_as_the_seed_does() {
    let mut world = world(&[A, C], vec![row(7, B, Some(A))]);
    let plan = world.plan(Direction::Both);
    let mut summary = Summary::default();
    plan.advo_writes().for_each(|write| summary.count_advo(write));
    plan.espo.iter().for_each(|write| summary.count_espo(write));
    let expected = Summary { emails_synced: 1, markers_updated: 1, created: 1, ..Summary::default() };
    assert_eq!((summary, summary.total_changes()), (expected, 2));
    world.run(Direction::Both);
}
