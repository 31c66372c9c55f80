//! EspoCRM's webhooks: `POST /vmh/webhook/beteiligte/{create,update,delete}` (CONTRACT).
//!
//! What EspoCRM does with an answer decides which one is given (DOMAIN 5): 200 only after the jobs are durably queued, 401, 408 and
//! 503 are tried again by it, everything else loses the events for good. So what is lost with a 413 is looked for by a scan.

mod events;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde::Serialize;
use serde_json::json;
use shared::clock::Clock;
use shared::hub::{Hub, HubError};
use shared::queue::{Asker, Queue, QueueError};
use shared::traces::{self, Origin};
use tokio::time::{Instant, timeout_at};

use crate::auth::{FirstLook, Gate};
use crate::body::{self, BodyError, BodyLimits};
use crate::listing::jobs;
use crate::scan::ScanRequests;
use events::{Events, NotAnArray, Rejection};

/// What the paths of the webhooks begin with, without the slashes around it; the last part names the event.
pub(crate) const ROUTE: &str = "vmh/webhook/beteiligte";

/// Largest body that is taken (CONTRACT: 5 MB). EspoCRM sends 50 records at most, so far less.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;
const LIMITS: BodyLimits = BodyLimits { taken_bytes: MAX_BODY_BYTES, drained_bytes: 64 * 1024 * 1024 };

/// How long queue and hub may take together. EspoCRM waits 10 s for an answer; an early 503 keeps its sender free.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What the routes need. Clones share it.
#[derive(Clone)]
pub struct Intake {
    /// Where jobs go.
    pub queue: Queue,
    /// Where deletions are remembered.
    pub hub: Hub,
    /// When they were told.
    pub clock: Clock,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Where to ask for a scan.
    pub scans: ScanRequests,
}

/// What happened to the records. EspoCRM says it in the URL only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Create,
    Update,
    Delete,
}

/// The answer to events that were taken.
#[derive(Debug, Serialize)]
struct Receipt {
    status: &'static str,
    action: Action,
    /// Records, each counted once.
    accepted: usize,
    /// Elements that name no record.
    rejected: usize,
    /// Why, for the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Rejection>,
}

/// Why events were not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("a valid signature or API key is required")]
    Unauthorized,
    #[error("the body is no JSON array")]
    NotAnArray,
    #[error("the body is larger than {MAX_BODY_BYTES} bytes; a scan looks for its records instead")]
    TooLarge,
    #[error("the body did not arrive")]
    Incomplete,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the queue is not available, send again")]
    QueueDown,
    #[error("the database is not available, send again")]
    HubDown,
}

/// The routes of the webhooks.
pub(crate) fn routes(intake: Intake) -> Router {
    let route = |router: Router<Intake>, action: Action| {
        let handler = move |State(intake): State<Intake>, request| receive(intake, action, request);
        router.route(&format!("/{ROUTE}/{}", action.name()), post(handler))
    };
    Action::ALL.into_iter().fold(Router::new(), route).with_state(intake)
}

async fn receive(intake: Intake, action: Action, request: Request) -> Result<Json<Receipt>, Refusal> {
    let (head, body) = request.into_parts();
    let look = intake.gate.first_look(&head.headers);
    if look == FirstLook::Refused {
        return Err(Refusal::Unauthorized);
    }
    let body = body::read(body, LIMITS).await.inspect_err(|error| {
        if *error == BodyError::TooLarge {
            tracing::warn!(action = action.name(), "webhook body too large, its events are looked for by a scan");
            intake.scans.ask();
        }
    })?;
    if look == FirstLook::ToBeVerified && !intake.gate.is_signed(&head.headers, &body) {
        return Err(Refusal::Unauthorized);
    }
    traces::begin(Origin::Webhook, action.name(), take(&intake, action, &body)).await
}

