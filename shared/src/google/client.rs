//! Calls to Google's API.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::{CalendarId, EventId};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::auth::Auth;
use super::body::EventBody;
use super::caller::{Call, Caller};
use super::event::{EventList, GoogleEvent};
use super::map::{self, AclRule, GoogleCalendar};
use super::wire::{self, Page, field, parameter};
use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Operation};
use crate::http::{Http, SetupError};
use crate::limits::{Rate, RateSettings};
use crate::settings::GoogleSettings;

/// Zone of the calendars that we create.
const TIME_ZONE: &str = "Europe/Berlin";

/// Elements of a page. An event may hold 32 kB of properties alone, and a page has to stay below the largest answer that is read.
const PAGE_SIZE: &str = "250";

/// A list with more pages than this does not end.
const MOST_PAGES: usize = 2000;

/// Google Calendar. Cloning is cheap and shares connections and token.
#[derive(Clone)]
pub struct Google(Arc<Caller>);

/// Which events a list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventQuery {
    /// All that end after `from` and begin before `to`, a series as one event. Deleted ones are not told, but cancelled occurrences of a
    /// living series may be.
    Window {
        /// Exclusive.
        from: DateTime<Utc>,
        /// Exclusive.
        to: DateTime<Utc>,
    },
    /// What has changed since the list that gave out this sync token, deletions included.
    Since(String),
}

impl Google {
    /// Makes no call yet. For tests and single looks: nothing bounds its calls.
    pub fn new(settings: &GoogleSettings, clock: Clock) -> Result<Self, SetupError> {
        let http = Http::new(settings.timeout)?;
        Ok(Self::with(settings, clock, http.clone(), http))
    }

    /// As [`Self::new`], and its calls to the API wait for the quota that all workers share (J5). Tokens come from another server and
    /// count for nothing.
    pub fn within(rate: Rate, settings: &GoogleSettings, clock: Clock) -> Result<Self, SetupError> {
        let http = Http::new(settings.timeout)?;
        Ok(Self::with(settings, clock, http.clone(), http.paced(rate)))
    }

    /// The rate at which no minute holds more than `per_minute` requests, whenever it begins: what a burst may take is left out of
    /// the even pace.
    pub fn rate_settings(per_minute: u32) -> RateSettings {
        let burst = (per_minute / 10).clamp(1, 60);
        RateSettings { per_minute: per_minute.saturating_sub(burst).max(1), burst }
    }

    fn with(settings: &GoogleSettings, clock: Clock, tokens: Http, http: Http) -> Self {
        let auth = Auth::new(settings.account.clone(), tokens, clock);
        Self(Arc::new(Caller { http, api_base_url: settings.api_base_url.clone(), auth }))
    }

    /// A calendar by its id, also one that is not in our list; `None` where it does not exist or we may not see it.
    pub async fn find_calendar(&self, id: &CalendarId) -> Result<Option<GoogleCalendar>, ApiError> {
        let path = [wire::CALENDARS, id.as_str()];
        let call = Call::get(Operation::GoogleGetCalendar, &path);
        let read = |answer| {
            let calendar = map::calendar(answer)?;
            if calendar.id == *id { Ok(calendar) } else { wire::malformed("id is not the one asked for") }
        };
        match self.0.call(&call, read).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    }

    /// The calendars in our own list: those that we created, not those that others share with us (DOMAIN 6). One that cannot be read fails
    /// the list: it would be created a second time.
    pub async fn list_calendars(&self) -> Result<Vec<GoogleCalendar>, ApiError> {
        let query = [(parameter::SHOW_HIDDEN, "true")];
        let (items, _) = self.pages(Operation::GoogleListCalendars, &wire::CALENDAR_LIST, &query).await?;
        read_all(Operation::GoogleListCalendars, items, map::calendar)
    }

    /// A new calendar, of which we are the owner for ever. Google lets us create few and gives none back: whoever calls this has looked for
    /// it before, and keeps the id (DOMAIN 6). Is never repeated where its outcome is unknown.
    pub async fn create_calendar(&self, summary: &str) -> Result<GoogleCalendar, ApiError> {
        let body = record([(field::SUMMARY, json!(summary)), (field::TIME_ZONE, json!(TIME_ZONE))]);
        let call = Call {
            method: Method::POST,
            body: Some(&body),
            ..Call::get(Operation::GoogleInsertCalendar, &[wire::CALENDARS])
        };
        self.0.call(&call, map::calendar).await
    }

    /// Who may do what with a calendar.
    pub async fn list_acl(&self, calendar: &CalendarId) -> Result<Vec<AclRule>, ApiError> {
        let path = [wire::CALENDARS, calendar.as_str(), wire::ACL];
        let (items, _) = self.pages(Operation::GoogleListAcl, &path, &[]).await?;
        read_all(Operation::GoogleListAcl, items, map::rule)
    }

    /// Makes an account co-owner of a calendar, without a mail about it. It does not come into that account's list by this (DOMAIN 6).
    pub async fn insert_acl(&self, calendar: &CalendarId, owner: &str) -> Result<AclRule, ApiError> {
        let scope = json!({ (field::TYPE): wire::USER, (field::VALUE): owner });
        let body = record([(field::ROLE, json!(wire::OWNER)), (field::SCOPE, scope)]);
        let path = [wire::CALENDARS, calendar.as_str(), wire::ACL];
        let call = Call {
            method: Method::POST,
            query: &[parameter::UNTOLD],
            body: Some(&body),
            ..Call::get(Operation::GoogleInsertAcl, &path)
        };
        self.0.call(&call, map::rule).await
    }

