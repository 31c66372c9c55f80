//! Writes to Advoware: by one run at a time for each Termin, and after a look just before (C3, C10b).

use chrono::NaiveDate;
use domain::calendar::plan::{Intent, RowId};
use domain::calendar::policy::Source;
use domain::calendar::{Span, Standard, anonymized};
use domain::ids::FrNr;
use shared::advoware::{AdvoTermin, Advoware, TerminOutcome, Visit};
use shared::calendar::new_termin;
use shared::error::{ApiError, ErrorKind, Operation};
use shared::hub::calendar::{CalendarRow, CalendarTarget};
use shared::limits::TerminLease;

use super::row::{Change, Opened};
use super::run::{Run, Stepped};
use crate::jobs::stop::Stop;

impl Run<'_> {
    /// Creates a Termin. Without its number the next look finds it by what it says (C3).
    pub(super) async fn create_termin(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let opened = self.begin_creation(id, row, form, rule).await?;
        let visit = self.advoware().visit(Operation::AdvowarePostTermin, 1).await?;
        self.post(id, row, form, &visit, &opened).await
    }

    /// The same for one that was begun before: it is looked for once more, in the same visit, before anything is sent (C3).
    pub(super) async fn finish_termin(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let opened = self.begin_creation(id, row, form, rule).await?;
        let visit = self.advoware().visit(Operation::AdvowarePostTermin, 1).await?;
        let (first, last) = days(form);
        let listed = visit.list_termine(self.kuerzel, first, last).await?;
        let is_twin = |termin: &&AdvoTermin| {
            termin.fields.standard().as_ref() == Ok(form) && !self.is_bound(termin.frnr) && !termin.frnr.is_computed()
        };
        match listed.termine.iter().find(is_twin) {
            Some(twin) => self.created(id, row, form, twin.frnr, &opened).await,
            // Something there cannot be read: it may be the one.
            None if listed.unreadable.contains(&None) => Ok(Stepped::Overtaken),
            None => self.post(id, row, form, &visit, &opened).await,
        }
    }

    async fn begin_creation(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Opened, Stop> {
        let change = Change { target: CalendarTarget::Advoware, rule, before: None, after: Some(form) };
        self.begin(id, row, Intent::CreateTermin(form.clone()), change).await
    }

    async fn post(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        visit: &Visit,
        opened: &Opened,
    ) -> Result<Stepped, Stop> {
        let Ok(record) = new_termin(form, self.kuerzel) else {
            return Err(Stop::NotAgreed("a Termin was planned that Advoware cannot hold"));
        };
        self.running.lease.check()?;
        match visit.post_termin(&record).await? {
            Some(frnr) => self.created(id, row, form, frnr, opened).await,
            None => Ok(Stepped::Overtaken),
        }
    }

    async fn created(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        frnr: FrNr,
        opened: &Opened,
    ) -> Result<Stepped, Stop> {
        self.note_made(frnr);
        row.hub.frnr = Some(frnr);
        self.take_in_look(row);
        row.hub.advoware_base = Some(form.clone());
        self.commit(id, row, opened).await
    }

    /// The Termin that was begun is there.
    pub(super) async fn adopt_termin(&self, id: RowId, row: &mut CalendarRow, frnr: FrNr) -> Result<Stepped, Stop> {
        let Some(Intent::CreateTermin(form)) = row.hub.intent.clone() else { return Ok(Stepped::Overtaken) };
        self.note_made(frnr);
        row.hub.frnr = Some(frnr);
        row.hub.advoware_base = Some(form.clone());
        // What the event said when the Termin was begun, or is to say: what a user changed since is a change.
        row.hub.google_base = Some(match row.hub.source {
            Source::Advoware if self.loaded.policy.anonymize => anonymized(&form),
            Source::Advoware | Source::Google => form.clone(),
        });
        let change =
            Change { target: CalendarTarget::Advoware, rule: "adopt_termin", before: None, after: Some(&form) };
        self.record(id, row, change).await
    }

    /// Makes the Termin say this, if it says what was seen.
    pub(super) async fn update_termin(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        form: &Standard,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let frnr = frnr_of(row)?;
        let before = self.loaded.termin_form(row).cloned();
        let change = Change { target: CalendarTarget::Advoware, rule, before: before.as_ref(), after: Some(form) };
        let opened = self.begin(id, row, Intent::UpdateTermin(form.clone()), change).await?;
        let visit = self.advoware().visit(Operation::AdvowarePutTermin, 1).await?;
        let lease = self.lease(frnr).await?;
        let ended = self.put(frnr, before.as_ref(), form, &visit).await;
        lease.give_back().await;
        if ended? == Stepped::Overtaken {
            return Ok(Stepped::Overtaken);
        }
        self.note_made(frnr);
        self.take_in_look(row);
        row.hub.advoware_base = Some(form.clone());
        self.commit(id, row, &opened).await
    }

    pub(super) async fn put(
        &self,
        frnr: FrNr,
        before: Option<&Standard>,
        form: &Standard,
        visit: &Visit,
    ) -> Result<Stepped, Stop> {
        let Some(now) = visit.get_termin(frnr).await? else { return Ok(Stepped::Overtaken) };
        if !self.is_as_seen(&now, before) {
            return Ok(Stepped::Overtaken);
        }
        let Ok(wanted) = now.fields.saying(form) else {
            return Err(Stop::NotAgreed("a change of a Termin was planned that Advoware cannot hold"));
        };
        let record = now.record.clone().saying(&now.fields, &wanted);
        self.running.lease.check()?;
        Ok(match visit.put_termin(frnr, &record).await? {
            TerminOutcome::Done => Stepped::Done,
            TerminOutcome::Gone => Stepped::Overtaken,
        })
    }

    /// Deletes the Termin, if it says what was seen, and the row.
    pub(super) async fn delete_termin(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        rule: &'static str,
    ) -> Result<Stepped, Stop> {
        let frnr = frnr_of(row)?;
        let before = self.loaded.termin_form(row).cloned();
        let change = Change { target: CalendarTarget::Advoware, rule, before: before.as_ref(), after: None };
        let opened = self.begin(id, row, Intent::DeleteTermin, change).await?;
        let visit = self.advoware().visit(Operation::AdvowareDeleteTermin, 1).await?;
        let lease = self.lease(frnr).await?;
        let ended = self.remove(frnr, before.as_ref(), &visit).await;
        lease.give_back().await;
        match ended? {
            Stepped::Done => self.close(id, row, &opened).await,
            Stepped::Overtaken => Ok(Stepped::Overtaken),
        }
    }

    /// One that is gone already is what was wanted.
    async fn remove(&self, frnr: FrNr, before: Option<&Standard>, visit: &Visit) -> Result<Stepped, Stop> {
        let Some(now) = visit.get_termin(frnr).await? else { return Ok(Stepped::Done) };
        if !self.is_as_seen(&now, before) {
            return Ok(Stepped::Overtaken);
        }
        self.running.lease.check()?;
        visit.delete_termin(frnr).await?;
        Ok(Stepped::Done)
    }

    /// Nobody has changed it since the look, and it is not another's private Termin by now (C10, C10b).
    fn is_as_seen(&self, now: &AdvoTermin, before: Option<&Standard>) -> bool {
        now.fields.standard().ok().as_ref() == before && now.fields.may_change(self.kuerzel.as_str())
    }

    fn is_bound(&self, frnr: FrNr) -> bool {
        self.is_made(frnr) || self.loaded.rows.values().any(|row| row.hub.frnr == Some(frnr))
    }

    /// Another employee's run may be writing the same Termin (C10b). Asked for when the permits are held: it waits for nothing.
    pub(super) async fn lease(&self, frnr: FrNr) -> Result<TerminLease, Stop> {
        match self.jobs.leases.take(frnr).await {
            Ok(Some(lease)) => Ok(lease),
            Ok(None) => Err(Stop::Busy),
            Err(error) => {
                tracing::debug!(category = error.category(), "the lease of a Termin could not be asked for");
                Err(ApiError::unanswered(Operation::AdvowareGetTermin, ErrorKind::LimitUnavailable).into())
            }
        }
    }

    fn advoware(&self) -> &Advoware {
        &self.jobs.systems.advoware
    }
}

fn frnr_of(row: &CalendarRow) -> Result<FrNr, Stop> {
    row.hub.frnr.ok_or(Stop::NotAgreed("a row of the hub names no Termin"))
}

/// First and last day of what is looked for; of a series the first occurrence is enough.
fn days(form: &Standard) -> (NaiveDate, NaiveDate) {
    let first = form.span.first_day();
    let last = match form.span {
        Span::Timed { ends_at, .. } => domain::calendar::berlin(ends_at).date(),
        Span::AllDay { last, .. } => last,
    };
    (first, last)
}
