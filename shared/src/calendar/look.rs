//! What both sides list, put together with the rows of the hub.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::calendar::Oddity;
use domain::calendar::event::EventStatus;
use domain::calendar::plan::{Events, HubRow, Intent, Policy, RowId, SeenEvent, SeenTermin, Snapshot};
use domain::finding::FindingKind;
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};

use super::finding::{self, is_lasting, on_event, on_termin};
use super::leftover::Marked;
use super::{LoadedCalendar, Window};
use crate::advoware::{AdvoTermin, TerminList};
use crate::error::{ApiError, ErrorKind};
use crate::google::{EventQuery, Google, GoogleEvent};
use crate::hub::calendar::{CalendarFinding, CalendarRow, Employee, RowStatus};

/// The window moves on, and Google tells only changes: what comes into it unchanged is seen at the next complete list.
pub(super) const FULL_LIST_EVERY: TimeDelta = TimeDelta::days(7);

/// Advoware's side.
pub(super) struct Termine {
    seen: BTreeMap<FrNr, SeenTermin>,
    is_empty: bool,
    has_nameless: bool,
    unreadable: BTreeSet<FrNr>,
}

/// Google's side.
#[derive(Default)]
pub(super) struct Listed {
    seen: BTreeMap<EventId, SeenEvent>,
    gone: BTreeSet<EventId>,
    unreadable: BTreeSet<EventId>,
    marked: BTreeMap<EventId, Marked>,
    findings: Vec<CalendarFinding>,
    next_token: Option<String>,
    is_complete: bool,
}

/// All that one look has brought.
pub(super) struct Looked<'a> {
    pub(super) employee: &'a Employee,
    pub(super) window: Window,
    pub(super) policy: Policy,
    pub(super) policy_name: String,
    pub(super) termine: Termine,
    pub(super) events: Listed,
    pub(super) now: DateTime<Utc>,
}

impl Termine {
    /// Computed entries are left out: they are never touched (C10).
    pub(super) fn read(list: TerminList, kuerzel: &Kuerzel) -> Self {
        let is_empty = list.termine.is_empty() && list.unreadable.is_empty();
        let own = list.termine.into_iter().filter(|termin| !termin.frnr.is_computed());
        Self {
            seen: own.map(|termin| (termin.frnr, seen_termin(&termin, kuerzel))).collect(),
            is_empty,
            has_nameless: list.unreadable.contains(&None),
            unreadable: list.unreadable.into_iter().flatten().collect(),
        }
    }

    pub(super) fn frnrs(&self) -> Vec<FrNr> {
        self.seen.keys().chain(&self.unreadable).copied().collect()
    }
}

pub(super) fn seen_termin(termin: &AdvoTermin, kuerzel: &Kuerzel) -> SeenTermin {
    SeenTermin {
        form: termin.fields.standard(),
        changed_at: termin.fields.changed_at(),
        may_change: termin.fields.may_change(kuerzel.as_str()),
    }
}

/// What an event says; `None`: it is deleted. An exception of a series is an event of its own, which says nothing to us (C9).
pub(super) fn seen_event(event: &GoogleEvent) -> Option<SeenEvent> {
    let form = match (event.fields.status, &event.fields.recurring_event_id) {
        (EventStatus::Cancelled, None) => return None,
        (EventStatus::Cancelled | EventStatus::Confirmed | EventStatus::Tentative, Some(_)) => {
            Err(Oddity::SeriesException)
        }
        (EventStatus::Confirmed | EventStatus::Tentative, None) => event.fields.standard(),
    };
    let etag = event.etag.clone().unwrap_or_default();
    Some(SeenEvent { form, updated: event.fields.updated, etag })
}

/// Google's list: the changes since `token`, or the whole window where there is none or Google no longer knows it.
pub(super) async fn events(
    google: &Google,
    calendar: Option<&CalendarId>,
    token: Option<&str>,
    window: Window,
) -> Result<Listed, ApiError> {
    let Some(calendar) = calendar else { return Ok(Listed { is_complete: true, ..Listed::default() }) };
    if let Some(token) = token {
        match google.list_events(calendar, &EventQuery::Since(token.to_owned())).await {
            Ok(list) => return Ok(Listed::read(list, false)),
            Err(error) if is_token_refused(&error) => {
                tracing::info!("the sync token is no longer good, the calendar is read whole");
            }
            Err(error) => return Err(error),
        }
    }
    let query = EventQuery::Window { from: window.opens, to: window.closes };
    Ok(Listed::read(google.list_events(calendar, &query).await?, true))
}

