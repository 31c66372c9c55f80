//! A row's way through a write: what is begun is stored before, what came of it after (C1, C3, K10).

use chrono::{DateTime, Utc};
use domain::calendar::Standard;
use domain::calendar::plan::{Intent, RowId};
use domain::calendar::policy::Source;
use shared::hub::calendar::{Begun, CalendarRow, CalendarTarget, Retry, RowStatus, Saved};
use shared::queue::LeaseLost;
use uuid::Uuid;

use super::run::{Run, Stepped};
use crate::jobs::stop::Stop;

/// A change of one side, for the audit.
pub(super) struct Change<'c> {
    pub(super) target: CalendarTarget,
    pub(super) rule: &'static str,
    pub(super) before: Option<&'c Standard>,
    pub(super) after: Option<&'c Standard>,
}

/// What was begun.
pub(super) struct Opened {
    audit_id: Uuid,
    rule: &'static str,
}

impl Run<'_> {
    /// Stores what is about to be written. After it the write may follow, and a crash in between is recognised.
    pub(super) async fn begin(
        &self,
        id: RowId,
        row: &mut CalendarRow,
        intent: Intent,
        change: Change<'_>,
    ) -> Result<Opened, Stop> {
        self.running.lease.check()?;
        row.hub.intent = Some(intent);
        row.status = RowStatus::Pending;
        let Change { target, rule, before, after } = change;
        let opened = Opened { audit_id: Uuid::now_v7(), rule };
        let begun = Begun { audit_id: opened.audit_id, target, rule, before, after, is_confirmed: false };
        self.save(id, row, false, Some(begun), None).await?;
        self.running.lease.check()?;
        Ok(opened)
    }

    /// Stores what was written: the row is agreed.
    pub(super) async fn commit(&self, id: RowId, row: &mut CalendarRow, opened: &Opened) -> Result<Stepped, Stop> {
        settle(row);
        self.save(id, row, false, None, Some(opened.audit_id)).await?;
        self.done(opened.rule);
        Ok(Stepped::Done)
    }

    /// Stores that what the row stood for is deleted.
    pub(super) async fn close(&self, id: RowId, row: &mut CalendarRow, opened: &Opened) -> Result<Stepped, Stop> {
        settle(row);
        self.save(id, row, true, None, Some(opened.audit_id)).await?;
        self.done(opened.rule);
        Ok(Stepped::Done)
    }

    /// Both sides are gone, or nothing came of what was begun: nothing is written to either, and what they said is kept in the audit.
    pub(super) async fn end_pair(&self, id: RowId, row: &mut CalendarRow, rule: &'static str) -> Result<Stepped, Stop> {
        self.running.lease.check()?;
        let last = row.hub.google_base.clone().or(row.hub.advoware_base.clone());
        let begun = last.as_ref().map(|last| Begun {
            audit_id: Uuid::now_v7(),
            target: CalendarTarget::Google,
            rule,
            before: Some(last),
            after: None,
            is_confirmed: true,
        });
        settle(row);
        self.save(id, row, true, begun, None).await?;
        self.done(rule);
        Ok(Stepped::Done)
    }

    /// A pair that agrees as it was found: nothing is written to either side.
    pub(super) async fn link(&self, id: RowId, row: &mut CalendarRow, rule: &'static str) -> Result<Stepped, Stop> {
        self.running.lease.check()?;
        self.take_in_look(row);
        self.save(id, row, false, None, None).await?;
        self.done(rule);
        Ok(Stepped::Done)
    }

    /// An entry for something that has happened already, together with the row. What the sides say by now is for the next look to
    /// compare, so the row is not agreed yet.
    pub(super) async fn record(&self, id: RowId, row: &mut CalendarRow, change: Change<'_>) -> Result<Stepped, Stop> {
        self.running.lease.check()?;
        settle(row);
        row.status = RowStatus::Pending;
        let Change { target, rule, before, after } = change;
        let begun = Begun { audit_id: Uuid::now_v7(), target, rule, before, after, is_confirmed: true };
        self.save(id, row, false, Some(begun), None).await?;
        self.done(rule);
        Ok(Stepped::Overtaken)
    }

    /// Stores a row that this run has begun and not ended.
    pub(super) async fn save_on(&self, id: RowId, row: &CalendarRow) -> Result<(), Stop> {
        self.store(id, row, false, false, None, None).await
    }

    pub(super) async fn save(
        &self,
        id: RowId,
        row: &CalendarRow,
        deleted: bool,
        begun: Option<Begun<'_>>,
        confirms: Option<Uuid>,
    ) -> Result<(), Stop> {
        self.store(id, row, deleted, confirms.is_none(), begun, confirms).await
    }

    async fn store(
        &self,
        id: RowId,
        row: &CalendarRow,
        deleted: bool,
        takes_over: bool,
        begun: Option<Begun<'_>>,
        confirms: Option<Uuid>,
    ) -> Result<(), Stop> {
        let policy = &self.loaded.policy;
        let saved = Saved {
            run_id: self.audit_run_id,
            kuerzel: self.kuerzel,
            id,
            row,
            deleted,
            takes_over,
            strategy: policy.strategy,
            advoware_write_allowed: policy.write.allowed(row.hub.source, policy.write_override),
            last_sync: self.last_sync(row),
            now: self.jobs.clock.now(),
        };
        // Another run has the employee now, whatever our lease says.
        if self.jobs.systems.hub.save_row(&saved, begun, confirms).await? { Ok(()) } else { Err(LeaseLost.into()) }
    }

    /// What this look knows of both sides becomes what was last agreed; a side that it does not know stays as it was.
    pub(super) fn take_in_look(&self, row: &mut CalendarRow) {
        if let Some(seen) = row.hub.frnr.and_then(|frnr| self.loaded.snapshot.termine.get(&frnr)) {
            row.advoware_changed_at = seen.changed_at;
            if let Ok(form) = &seen.form {
                row.hub.advoware_base = Some(form.clone());
            }
        }
        if let Some(seen) = row.hub.event.as_ref().and_then(|event| self.loaded.seen(event)) {
            row.hub.etag = Some(seen.etag.clone());
            if let Ok(form) = &seen.form {
                row.hub.google_base = Some(form.clone());
            }
        }
        settle(row);
    }

    /// When the source says that the entry was changed last, else now (C6).
    pub(super) fn last_sync(&self, row: &CalendarRow) -> DateTime<Utc> {
        let told = match row.hub.source {
            Source::Advoware => row.advoware_changed_at,
            Source::Google => row.hub.event.as_ref().and_then(|event| self.loaded.seen(event)?.updated),
        };
        told.unwrap_or_else(|| self.jobs.clock.now())
    }

    pub(super) fn done(&self, rule: &'static str) {
        self.running.progress.made();
        metrics::counter!("kanzleisync_changes_total", "flow" => "calendar", "change" => rule).increment(1);
    }
}

fn settle(row: &mut CalendarRow) {
    row.hub.intent = None;
    row.status = RowStatus::Synced;
    row.retry = Retry::default();
}
