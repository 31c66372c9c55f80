//! The planner against a model of both sides and the hub, and the tables of C3, C4 and C7 by name.

mod model;

use proptest::prelude::*;

use super::*;
use crate::calendar::policy::{AdvowareWrite, SyncStrategy};
use crate::calendar::{DeletionLimit, Oddity, PLACEHOLDER};
use model::{Cut, UserEdit, World, at_hour, edits};

fn policy() -> Policy {
    Policy {
        strategy: SyncStrategy::SourceSystemWins,
        write: AdvowareWrite::All,
        write_override: None,
        anonymize: false,
        limit: DeletionLimit { percent: 100, count: u64::MAX },
        deletions_are_approved: false,
    }
}

fn any_policy() -> impl proptest::strategy::Strategy<Value = Policy> {
    let strategies = prop::sample::select(&SyncStrategy::ALL[..]);
    let writes = prop::sample::select(&AdvowareWrite::ALL[..]);
    (strategies, writes, any::<bool>()).prop_map(|(strategy, write, anonymize)| Policy {
        strategy,
        write,
        anonymize,
        ..policy()
    })
}

fn is_to_advoware(step: &Step) -> bool {
    matches!(
        step,
        Step::CreateTermin(..)
            | Step::FinishTermin(..)
            | Step::RecreateTermin(..)
            | Step::DeleteTermin(_)
            | Step::UpdateTermin(..)
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn c2_after_a_run_the_next_has_nothing_to_do_and_both_sides_agree(
        policy in any_policy(), before in edits(), after in edits(),
    ) {
        let mut world = World::default();
        for batch in [before, after] {
            world.edit_all(&batch);
            world.run(policy);
            let again = world.plan(policy);
            prop_assert_eq!(again.steps, Vec::new());
            prop_assert_eq!(world.disagreement(policy), None);
        }
    }

    #[test]
    fn c2_changes_since_a_token_lead_to_the_same_as_a_complete_list(
        policy in any_policy(), before in edits(), after in edits(),
    ) {
        let mut world = World::default();
        world.edit_all(&before);
        world.run(policy);
        let token = world.token();
        world.edit_all(&after);
        let mut other = world.clone();
        world.run(policy);
        other.run_since(policy, &token);
        prop_assert_eq!(world.sides(), other.sides());
    }

    #[test]
    fn c5_without_permission_nothing_is_written_to_advoware(
        policy in any_policy(), before in edits(), after in edits(),
    ) {
        let policy = Policy { write_override: Some(false), ..policy };
        let mut world = World::default();
        world.edit_all(&before);
        world.run(Policy { write_override: None, ..policy });
        world.edit_all(&after);
        let plan = world.plan(policy);
        prop_assert!(!plan.steps.iter().any(is_to_advoware), "{:?}", plan.steps);
    }

    #[test]
    fn c7_worlds_that_differ_in_content_only_send_the_same_to_google(before in edits(), after in edits()) {
        let policy = Policy { anonymize: true, ..policy() };
        let (mut one, mut other) = (World::default(), World::with_other_texts());
        for batch in [before, after] {
            one.edit_all(&batch);
            other.edit_all(&batch);
            let sent = [&mut one, &mut other].map(|world| {
                let plan = world.run(policy);
                plan.steps.into_iter().filter(|step| !is_to_advoware(step)).collect::<Vec<_>>()
            });
            prop_assert_eq!(&sent[0], &sent[1]);
        }
    }

    #[test]
    fn c10a_without_its_hub_a_calendar_is_known_again_by_what_it_says(policy in any_policy(), edits in edits()) {
        let policy = Policy { anonymize: false, ..policy };
        let mut world = World::default();
        world.edit_all(&edits);
        world.run(policy);
        let before = world.sides();
        world.lose_hub();
        world.run(policy);
        prop_assert_eq!(world.sides(), before);
        prop_assert_eq!(world.plan(policy).steps, Vec::new());
    }

    #[test]
    fn c3_a_crash_anywhere_duplicates_nothing_and_loses_nothing(
        policy in any_policy(), before in edits(), after in edits(), at in 0usize..8, cut in prop::sample::select(&Cut::ALL[..]),
    ) {
        let mut world = World::default();
        world.edit_all(&before);
        world.run(policy);
        world.edit_all(&after);
        let mut whole = world.clone();
        whole.run(policy);
        world.run_cut(policy, at, cut);
        world.run(policy);
        // What was adopted learns its version in the hub alone.
        let writes = world.plan(policy).steps.into_iter().filter(|step| !matches!(step, Step::Store(_)));
        prop_assert_eq!(writes.collect::<Vec<_>>(), Vec::new());
        prop_assert_eq!(world.sides(), whole.sides());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn c3_what_users_do_after_a_crash_is_seen_too(
        policy in any_policy(), before in edits(), after in edits(), later in edits(), at in 0usize..8,
        cut in prop::sample::select(&Cut::ALL[..]),
    ) {
        let mut world = World::default();
        world.edit_all(&before);
        world.run(policy);
        world.edit_all(&after);
        world.run_cut(policy, at, cut);
        world.edit_all(&later);
        world.run(policy);
        world.run(policy);
        prop_assert_eq!(world.plan(policy).steps, Vec::new());
        prop_assert_eq!(world.disagreement(policy), None);
    }
}

#[test]
fn c3_a_user_who_undoes_what_a_crashed_run_had_copied_is_not_overlooked() {
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(policy());
    world.edit(UserEdit::MoveTermin(0, 5));
    world.run_cut(policy(), 0, Cut::AfterWrite);
    world.edit(UserEdit::MoveTermin(0, 1));
    world.run(policy());
    assert_eq!(world.disagreement(policy()), None);
    let (termine, events) = world.sides();
    assert_eq!((termine[0].span, events[0].span), (at_hour(1), at_hour(1)));
}

#[test]
fn c5_what_was_begun_in_advoware_and_is_no_longer_allowed_ends_as_advoware_has_it() {
    let allowed = Policy { strategy: SyncStrategy::LastChangeWins, ..policy() };
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(allowed);
    world.edit_all(&[UserEdit::DeleteTermin(0), UserEdit::MoveEvent(0, 4)]);
    world.run_cut(allowed, 0, Cut::BeforeWrite);
    let forbidden = Policy { write_override: Some(false), ..allowed };
    let plan = world.run(forbidden);
    assert!(matches!(&plan.steps[..], [Step::DeleteEvent(_)]), "{:?}", plan.steps);
    assert_eq!((world.sides(), world.plan(forbidden).steps), ((Vec::new(), Vec::new()), Vec::new()));
}

#[test]
fn c7_a_blocked_copy_never_overwrites_its_termin_even_if_nothing_is_known_of_it() {
    let hides = Policy { anonymize: true, strategy: SyncStrategy::LastChangeWins, ..policy() };
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(hides);
    world.forget_bases();
    world.run(Policy { anonymize: false, ..hides });
    assert_eq!(world.sides().0[0].text, "Text 0");
}

#[test]
fn c7_a_copy_whose_termin_is_not_known_is_blocked_all_the_same() {
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(policy());
    let mut snapshot = world.snapshot();
    (snapshot.termine, snapshot.gone_termine) = Default::default();
    let plan = plan(&snapshot, Policy { anonymize: true, ..policy() });
    assert!(matches!(&plan.steps[..], [Step::UpdateEvent(_, form)] if form.text == PLACEHOLDER), "{:?}", plan.steps);
}

/// Written back, the user's time would be the base of both sides' next comparison, and they would stay apart for ever.
#[test]
fn c7_blocking_a_copy_whose_termin_is_not_known_takes_no_users_change_for_agreed() {
    for strategy in SyncStrategy::ALL {
        let hides = Policy { anonymize: true, strategy, ..policy() };
        let mut world = World::default();
        world.edit(UserEdit::AddTermin(1, 0));
        world.run(policy());
        world.edit(UserEdit::MoveEvent(0, 5));
        let mut snapshot = world.snapshot();
        (snapshot.termine, snapshot.gone_termine) = Default::default();
        let blocked = plan(&snapshot, hides);
        assert!(
            matches!(&blocked.steps[..], [Step::UpdateEvent(_, form)] if form.text == PLACEHOLDER && form.span == at_hour(1)),
            "{:?}",
            blocked.steps
        );
    }
}

#[test]
fn c7_a_placeholder_that_copies_nothing_we_know_becomes_no_termin() {
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(Policy { anonymize: true, ..policy() });
    world.lose_hub();
    let plan = world.plan(Policy { anonymize: true, ..policy() });
    assert!(!plan.steps.iter().any(is_to_advoware), "{:?}", plan.steps);
    assert!(matches!(&plan.left[..], [Left::OddEvent(_, Oddity::Placeholder)]), "{:?}", plan.left);
}

#[test]
fn c3_an_event_that_a_user_deleted_before_we_knew_it_was_inserted_is_never_inserted_under_its_id_again() {
    for (strategy, left) in [(SyncStrategy::SourceSystemWins, 1), (SyncStrategy::LastChangeWins, 0)] {
        let policy = Policy { strategy, ..policy() };
        let mut world = World::default();
        world.edit(UserEdit::AddTermin(1, 0));
        world.run_cut(policy, 0, Cut::AfterWrite);
        world.edit(UserEdit::DeleteEvent(0));
        world.run(policy);
        let (termine, events) = world.sides();
        assert_eq!((termine.len(), events.len()), (left, left), "{strategy:?}");
        assert_eq!(world.plan(policy).steps, []);
    }
}

#[test]
fn c3_what_was_entered_on_both_sides_before_the_first_sync_becomes_one_pair_unless_texts_must_not_count() {
    for (anonymize, entries) in [(false, 1), (true, 2)] {
        let policy = Policy { anonymize, ..policy() };
        let mut world = World::default();
        world.edit(UserEdit::AddTermin(1, 0));
        world.type_twice();
        let plan = world.run(policy);
        assert_eq!(plan.steps.iter().any(|step| matches!(step, Step::Link(..))), !anonymize, "{:?}", plan.steps);
        let (termine, events) = world.sides();
        assert_eq!((termine.len(), events.len()), (entries, entries));
        assert_eq!(world.plan(policy).steps, []);
    }
}

#[test]
fn c4_more_deletions_than_the_limit_are_held_and_an_approval_lets_them_go() {
    let mut world = World::default();
    world.edit_all(&(0..20).map(|n| UserEdit::AddTermin(n, 0)).collect::<Vec<_>>());
    let policy = Policy { limit: DeletionLimit { percent: 20, count: 3 }, ..policy() };
    world.run(policy);
    for _ in 0..5 {
        world.edit(UserEdit::DeleteTermin(0));
    }
    let plan = world.plan(policy);
    assert_eq!((plan.steps, plan.left, plan.held.len()), (Vec::new(), vec![Left::MassDeletionHeld(5)], 5));
    let approved = world.plan(Policy { deletions_are_approved: true, ..policy });
    assert_eq!(approved.steps.len(), 5);
    assert!(approved.steps.iter().all(|step| matches!(step, Step::DeleteEvent(_))));
}

#[test]
fn c4_what_is_not_in_a_list_is_asked_for_and_without_an_answer_nothing_happens() {
    let mut world = World::default();
    world.edit_all(&[UserEdit::AddTermin(1, 0), UserEdit::AddEvent(2, 0)]);
    world.run(policy());
    world.edit_all(&[UserEdit::DeleteTermin(0), UserEdit::DeleteEvent(0)]);
    let mut snapshot = world.snapshot();
    (snapshot.gone_termine, snapshot.gone_events) = Default::default();
    let asked = questions(&snapshot);
    assert_eq!((asked.0.len(), asked.1.len()), (1, 1));
    assert_eq!(plan(&snapshot, policy()), Plan::default());
}

#[test]
fn c7_switching_anonymising_on_and_off_rewrites_the_copies_of_termine_and_no_original() {
    let mut world = World::default();
    world.edit_all(&[UserEdit::AddTermin(1, 0), UserEdit::AddEvent(2, 0)]);
    world.run(policy());
    for anonymize in [true, false] {
        let policy = Policy { anonymize, ..policy() };
        let plan = world.run(policy);
        assert!(matches!(&plan.steps[..], [Step::UpdateEvent(..)]), "{:?}", plan.steps);
        assert_eq!(world.plan(policy).steps, []);
    }
}

#[test]
fn c7_of_a_blocked_copy_only_times_flow_back_and_the_placeholder_never_does() {
    let policy = Policy { anonymize: true, strategy: SyncStrategy::LastChangeWins, ..policy() };
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(policy);
    world.edit_all(&[UserEdit::MoveEvent(0, 5), UserEdit::RenameEvent(0, 2)]);
    world.run(policy);
    let (termine, events) = world.sides();
    assert_eq!(termine[0].text, "Text 0");
    assert_eq!((termine[0].span, events[0].span), (at_hour(5), at_hour(5)));
    assert_eq!(events[0].text, PLACEHOLDER);
    assert_eq!(world.plan(policy).steps, []);
}

#[test]
fn c9_what_makes_no_sense_is_left_and_is_no_evidence_of_a_deletion() {
    let mut world = World::default();
    world.edit(UserEdit::AddEvent(1, 0));
    world.run(policy());
    let mut snapshot = world.snapshot();
    let Events::Complete(events) = &mut snapshot.events else { panic!("complete") };
    let (id, event) = events.iter_mut().next().unwrap();
    event.form = Err(Oddity::Recurrence(super::super::Refusal::ExcludedDates));
    let left = Left::OddEvent(id.clone(), Oddity::Recurrence(super::super::Refusal::ExcludedDates));
    assert_eq!(plan(&snapshot, policy()), Plan { left: vec![left], ..Plan::default() });
}

#[test]
fn c10_computed_entries_are_never_synced() {
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    let mut snapshot = world.snapshot();
    snapshot.termine = snapshot.termine.into_values().map(|termin| (FrNr(-1), termin)).collect();
    assert_eq!(plan(&snapshot, policy()), Plan::default());
}

#[test]
fn c10_another_persons_private_termin_is_not_changed() {
    let policy = Policy { strategy: SyncStrategy::LastChangeWins, ..policy() };
    let mut world = World::default();
    world.edit(UserEdit::AddTermin(1, 0));
    world.run(policy);
    world.edit(UserEdit::MoveEvent(0, 6));
    let mut snapshot = world.snapshot();
    let (&frnr, termin) = snapshot.termine.iter_mut().next().unwrap();
    termin.may_change = false;
    assert_eq!(plan(&snapshot, policy), Plan { left: vec![Left::OthersPrivate(frnr)], ..Plan::default() });
}