/// Whether it is the token that Google does not take: 410 in whatever words, for reading everything is never wrong, or 400, which would
/// come back for ever.
fn is_token_refused(error: &ApiError) -> bool {
    let is_named = matches!(error.kind, ErrorKind::FullSyncRequired | ErrorKind::Rejected { .. });
    is_named || error.status == Some(410)
}

impl Listed {
    fn read(list: crate::google::EventList, is_complete: bool) -> Self {
        let mut listed = Self { next_token: list.next_sync_token, is_complete, ..Self::default() };
        for event in &list.events {
            listed.marked.extend(Marked::of(event).map(|marked| (event.id.clone(), marked)));
            match seen_event(event) {
                Some(seen) => drop(listed.seen.insert(event.id.clone(), seen)),
                None => drop(listed.gone.insert(event.id.clone())),
            }
        }
        for unreadable in list.unreadable {
            listed.unreadable.extend(unreadable.id.clone());
            listed.findings.push(on_event(FindingKind::UnreadableEntry, unreadable.id, Some(unreadable.what)));
        }
        listed
    }

    pub(super) fn ids(&self) -> Vec<EventId> {
        self.seen.keys().chain(&self.gone).chain(&self.unreadable).cloned().collect()
    }
}

impl Looked<'_> {
    /// What was listed and the hub's rows in one: what still has to be asked is not known yet.
    pub(super) fn together(mut self, rows: Vec<(RowId, CalendarRow)>) -> LoadedCalendar {
        let rows: BTreeMap<RowId, CalendarRow> = rows.into_iter().collect();
        let waiting = self.waiting(&rows);
        let marked = std::mem::take(&mut self.events.marked);
        let carried = self.carried();
        let bound: BTreeSet<EventId> = rows.values().filter_map(|row| row.hub.event.clone()).collect();
        let Window { first, last, .. } = self.window;
        let google_is_empty =
            self.events.is_complete && self.events.seen.is_empty() && self.events.unreadable.is_empty();
        // Google tells changes wherever they are; what is outside the window is nobody's business unless a row knows it.
        self.events.seen.retain(|id, seen| {
            bound.contains(id) || seen.form.as_ref().map_or(true, |form| form.overlaps(first, last))
        });
        // A copy of ours that no row knows is no user's event: its text may be the placeholder, and never becomes a Termin (C7).
        let copies: BTreeSet<EventId> =
            marked.keys().filter(|id| self.events.seen.contains_key(*id) && !bound.contains(*id)).cloned().collect();
        self.events.seen.retain(|id, _| !copies.contains(id));
        let unreadable = self.termine.unreadable.iter();
        let mut findings: Vec<CalendarFinding> =
            unreadable.map(|frnr| on_termin(FindingKind::UnreadableEntry, Some(*frnr), None)).collect();
        if self.termine.has_nameless {
            findings.push(on_termin(FindingKind::UnreadableEntry, None, None));
        }
        let has_unreadable_event = !self.events.findings.is_empty();
        findings.extend(self.events.findings);
        let tell = |id| on_event(FindingKind::OddEntry, Some(id), Some(finding::COPY_WITHOUT_ROW));
        findings.extend(copies.into_iter().map(tell));
        let seen = self.events.seen;
        LoadedCalendar {
            now: self.now,
            window: self.window,
            policy: self.policy,
            policy_name: self.policy_name,
            snapshot: Snapshot {
                termine: self.termine.seen,
                events: if self.events.is_complete { Events::Complete(seen) } else { Events::Changes(seen) },
                rows: rows.iter().map(|(id, row)| (*id, planned(row))).collect(),
                gone_termine: BTreeSet::new(),
                gone_events: self.events.gone,
            },
            rows,
            next_token: self.events.next_token,
            is_full_list: self.events.is_complete,
            advoware_is_empty: self.termine.is_empty,
            google_is_empty,
            has_nameless_termin: self.termine.has_nameless,
            marked,
            waiting,
            // What cannot be read may have changed, and would be told only once.
            has_open_question: has_unreadable_event,
            findings,
            carried,
        }
    }

    /// A row that failed waits for its time, unless a user has touched its event since. One whose event cannot be read waits until it can:
    /// a write would stand on a version that is over.
    fn waiting(&self, rows: &BTreeMap<RowId, CalendarRow>) -> BTreeSet<RowId> {
        let touched = |row: &CalendarRow| {
            let event = row.hub.event.as_ref();
            let is_news = |seen: &SeenEvent| row.hub.etag.as_ref() != Some(&seen.etag);
            !self.events.is_complete
                && event
                    .is_some_and(|id| self.events.seen.get(id).is_some_and(is_news) || self.events.gone.contains(id))
        };
        let is_unreadable =
            |row: &CalendarRow| row.hub.event.as_ref().is_some_and(|event| self.events.unreadable.contains(event));
        let is_early = |row: &CalendarRow| {
            row.status == RowStatus::Failed && row.retry.due_at.is_some_and(|due| due > self.now) && !touched(row)
        };
        let waits = |row: &CalendarRow| is_unreadable(row) || is_early(row);
        rows.iter().filter(|(_, row)| waits(row)).map(|(id, _)| *id).collect()
    }

    fn carried(&self) -> Vec<CalendarFinding> {
        if self.events.is_complete {
            return Vec::new();
        }
        let is_seen = |event: &EventId| self.events.seen.contains_key(event) || self.events.gone.contains(event);
        let before = self.employee.findings.iter().filter(|finding| is_lasting(finding));
        before.filter(|finding| !finding.event.as_ref().is_some_and(is_seen)).cloned().collect()
    }
}

