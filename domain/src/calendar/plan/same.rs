//! Whether a side still says what it said (C6).

use super::{HubRow, Intent, Planner, Source, Standard, anonymized, is_blocked};

impl Planner<'_> {
    /// Whether the Termin says what it said when the row was last agreed, or what we are writing to it. Once our write to the event is
    /// there, that was the last agreement, and a Termin that went back to what it said before has changed.
    pub(super) fn is_same_termin(&self, row: &HubRow, form: &Standard) -> bool {
        let event = || row.event.as_ref().and_then(|event| self.seen().get(event)?.form.as_ref().ok());
        match &row.intent {
            Some(Intent::CreateEvent(copy)) => self.projected(row.source, form) == *copy,
            Some(Intent::UpdateTermin(wanted)) if wanted == form => true,
            Some(Intent::UpdateEvent(wanted)) if event() == Some(wanted) => self.projected(row.source, form) == *wanted,
            _ => row.advoware_base.as_ref() == Some(form),
        }
    }

    /// The same of the event; where it hides its text, its times are all that was copied from it.
    pub(super) fn is_same_event(&self, row: &HubRow, form: &Standard) -> bool {
        let termin = || row.frnr.and_then(|frnr| self.snapshot.termine.get(&frnr)?.form.as_ref().ok());
        match &row.intent {
            Some(Intent::CreateEvent(wanted)) => wanted == form,
            Some(Intent::UpdateEvent(wanted)) if wanted == form => true,
            Some(Intent::UpdateTermin(wanted)) if termin() == Some(wanted) => {
                let hides = row.source == Source::Advoware && self.is_hidden(row);
                form == wanted || (hides && anonymized(form) == anonymized(wanted))
            }
            _ => row.google_base.as_ref() == Some(form),
        }
    }

    /// Whether the row's copy is, or was when it was last agreed, one that hides its text.
    pub(super) fn is_hidden(&self, row: &HubRow) -> bool {
        self.policy.anonymize || row.google_base.as_ref().is_some_and(is_blocked)
    }
}
