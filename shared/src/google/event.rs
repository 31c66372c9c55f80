//! An event, typed as far as a sync reads it. What else it holds stays at Google: writes are PATCHes (C10a).

use std::collections::BTreeMap;

use domain::calendar::event::{EventFields, EventTime};
use domain::ids::EventId;

/// One event: a single one, a series, or a changed or cancelled occurrence of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleEvent {
    /// The event.
    pub id: EventId,
    /// Changes with every change; the condition of a write. `None` only where it is cancelled.
    pub etag: Option<String>,
    /// What a sync reads of it. `start` is `None` only where it is cancelled.
    pub fields: EventFields,
    /// The begin that the series gives an exception.
    pub original_start: Option<EventTime>,
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
