//! One field through every state: both sides, what is remembered, policies, stops and users' edits in between.

use super::*;
use crate::beteiligte::ConflictPolicy;
use crate::finding::FindingKind;
use crate::kommunikation::Direction;

const VALUES: [Option<&str>; 3] = [None, Some("x"), Some("y")];
const POLICIES: [ConflictPolicy; 3] = ConflictPolicy::ALL;

/// Both sides and what is remembered, of one person whose name never changes.
#[derive(Clone, Debug)]
struct World {
    espo: Option<&'static str>,
    advo: Option<&'static str>,
    base: Base,
}

fn texts(name: &'static str, vorname: &'static str, value: Option<&str>) -> Texts {
    let fields = [(name, Some("Beispiel")), (vorname, value)];
    fields.into_iter().filter_map(|(field, text)| Some((field, text?.to_owned()))).collect()
}

fn known(text: &str) -> &'static str {
    VALUES.into_iter().flatten().chain(["z"]).find(|value| *value == text).unwrap()
}

impl World {
    fn agreed(value: Option<&'static str>) -> Self {
        let mut base = Base::default();
        for field in Field::ALL {
            base.fields.insert(field, Pair::agreed(None));
        }
        base.fields.insert(Field::Name, Pair::agreed(Some("Beispiel".to_owned())));
        base.fields.insert(Field::Vorname, Pair::agreed(value.map(str::to_owned)));
        Self { espo: value, advo: value, base }
    }

