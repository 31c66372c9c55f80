//! Standard forms and intents as they are stored. JSON here is ours, so it is read strictly.

use std::num::NonZeroU32;

use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar::plan::Intent;
use domain::calendar::{Series, Span, Standard, TurnusArt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::hub::HubError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredForm {
    span: StoredSpan,
    text: String,
    notiz: String,
    ort: String,
    series: Option<StoredSeries>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredSpan {
    Timed { starts_at: DateTime<Utc>, ends_at: DateTime<Utc> },
    AllDay { first: NaiveDate, last: NaiveDate },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSeries {
    turnus: NonZeroU32,
    art: u32,
    until: Option<NaiveDate>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "form", rename_all = "snake_case", deny_unknown_fields)]
enum StoredIntent {
    CreateEvent(StoredForm),
    CreateTermin(StoredForm),
    UpdateEvent(StoredForm),
    UpdateTermin(StoredForm),
    DeleteEvent,
    DeleteTermin,
}

fn stored(form: &Standard) -> StoredForm {
    let span = match form.span {
        Span::Timed { starts_at, ends_at } => StoredSpan::Timed { starts_at, ends_at },
        Span::AllDay { first, last } => StoredSpan::AllDay { first, last },
    };
    let series = form.series.map(|Series { turnus, art, until }| StoredSeries { turnus, art: art.number(), until });
    StoredForm { span, text: form.text.clone(), notiz: form.notiz.clone(), ort: form.ort.clone(), series }
}

fn form(stored: StoredForm) -> Result<Standard, HubError> {
    let span = match stored.span {
        StoredSpan::Timed { starts_at, ends_at } => Span::Timed { starts_at, ends_at },
        StoredSpan::AllDay { first, last } => Span::AllDay { first, last },
    };
    let series = |StoredSeries { turnus, art, until }| {
        let art = TurnusArt::from_number(art).ok_or(HubError::Unreadable("turnusArt"))?;
        Ok::<_, HubError>(Series { turnus, art, until })
    };
    let series = stored.series.map(series).transpose()?;
    Ok(Standard { span, text: stored.text, notiz: stored.notiz, ort: stored.ort, series })
}

/// The stored shape of a standard form.
pub fn from_standard(form: &Standard) -> Value {
    json!(stored(form))
}

/// Reads [`from_standard`].
pub fn to_standard(value: Value) -> Result<Standard, HubError> {
    form(serde_json::from_value(value).map_err(|_| HubError::Unreadable("standard form"))?)
}

pub(super) fn from_intent(intent: &Intent) -> Value {
    json!(match intent {
        Intent::CreateEvent(form) => StoredIntent::CreateEvent(stored(form)),
        Intent::CreateTermin(form) => StoredIntent::CreateTermin(stored(form)),
        Intent::UpdateEvent(form) => StoredIntent::UpdateEvent(stored(form)),
        Intent::UpdateTermin(form) => StoredIntent::UpdateTermin(stored(form)),
        Intent::DeleteEvent => StoredIntent::DeleteEvent,
        Intent::DeleteTermin => StoredIntent::DeleteTermin,
    })
}

pub(super) fn to_intent(value: Value) -> Result<Intent, HubError> {
    Ok(match serde_json::from_value(value).map_err(|_| HubError::Unreadable("intent"))? {
        StoredIntent::CreateEvent(wanted) => Intent::CreateEvent(form(wanted)?),
        StoredIntent::CreateTermin(wanted) => Intent::CreateTermin(form(wanted)?),
        StoredIntent::UpdateEvent(wanted) => Intent::UpdateEvent(form(wanted)?),
        StoredIntent::UpdateTermin(wanted) => Intent::UpdateTermin(form(wanted)?),
        StoredIntent::DeleteEvent => Intent::DeleteEvent,
        StoredIntent::DeleteTermin => Intent::DeleteTermin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms() -> [Standard; 2] {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let span =
            Span::Timed { starts_at: instant("2026-10-25T00:30:00Z"), ends_at: instant("2026-10-25T01:30:00.5Z") };
        let timed = Standard { span, text: "ä\n".into(), notiz: String::new(), ort: "\"".into(), series: None };
        let series =
            Series { turnus: NonZeroU32::new(2).unwrap(), art: TurnusArt::Yearly, until: Some(day("2030-01-01")) };
        let span = Span::AllDay { first: day("2026-03-29"), last: day("2026-03-30") };
        [timed.clone(), Standard { span, series: Some(series), ..timed }]
    }

    #[test]
    fn c1_forms_and_intents_come_back_as_they_were_stored() {
        for form in forms() {
            assert_eq!(to_standard(from_standard(&form)).unwrap(), form);
            let intents = [
                Intent::CreateEvent(form.clone()),
                Intent::CreateTermin(form.clone()),
                Intent::UpdateEvent(form.clone()),
                Intent::UpdateTermin(form),
                Intent::DeleteEvent,
                Intent::DeleteTermin,
            ];
            for intent in intents {
                assert_eq!(to_intent(from_intent(&intent)).unwrap(), intent);
            }
        }
    }

    #[test]
    fn a_damaged_form_is_told_not_guessed() {
        let good = from_standard(&forms()[1]);
        for (path, value) in
            [("span", json!({})), ("text", json!(null)), ("series", json!({"turnus": 0})), ("x", json!(1))]
        {
            let mut damaged = good.clone();
            damaged[path] = value;
            assert!(matches!(to_standard(damaged), Err(HubError::Unreadable(_))), "{path}");
        }
        assert!(to_intent(json!({"kind": "create_event"})).is_err() && to_intent(json!({"kind": "x"})).is_err());
    }
}
