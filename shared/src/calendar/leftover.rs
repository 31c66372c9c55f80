//! What nobody needs: events of ours that no row binds, rows that bind nothing, entries that say the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::calendar::plan::{Events, Intent, RowId, SeenEvent};
use domain::calendar::policy::Source;
use domain::calendar::{PLACEHOLDER, Standard};
use domain::ids::{EventId, FrNr, Kuerzel};
use uuid::Uuid;

use super::content::{Identity, PROPERTY};
use super::look::seen_event;
use super::{LoadedCalendar, Window};
use crate::google::GoogleEvent;
use crate::hub::calendar::CalendarRow;

/// A living event that carries our private property.
#[derive(Clone, Debug)]
pub struct Marked {
    /// What the property says: the copy of which Termin it is (C10a).
    says: String,
    /// What the event says.
    seen: SeenEvent,
}

/// An event of ours that no living row of the employee binds.
#[derive(Clone, Copy, Debug)]
pub struct Orphan<'a> {
    /// The event.
    pub event: &'a EventId,
    /// What it says.
    pub form: &'a Standard,
    /// Its version.
    pub etag: &'a str,
}

impl Marked {
    /// `None` for an event that is not ours, or is deleted. An exception carries the property of its series and is none of its own (C9).
    pub(super) fn of(event: &GoogleEvent) -> Option<Self> {
        let says = event.private.get(PROPERTY).filter(|_| event.fields.recurring_event_id.is_none())?;
        Some(Self { says: says.clone(), seen: seen_event(event)? })
    }

    pub(super) fn seen(&self) -> &SeenEvent {
        &self.seen
    }
}

/// Entries of one side that say the same.
#[derive(Clone, Debug)]
pub struct Alike<'a, T> {
    /// What they say.
    pub form: &'a Standard,
    /// Two or more.
    pub entries: Vec<T>,
}

/// One of several events that say the same.
#[derive(Clone, Copy, Debug)]
pub struct AlikeEvent<'a> {
    /// The event.
    pub event: &'a EventId,
    /// A living row binds it.
    pub is_bound: bool,
    /// Ours, unbound, and not the last of its kind.
    pub is_removable: bool,
}

