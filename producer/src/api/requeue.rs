//! `POST /requeue`

use std::time::Duration;

use axum::extract::{Request, State};
use serde::Deserialize;
use serde_json::json;
use shared::queue::{Matching, QueueName};
use shared::traces::{self, Origin};

use super::{Accepted, Api, Refusal, accepted, body, in_time};
use crate::command::record_ids::{self, Named};
use crate::command::requeue::{Approved, alike, named, with_dry};
use crate::operator::{Act, Action, Of};

const EXPECTED: &str = "expected an object with `id` (of a record, a Kürzel or a job), or with `reason` (a text), or with \
    `all`: true; beside it, if wanted, `queue` (`beteiligte` or `calendar`) and `dry_run` (true or false); nothing else";

/// The body as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    queue: Option<String>,
    id: Option<String>,
    reason: Option<String>,
    all: Option<bool>,
    #[serde(default)]
    dry_run: bool,
}

/// What it asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    which: Which,
    is_dry: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Which {
    One { queue: QueueName, id: Named },
    Alike { queue: Option<QueueName>, matching: Matching },
}

pub(super) async fn receive(State(api): State<Api>, request: Request) -> Result<Accepted, Refusal> {
    let (operator, body) = api.admitted(request).await?;
    let Wanted { which, is_dry } = Wanted::read(&body)?;
    let actions = if is_dry { Vec::new() } else { which.actions() };
    let work = async {
        match which {
            Which::One { queue, id } => {
                let mut requeued = 0;
                for queue in api.queues(Some(queue)) {
                    requeued += named(&api.hub, &queue, std::slice::from_ref(&id), Approved::default(), is_dry)
                        .await?
                        .queued as u64;
                }
                Ok(requeued)
            }
            Which::Alike { queue, matching } => {
                alike(&api.hub, &api.queues(queue), &matching, Duration::ZERO, is_dry).await
            }
        }
    };
    let work = Box::pin(traces::begin(Origin::Api, "requeue", in_time(work)));
    let requeued = operator.noted(actions, work).await?;
    Ok(accepted(with_dry(json!({"requeued": requeued}), is_dry)))
}

impl Which {
    /// As it is noted. What stands in a reason is nobody's to keep.
    fn actions(&self) -> Vec<Action> {
        match self {
            Self::One { queue, id } => Action::on_each(Act::Requeue, *queue, [id.entity.as_str()], None),
            Self::Alike { queue, matching } if matching.reason.is_empty() => {
                vec![Action { act: Act::RequeueAll, of: Of::flow(*queue) }]
            }
            Self::Alike { queue, .. } => {
                let of = Of::flow(*queue).with(Some("reason".to_owned()));
                vec![Action { act: Act::RequeueAlike, of }]
            }
        }
    }
}

impl Wanted {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let Sent { queue, id, reason, all, dry_run } = body::object(body, EXPECTED)?;
        let invalid = |problem: &str| Refusal::Invalid(format!("{problem}: {EXPECTED}"));
        let known = |name: String| QueueName::ALL.into_iter().find(|queue| queue.as_str() == name);
        let queue = queue.map(|name| known(name).ok_or_else(|| invalid("there is no such queue"))).transpose()?;
        let is_all = all == Some(true);
        let which = match (id, reason) {
            (Some(_), Some(_)) => return Err(invalid("`id` and `reason` are both given")),
            (Some(_), None) if is_all => return Err(invalid("`id` and `all` are both given")),
            (Some(id), None) => {
                let queue = queue.unwrap_or(QueueName::Beteiligte);
                let ids = record_ids::parse_named(&[id], queue);
                let ids = ids.map_err(|problem| Refusal::Invalid(problem.to_string()))?;
                let id = ids.into_iter().next().ok_or_else(|| invalid("nothing is named"))?;
                Which::One { queue, id }
            }
            // An empty text is in every reason.
            (None, Some(reason)) if reason.is_empty() => return Err(invalid("`reason` is empty")),
            (None, None) if !is_all => return Err(invalid("nothing is named")),
            (None, reason) => {
                let reason = reason.unwrap_or_default();
                Which::Alike { queue, matching: Matching { reason, includes_failed: true, ..Matching::default() } }
            }
        };
        Ok(Self { which, is_dry: dry_run })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Wanted, String> {
        Wanted::read(body.as_bytes()).map_err(|refusal| refusal.to_string())
    }

    fn alike(queue: Option<QueueName>, reason: &str) -> Which {
        let matching = Matching { reason: reason.to_owned(), includes_failed: true, ..Matching::default() };
        Which::Alike { queue, matching }
    }

    #[test]
    fn one_is_named_or_what_they_have_in_common() {
        let one = read(r#"{"id":"a"}"#).unwrap();
        let id = Named { entity: "a".to_owned(), job: None };
        assert_eq!(one, Wanted { which: Which::One { queue: QueueName::Beteiligte, id }, is_dry: false });
        let employee = read(r#"{"id":"MÜ.1763758235123456","queue":"calendar"}"#).unwrap();
        assert!(matches!(employee.which, Which::One { queue: QueueName::Calendar, id } if id.entity == "MÜ"));
        assert_eq!(read(r#"{"all":true}"#).unwrap().which, alike(None, ""));
        assert_eq!(
            read(r#" {"reason":"502","queue":"beteiligte","dry_run":true}"#).unwrap(),
            Wanted { which: alike(Some(QueueName::Beteiligte), "502"), is_dry: true }
        );
    }

    #[test]
    fn what_is_not_clear_is_refused_and_never_means_everything() {
        let cases = [
            (r"{}", "nothing is named"),
            (r#"{"all":false}"#, "nothing is named"),
            (r#"{"queue":"beteiligte","dry_run":true}"#, "nothing is named"),
            (r#"{"id":null,"reason":null}"#, "nothing is named"),
            (r#"{"reason":""}"#, "`reason` is empty"),
            (r#"{"id":"a","all":true}"#, "`id` and `all` are both given"),
            (r#"{"id":"a","reason":"x"}"#, "`id` and `reason` are both given"),
            (r#"{"all":true,"queue":"mail"}"#, "no such queue"),
            (r#"{"all":true,"reasn":"502"}"#, "not understood from line 1, column 19"),
            (r#"{"all":"yes"}"#, "not understood"),
            (r#"{"all":true,"all":true}"#, "not understood"),
            (r#"{"all":true"#, "not understood"),
            (r#"["beteiligte",null,null,true,false]"#, "no JSON object"),
            ("", "no JSON object"),
            ("null", "no JSON object"),
        ];
        for (body, problem) in cases {
            let told = read(body).unwrap_err();
            assert!(told.contains(problem) && told.contains(EXPECTED), "{body}: {told}");
        }
    }

    #[test]
    fn e2_what_is_refused_is_not_repeated() {
        for body in [r#"{"id":"Erika Beispiel"}"#, r#"{"queue":"Erika","all":true}"#, r#"{"all":"Erika"}"#] {
            let told = read(body).unwrap_err();
            assert!(!told.contains("Erika"), "{told}");
        }
    }
}
