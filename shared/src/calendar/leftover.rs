//! What nobody needs: events of ours that no row binds, rows that bind nothing, entries that say the same.

use std::collections::{BTreeSet, HashMap};

use domain::calendar::plan::{Intent, RowId};
use domain::calendar::{PLACEHOLDER, Standard};
use domain::ids::{EventId, FrNr};

use super::LoadedCalendar;

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
    /// Events of ours that no living row of the employee binds. Exceptions of a series, and what makes no sense, are left out. Needs a look
    /// that listed everything.
    pub fn orphaned_events(&self) -> Vec<Orphan<'_>> {
        let bound = self.bound_events();
        let ours = self.marked.iter().filter(|event| !bound.contains(event));
        let orphan = |event| {
            let seen = self.seen(event)?;
            Some(Orphan { event, form: seen.form.as_ref().ok()?, etag: &seen.etag })
        };
        ours.filter_map(orphan).collect()
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
    pub fn alike_events(&self) -> Vec<Alike<'_, AlikeEvent<'_>>> {
        let bound = self.bound_events();
        let seen = self.seen_events().filter_map(|(event, seen)| Some((seen.form.as_ref().ok()?, event)));
        let mut all = Vec::new();
        for (form, events) in groups(seen) {
            let is_free = |event: &EventId| self.marked.contains(event) && !bound.contains(event);
            // Where all could go, the first stays.
            let stays = events.iter().find(|event| !is_free(event)).or(events.first()).copied();
            let entries = events.iter().map(|&event| AlikeEvent {
                event,
                is_bound: bound.contains(event),
                is_removable: is_free(event) && Some(event) != stays,
            });
            let entries: Vec<AlikeEvent<'_>> = entries.collect();
            if form.text != PLACEHOLDER || !entries.iter().all(|entry| entry.is_bound) {
                all.push(Alike { form, entries });
            }
        }
        all
    }

    /// Termine that say the same. They are only told, never removed.
    pub fn alike_termine(&self) -> Vec<Alike<'_, FrNr>> {
        let seen = self.snapshot.termine.iter().filter_map(|(frnr, seen)| Some((seen.form.as_ref().ok()?, *frnr)));
        groups(seen).into_iter().map(|(form, entries)| Alike { form, entries }).collect()
    }

    fn bound_events(&self) -> BTreeSet<&EventId> {
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
