//! What a run would do to a calendar, step by step and why; for `plan calendar` and for the console.

use std::collections::BTreeSet;

use domain::calendar::Standard;
use domain::calendar::plan::{RowId, Step};
use domain::ids::{EventId, FrNr};
use shared::calendar::LoadedCalendar;
use shared::hub::calendar::{CalendarFinding, CalendarRow, CalendarTarget};

use super::calendar_look::Looked;

/// What a run would do.
pub(crate) struct DryRun {
    /// The employee has no calendar in Google yet.
    pub(crate) creates_calendar: bool,
    /// Steps that write to a side, or bind or end a pair.
    pub(crate) steps: Vec<Planned>,
    /// Rows whose sides agree, to be noted in the hub.
    pub(crate) noted: usize,
    /// What would be left, and why.
    pub(crate) findings: Vec<CalendarFinding>,
    /// Deletions that the guard holds until somebody approves them (C4).
    pub(crate) held: Vec<Planned>,
}

/// One step with all that people want to know of it.
pub(crate) struct Planned {
    pub(crate) step: Step,
    pub(crate) why: Why,
    pub(crate) frnr: Option<FrNr>,
    pub(crate) event: Option<EventId>,
    /// What the step replaces or removes.
    pub(crate) before: Option<Standard>,
    /// What the side is to say.
    pub(crate) after: Option<Standard>,
}

/// Why a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// A Termin that no row knows.
    NewInAdvoware,
    /// An event that no row knows.
    NewInGoogle,
    /// Both sides have it already.
    SameOnBoth,
    /// An earlier run was cut off in it.
    Begun,
    /// What it was to copy is gone.
    NothingToCopy,
    /// Advoware wins.
    ChangedInAdvoware,
    /// Google wins.
    ChangedInGoogle,
    /// Changed in Google, or on both sides, and Advoware wins.
    AdvowareWins,
    /// Changed in Advoware, or on both sides, and Google wins.
    GoogleWins,
    /// The Termin is gone.
    GoneInAdvoware,
    /// The event is gone.
    GoneInGoogle,
    /// Both are.
    GoneOnBoth,
    /// Deleted in Google, and Advoware wins.
    GoneButAdvowareWins,
    /// Deleted in Advoware, and Google wins.
    GoneButGoogleWins,
    /// The copy does not say what Google may see (C7).
    CopyDiffers,
}

impl DryRun {
    /// `None`: the employee's calendar is not synced.
    pub(crate) fn of(looked: &Looked) -> Option<Self> {
        let Looked { employee, loaded } = looked;
        if !employee.enabled || employee.departed_at.is_some() {
            return None;
        }
        let plan = loaded.plan();
        let (stored, steps): (Vec<Step>, Vec<Step>) =
            plan.steps.into_iter().partition(|step| matches!(step, Step::Store(_)));
        // A copy is written after its Termin because of it.
        let mut rewritten: BTreeSet<RowId> = BTreeSet::new();
        let mut planned = Vec::new();
        for step in steps {
            let follows = step.row().is_some_and(|row| rewritten.contains(&row));
            rewritten.extend(step.row().filter(|_| writes_to(&step) == Some(CalendarTarget::Advoware)));
            planned.push(Planned::of(step, loaded, follows));
        }
        Some(Self {
            creates_calendar: employee.calendar.is_none(),
            steps: planned,
            noted: stored.len(),
            findings: plan.findings,
            held: plan.held.into_iter().map(|step| Planned::of(step, loaded, false)).collect(),
        })
    }
}

impl Planned {
    fn of(step: Step, loaded: &LoadedCalendar, follows: bool) -> Self {
        let row = step.row().and_then(|row| loaded.rows.get(&row));
        let replaces = matches!(
            step,
            Step::DeleteEvent(_) | Step::DeleteTermin(_) | Step::UpdateEvent(..) | Step::UpdateTermin(..)
        );
        let before = match writes_to(&step) {
            Some(CalendarTarget::Google) => row.and_then(|row| loaded.event_form(row)),
            Some(CalendarTarget::Advoware) => row.and_then(|row| loaded.termin_form(row)),
            None => None,
        };
        let (frnr, event) = match &step {
            Step::CreateEvent(frnr, _) | Step::AdoptTermin(_, frnr) => (Some(*frnr), None),
            Step::CreateTermin(event, _) => (None, Some(event.clone())),
            Step::Link(frnr, event) => (Some(*frnr), Some(event.clone())),
            _ => (None, None),
        };
        Self {
            why: Why::of(&step, row, loaded, follows),
            frnr: frnr.or_else(|| row.and_then(|row| row.hub.frnr)),
            event: event.or_else(|| row.and_then(|row| row.hub.event.clone())),
            before: before.filter(|_| replaces).cloned(),
            after: after(&step).cloned(),
            step,
        }
    }
}

