//! Rows that the hub has lost (C10a): given back to proven pairs, by every run, and by `audit rebuild-hub` to those that are known by what they
//! say, too. Writes to the hub alone.

use domain::calendar::policy::Source;
use domain::ids::{EventId, FrNr};
use shared::calendar::{Evidence, Rebuild};
use shared::hub::RequestAnswer;
use shared::hub::calendar::{CalendarRow, Employee, PolicyChange};

use super::CalendarJobs;
use super::run::{Run, new_id};
use crate::jobs::request::{done, refused};
use crate::jobs::stop::Stop;

const OTHER_CALENDAR: &str =
    "the hub's rows are of another calendar than the employee has: nothing is lost, the next sync ends them";
const NO_CALENDAR: &str = "the employee has no calendar in Google: there is nothing to rebuild from";

impl Run<'_> {
    /// Gives rows to pairs that the property proves; only a new look knows them.
    pub(super) async fn rebuild(&self, pairs: Vec<(FrNr, EventId)>) -> Result<(), Stop> {
        for (frnr, event) in pairs {
            self.give_row(&CalendarRow::new(Source::Advoware, Some(frnr), Some(event))).await?;
        }
        Ok(())
    }

    async fn give_row(&self, row: &CalendarRow) -> Result<(), Stop> {
        self.running.lease.check()?;
        self.save(new_id(), row, false, None, None).await
    }
}

impl CalendarJobs {
    /// Copies that hide what they copy say how the employee's copies were, where the hub no longer does: they must not be told all (C7).
    /// `true`: from now on it does.
    pub(super) async fn hide_again(&self, employee: &Employee, hides: bool) -> Result<bool, Stop> {
        let is_known =
            self.settings.anonymize || employee.policy.anonymize.is_some() || employee.anonymize_set_at.is_some();
        if !hides || is_known {
            return Ok(false);
        }
        let change = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
        self.systems.hub.set_policy(&employee.kuerzel, &change).await?;
        tracing::warn!(
            "the hub was lost, and with it whether the employee's copies are anonymised; they are, so they stay so"
        );
        Ok(true)
    }

    /// All that can be told to be a pair, found anew under the employee's lease.
    pub(super) async fn rebuild_hub(&self, run: &Run<'_>, employee: &Employee) -> Result<RequestAnswer, Stop> {
        if employee.has_rows_of_another_calendar() {
            return Ok(refused(OTHER_CALENDAR));
        }
        let Some(calendar) = run.calendar else { return Ok(refused(NO_CALENDAR)) };
        let (hub, loaded, kuerzel) = (&self.systems.hub, run.loaded, run.kuerzel);
        let elsewhere = hub.bound_to_others(kuerzel, &loaded.event_ids()).await?;
        let Rebuild { pairs, unproven, hides, .. } = loaded.rebuild(&self.identity, kuerzel, &elsewhere);
        run.running.lease.check()?;
        hub.remember_calendar(kuerzel, calendar).await?;
        // Before the rows: a run that is cut off in between leaves copies that still say so.
        let is_hidden = self.hide_again(employee, hides).await?;
        for pair in &pairs {
            run.give_row(&pair.row()).await?;
        }
        let by = |evidence| pairs.iter().filter(|pair| pair.evidence == evidence).count();
        let mut text = format!(
            "rows rebuilt: {} by our property, {} by our text, {} born in Google; copies that cannot be proven: {}",
            by(Evidence::Property),
            by(Evidence::OurText),
            by(Evidence::UsersText),
            unproven.len()
        );
        if is_hidden {
            text.push_str("; the employee's copies are anonymised, which the policy says again");
        }
        Ok(done(&text))
    }
}
