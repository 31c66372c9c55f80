//! Google Calendar v3 as one service account sees it: calendars, rights, events, quotas (DOMAIN 6, reference part G).
//!
//! Not here: `singleEvents`, `instances`, `import`, `move` by the API, push channels, partial answers (`fields`).

mod calendar;
mod event;
mod handle;
mod key;
mod list;
mod quota;
mod refusal;
mod series;
mod time;
mod token;
mod user;
mod write;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use calendar::Calendar;
pub use calendar::GoogleRole;
pub use handle::GoogleHandle;
use quota::Window;
pub use refusal::GoogleReason;
use refusal::Refusal;
pub(crate) use refusal::of_status;
pub(crate) use time::instant_at;
use token::Tokens;
pub(crate) use user::Seen;

use crate::call::{Answer, Call};
use crate::dice::Dice;
use crate::operation::{Operation, Route};
use crate::stage::Outage;

/// The person whose calendars these are to be.
const USER_MAIL: &str = "kanzlei@gmail.example";

/// Google's settings, its limits, and the switches of its misbehaviour.
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoogleSwitches {
    /// The whole system is unreachable.
    pub outage: Outage,
    /// The account's key is revoked: no token is given out any more (400 `invalid_grant`).
    pub refuse_account: bool,
    /// Life of an access token.
    pub token_lifetime_seconds: i64,
    /// So many calendars are created, ever; the next is 403 `quotaExceeded`.
    pub calendar_creations_most: u32,
    /// Quota of the account in a sliding minute of the simulator's clock, a PATCH counting three; off by default.
    pub units_per_minute: Option<u32>,
    /// The quota is refused with 429 instead of 403 `userRateLimitExceeded`.
    pub quota_is_429: bool,
    /// Writes into one calendar in a sliding minute, beyond which 403 `rateLimitExceeded`; off by default.
    pub calendar_writes_per_minute: Option<u32>,
    /// Pages hold no more events than that, whatever `maxResults` says.
    pub page_events_most: Option<usize>,
    /// Deleted events show only id and status; else all they held.
    pub bare_tombstones: bool,
    /// PATCH and PUT reach a deleted event, and status `confirmed` brings it back; else 410 (nobody has verified either).
    pub deleted_revivable: bool,
    /// Rules come back with their parts in Google's order.
    pub rules_reordered: bool,
}

impl Default for GoogleSwitches {
    fn default() -> Self {
        Self {
            outage: Outage::None,
            refuse_account: false,
            token_lifetime_seconds: 3599,
            calendar_creations_most: 38,
            units_per_minute: None,
            quota_is_429: false,
            calendar_writes_per_minute: None,
            page_events_most: None,
            bare_tombstones: true,
            deleted_revivable: true,
            rules_reordered: false,
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The service account, through the API.
    Service,
    /// A person, in the calendar program.
    User,
}

/// A refusal with its usual message, as armed by a fault.
pub(crate) fn refused(reason: GoogleReason) -> Answer {
    Refusal::from(reason).answer()
}

#[derive(Debug)]
pub(crate) struct Google {
    pub(crate) switches: GoogleSwitches,
    pub(crate) tokens: Tokens,
    client_email: String,
    calendars: BTreeMap<String, Calendar>,
    calendar_creations: u32,
    /// Counts every change, so that one number is etag, order and sync point.
    versions: u64,
    spent: Window,
    dice: Dice,
}

impl Google {
    pub(crate) fn new(client_email: String, token_uri: String, switches: GoogleSwitches, seed: u64) -> Self {
        Self {
            switches,
            tokens: Tokens::new(client_email.clone(), token_uri, seed),
            client_email,
            calendars: BTreeMap::new(),
            calendar_creations: 0,
            versions: 0,
            spent: Window::default(),
            dice: Dice::new(seed ^ 0x0043_414C),
        }
    }

    pub(crate) fn token(&mut self, call: &Call, now: DateTime<Utc>, real_now: DateTime<Utc>) -> Answer {
        self.tokens.answer(call, &self.switches, now, real_now)
    }

    /// `page_most` is an armed short page.
    pub(crate) fn answer(
        &mut self,
        call: &Call,
        route: &Route,
        page_most: Option<usize>,
        now: DateTime<Utc>,
    ) -> Answer {
        self.answered(call, route, page_most, now).unwrap_or_else(|refusal| refusal.answer())
    }

    fn answered(
        &mut self,
        call: &Call,
        route: &Route,
        page_most: Option<usize>,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        self.tokens.admit(call, route.operation, now)?;
        self.charge(route, now)?;
        let key = |at: usize| route.keys.get(at).map(String::as_str).unwrap_or_default();
        let (calendar, event) = (key(0), key(1));
        match route.operation {
            Operation::GoogleCalendarInsert => self.insert_calendar(call),
            Operation::GoogleCalendarGet => {
                Ok(Answer::ok(&self.calendar(calendar, GoogleRole::FreeBusyReader)?.show()))
            }
            Operation::GoogleCalendarList => self.list_calendars(call),
            Operation::GoogleCalendarListInsert => self.list_calendar(call),
            Operation::GoogleAclInsert => self.insert_rule(call, calendar),
            Operation::GoogleAclList => self.list_rules(call, calendar),
            Operation::GoogleEventList => self.list_events(call, calendar, page_most, now),
            Operation::GoogleEventGet => self.get_by_call(call, calendar, event),
            Operation::GoogleEventInsert => self.insert_by_call(call, calendar, now),
            Operation::GoogleEventPatch => self.patch_by_call(call, calendar, event, now),
            Operation::GoogleEventUpdate => self.update_by_call(call, calendar, event, now),
            Operation::GoogleEventDelete => self.delete_by_call(call, calendar, event, now),
            _ => Err(GoogleReason::NotFound.into()),
        }
    }

    fn charge(&mut self, route: &Route, now: DateTime<Utc>) -> Result<(), Refusal> {
        let units = if route.operation == Operation::GoogleEventPatch { 3 } else { 1 };
        if !self.spent.spend(units, self.switches.units_per_minute, now) {
            let refused = if self.switches.quota_is_429 {
                GoogleReason::TooManyRequests
            } else {
                GoogleReason::UserRateLimitExceeded
            };
            return Err(refused.into());
        }
        let writes = matches!(
            route.operation,
            Operation::GoogleEventInsert
                | Operation::GoogleEventPatch
                | Operation::GoogleEventUpdate
                | Operation::GoogleEventDelete
        );
        let most = self.switches.calendar_writes_per_minute;
        if let Some(calendar) = route.keys.first().filter(|_| writes).and_then(|id| self.calendars.get_mut(id))
            && !calendar.writes.spend(1, most, now)
        {
            return Err(GoogleReason::RateLimitExceeded.into());
        }
        Ok(())
    }

    fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    fn mail_of(&self, actor: Actor) -> String {
        match actor {
            Actor::Service => self.client_email.clone(),
            Actor::User => USER_MAIL.to_owned(),
        }
    }
}
