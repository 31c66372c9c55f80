//! Loading one employee's calendar from both sides and the hub (C2). Shared, so that a dry run sees what the job would see.

mod compare;
mod content;
mod finding;
mod leftover;
mod look;
mod question;
mod rebuild;
mod verify;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::calendar::Standard;
use domain::calendar::plan::{self, Plan, Policy, RowId, Snapshot, Step};
use domain::ids::{CalendarId, EventId, Kuerzel};

use crate::advoware::Advoware;
use crate::error::ApiError;
use crate::google::Google;
use crate::hub::calendar::{CalendarFinding, CalendarRow, Employee, RowStatus};
use crate::hub::{Hub, HubError};
use crate::settings::CalendarSettings;

pub use compare::{Compared, Difference};
pub use content::{Identity, event_body, new_termin};
pub use leftover::{Alike, AlikeEvent, Marked, Orphan};
pub use rebuild::{Evidence, LostPair, Rebuild};
pub use verify::Unexplained;
pub use window::Window;

/// Where a calendar is loaded from.
#[derive(Clone)]
pub struct CalendarSystems {
    /// Advoware.
    pub advoware: Advoware,
    /// Google.
    pub google: Google,
    /// The hub.
    pub hub: Hub,
}

/// What a look is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookWanted {
    /// The window is read whole, whatever is known of changes.
    pub list_all: bool,
    /// Deletions that the guard holds are carried out (C4).
    pub approve_deletions: bool,
}

/// Nothing could be seen.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Advoware or Google.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// One employee's calendar as seen in one look, and what is remembered of it.
#[expect(clippy::struct_excessive_bools, reason = "what one look saw, not a state")]
#[derive(Clone, Debug)]
pub struct LoadedCalendar {
    /// When.
    pub now: DateTime<Utc>,
    /// The days that are synced.
    pub window: Window,
    /// Settings and the employee's policy, put together.
    pub policy: Policy,
    /// Name of that policy, for the sync token.
    pub policy_name: String,
    /// What a plan stands on.
    pub snapshot: Snapshot,
    /// The rows of the snapshot, whole.
    pub rows: BTreeMap<RowId, CalendarRow>,
    /// Continues Google's list; `None` where Google gave none.
    pub next_token: Option<String>,
    /// The window was read whole at Google.
    pub is_full_list: bool,
    /// Advoware's list was entirely empty, although the hub knows of something in it.
    pub advoware_is_empty: bool,
    /// Google's complete list was.
    pub google_is_empty: bool,
    /// A Termin cannot even be told apart: no absence is evidence, and none may be created that may be there (C3, C4).
    pub has_nameless_termin: bool,
    /// Listed events that carry our private property: written by us, or copied by a user from such a one (C10a).
    pub marked: BTreeMap<EventId, Marked>,
    /// Rows that failed, are not due yet, and were not touched by a user since; and those whose event cannot be read.
    pub waiting: BTreeSet<RowId>,
    /// Of an event it is not known whether it is gone, or what it says: Google has to tell it once more.
    pub has_open_question: bool,
    /// Found while looking.
    pub findings: Vec<CalendarFinding>,
    /// Of the last look: what was said of events that this look did not see.
    carried: Vec<CalendarFinding>,
}

/// What a run would do, and what people may want to know.
#[derive(Clone, Debug)]
pub struct CalendarPlan {
    /// Operations that are due.
    pub steps: Vec<Step>,
    /// What is left, and why, each once.
    pub findings: Vec<CalendarFinding>,
    /// Deletions that the guard holds (C4).
    pub held: Vec<Step>,
}

/// The name of an employee's calendar in Google.
pub fn calendar_name(kuerzel: &Kuerzel) -> String {
    format!("AW-{kuerzel}")
}

/// The employee's policy over the settings (C5, C7). `approve_deletions` releases what the guard holds.
pub fn policy(settings: &CalendarSettings, employee: &Employee, approve_deletions: bool) -> Policy {
    Policy {
        strategy: employee.policy.strategy.unwrap_or(settings.strategy),
        write: settings.write,
        write_override: employee.policy.advoware_write_allowed,
        anonymize: settings.anonymize || employee.policy.anonymize == Some(true),
        limit: settings.limit,
        deletions_are_approved: approve_deletions,
    }
}

impl LoadedCalendar {
    /// The plan for what was seen (C2).
    pub fn plan(&self) -> CalendarPlan {
        let Plan { steps, left, held } = plan::plan(&self.snapshot, self.policy);
        let is_due = |step: &Step| {
            step.row().is_none_or(|row| !self.waiting.contains(&row))
                && !(self.has_nameless_termin && matches!(step, Step::FinishTermin(..)))
        };
        let steps = steps.into_iter().filter(is_due).collect();
        let found = left.into_iter().map(finding::of).chain(self.findings.iter().cloned());
        let failed = |row: &&CalendarRow| row.status == RowStatus::Failed;
        let waiting = self.waiting.iter().filter_map(|row| self.rows.get(row)).filter(failed).map(finding::of_waiting);
        let findings: BTreeSet<CalendarFinding> = found.chain(self.carried.iter().cloned()).chain(waiting).collect();
        CalendarPlan { steps, findings: findings.into_iter().take(finding::MOST).collect(), held }
    }

