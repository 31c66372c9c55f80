//! An event, typed as far as a sync reads it. What else it holds stays at Google: writes are PATCHes (C10a).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::id::EventId;

/// `status` of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// Takes place.
    #[default]
    Confirmed,
    /// Takes place, perhaps.
    Tentative,
    /// Deleted (C4).
    Cancelled,
}

/// `transparency` of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transparency {
    /// Busy.
    #[default]
    Opaque,
    /// Free.
    Transparent,
}

/// `start` or `end` of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventTime {
    /// `date`, of an all-day event.
    Date(NaiveDate),
    /// `dateTime`.
    DateTime(DateTime<Utc>),
}

/// One event: a single one, a series, or a changed or cancelled occurrence of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleEvent {
    /// The event.
    pub id: EventId,
    /// Changes with every change; the condition of a write. `None` only where it is cancelled.
    pub etag: Option<String>,
    /// Whether it exists.
    pub status: EventStatus,
    /// Last change of its main fields. `None` only where it is cancelled, or Google does not say.
    pub updated: Option<DateTime<Utc>>,
    /// Begin. `None` only where it is cancelled.
    pub start: Option<EventTime>,
    /// End, which no longer belongs to it. `None` where it is cancelled, or has none.
    pub end: Option<EventTime>,
    /// `timeZone` of the begin, in which a series recurs.
    pub time_zone: Option<String>,
    /// Title.
    pub summary: Option<String>,
    /// Note.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// RRULE, EXDATE and the like, a line each.
    pub recurrence: Vec<String>,
    /// The series that it is an exception of.
    pub recurring_event_id: Option<EventId>,
    /// The begin that the series gives an exception.
    pub original_start: Option<EventTime>,
    /// Busy or free.
    pub transparency: Transparency,
    /// `extendedProperties.private`: ours, invisible to people.
    pub private: BTreeMap<String, String>,
}

/// A complete list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventList {
    /// Each event once, as its last page had it.
    pub events: Vec<GoogleEvent>,
    /// For the changes from here on; only good for the same calendar. `None` where Google gives none.
    pub next_sync_token: Option<String>,
    /// What is there but cannot be read: no evidence that anything is missing (C4).
    pub unreadable: Vec<UnreadableEvent>,
}

/// An element of a list one cannot do anything with; the others are not held up by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEvent {
    /// The event, where even that can be read.
    pub id: Option<EventId>,
    /// Which part; a fixed text.
    pub what: &'static str,
}
