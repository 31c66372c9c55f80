//! What a look or a plan leaves, for people.

use domain::calendar::plan::Left;
use domain::finding::FindingKind;
use domain::ids::{EventId, FrNr};

use crate::hub::calendar::{CalendarFinding, CalendarRow};

/// Findings that are kept of one run.
pub(super) const MOST: usize = 2000;

/// Reason of an event that copies a Termin, by our own property, and that no row knows: brought back from the bin, or the hub was lost.
pub(super) const COPY_WITHOUT_ROW: &str = "copy_without_row";

pub(super) fn on_termin(kind: FindingKind, frnr: Option<FrNr>, reason: Option<&str>) -> CalendarFinding {
    CalendarFinding { kind, frnr, event: None, reason: reason.map(str::to_owned) }
}

pub(super) fn on_event(kind: FindingKind, event: Option<EventId>, reason: Option<&str>) -> CalendarFinding {
    CalendarFinding { kind, frnr: None, event, reason: reason.map(str::to_owned) }
}

pub(super) fn general(kind: FindingKind) -> CalendarFinding {
    CalendarFinding { kind, frnr: None, event: None, reason: None }
}

pub(super) fn of(left: Left) -> CalendarFinding {
    match left {
        Left::OddTermin(frnr, oddity) => on_termin(FindingKind::OddEntry, Some(frnr), Some(oddity.name())),
        Left::OddEvent(event, oddity) => on_event(FindingKind::OddEntry, Some(event), Some(oddity.name())),
        Left::NotRepresentable(event, why) => on_event(FindingKind::NotRepresentable, Some(event), Some(why.name())),
        Left::NoPermission(event) => on_event(FindingKind::NoPermission, Some(event), None),
        Left::OthersPrivate(frnr) => on_termin(FindingKind::OthersPrivate, Some(frnr), None),
        Left::MassDeletionHeld(_) => general(FindingKind::MassDeletionHeld),
    }
}

pub(super) fn of_waiting(row: &CalendarRow) -> CalendarFinding {
    CalendarFinding {
        kind: FindingKind::WriteRefused,
        frnr: row.hub.frnr,
        event: row.hub.event.clone(),
        reason: row.retry.reason.clone(),
    }
}

/// Whether it still holds while its event is not seen again: only what was said of an event does. One that could not be read is told by
/// Google until it can be.
pub(super) fn is_lasting(finding: &CalendarFinding) -> bool {
    let of_event =
        matches!(finding.kind, FindingKind::OddEntry | FindingKind::NotRepresentable | FindingKind::NoPermission);
    of_event && finding.event.is_some()
}