    /// What the employee's event says now, as far as this look knows.
    pub fn event_form<'a>(&'a self, row: &'a CalendarRow) -> Option<&'a Standard> {
        let seen = row.hub.event.as_ref().and_then(|event| self.seen(event));
        match seen {
            Some(seen) => seen.form.as_ref().ok(),
            None => row.hub.google_base.as_ref(),
        }
    }

    /// What the Termin says now, as far as this look knows.
    pub fn termin_form<'a>(&'a self, row: &'a CalendarRow) -> Option<&'a Standard> {
        match row.hub.frnr.and_then(|frnr| self.snapshot.termine.get(&frnr)) {
            Some(seen) => seen.form.as_ref().ok(),
            None => row.hub.advoware_base.as_ref(),
        }
    }

    /// Whether a row could not be compared of which Google will not tell again what it told now, or what a complete list did not show: the
    /// token must not be kept. Rows that are not agreed are asked for anyway.
    pub fn misses_changes(&self) -> bool {
        let Snapshot { termine, events, rows, gone_termine, gone_events } = &self.snapshot;
        let is_agreed = |id: &RowId| self.rows.get(id).is_some_and(|row| row.status == RowStatus::Synced);
        rows.iter().filter(|(id, row)| is_agreed(id) && row.intent.is_none()).any(|(_, row)| {
            let Some(event) = &row.event else { return false };
            let seen = self.seen(event);
            let is_gone = gone_events.contains(event);
            let is_hidden = matches!(events, plan::Events::Complete(_)) && seen.is_none() && !is_gone;
            let is_news = is_gone || seen.is_some_and(|seen| row.etag.as_ref() != Some(&seen.etag));
            let is_compared = row.frnr.is_some_and(|frnr| {
                gone_termine.contains(&frnr) || termine.get(&frnr).is_some_and(|termin| termin.form.is_ok())
            });
            is_hidden || (is_news && !is_compared)
        })
    }

    /// All events of this look.
    pub fn seen_events(&self) -> impl Iterator<Item = (&EventId, &plan::SeenEvent)> {
        let (plan::Events::Complete(seen) | plan::Events::Changes(seen)) = &self.snapshot.events;
        seen.iter()
    }

    /// Ids of all events of this look, and of ours that no row knows.
    pub fn event_ids(&self) -> Vec<EventId> {
        let ids: BTreeSet<&EventId> = self.seen_events().map(|(event, _)| event).chain(self.marked.keys()).collect();
        ids.into_iter().cloned().collect()
    }

    /// An event of this look.
    pub fn seen(&self, event: &EventId) -> Option<&plan::SeenEvent> {
        match &self.snapshot.events {
            plan::Events::Complete(seen) | plan::Events::Changes(seen) => seen.get(event),
        }
    }
}

impl CalendarSystems {
    /// The calendar of the employee's name in Google, whether or not the hub knows it. Of several the first by id.
    pub async fn find_calendar(&self, kuerzel: &Kuerzel) -> Result<Option<CalendarId>, ApiError> {
        let name = calendar_name(kuerzel);
        let listed = self.google.list_calendars().await?;
        let mut known: Vec<CalendarId> = listed
            .into_iter()
            .filter(|calendar| calendar.summary.as_deref() == Some(name.as_str()))
            .map(|calendar| calendar.id)
            .collect();
        known.sort();
        if known.len() > 1 {
            tracing::warn!(
                calendars = known.len(),
                "several calendars have the employee's name, the first by id is taken"
            );
        }
        Ok(known.into_iter().next())
    }

    /// Looks at both sides and the hub: one list each, and questions only for what is missing from them (C4). Without a calendar, which only
    /// a run finds or creates, Google's side is empty.
    pub async fn look(
        &self,
        kuerzel: &Kuerzel,
        employee: &Employee,
        settings: &CalendarSettings,
        wanted: LookWanted,
        now: DateTime<Utc>,
    ) -> Result<LoadedCalendar, LookError> {
        let window = Window::around(now, settings);
        let policy = policy(settings, employee, wanted.approve_deletions);
        let policy_name = window::policy_name(&policy, settings);
        let calendar = employee.calendar.as_ref();
        let token = employee.sync_token.as_deref().filter(|_| {
            !wanted.list_all
                && employee.token_policy.as_deref() == Some(policy_name.as_str())
                && employee.full_list_at.is_some_and(|at| now.signed_duration_since(at) < look::FULL_LIST_EVERY)
        });
        let (termine, events) = tokio::join!(
            self.advoware.list_termine(kuerzel, window.first, window.last),
            look::events(&self.google, calendar, token, window),
        );
        let (termine, events) = (look::Termine::read(termine?, kuerzel), events?);
        let (frnrs, ids) = (termine.frnrs(), events.ids());
        let rows = if employee.has_rows_of_another_calendar() {
            Vec::new()
        } else {
            self.hub.calendar_rows(kuerzel, window.opens, window.closes, &frnrs, &ids, policy.anonymize).await?
        };
        let looked = look::Looked { employee, window, policy, policy_name, termine, events, now };
        let mut loaded = looked.together(rows);
        self.ask(kuerzel, employee, calendar, &mut loaded).await?;
        Ok(loaded)
    }
}
