//! Google's refusals and the one shape they come in (reference G10).

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Answer;

/// Why Google refuses, in its own words where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoogleReason {
    /// 400 `required`: a field is missing.
    Required,
    /// 400 `invalid`: a value cannot be.
    Invalid,
    /// 400 `badRequest`: parameters that do not go together.
    BadRequest,
    /// 400 `parseError`: no JSON.
    ParseError,
    /// 400 `timeRangeEmpty`: the end does not come after the start.
    TimeRangeEmpty,
    /// 401 `authError`: no token, or a worthless one.
    AuthError,
    /// 403 `rateLimitExceeded`.
    RateLimitExceeded,
    /// 403 `userRateLimitExceeded`.
    UserRateLimitExceeded,
    /// 429 `rateLimitExceeded`.
    TooManyRequests,
    /// 403 `quotaExceeded`: an operational limit that lasts.
    QuotaExceeded,
    /// 403 `forbidden`.
    Forbidden,
    /// 403 `requiredAccessLevel`: the calendar may only be read.
    RequiredAccessLevel,
    /// 403 `insufficientPermissions`: the token's scopes do not cover the call.
    InsufficientPermissions,
    /// 403 `forbiddenForServiceAccounts`: guests.
    ForbiddenForServiceAccounts,
    /// 404 `notFound`: never existed, or no access.
    NotFound,
    /// 409 `duplicate`: the id is taken, perhaps by a deleted event.
    Duplicate,
    /// 410 `deleted`: deleted before.
    Deleted,
    /// 410 `fullSyncRequired`: the sync token has lost its worth.
    FullSyncRequired,
    /// 412 `conditionNotMet`: `If-Match` does not.
    ConditionNotMet,
    /// 500 `backendError`.
    BackendError,
    /// 503 `backendError`.
    Unavailable,
}

impl GoogleReason {
    /// Status, domain, reason and usual message.
    fn told(self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::Required => (400, "global", "required", "Required"),
            Self::Invalid => (400, "global", "invalid", "Invalid Value"),
            Self::BadRequest => (400, "global", "badRequest", "Bad Request"),
            Self::ParseError => (400, "global", "parseError", "Parse Error"),
            Self::TimeRangeEmpty => (400, "calendar", "timeRangeEmpty", "The specified time range is empty."),
            Self::AuthError => (401, "global", "authError", "Invalid Credentials"),
            Self::RateLimitExceeded => (403, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
            Self::UserRateLimitExceeded => (403, "usageLimits", "userRateLimitExceeded", "User Rate Limit Exceeded"),
            Self::TooManyRequests => (429, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
            Self::QuotaExceeded => (403, "usageLimits", "quotaExceeded", "Calendar usage limits exceeded."),
            Self::Forbidden => (403, "global", "forbidden", "Forbidden"),
            Self::RequiredAccessLevel => {
                (403, "calendar", "requiredAccessLevel", "You need to have writer access to this calendar.")
            }
            Self::InsufficientPermissions => (403, "global", "insufficientPermissions", "Insufficient Permission"),
            Self::ForbiddenForServiceAccounts => (
                403,
                "calendar",
                "forbiddenForServiceAccounts",
                "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
            ),
            Self::NotFound => (404, "global", "notFound", "Not Found"),
            Self::Duplicate => (409, "global", "duplicate", "The requested identifier already exists."),
            Self::Deleted => (410, "global", "deleted", "Resource has been deleted"),
            Self::FullSyncRequired => {
                (410, "calendar", "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
            }
            Self::ConditionNotMet => (412, "global", "conditionNotMet", "Precondition Failed"),
            Self::BackendError => (500, "global", "backendError", "Backend Error"),
            Self::Unavailable => (503, "global", "backendError", "Backend Error"),
        }
    }

    /// The status it comes with.
    pub fn status(self) -> u16 {
        self.told().0
    }
}

/// A refusal with what Google adds to say where the fault lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: GoogleReason,
    pub(crate) message: Option<String>,
    /// Kind (`parameter`, `header`) and name.
    pub(crate) location: Option<(&'static str, String)>,
}

impl From<GoogleReason> for Refusal {
    fn from(reason: GoogleReason) -> Self {
        let location = match reason {
            GoogleReason::AuthError => Some(("header", "Authorization".to_owned())),
            GoogleReason::ConditionNotMet => Some(("header", "If-Match".to_owned())),
            GoogleReason::FullSyncRequired => Some(("parameter", "syncToken".to_owned())),
            _ => None,
        };
        Self { reason, message: None, location }
    }
}

impl Refusal {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::from(GoogleReason::Invalid).saying(message)
    }

    /// A query parameter with a value that cannot be.
    pub(crate) fn parameter(name: &str) -> Self {
        Self { location: Some(("parameter", name.to_owned())), ..Self::from(GoogleReason::Invalid) }
    }

    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// What it says, for users' edits.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.reason.told().3)
    }

    pub(crate) fn answer(&self) -> Answer {
        let (code, domain, reason, _) = self.reason.told();
        let answer = shaped(code, domain, reason, self.message(), self.location.as_ref());
        if self.reason == GoogleReason::AuthError {
            return answer.with_header("www-authenticate", "Bearer realm=\"https://accounts.google.com/\"");
        }
        answer
    }
}

/// The answer of a bare status, as armed by a fault.
pub(crate) fn of_status(code: u16) -> Answer {
    let reason = match code {
        400 => GoogleReason::BadRequest,
        401 => GoogleReason::AuthError,
        403 => GoogleReason::Forbidden,
        404 => GoogleReason::NotFound,
        409 => GoogleReason::Duplicate,
        410 => GoogleReason::Deleted,
        412 => GoogleReason::ConditionNotMet,
        429 => GoogleReason::TooManyRequests,
        500..=599 => return shaped(code, "global", "backendError", "Backend Error", None),
        _ => return shaped(code, "global", "unknown", "Unknown", None),
    };
    Refusal::from(reason).answer()
}

fn shaped(code: u16, domain: &str, reason: &str, message: &str, location: Option<&(&'static str, String)>) -> Answer {
    let mut error = json!({ "domain": domain, "reason": reason, "message": message });
    if let (Value::Object(error), Some((kind, name))) = (&mut error, location) {
        error.insert("locationType".to_owned(), json!(kind));
        error.insert("location".to_owned(), json!(name));
    }
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::json(status, &json!({ "error": { "errors": [error], "code": code, "message": message } }))
}