/// A row that is not agreed although nothing is begun is compared anew, and stored: as if it had never known its event's version.
fn planned(row: &CalendarRow) -> HubRow {
    let is_settled = row.status == RowStatus::Synced || row.hub.intent.is_some();
    HubRow { etag: row.hub.etag.clone().filter(|_| is_settled), ..row.hub.clone() }
}

impl LoadedCalendar {
    /// Whether the absence of a row's Termin from the list means anything: the window holds the row, or something was begun with it, or
    /// its event is new (C4). Google tells changes wherever they are, our own too.
    pub(super) fn misses(&self, frnr: FrNr) -> bool {
        let Window { first, last, .. } = self.window;
        let is_news = |row: &CalendarRow| {
            let seen =
                row.hub.event.as_ref().map(|event| (self.seen(event), self.snapshot.gone_events.contains(event)));
            seen.is_some_and(|(seen, is_gone)| {
                is_gone || seen.is_some_and(|seen| row.hub.etag.as_ref() != Some(&seen.etag))
            })
        };
        let is_within = |row: &CalendarRow| {
            [&row.hub.advoware_base, &row.hub.google_base].into_iter().flatten().any(|form| form.overlaps(first, last))
        };
        let misses = |row: &CalendarRow| {
            row.status != RowStatus::Synced || row.hub.intent.is_some() || is_within(row) || is_news(row)
        };
        self.rows.values().any(|row| row.hub.frnr == Some(frnr) && misses(row))
    }

    /// Events of rows that are not agreed and of which a list of changes says nothing: only Google knows what they say.
    pub(super) fn unsettled_events(&self) -> BTreeSet<EventId> {
        let Events::Changes(seen) = &self.snapshot.events else { return BTreeSet::new() };
        let is_unsettled = |row: &CalendarRow| {
            (row.status != RowStatus::Synced || row.hub.intent.is_some())
                && !matches!(row.hub.intent, Some(Intent::CreateEvent(_)))
        };
        // An event that was left as it was differs from its base; that is of weight once the Termin moves.
        let left: BTreeSet<&EventId> = self.carried.iter().filter_map(|finding| finding.event.as_ref()).collect();
        let is_left = |row: &CalendarRow| {
            let termin = row.hub.frnr.and_then(|frnr| self.snapshot.termine.get(&frnr));
            let has_moved = termin.is_none_or(|termin| termin.form.as_ref().ok() != row.hub.advoware_base.as_ref());
            row.hub.event.as_ref().is_some_and(|event| left.contains(event)) && has_moved
        };
        let is_open = |row: &CalendarRow| is_unsettled(row) || is_left(row);
        let rows = self.rows.iter().filter(|(id, row)| is_open(row) && !self.waiting.contains(id));
        let events = rows.filter_map(|(_, row)| row.hub.event.clone());
        events.filter(|id| !seen.contains_key(id) && !self.snapshot.gone_events.contains(id)).collect()
    }
}