    /// All events that the query asks for: either all pages or an error. [`ErrorKind::FullSyncRequired`] where the sync token is too old,
    /// or the rights have changed since; the window that is read then tells no deletions (DOMAIN 6).
    pub async fn list_events(&self, calendar: &CalendarId, query: &EventQuery) -> Result<EventList, ApiError> {
        let parameters = match query {
            EventQuery::Window { from, to } => vec![
                (parameter::TIME_MIN, wire::written_instant(*from)),
                (parameter::TIME_MAX, wire::written_instant(*to)),
            ],
            EventQuery::Since(token) => vec![(parameter::SYNC_TOKEN, token.clone())],
        };
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = [wire::CALENDARS, calendar.as_str(), wire::EVENTS];
        let (items, next_sync_token) = self.pages(Operation::GoogleListEvents, &path, &parameters).await?;
        Ok(map::event_list(items, next_sync_token))
    }

    /// One event, also a deleted one. [`ErrorKind::NotFound`] says that it never was, or is gone for good, or that we may no longer see the
    /// calendar: it is evidence only for who has just listed that (C4).
    pub async fn get_event(&self, calendar: &CalendarId, id: &EventId) -> Result<GoogleEvent, ApiError> {
        let path = event_path(calendar, id);
        let call = Call::get(Operation::GoogleGetEvent, &path);
        self.0.call(&call, |answer| map::asked_event(answer, id)).await
    }

    /// A new event under an id that we chose. [`ErrorKind::Duplicate`] where the id is taken: by this very call if its first answer was
    /// lost, by a run before, or by an event that was deleted since (C3).
    pub async fn insert_event(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        body: &EventBody,
    ) -> Result<GoogleEvent, ApiError> {
        let operation = Operation::GoogleInsertEvent;
        let path = [wire::CALENDARS, calendar.as_str(), wire::EVENTS];
        let body = body.for_insert(id).map_err(|kind| ApiError::unanswered(operation, kind))?;
        let call = Call {
            method: Method::POST,
            query: &[parameter::QUIETLY],
            body: Some(&body),
            ..Call::get(operation, &path)
        };
        self.0.call(&call, |answer| map::asked_event(answer, id)).await
    }

    /// Sets and removes some fields of an event that is as it was when it had this etag; else [`ErrorKind::Conflict`], also where our own
    /// first try had come through and its answer was lost. [`ErrorKind::NotFound`] where it is gone.
    pub async fn patch_event(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        etag: &str,
        body: &EventBody,
    ) -> Result<GoogleEvent, ApiError> {
        let operation = Operation::GooglePatchEvent;
        let path = event_path(calendar, id);
        let call = Call {
            method: Method::PATCH,
            query: &[parameter::QUIETLY],
            if_match: Some(etag),
            body: Some(body.for_patch().map_err(|kind| ApiError::unanswered(operation, kind))?),
            ..Call::get(operation, &path)
        };
        self.0.call(&call, |answer| map::asked_event(answer, id)).await
    }

    /// Deletes an event that is as it was when it had this etag; else [`ErrorKind::Conflict`]. [`ErrorKind::NotFound`] where it is gone
    /// already.
    pub async fn delete_event(&self, calendar: &CalendarId, id: &EventId, etag: &str) -> Result<(), ApiError> {
        let path = event_path(calendar, id);
        let call = Call {
            method: Method::DELETE,
            query: &[parameter::QUIETLY],
            if_match: Some(etag),
            ..Call::get(Operation::GoogleDeleteEvent, &path)
        };
        self.0.call_for_nothing(&call).await
    }

    /// All elements of a list, and the sync token of its last page. Pages may be short or empty and still not be the last (DOMAIN 6).
    async fn pages(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let mut items = Vec::new();
        let mut page_token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            // The same query for every page: a page token is good for no other.
            let mut query = query.to_vec();
            query.push((parameter::MAX_RESULTS, PAGE_SIZE));
            query.extend(page_token.as_deref().map(|token| (parameter::PAGE_TOKEN, token)));
            let page = self.0.call(&Call { query: &query, ..Call::get(operation, path) }, Page::read).await?;
            items.extend(page.items);
            match page.next_page_token {
                Some(token) => page_token = Some(token),
                None => return Ok((items, page.next_sync_token)),
            }
        }
        Err(ApiError::unanswered(operation, ErrorKind::Malformed { what: "the pages do not end" }))
    }
}

fn event_path<'a>(calendar: &'a CalendarId, id: &'a EventId) -> [&'a str; 4] {
    [wire::CALENDARS, calendar.as_str(), wire::EVENTS, id.as_str()]
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn read_all<T>(
    operation: Operation,
    items: Vec<Value>,
    read: impl Fn(Value) -> Result<T, ErrorKind>,
) -> Result<Vec<T>, ApiError> {
    items.into_iter().map(read).collect::<Result<_, _>>().map_err(|kind| ApiError::unanswered(operation, kind))
}
