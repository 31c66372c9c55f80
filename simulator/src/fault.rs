//! Misbehaviour on demand.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::calls::{Calls, Counter};
use crate::google::GoogleReason;
use crate::operation::Route;
use crate::stage::locked;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Not applied; this status is answered.
    Status {
        /// HTTP status.
        code: u16,
        /// `Retry-After` header.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
        /// Body; by default empty, at Google its usual refusal of that status.
        #[serde(default)]
        body: Option<String>,
    },
    /// Applied; this status is answered all the same, with an empty body (at Google its usual refusal).
    AppliedThenStatus {
        /// HTTP status.
        code: u16,
    },
    /// Applied and answered, so much later.
    Delay {
        /// Extra wait before the call is handled.
        milliseconds: u64,
    },
    /// Not applied, never answered; the connection stays open.
    Hang,
    /// Applied, then never answered; the connection stays open.
    AppliedThenHang,
    /// Applied, then the connection is closed without a byte of answer.
    AnswerLost,
    /// The connection is closed, nothing applied.
    CutBefore,
    /// Applied; half of the body arrives, then the connection closes.
    TruncatedBody,
    /// Applied; the body is empty.
    EmptyBody,
    /// Applied; the body is not JSON.
    MalformedBody,
    /// Applied; the answer is preceded by so many blanks, sent in pieces without a `Content-Length`.
    OversizedBody {
        /// Number of blanks.
        bytes: u64,
    },
    /// The presented Advoware or Google token is revoked first (so 401); EspoCRM answers 401. Nothing at a log-in, which presents none.
    ExpiredToken,
    /// Applied; every field of this name in the answer is null.
    NullField {
        /// JSON key, at any depth.
        field: String,
    },
    /// Applied; every field of this name is missing from the answer.
    MissingField {
        /// JSON key, at any depth.
        field: String,
    },
    /// Google refuses in its own words.
    Google {
        /// Why.
        reason: GoogleReason,
        /// `Retry-After` header.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
        /// The call takes effect all the same: an ambiguous 500.
        #[serde(default)]
        applied: bool,
    },
    /// A page of Google's events holds that many at most, perhaps none, and carries a `nextPageToken` in any case.
    ShortPage {
        /// Number of events.
        events: usize,
    },
    /// A list answers 200 with only its first entries, as if the others were not there; other answers stay whole.
    ListCut {
        /// 0 for an empty list, 1 for a sole survivor.
        kept: usize,
    },
    /// Applied; the number of the Termin is null in the answer, however it is spelled.
    NullFrnr,
}

impl FaultKind {
    /// A status with an empty body.
    pub fn status(code: u16) -> Self {
        Self::Status { code, retry_after_seconds: None, body: None }
    }

    /// Google's refusal, nothing applied.
    pub fn google(reason: GoogleReason) -> Self {
        Self::Google { reason, retry_after_seconds: None, applied: false }
    }

    /// The name used in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::AppliedThenStatus { .. } => "applied_then_status",
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::AppliedThenHang => "applied_then_hang",
            Self::AnswerLost => "answer_lost",
            Self::CutBefore => "cut_before",
            Self::TruncatedBody => "truncated_body",
            Self::EmptyBody => "empty_body",
            Self::MalformedBody => "malformed_body",
            Self::OversizedBody { .. } => "oversized_body",
            Self::ExpiredToken => "expired_token",
            Self::NullField { .. } => "null_field",
            Self::MissingField { .. } => "missing_field",
            Self::Google { .. } => "google",
            Self::ShortPage { .. } => "short_page",
            Self::ListCut { .. } => "list_cut",
            Self::NullFrnr => "null_frnr",
        }
    }
}

/// A fault and the calls it hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which calls.
    #[serde(default)]
    pub calls: Calls,
    /// What happens to them.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    /// `kind` for `calls`.
    pub fn new(calls: Calls, kind: FaultKind) -> Self {
        Self { calls, kind }
    }
}

/// The armed faults. Where several match one call, the one armed first hits it; all count it.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Vec<(Counter, FaultKind)>>,
}

impl Faults {
    /// Arms a fault; its count starts now.
    pub fn arm(&self, fault: Fault) {
        locked(&self.armed).push((Counter::new(fault.calls), fault.kind));
    }

    /// Disarms everything.
    pub fn clear(&self) {
        locked(&self.armed).clear();
    }

    /// The faults that can still hit.
    pub fn armed(&self) -> Vec<Fault> {
        locked(&self.armed).iter().map(|(counter, kind)| Fault::new(counter.calls.clone(), kind.clone())).collect()
    }

    pub(crate) fn take(&self, route: &Route) -> Option<FaultKind> {
        let mut armed = locked(&self.armed);
        let mut hit = None;
        for (counter, kind) in armed.iter_mut() {
            if counter.hit(route) && hit.is_none() {
                hit = Some(kind.clone());
            }
        }
        armed.retain(|(counter, _)| !counter.exhausted());
        hit
    }
}
