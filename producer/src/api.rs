//! What operators and other programs ask for over HTTP: `POST /requeue`, `POST /beteiligte/sync`, `POST
//! /advoware/calendar/sync` (CONTRACT).
//!
//! They are let in by API key, or where nothing is configured and the producer listens on this machine only. A webhook's signature
//! does not open these routes.

mod body;
mod calendar;
mod full_sync;
mod requeue;
mod sync;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::hub::Hub;
use shared::queue::{Queue, QueueName};

pub(crate) use full_sync::FullSync;
pub use full_sync::FullSyncRequests;

use crate::auth::{FirstLook, Gate};
use crate::body::{BodyError, BodyLimits};
use crate::command::calendar::TriggerError;
use crate::operator::Operator;

/// Largest body that is taken: ids of some 50,000 records.
pub const MAX_API_BODY_BYTES: usize = 1024 * 1024;
const LIMITS: BodyLimits = BodyLimits { taken_bytes: MAX_API_BODY_BYTES, drained_bytes: 8 * MAX_API_BODY_BYTES };

/// How long queue and hub may take; a caller that hears nothing would ask again.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What the routes need. Clones share it.
#[derive(Clone)]
pub struct Api {
    /// Every queue.
    pub queues: Arc<[Queue]>,
    /// Where employees are known.
    pub hub: Hub,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Where to ask for a sync of every record.
    pub full_syncs: FullSyncRequests,
    /// Whether calendars are configured.
    pub has_calendars: bool,
}

/// Why nothing was done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("PRODUCER_API_KEY is required, in the header `apikey` or as `Authorization: Bearer`")]
    Unauthorized,
    /// With what the body should have been; never repeats what it is.
    #[error("{0}")]
    Invalid(String),
    #[error("the body is larger than {MAX_API_BODY_BYTES} bytes: send fewer ids at once")]
    TooLarge,
    #[error("the body did not arrive")]
    Incomplete,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the queue is not available: send again, what is queued already is merged")]
    QueueDown,
    #[error("the database is not available: send again, what is queued already is merged")]
    HubDown,
    #[error("queue or database did not answer in time: send again, what is queued already is merged")]
    StoresSlow,
    #[error("calendars are not configured: set GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH for the producer and the workers")]
    NoCalendars,
    #[error(
        "nobody of this Kürzel is known: `kanzleisync-producer policy show` lists who is; the schedule asks Advoware for new ones once in \
         CALENDAR_SYNC_SECONDS"
    )]
    UnknownEmployee,
    #[error(
        "this calendar is not synced: `kanzleisync-producer policy show <kuerzel>` says why, `policy set <kuerzel> --enabled on` switches it on"
    )]
    CalendarOff,
}

/// What is said of work that was queued.
type Accepted = (StatusCode, Json<Value>);

/// The routes.
pub(crate) fn routes(api: Api) -> Router {
    Router::new()
        .route("/requeue", post(requeue::receive))
        .route("/beteiligte/sync", post(sync::receive))
        .route("/advoware/calendar/sync", post(calendar::receive))
        .with_state(api)
}

impl Api {
    /// Who asks, and the body of a request that is let in; strangers cannot make us read it.
    async fn admitted(&self, request: Request) -> Result<(Operator, Vec<u8>), Refusal> {
        let (head, body) = request.into_parts();
        match self.gate.first_look(&head.headers) {
            FirstLook::Admitted => {}
            FirstLook::ToBeVerified | FirstLook::Refused => return Err(Refusal::Unauthorized),
        }
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Ok((Operator::of_api(&self.hub, peer), crate::body::read(body, LIMITS).await?))
    }

    /// The queue of that name; without one all.
    fn queues(&self, only: Option<QueueName>) -> Vec<Queue> {
        self.queues.iter().filter(|queue| only.is_none_or(|only| only == queue.name())).cloned().collect()
    }
}

/// Waits for `work` on queue and hub, but not for ever.
async fn in_time<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Refusal>
where
    E: Into<TriggerError>,
{
    let Ok(done) = tokio::time::timeout(TIME_LIMIT, work).await else {
        let limit_seconds = TIME_LIMIT.as_secs();
        tracing::warn!(limit_seconds, "a request was refused because queue or database did not answer in time");
        return Err(Refusal::StoresSlow);
    };
    done.map_err(|error| Refusal::from(error.into()))
}

fn accepted(answer: Value) -> Accepted {
    (StatusCode::ACCEPTED, Json(answer))
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownEmployee => StatusCode::NOT_FOUND,
            Self::NoCalendars | Self::CalendarOff => StatusCode::CONFLICT,
            Self::QueueDown | Self::HubDown | Self::StoresSlow => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<TriggerError> for Refusal {
    fn from(error: TriggerError) -> Self {
        match error {
            TriggerError::Unknown(_) => Self::UnknownEmployee,
            TriggerError::Off(_) => Self::CalendarOff,
            TriggerError::Queue(error) => {
                tracing::warn!(%error, "a request was refused because the queue is not available");
                Self::QueueDown
            }
            TriggerError::Hub(error) => {
                tracing::warn!(%error, "a request was refused because the database is not available");
                Self::HubDown
            }
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Incomplete => Self::Incomplete,
            BodyError::TooSlow => Self::TooSlow,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({"status": "refused", "error": self.to_string()}))).into_response()
    }
}