async fn take(intake: &Intake, action: Action, body: &[u8]) -> Result<Json<Receipt>, Refusal> {
    let events = Events::read(body)?;
    if events.rejected > 0 {
        tracing::warn!(action = action.name(), rejected = events.rejected, "webhook elements that name no record");
    }
    action.carry_out(intake, &events.ids).await?;
    tracing::debug!(action = action.name(), accepted = events.ids.len(), "webhook taken");
    Ok(Json(Receipt {
        status: action.status(),
        action,
        accepted: events.ids.len(),
        rejected: events.rejected,
        reasons: events.reasons,
    }))
}

impl Action {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// As in the URL.
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// What the answer calls the outcome.
    fn status(self) -> &'static str {
        match self {
            Self::Create | Self::Update => "queued",
            Self::Delete => "dropped",
        }
    }

    /// Does it for all records, or says who did not. A part may then be done; EspoCRM sends all again, which is harmless.
    async fn carry_out(self, intake: &Intake, ids: &[EspoId]) -> Result<(), Refusal> {
        let deadline = Instant::now() + TIME_LIMIT;
        let done = match self {
            Self::Create | Self::Update => queue_all(intake, ids, deadline).await,
            Self::Delete => forget_all(intake, ids, deadline).await,
        };
        done.inspect_err(|refusal| {
            tracing::warn!(action = self.name(), %refusal, "webhook not taken, EspoCRM sends it again");
        })
    }
}

async fn queue_all(intake: &Intake, ids: &[EspoId], deadline: Instant) -> Result<(), Refusal> {
    let jobs = jobs(ids, Wants::sync(Direction::Both));
    timeout_at(deadline, intake.queue.enqueue(&jobs, Asker::Event)).await.map_err(|_| Refusal::QueueDown)??;
    Ok(())
}

/// Nothing is deleted in Advoware, and what is remembered stays, should the record be restored (DOMAIN 4).
async fn forget_all(intake: &Intake, ids: &[EspoId], deadline: Instant) -> Result<(), Refusal> {
    for id in ids {
        timeout_at(deadline, intake.queue.drop_waiting(id.as_str())).await.map_err(|_| Refusal::QueueDown)??;
    }
    let marked = intake.hub.mark_deleted(ids, intake.clock.now());
    timeout_at(deadline, marked).await.map_err(|_| Refusal::HubDown)??;
    Ok(())
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        tracing::warn!(%error, "the queue does not take events");
        Self::QueueDown
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        tracing::warn!(%error, "the hub does not take events");
        Self::HubDown
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

impl From<NotAnArray> for Refusal {
    fn from(_: NotAnArray) -> Self {
        Self::NotAnArray
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotAnArray | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::QueueDown | Self::HubDown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({"status": "refused", "error": self.to_string()}))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_has_the_fields_of_the_contract() {
        let events = Events::read(br#"[{"id":"a"},{"id":"a"},{}]"#).unwrap();
        let receipt = Receipt {
            status: Action::Update.status(),
            action: Action::Update,
            accepted: events.ids.len(),
            rejected: events.rejected,
            reasons: events.reasons,
        };
        let expected = json!({
            "status": "queued", "action": "update", "accepted": 1, "rejected": 1,
            "reasons": [{"index": 2, "reason": "id_missing"}],
        });
        assert_eq!(serde_json::to_value(receipt).unwrap(), expected);
    }

    /// EspoCRM tries again after exactly 0, 401, 403, 404, 405, 408, 500, 503 (DOMAIN 5).
    #[test]
    fn what_may_pass_is_answered_so_that_espocrm_tries_again() {
        for refusal in [Refusal::Unauthorized, Refusal::TooSlow, Refusal::QueueDown, Refusal::HubDown] {
            assert!([401, 408, 503].contains(&refusal.status().as_u16()), "{refusal}");
        }
        assert_eq!(Refusal::from(NotAnArray).status(), StatusCode::BAD_REQUEST);
        assert_eq!(Refusal::from(BodyError::TooLarge).status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