impl LoadedCalendar {
    /// Events of ours, in the days that are synced, that no living row of the employee binds. Left out are what makes no sense, and copies of
    /// Termine that have no row either: by those a lost hub is rebuilt (C10a). Needs a look that listed everything.
    pub fn orphaned_events(&self, identity: &Identity, kuerzel: &Kuerzel) -> Vec<Orphan<'_>> {
        let bound = self.bound_events();
        let lost: BTreeSet<String> = self.free_termine().map(|frnr| identity.of(kuerzel, frnr)).collect();
        let Window { first, last, .. } = self.window;
        let free = self.marked.iter().filter(|(event, marked)| !bound.contains(event) && !lost.contains(&marked.says));
        let orphans = free.filter_map(|(event, Marked { seen, .. })| {
            let form = seen.form.as_ref().ok().filter(|form| form.overlaps(first, last))?;
            Some(Orphan { event, form, etag: &seen.etag })
        });
        orphans.collect()
    }

    /// Termine without a row, each with the event that says it is its copy: the hub was lost, and is rebuilt from them (C10a).
    pub fn lost_pairs(&self, identity: &Identity, kuerzel: &Kuerzel) -> Vec<(FrNr, EventId)> {
        let bound = self.bound_events();
        let free = self.marked.iter().filter(|(event, _)| !bound.contains(event));
        let copies: BTreeMap<&str, &EventId> = free.map(|(event, marked)| (marked.says.as_str(), event)).collect();
        if copies.is_empty() {
            return Vec::new();
        }
        let copy_of = |frnr| copies.get(identity.of(kuerzel, frnr).as_str()).map(|&event| (frnr, event.clone()));
        self.free_termine().filter_map(copy_of).collect()
    }

    /// As a run's second look would see it: lost pairs have their rows again. For dry runs, which store none.
    #[must_use]
    pub fn with_lost_pairs(mut self, identity: &Identity, kuerzel: &Kuerzel) -> Self {
        for (frnr, event) in self.lost_pairs(identity, kuerzel) {
            let id = RowId(Uuid::now_v7().as_u128());
            let row = CalendarRow::new(Source::Advoware, Some(frnr), Some(event.clone()));
            self.snapshot.rows.insert(id, row.hub.clone());
            self.rows.insert(id, row);
            self.findings.retain(|finding| finding.event.as_ref() != Some(&event));
            if let Some(marked) = self.marked.get(&event) {
                let (Events::Complete(seen) | Events::Changes(seen)) = &mut self.snapshot.events;
                seen.insert(event, marked.seen.clone());
            }
        }
        self
    }

    /// Rows whose Termin and event are both gone, with evidence (C4). One with which something new was begun is the next run's to finish.
    pub fn orphaned_rows(&self) -> Vec<RowId> {
        let is_orphaned = |id: &RowId| {
            let Some(row) = self.snapshot.rows.get(id) else { return false };
            let is_being_made = matches!(row.intent, Some(Intent::CreateEvent(_) | Intent::CreateTermin(_)));
            !is_being_made
                && row.frnr.is_some_and(|frnr| self.snapshot.gone_termine.contains(&frnr))
                && row.event.as_ref().is_some_and(|event| self.snapshot.gone_events.contains(event))
        };
        self.rows.keys().copied().filter(is_orphaned).collect()
    }

    /// Events that say the same. Blocked copies of several Termine at one time say the same rightly, so those that are all bound are none (C7).
    pub fn alike_events(&self, identity: &Identity, kuerzel: &Kuerzel) -> Vec<Alike<'_, AlikeEvent<'_>>> {
        let bound = self.bound_events();
        let orphans = self.orphaned_events(identity, kuerzel);
        let free: BTreeMap<&EventId, Orphan<'_>> = orphans.into_iter().map(|orphan| (orphan.event, orphan)).collect();
        let seen = self.seen_events().filter_map(|(event, seen)| Some((event, seen.form.as_ref().ok()?)));
        // An orphan may or may not be among what a plan stands on.
        let all: BTreeMap<&EventId, &Standard> =
            seen.chain(free.values().map(|orphan| (orphan.event, orphan.form))).collect();
        let mut alike = Vec::new();
        for (form, events) in groups(all.into_iter().map(|(event, form)| (form, event))) {
            // Where all could go, the first stays.
            let stays = events.iter().find(|event| !free.contains_key(*event)).or(events.first()).copied();
            let entries = events.iter().map(|&event| AlikeEvent {
                event,
                is_bound: bound.contains(event),
                is_removable: free.contains_key(event) && Some(event) != stays,
            });
            let entries: Vec<AlikeEvent<'_>> = entries.collect();
            if form.text != PLACEHOLDER || !entries.iter().all(|entry| entry.is_bound) {
                alike.push(Alike { form, entries });
            }
        }
        alike
    }

    /// Termine that say the same. They are only told, never removed.
    pub fn alike_termine(&self) -> Vec<Alike<'_, FrNr>> {
        let seen = self.snapshot.termine.iter().filter_map(|(frnr, seen)| Some((seen.form.as_ref().ok()?, *frnr)));
        groups(seen).into_iter().map(|(form, entries)| Alike { form, entries }).collect()
    }

    /// Events of ours in the days that are synced, bound or not.
    pub(super) fn copies_here(&self) -> impl Iterator<Item = &EventId> {
        let Window { first, last, .. } = self.window;
        let is_here = move |marked: &Marked| marked.seen.form.as_ref().is_ok_and(|form| form.overlaps(first, last));
        self.marked.iter().filter(move |(_, marked)| is_here(marked)).map(|(event, _)| event)
    }

    pub(super) fn free_termine(&self) -> impl Iterator<Item = FrNr> {
        let bound: BTreeSet<FrNr> = self.rows.values().filter_map(|row| row.hub.frnr).collect();
        self.snapshot.termine.keys().copied().filter(move |frnr| !bound.contains(frnr))
    }

    pub(super) fn bound_events(&self) -> BTreeSet<&EventId> {
        self.rows.values().filter_map(|row| row.hub.event.as_ref()).collect()
    }
}

/// Groups of two or more, in the order of their begins.
fn groups<'a, T: Ord>(entries: impl Iterator<Item = (&'a Standard, T)>) -> Vec<(&'a Standard, Vec<T>)> {
    let mut by_form: HashMap<&Standard, Vec<T>> = HashMap::new();
    for (form, entry) in entries {
        by_form.entry(form).or_default().push(entry);
    }
    let mut groups: Vec<_> = by_form.into_iter().filter(|(_, entries)| entries.len() > 1).collect();
    for (_, entries) in &mut groups {
        entries.sort();
    }
    groups.sort_by(|(one, _), (other, _)| (one.starts_at(), &one.text).cmp(&(other.starts_at(), &other.text)));
    groups
}
