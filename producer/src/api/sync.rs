//! `POST /beteiligte/sync`

use axum::extract::{Request, State};
use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde::Deserialize;
use serde_json::json;
use shared::queue::{Asker, QueueName};
use shared::traces::{self, Origin};

use super::{Accepted, Api, Refusal, accepted, body, in_time};
use crate::command::record_ids;
use crate::listing::Tally;
use crate::operator::{Act, Action, Of};

const EXPECTED: &str = "expected an object with `ids` (an array of record ids), or with `all`: true; nothing else";

/// The body as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    ids: Option<Vec<String>>,
    all: Option<bool>,
}

/// What it asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Records(Vec<EspoId>),
    Everything,
}

pub(super) async fn receive(State(api): State<Api>, request: Request) -> Result<Accepted, Refusal> {
    let (operator, body) = api.admitted(request).await?;
    match Wanted::read(&body)? {
        Wanted::Records(ids) => {
            let work = async {
                let mut tally = Tally::default();
                for queue in api.queues(Some(QueueName::Beteiligte)) {
                    let enqueue = tally.enqueue(&queue, &ids, Wants::sync(Direction::Both), Asker::Operator);
                    traces::begin(Origin::Api, "beteiligte", in_time(enqueue)).await?;
                }
                Ok::<_, Refusal>(tally)
            };
            let named = ids.iter().map(EspoId::as_str);
            let actions = Action::on_each(Act::Enqueue, QueueName::Beteiligte, named, None);
            let tally = operator.noted(actions, work).await?;
            tracing::info!(queue = QueueName::Beteiligte.as_str(), queued = tally.queued, "operator: records queued");
            Ok(accepted(json!({"status": "triggered", "jobs": tally.queued})))
        }
        // EspoCRM is asked for the list page by page; nobody waits for that over HTTP.
        Wanted::Everything => {
            let action = Action { act: Act::EnqueueAll, of: Of::flow(Some(QueueName::Beteiligte)) };
            let ask = async {
                api.full_syncs.ask();
                Ok::<_, Refusal>(())
            };
            operator.noted(vec![action], ask).await?;
            tracing::info!(queue = QueueName::Beteiligte.as_str(), "operator: asked for all records");
            Ok(accepted(json!({"status": "started", "jobs": null})))
        }
    }
}

impl Wanted {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let invalid = |problem: &str| Refusal::Invalid(format!("{problem}: {EXPECTED}"));
        match body::object(body, EXPECTED)? {
            Sent { ids: Some(_), all: Some(true) } => Err(invalid("`ids` and `all` are both given")),
            Sent { ids: Some(ids), .. } if ids.is_empty() => Err(invalid("`ids` is empty")),
            Sent { ids: Some(ids), .. } => {
                let ids = record_ids::parse(&ids).map_err(|problem| Refusal::Invalid(problem.to_string()))?;
                Ok(Self::Records(ids))
            }
            Sent { ids: None, all: Some(true) } => Ok(Self::Everything),
            Sent { ids: None, .. } => Err(invalid("nothing is named")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Wanted, String> {
        Wanted::read(body.as_bytes()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn records_are_named_or_all_of_them_are_meant() {
        let ids = ["a", "b"].map(|id| EspoId::parse(id).unwrap()).to_vec();
        assert_eq!(read(r#"{"ids":["a","b","a"]}"#), Ok(Wanted::Records(ids)));
        assert_eq!(read(r#"{"all":true}"#), Ok(Wanted::Everything));
    }

    #[test]
    fn what_is_not_clear_is_refused_and_never_means_everything() {
        let cases = [
            ("{}", "nothing is named"),
            (r#"{"all":false}"#, "nothing is named"),
            (r#"{"ids":[]}"#, "`ids` is empty"),
            (r#"{"ids":["a"],"all":true}"#, "both given"),
            (r#"{"ids":"a"}"#, "not understood"),
            (r#"{"ids":["a",7]}"#, "not understood"),
            (r#"{"id":["a"]}"#, "not understood"),
            (r#"["a"]"#, "no JSON object"),
            (r#"{"ids":["a","Erika Beispiel"]}"#, "id number 2 is not an EspoCRM record id (length 14)"),
        ];
        for (body, problem) in cases {
            let told = read(body).unwrap_err();
            assert!(told.contains(problem) && !told.contains("Erika"), "{body}: {told}");
        }
    }
}
