//! What a list leaves open.

use std::collections::BTreeSet;

use super::{EventId, Events, FrNr, HubRow, Intent, Snapshot};

/// What must be asked before a row may count as gone (C4): by `?frnr=` for these Termine, by id for these events.
pub fn questions(snapshot: &Snapshot) -> (BTreeSet<FrNr>, BTreeSet<EventId>) {
    let rows = snapshot.rows.values();
    let termine = rows.clone().filter_map(|row| row.frnr);
    let termine = termine.filter(|frnr| !snapshot.termine.contains_key(frnr)).collect();
    let events = match &snapshot.events {
        Events::Changes(_) => BTreeSet::new(),
        Events::Complete(seen) => {
            let begun = |row: &&HubRow| !matches!(row.intent, Some(Intent::CreateEvent(_)));
            let events = rows.filter(begun).filter_map(|row| row.event.as_ref());
            events.filter(|id| !seen.contains_key(*id) && !snapshot.gone_events.contains(*id)).cloned().collect()
        }
    };
    (termine, events)
}
