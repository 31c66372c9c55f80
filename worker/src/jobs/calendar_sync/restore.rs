//! Writes back what an audit entry replaced or removed, as a user would: on the side where the sync that follows takes it from (K10). No row
//! is touched: for the run it is a user's edit, or a new entry. So a crash leaves nothing half-done, and trying again finds it done.

use domain::calendar::plan::{Intent, Step};
use domain::calendar::policy::Source;
use domain::calendar::restore::{NotRestorable, Place, of_deletion, of_update};
use domain::calendar::{Standard, anonymized};
use domain::ids::{EventId, FrNr};
use shared::calendar::{event_body, new_termin};
use shared::error::{ErrorKind, Operation};
use shared::hub::RequestAnswer;
use shared::hub::calendar::{CalendarAuditView, CalendarRow, CalendarTarget, Noted, RowStatus};
use uuid::Uuid;

use super::run::{Run, Stepped};
use crate::jobs::request::{done, refused};
use crate::jobs::stop::Stop;

pub(super) const RESTORED: &str = "restore";
const ALREADY: &str = "it stands there already, nothing was written";
const NOT_SYNCED: &str = "the employee's calendar is not synced: `policy set <Kürzel> --enabled on` first";
const CHANGED_SINCE: &str = "the entry says something else by now: restore its later changes first, the latest first \
                             (`audit history <sync id>`), or change it by hand";
const NOT_AGREED: &str = "the entry is not in agreement at present: look at `plan calendar <Kürzel>` and give the command again after a sync";
const NO_ROW: &str =
    "the entry is not synced any more, or not in the days that are: restore the deletion, or enter it by hand";
const LIVES: &str = "the entry lives: nothing was deleted, or it was created again since";
const OUT_OF_WINDOW: &str = "it lies outside the days that are synced: enter it by hand";
const OTHERS_PRIVATE: &str = "it is another's private Termin, which is not changed";
const OVERTAKEN: &str = "somebody changed it meanwhile: look at it, and give the command again";