impl Why {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::NewInAdvoware,
        Self::NewInGoogle,
        Self::SameOnBoth,
        Self::Begun,
        Self::NothingToCopy,
        Self::ChangedInAdvoware,
        Self::ChangedInGoogle,
        Self::AdvowareWins,
        Self::GoogleWins,
        Self::GoneInAdvoware,
        Self::GoneInGoogle,
        Self::GoneOnBoth,
        Self::GoneButAdvowareWins,
        Self::GoneButGoogleWins,
        Self::CopyDiffers,
    ];

    fn of(step: &Step, row: Option<&CalendarRow>, loaded: &LoadedCalendar, follows: bool) -> Self {
        let is_begun = row.is_some_and(|row| row.hub.intent.is_some());
        match step {
            Step::CreateEvent(..) => Self::NewInAdvoware,
            Step::CreateTermin(..) => Self::NewInGoogle,
            Step::Link(..) | Step::Store(_) => Self::SameOnBoth,
            Step::AdoptTermin(..) | Step::FinishEvent(..) | Step::FinishTermin(..) => Self::Begun,
            Step::Withdraw(_) => Self::NothingToCopy,
            Step::SoftDelete(_) => Self::GoneOnBoth,
            Step::DeleteEvent(_) => Self::GoneInAdvoware,
            Step::DeleteTermin(_) => Self::GoneInGoogle,
            Step::RecreateEvent(..) => Self::GoneButAdvowareWins,
            Step::RecreateTermin(..) => Self::GoneButGoogleWins,
            Step::UpdateEvent(..) if follows => Self::CopyDiffers,
            Step::UpdateEvent(..) | Step::UpdateTermin(..) if is_begun => Self::Begun,
            Step::UpdateEvent(..) => match changed(row, loaded) {
                (true, false) => Self::ChangedInAdvoware,
                (_, true) => Self::AdvowareWins,
                (false, false) => Self::CopyDiffers,
            },
            Step::UpdateTermin(..) => match changed(row, loaded) {
                (false, _) => Self::ChangedInGoogle,
                (true, _) => Self::GoogleWins,
            },
        }
    }

    /// For machines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NewInAdvoware => "new_in_advoware",
            Self::NewInGoogle => "new_in_google",
            Self::SameOnBoth => "same_on_both",
            Self::Begun => "begun",
            Self::NothingToCopy => "nothing_to_copy",
            Self::ChangedInAdvoware => "changed_in_advoware",
            Self::ChangedInGoogle => "changed_in_google",
            Self::AdvowareWins => "advoware_wins",
            Self::GoogleWins => "google_wins",
            Self::GoneInAdvoware => "gone_in_advoware",
            Self::GoneInGoogle => "gone_in_google",
            Self::GoneOnBoth => "gone_on_both",
            Self::GoneButAdvowareWins => "gone_but_advoware_wins",
            Self::GoneButGoogleWins => "gone_but_google_wins",
            Self::CopyDiffers => "copy_differs",
        }
    }
}

/// Whether the Termin, and whether the event, says something else than when they were last agreed.
fn changed(row: Option<&CalendarRow>, loaded: &LoadedCalendar) -> (bool, bool) {
    let Some(row) = row else { return (false, false) };
    let (advoware, google) = (loaded.termin_form(row), loaded.event_form(row));
    (advoware != row.hub.advoware_base.as_ref(), google != row.hub.google_base.as_ref())
}

/// The side that a step writes to; `None`: the hub alone.
pub(crate) fn writes_to(step: &Step) -> Option<CalendarTarget> {
    match step {
        Step::FinishEvent(..)
        | Step::CreateEvent(..)
        | Step::RecreateEvent(..)
        | Step::DeleteEvent(_)
        | Step::UpdateEvent(..) => Some(CalendarTarget::Google),
        Step::FinishTermin(..)
        | Step::CreateTermin(..)
        | Step::RecreateTermin(..)
        | Step::DeleteTermin(_)
        | Step::UpdateTermin(..) => Some(CalendarTarget::Advoware),
        Step::AdoptTermin(..) | Step::Link(..) | Step::Withdraw(_) | Step::SoftDelete(_) | Step::Store(_) => None,
    }
}

fn after(step: &Step) -> Option<&Standard> {
    match step {
        Step::FinishEvent(_, form)
        | Step::FinishTermin(_, form)
        | Step::CreateEvent(_, form)
        | Step::CreateTermin(_, form)
        | Step::RecreateEvent(_, form)
        | Step::RecreateTermin(_, form)
        | Step::UpdateEvent(_, form)
        | Step::UpdateTermin(_, form) => Some(form),
        Step::AdoptTermin(..)
        | Step::Link(..)
        | Step::Withdraw(_)
        | Step::DeleteEvent(_)
        | Step::DeleteTermin(_)
        | Step::SoftDelete(_)
        | Step::Store(_) => None,
    }
}
