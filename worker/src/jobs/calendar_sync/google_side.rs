//! Writes to Google: under ids that we chose, and on the condition that nobody wrote since (C3, C10a).

use domain::calendar::Standard;
use domain::calendar::plan::{Intent, RowId};
use domain::calendar::policy::Source;
use domain::ids::EventId;
use shared::calendar::event_body;
use shared::error::{ApiError, ErrorKind};
use shared::google::{EventBody, GoogleEvent};
use shared::hub::calendar::{CalendarRow, CalendarTarget, RowStatus};

use super::row::{Change, Opened};
use super::run::{Run, Stepped};
use crate::jobs::stop::Stop;

impl Run<'_> {
    /// Inserts the event under the row's id. One that is there already is ours, from a try whose answer was lost.
    pub(super) async fn insert_event(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let (calendar, event) = (self.calendar()?, event_of(row)?);
        let change = Change { target: CalendarTarget::Google, rule, before: None, after: Some(form) };
        let opened = self.begin(id, row, Intent::CreateEvent(form.clone()), change).await?;
        match self.jobs.systems.google.insert_event(calendar, &event, &self.body(row, form)).await {
            Ok(answer) => self.inserted(id, row, form, &answer, &opened).await,
            Err(error) if error.kind == ErrorKind::Duplicate => self.adopt_event(id, row, form, &event, &opened).await,
            Err(error) => Err(error.into()),
        }
    }

    /// 409: what is there is made to say what it should. A user may have deleted it since: then the policy decides, at the next look.
    async fn adopt_event(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        event: &EventId,
        opened: &Opened,
    ) -> Result<Stepped, Stop> {
        let (google, calendar) = (&self.jobs.systems.google, self.calendar()?);
        let found = google.get_event(calendar, event).await?;
        let Some(etag) = found.etag.as_deref().filter(|_| !is_deleted(&found)) else {
            self.take_in_look(row);
            row.hub.google_base = Some(form.clone());
            row.status = RowStatus::Failed;
            self.save_on(id, row).await?;
            return Ok(Stepped::Overtaken);
        };
        if found.fields.standard().as_ref() == Ok(form) {
            return self.inserted(id, row, form, &found, opened).await;
        }
        self.running.lease.check()?;
        match google.patch_event(calendar, event, etag, &self.body(row, form)).await {
            Ok(answer) => self.inserted(id, row, form, &answer, opened).await,
            Err(error) => overtaken_or(error),
        }
    }

    async fn inserted(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        answer: &GoogleEvent,
        opened: &Opened,
    ) -> Result<Stepped, Stop> {
        self.take_in_look(row);
        answered(row, form, answer);
        self.commit(id, row, opened).await
    }

    /// Makes the event say this, if it is as it was seen.
    pub(super) async fn update_event(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let (calendar, event) = (self.calendar()?, event_of(row)?);
        let before = self.loaded.event_form(row).cloned();
        let etag = self.etag(row, &event);
        let change = Change { target: CalendarTarget::Google, rule, before: before.as_ref(), after: Some(form) };
        let opened = self.begin(id, row, Intent::UpdateEvent(form.clone()), change).await?;
        match self.jobs.systems.google.patch_event(calendar, &event, &etag, &self.body(row, form)).await {
            Ok(answer) => {
                // What this run wrote to Advoware just before is newer than the look.
                let advoware = (row.hub.advoware_base.clone(), row.advoware_changed_at);
                let wrote_termin = row.hub.frnr.is_some_and(|frnr| self.is_made(frnr));
                self.take_in_look(row);
                if wrote_termin {
                    (row.hub.advoware_base, row.advoware_changed_at) = advoware;
                }
                answered(row, form, &answer);
                self.commit(id, row, &opened).await
            }
            Err(error) => overtaken_or(error),
        }
    }

    /// Deletes the event, if it is as it was seen, and the row.
    pub(super) async fn delete_event(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let (calendar, event) = (self.calendar()?, event_of(row)?);
        let before = self.loaded.event_form(row).cloned();
        let etag = self.etag(row, &event);
        let change = Change { target: CalendarTarget::Google, rule, before: before.as_ref(), after: None };
        let opened = self.begin(id, row, Intent::DeleteEvent, change).await?;
        match self.jobs.systems.google.delete_event(calendar, &event, &etag).await {
            Ok(()) => self.close(id, row, &opened).await,
            Err(error) if error.kind == ErrorKind::NotFound => self.close(id, row, &opened).await,
            Err(error) => overtaken_or(error),
        }
    }

    /// The version on which a write stands: of this look, else of the last agreement.
    fn etag(&self, row: &CalendarRow, event: &EventId) -> String {
        let seen = self.loaded.seen(event).map(|seen| seen.etag.clone());
        seen.or_else(|| row.hub.etag.clone()).unwrap_or_default()
    }

    /// Our own fields, and for a copy of a Termin whose it is, so that a lost hub can be rebuilt (C10a).
    fn body(&self, row: &CalendarRow, form: &Standard) -> EventBody {
        let body = event_body(form);
        match (row.hub.source, row.hub.frnr) {
            (Source::Advoware, Some(frnr)) => {
                let identity = &self.jobs.identity;
                body.private(identity.property(), Some(&identity.of(self.kuerzel, frnr)))
            }
            (Source::Advoware | Source::Google, _) => body,
        }
    }
}

fn event_of(row: &CalendarRow) -> Result<EventId, Stop> {
    row.hub.event.clone().ok_or(Stop::NotAgreed("a row of the hub names no event"))
}

fn is_deleted(event: &GoogleEvent) -> bool {
    event.fields.status == domain::calendar::event::EventStatus::Cancelled
}

/// What Google made of it is what is compared from now on (C6).
fn answered(row: &mut CalendarRow, form: &Standard, answer: &GoogleEvent) {
    row.hub.google_base = Some(answer.fields.standard().unwrap_or_else(|_| form.clone()));
    row.hub.etag.clone_from(&answer.etag);
}

/// 412: somebody wrote since, or our own first try came through and its answer was lost; 404: it is gone. A new look tells.
fn overtaken_or(error: ApiError) -> Result<Stepped, Stop> {
    match error.kind {
        ErrorKind::Conflict | ErrorKind::NotFound => Ok(Stepped::Overtaken),
        _ => Err(error.into()),
    }
}
