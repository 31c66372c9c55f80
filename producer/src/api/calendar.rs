//! `POST /advoware/calendar/sync`

use axum::extract::{Request, State};
use domain::ids::Kuerzel;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use shared::queue::QueueName;
use shared::traces::{self, Origin};

use super::{Accepted, Api, Refusal, accepted, body, in_time};
use crate::command::calendar::{Asked, Whom, actions, trigger};

const ALL: &str = "ALL";
const EXPECTED: &str = "expected an object with, if wanted, `kuerzel` (an employee's, or `ALL`, which is meant without it) and \
    `full_content` (true or false); nothing else";

/// The body as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(default, deserialize_with = "given")]
    kuerzel: Option<String>,
    #[serde(default, deserialize_with = "given")]
    full_content: Option<bool>,
}

/// A null is what a caller's empty variable becomes: it must not mean everybody.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What it asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    whom: Whom,
    asked: Asked,
}

pub(super) async fn receive(State(api): State<Api>, request: Request) -> Result<Accepted, Refusal> {
    let (operator, body) = api.admitted(request).await?;
    let Wanted { whom, asked } = Wanted::read(&body)?;
    if !api.has_calendars {
        return Err(Refusal::NoCalendars);
    }
    let work = async {
        let mut jobs = 0;
        for queue in api.queues(Some(QueueName::Calendar)) {
            let work = in_time(trigger(&api.hub, &queue, &whom, asked));
            jobs += traces::begin(Origin::Api, "calendar", work).await?.queued;
        }
        Ok::<_, Refusal>(jobs)
    };
    let jobs = operator.noted(actions(&whom, asked), work).await?;
    let kuerzel = match &whom {
        Whom::All => ALL,
        Whom::Named(named) => named.first().map_or(ALL, Kuerzel::as_str),
    };
    Ok(accepted(json!({"status": "triggered", "kuerzel": kuerzel, "jobs": jobs})))
}

impl Wanted {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let Sent { kuerzel, full_content } = body::object(body, EXPECTED)?;
        let whom = match kuerzel {
            None => Whom::All,
            Some(text) if text == ALL => Whom::All,
            Some(text) => {
                let kuerzel =
                    Kuerzel::parse(&text).map_err(|invalid| Refusal::Invalid(format!("{invalid}: {EXPECTED}")))?;
                Whom::Named(vec![kuerzel])
            }
        };
        Ok(Self { whom, asked: Asked { full_content, lists_all: false } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Wanted, String> {
        Wanted::read(body.as_bytes()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn one_employee_is_named_or_all_are_meant() {
        let all = |full_content| Ok(Wanted { whom: Whom::All, asked: Asked { full_content, lists_all: false } });
        assert_eq!(read("{}"), all(None));
        assert_eq!(read(r#"{"kuerzel":"ALL","full_content":false}"#), all(Some(false)));
        let one = read(r#"{"kuerzel":" MÜ ","full_content":true}"#).unwrap();
        assert_eq!(one.whom, Whom::Named(vec![Kuerzel::parse("MÜ").unwrap()]));
        assert_eq!(one.asked.full_content, Some(true));
    }

    #[test]
    fn what_is_not_clear_is_refused_and_never_means_everybody() {
        let cases = [
            ("", "no JSON object"),
            ("[]", "no JSON object"),
            (r#"{"kuerzel":null}"#, "not understood"),
            (r#"{"full_content":null}"#, "not understood"),
            (r#"{"full_content":"false"}"#, "not understood"),
            (r#"{"kuerzel":["SB"]}"#, "not understood"),
            (r#"{"fullContent":false}"#, "not understood"),
            (r#"{"kuerzel":""}"#, "not a Kürzel (length 0)"),
            (r#"{"kuerzel":"Erika Beispiel"}"#, "not a Kürzel (length 14)"),
        ];
        for (body, problem) in cases {
            let told = read(body).unwrap_err();
            assert!(told.contains(problem) && told.contains(EXPECTED) && !told.contains("Erika"), "{body}: {told}");
        }
    }
}