    fn with_seen<T>(&self, newest: Option<Side>, use_it: impl FnOnce(Seen<'_>) -> T) -> T {
        let (espo, advo) = (texts("lastName", "firstName", self.espo), texts("name", "vorname", self.advo));
        use_it(Seen { espo: &espo, advo: &advo, base: &self.base, newest })
    }

    fn plan(&self, policy: ConflictPolicy, newest: Option<Side>) -> Plan {
        self.with_seen(newest, |seen| plan(seen, policy, Direction::Both))
    }

    fn write(&mut self, side: Side, changes: &[Change]) {
        for change in changes {
            let value = change.after.as_deref().map(known);
            match side {
                Side::Espocrm => self.espo = value,
                Side::Advoware => self.advo = value,
            }
        }
    }

    /// A run that its process ends after `steps` steps; `edit` is a user's, after as many. Whether it came to its end.
    fn run(&mut self, policy: ConflictPolicy, steps: usize, mut edit: impl FnMut(usize, &mut Self)) -> bool {
        let (espo, advo) = (texts("lastName", "firstName", self.espo), texts("name", "vorname", self.advo));
        self.base.resolve(&espo, &advo);
        let mut step = 0;
        let mut goes_on = |world: &mut Self| {
            edit(step, world);
            step += 1;
            step <= steps
        };
        for _round in 0..4 {
            let plan = self.plan(policy, Some(Side::Advoware));
            if plan.is_empty() {
                if !goes_on(self) {
                    return false;
                }
                self.base = self.with_seen(None, settled);
                return true;
            }
            if !goes_on(self) {
                return false;
            }
            self.base = plan.decided.clone();
            for side in [Side::Advoware, Side::Espocrm] {
                let changes = plan.changes(side);
                if changes.is_empty() {
                    continue;
                }
                let stands = |world: &Self| world.plan(policy, Some(Side::Advoware)).changes(side) == changes;
                self.base.intend(side, changes);
                if !goes_on(self) {
                    return false;
                }
                // A user was faster, which the version or the change token tells.
                if !stands(self) {
                    self.base.withdraw(side, changes);
                    break;
                }
                self.write(side, changes);
                if !goes_on(self) {
                    return false;
                }
                self.base.confirm(side, changes);
            }
        }
        false
    }
}

#[test]
fn b2_every_row_of_the_comparison_table() {
    let agreed = || World::agreed(Some("x"));
    let cases = [
        (agreed(), Comparison::NoChange),
        (World { espo: Some("y"), ..agreed() }, Comparison::EspocrmNewer),
        (World { advo: Some("y"), ..agreed() }, Comparison::AdvowareNewer),
        (World { espo: None, advo: Some("y"), ..agreed() }, Comparison::Conflict),
        (World { espo: Some("y"), advo: Some("y"), ..agreed() }, Comparison::NoChange),
    ];
    for (world, expected) in cases {
        assert_eq!(world.plan(ConflictPolicy::EspocrmWins, None).comparison, Some(expected), "{world:?}");
    }
    let mut base = agreed().base;
    base.fields.insert(Field::Anrede, Pair::agreed(Some("Frau".to_owned())));
    let espo = Texts::from([
        ("lastName", "Beispiel".to_owned()),
        ("firstName", "y".to_owned()),
        ("salutationName", "Frau".to_owned()),
    ]);
    let advo =
        Texts::from([("name", "Beispiel".to_owned()), ("vorname", "x".to_owned()), ("anrede", "Herr".to_owned())]);
    let plan = plan(
        Seen { espo: &espo, advo: &advo, base: &base, newest: None },
        ConflictPolicy::EspocrmWins,
        Direction::Both,
    );
    assert_eq!(plan.comparison, Some(Comparison::BothDifferent));
    assert_eq!((plan.advoware[0].field, plan.espocrm[0].field), (Field::Vorname, Field::Anrede), "both edits are kept");
    assert_eq!(Comparison::Conflict.kommunikation(), Direction::ToAdvoware);
    for both in [Comparison::NoChange, Comparison::EspocrmNewer, Comparison::AdvowareNewer, Comparison::BothDifferent] {
        assert_eq!(both.kommunikation(), Direction::Both);
    }
}

#[test]
fn b2_first_sync_the_newer_timestamp_wins_equal_means_no_change_and_one_missing_the_side_that_has_one() {
    assert_eq!(Newer::at_first_sync(Some(2), Some(1)), Newer::Espocrm);
    assert_eq!(Newer::at_first_sync(Some(1), Some(2)), Newer::Advoware);
    assert_eq!(Newer::at_first_sync(Some(1), Some(1)), Newer::Neither);
    assert_eq!(Newer::at_first_sync(Some(1), None), Newer::Espocrm);
    assert_eq!(Newer::at_first_sync(None, Some(1)), Newer::Advoware);
    assert_eq!(Newer::at_first_sync::<u8>(None, None), Newer::Neither);
    let after = |espo, advo, newer, origin| {
        let mut world = World { espo, advo, base: Base::default() };
        world.base = world.with_seen(None, |seen| first_base(seen.espo, seen.advo, newer, origin));
        let plan = world.plan(ConflictPolicy::EspocrmWins, None);
        assert!(world.run(ConflictPolicy::EspocrmWins, 99, |_, _| {}));
        (world.espo, world.advo, plan.findings.first().map(|finding| finding.kind))
    };
    let (x, y) = (Some("x"), Some("y"));
    assert_eq!(after(x, y, Newer::Espocrm, Origin::FirstSync), (x, x, None));
    assert_eq!(after(x, y, Newer::Advoware, Origin::FirstSync), (y, y, None));
    assert_eq!(after(x, y, Newer::Neither, Origin::FirstSync), (x, y, Some(FindingKind::LeftToDiffer)));
    assert_eq!(after(x, None, Newer::Advoware, Origin::FirstSync), (x, x, None), "a first sync empties nothing");
    assert_eq!(after(None, y, Newer::Neither, Origin::FirstSync), (y, y, None));
    assert_eq!(after(None, y, Newer::Espocrm, Origin::HubLost), (None, None, None), "later, what is empty was emptied");
    assert_eq!(after(x, y, Newer::Both, Origin::HubLost), (x, x, Some(FindingKind::OverwrittenByEspo)));
    assert_eq!(after(x, y, Newer::Neither, Origin::HubLost), (x, y, Some(FindingKind::LeftToDiffer)));
}

#[test]
fn k5_conflicts_follow_the_policy() {
    let world = World { espo: Some("x"), advo: Some("y"), ..World::agreed(None) };
    let wins = |policy, newest| {
        let plan = world.plan(policy, newest);
        (
            plan.advoware.first().and_then(|change| change.after.clone()),
            plan.espocrm.first().and_then(|c| c.after.clone()),
        )
    };
    let (x, y) = (Some("x".to_owned()), Some("y".to_owned()));
    assert_eq!(wins(ConflictPolicy::EspocrmWins, Some(Side::Advoware)), (x.clone(), None));
    assert_eq!(wins(ConflictPolicy::NewestWins, Some(Side::Advoware)), (None, y));
    assert_eq!(wins(ConflictPolicy::NewestWins, None), (x, None));
    let manual = world.plan(ConflictPolicy::Manual, None);
    assert!(manual.is_empty() && manual.undecided == [Field::Vorname]);
    assert_eq!(manual.findings[0].kind, FindingKind::Undecided);
    let mut kept = world.clone();
    kept.base = kept.with_seen(None, settled);
    assert_eq!(kept.plan(ConflictPolicy::Manual, None).undecided, [Field::Vorname], "it stays undecided");
}

#[test]
fn k5_what_a_side_cannot_hold_is_no_conflict_and_the_run_ends() {
    let base = World::agreed(None).base;
    let espo = Texts::from([("firstName", "Kim".to_owned())]);
    let advo = Texts::from([("name", "Anders".to_owned()), ("vorname", "Kim".to_owned())]);
    let seen = Seen { espo: &espo, advo: &advo, base: &base, newest: None };
    let plan = plan(seen, ConflictPolicy::EspocrmWins, Direction::Both);
    assert!(plan.is_empty(), "the name was emptied here and changed there, and Advoware takes no empty one");
    assert_eq!(plan.comparison, Some(Comparison::NoChange), "else each run would ask for a follow-up");
    assert_eq!(plan.findings, [crate::finding::Finding::in_field(FindingKind::CannotHold, Field::Name)]);
}

/// Stopped after any step, and with a user's edit of either side at any step, the next runs agree; an edit that nobody else touched stands.
#[test]
fn invariants_1_to_5_hold_for_one_field_stopped_and_edited_anywhere() {
    for policy in POLICIES {
        for (before, espo, advo) in product() {
            for stop in 0..8 {
                for edit_at in 0..8 {
                    for edited in Side::ALL {
                        story(policy, World { espo, advo, ..World::agreed(before) }, stop, edit_at, edited);
                    }
                }
            }
        }
    }
}

fn product() -> impl Iterator<Item = (Option<&'static str>, Option<&'static str>, Option<&'static str>)> {
    VALUES.into_iter().flat_map(|a| VALUES.into_iter().flat_map(move |b| VALUES.into_iter().map(move |c| (a, b, c))))
}

fn story(policy: ConflictPolicy, mut world: World, stop: usize, edit_at: usize, edited: Side) {
    let begin = world.clone();
    let was_conflict = matches!(world.plan(policy, None).comparison, Some(Comparison::Conflict)) || {
        let moved = |value| value != world.base.fields[&Field::Vorname].espocrm_text();
        moved(world.espo) && moved(world.advo) && world.espo != world.advo
    };
    let mut was_edited = false;
    let edit = |at: usize, world: &mut World| {
        if at == edit_at {
            was_edited = true;
            match edited {
                Side::Espocrm => world.espo = Some("z"),
                Side::Advoware => world.advo = Some("z"),
            }
        }
    };
    let context = format!("{policy:?} {begin:?} stopped {stop} edited {edit_at} {edited:?}");
    world.run(policy, stop, edit);
    // The window that ARCHITECTURE names: a write had begun, and a user changed that very field.
    let in_the_window = !world.base.begun.is_empty();
    for _ in 0..2 {
        assert!(world.run(policy, 99, |_, _| {}), "{context}");
    }
    let rest = world.plan(policy, None);
    assert!(world.base.begun.is_empty(), "{context}");
    assert!(rest.is_empty(), "quiet: {context}");
    if policy == ConflictPolicy::Manual && !rest.undecided.is_empty() {
        return;
    }
    assert_eq!(world.espo, world.advo, "agreed: {context}");
    // The other side was not touched by anybody: the last edit stands, unless a conflict was on before.
    let other_moved = match edited {
        Side::Espocrm => begin.advo != begin.base.fields[&Field::Vorname].espocrm_text(),
        Side::Advoware => begin.espo != begin.base.fields[&Field::Vorname].espocrm_text(),
    };
    if was_edited && !other_moved && !was_conflict && !in_the_window {
        assert_eq!(world.espo, Some("z"), "the edit stands: {context}");
    }
}

impl Pair {
    fn espocrm_text(&self) -> Option<&'static str> {
        match &self.espocrm {
            Last::Answered(text) => text.as_deref().map(known),
            Last::Unknown => None,
        }
    }
}