impl Run<'_> {
    pub(super) async fn restore(&self, request: Uuid, entry: Uuid) -> Result<RequestAnswer, Stop> {
        let Some(entry) = self.jobs.systems.hub.calendar_audit_entry(entry).await? else {
            return Ok(refused("there is no audit entry of this id"));
        };
        if !self.is_synced {
            return Ok(refused(NOT_SYNCED));
        }
        let Some(before) = &entry.before else {
            return Ok(refused("the entry replaced nothing, so there is nothing to write back"));
        };
        match &entry.after {
            Some(after) => self.restore_content(&entry, before, after).await,
            None => self.restore_entry(request, &entry, before).await,
        }
    }

    /// What an update replaced.
    async fn restore_content(
        &self,
        entry: &CalendarAuditView,
        before: &Standard,
        after: &Standard,
    ) -> Result<RequestAnswer, Stop> {
        let Some(row) = self.loaded.rows.get(&entry.row) else { return Ok(refused(NO_ROW)) };
        let (Some(termin), Some(event)) = (self.loaded.termin_form(row), self.loaded.event_form(row)) else {
            return Ok(refused(NOT_AGREED));
        };
        let (on, says) = match entry.target {
            CalendarTarget::Advoware => (Source::Advoware, termin),
            CalendarTarget::Google => (Source::Google, event),
        };
        let place = match of_update(self.loaded.policy, row.hub.source, on, before, termin) {
            Ok(place) => place,
            Err(why) => return Ok(refused(&reason(why))),
        };
        let is_there = match &place {
            Place::Termin(form) => form == termin,
            Place::Event(form) => form == event,
        };
        if is_there {
            return Ok(done(ALREADY));
        }
        if says != after {
            return Ok(refused(CHANGED_SINCE));
        }
        if !self.is_agreed(entry, row) {
            return Ok(refused(NOT_AGREED));
        }
        match (place, row.hub.frnr, &row.hub.event) {
            (Place::Termin(form), Some(frnr), _) => self.write_termin(entry, frnr, termin, &form).await,
            (Place::Event(form), _, Some(id)) => self.write_event(entry, id, event, &form).await,
            (Place::Termin(_) | Place::Event(_), ..) => Ok(refused(NOT_AGREED)),
        }
    }

    fn is_agreed(&self, entry: &CalendarAuditView, row: &CalendarRow) -> bool {
        let is_due = |step: &Step| step.row() == Some(entry.row) && !matches!(step, Step::Store(_));
        row.status == RowStatus::Synced && row.hub.intent.is_none() && !self.loaded.plan().steps.iter().any(is_due)
    }

    async fn write_termin(
        &self,
        entry: &CalendarAuditView,
        frnr: FrNr,
        now: &Standard,
        form: &Standard,
    ) -> Result<RequestAnswer, Stop> {
        if self.loaded.snapshot.termine.get(&frnr).is_some_and(|seen| !seen.may_change) {
            return Ok(refused(OTHERS_PRIVATE));
        }
        let noted =
            self.note(entry, CalendarTarget::Advoware, (Some(frnr), entry.event.as_ref()), Some(now), form).await?;
        let visit = self.jobs.systems.advoware.visit(Operation::AdvowarePutTermin, 1).await?;
        let lease = self.lease(frnr).await?;
        let put = self.put(frnr, Some(now), form, &visit).await;
        lease.give_back().await;
        match put? {
            Stepped::Overtaken => Ok(refused(OVERTAKEN)),
            Stepped::Done => self.restored(noted, Some(frnr), "written back in Advoware").await,
        }
    }

    async fn write_event(
        &self,
        entry: &CalendarAuditView,
        id: &EventId,
        now: &Standard,
        form: &Standard,
    ) -> Result<RequestAnswer, Stop> {
        let Some(seen) = self.loaded.seen(id) else { return Ok(refused(NOT_AGREED)) };
        let noted = self.note(entry, CalendarTarget::Google, (entry.frnr, Some(id)), Some(now), form).await?;
        let google = &self.jobs.systems.google;
        match google.patch_event(self.calendar()?, id, &seen.etag, &event_body(form)).await {
            Ok(_) => self.restored(noted, None, "written back in Google").await,
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(refused(OVERTAKEN)),
            Err(error) => Err(error.into()),
        }
    }

    /// What a deletion removed becomes a new entry; its old row stays deleted.
    async fn restore_entry(
        &self,
        request: Uuid,
        entry: &CalendarAuditView,
        before: &Standard,
    ) -> Result<RequestAnswer, Stop> {
        let row = self.jobs.systems.hub.calendar_row(entry.row).await?;
        if row.as_ref().is_some_and(|view| !view.deleted) {
            return Ok(refused(LIVES));
        }
        let hub = row.as_ref().map(|view| &view.row.hub);
        let (source, base) = (hub.map(|hub| hub.source), hub.and_then(|hub| hub.advoware_base.as_ref()));
        let place = match of_deletion(self.loaded.policy, source, before, base) {
            Ok(place) => place,
            Err(why) => return Ok(refused(&reason(why))),
        };
        let (Place::Termin(form) | Place::Event(form)) = &place;
        if !form.overlaps(self.loaded.window.first, self.loaded.window.last) {
            return Ok(refused(OUT_OF_WINDOW));
        }
        if self.is_there(form) {
            return Ok(done(ALREADY));
        }
        match &place {
            Place::Termin(form) => self.post_again(entry, form).await,
            Place::Event(form) => self.insert_again(request, entry, form).await,
        }
    }

    /// On either side: by an earlier try whose answer was lost, or because a user has entered it again.
    fn is_there(&self, form: &Standard) -> bool {
        let copy = if self.loaded.policy.anonymize { anonymized(form) } else { form.clone() };
        let begun = |row: &CalendarRow| matches!(&row.hub.intent, Some(Intent::CreateTermin(begun)) if begun == form);
        self.loaded.snapshot.termine.values().any(|seen| seen.form.as_ref() == Ok(form))
            || (copy == *form && self.loaded.seen_events().any(|(_, seen)| seen.form.as_ref() == Ok(form)))
            || self.loaded.rows.values().any(begun)
    }

    async fn post_again(&self, entry: &CalendarAuditView, form: &Standard) -> Result<RequestAnswer, Stop> {
        // Something there cannot even be told apart: it may be the one (C3).
        if self.loaded.has_nameless_termin {
            return Ok(refused(NOT_AGREED));
        }
        let Ok(record) = new_termin(form, self.kuerzel) else { return Ok(refused(NOT_AGREED)) };
        let noted = self.note(entry, CalendarTarget::Advoware, (None, None), None, form).await?;
        let visit = self.jobs.systems.advoware.visit(Operation::AdvowarePostTermin, 1).await?;
        self.running.lease.check()?;
        // Without its number it is found by what it says, like any new Termin.
        let frnr = visit.post_termin(&record).await?;
        self.restored(noted, frnr, "entered again in Advoware, as a new Termin").await
    }

    /// The id comes from the request, so that one that is carried out twice inserts once.
    async fn insert_again(
        &self,
        request: Uuid,
        entry: &CalendarAuditView,
        form: &Standard,
    ) -> Result<RequestAnswer, Stop> {
        let Some(calendar) = self.calendar else { return Ok(refused(NOT_AGREED)) };
        let id = EventId::from_random(request.into_bytes());
        let noted = self.note(entry, CalendarTarget::Google, (None, Some(&id)), None, form).await?;
        match self.jobs.systems.google.insert_event(calendar, &id, &event_body(form)).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Duplicate => {}
            Err(error) => return Err(error.into()),
        }
        self.restored(noted, None, "entered again in Google, as a new event").await
    }

    async fn note(
        &self,
        entry: &CalendarAuditView,
        target: CalendarTarget,
        (frnr, event): (Option<FrNr>, Option<&EventId>),
        before: Option<&Standard>,
        after: &Standard,
    ) -> Result<Uuid, Stop> {
        self.running.lease.check()?;
        let (run_id, row, kuerzel) = (self.audit_run_id, entry.row, self.kuerzel);
        let noted = Noted { run_id, row, kuerzel, target, frnr, event, rule: RESTORED, before, after: Some(after) };
        let noted = self.jobs.systems.hub.note_change(noted, self.jobs.clock.now()).await?;
        self.running.lease.check()?;
        Ok(noted)
    }

    async fn restored(&self, noted: Uuid, frnr: Option<FrNr>, text: &str) -> Result<RequestAnswer, Stop> {
        self.jobs.systems.hub.confirm_change(noted, frnr, self.jobs.clock.now()).await?;
        self.done(RESTORED);
        Ok(done(&format!("{text}; the sync that follows takes it to the other side")))
    }
}

fn reason(why: NotRestorable) -> String {
    match why {
        NotRestorable::NoPermission => {
            "the next sync would undo it, because Advoware may not be written for this entry: \
            enter it in Advoware, or allow it first (`policy set <Kürzel> --advoware-write on`)"
                .to_owned()
        }
        NotRestorable::Blocked => {
            "Google may not see what it would say, or nothing is known of it but its times: enter it in Advoware"
                .to_owned()
        }
        NotRestorable::NotRepresentable(reason) => format!("Advoware cannot hold it ({})", reason.name()),
    }
}
