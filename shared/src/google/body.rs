//! What we write of an event: our own fields and no others (C10a).

use domain::calendar::event::{EventTime, Transparency};
use domain::ids::EventId;
use serde_json::{Map, Value, json};

use super::wire::{field, written_time};
use crate::error::ErrorKind;

/// Most characters in the key and in the value of a property; beyond, Google cuts without a word (DOMAIN 6).
const KEY_CHARS: usize = 44;
const VALUE_CHARS: usize = 1024;

/// Some fields of an event, as raw JSON: null removes a field in a PATCH, and what is not named stays.
#[derive(Clone, Default, PartialEq)]
pub struct EventBody(Map<String, Value>);

impl EventBody {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begin and end; the end no longer belongs to it. `time_zone` is that of an event with times, in which a series recurs.
    #[must_use]
    pub fn times(self, start: EventTime, end: EventTime, time_zone: &str) -> Self {
        self.set(field::START, written_time(start, time_zone)).set(field::END, written_time(end, time_zone))
    }

    /// Title; an empty one is removed.
    #[must_use]
    pub fn summary(self, text: &str) -> Self {
        self.text(field::SUMMARY, text)
    }

    /// Note; an empty one is removed.
    #[must_use]
    pub fn description(self, text: &str) -> Self {
        self.text(field::DESCRIPTION, text)
    }

    /// Place; an empty one is removed.
    #[must_use]
    pub fn location(self, text: &str) -> Self {
        self.text(field::LOCATION, text)
    }

    /// RRULE and the like, a line each; without a line the event does not recur.
    #[must_use]
    pub fn recurrence(self, lines: &[String]) -> Self {
        let value = if lines.is_empty() { Value::Null } else { json!(lines) };
        self.set(field::RECURRENCE, value)
    }

    /// Busy or free.
    #[must_use]
    pub fn transparency(self, transparency: Transparency) -> Self {
        self.set(
            field::TRANSPARENCY,
            json!(match transparency {
                Transparency::Opaque => "opaque",
                Transparency::Transparent => "transparent",
            }),
        )
    }

    /// A private property; `None` removes it. Others stay.
    #[must_use]
    pub fn private(mut self, key: &str, value: Option<&str>) -> Self {
        let all = self.0.entry(field::EXTENDED).or_insert_with(|| json!({ (field::PRIVATE): {} }));
        if let Some(Value::Object(private)) = all.get_mut(field::PRIVATE) {
            private.insert(key.to_owned(), json!(value));
        }
        self
    }

    /// Whether it names no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn text(self, name: &str, text: &str) -> Self {
        self.set(name, if text.is_empty() { Value::Null } else { json!(text) })
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// The body of a PATCH; refused where Google would cut it without a word.
    pub(super) fn for_patch(&self) -> Result<&Map<String, Value>, ErrorKind> {
        let private = self.0.get(field::EXTENDED).and_then(|all| all.get(field::PRIVATE)).and_then(Value::as_object);
        let fits = |(key, value): (&String, &Value)| {
            key.chars().count() <= KEY_CHARS && value.as_str().is_none_or(|value| value.chars().count() <= VALUE_CHARS)
        };
        if private.is_none_or(|private| private.iter().all(fits)) {
            return Ok(&self.0);
        }
        let (field, rule) = (Some(field::EXTENDED.to_owned()), Some("length".to_owned()));
        Err(ErrorKind::Rejected { field, rule })
    }

    /// The body of an insert under an id that we chose. There is nothing to remove from a new event, so it has no nulls.
    pub(super) fn for_insert(&self, id: &EventId) -> Result<Map<String, Value>, ErrorKind> {
        let mut fields = self.for_patch()?.clone();
        drop_nulls(&mut fields);
        fields.insert(field::ID.to_owned(), json!(id.as_str()));
        Ok(fields)
    }
}

fn drop_nulls(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().filter_map(Value::as_object_mut).for_each(drop_nulls);
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;

    #[test]
    fn c10a_a_patch_names_our_fields_and_removes_with_null() {
        let day = EventTime::Date(NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
        let instant = EventTime::DateTime(DateTime::UNIX_EPOCH);
        let body = EventBody::new().times(day, day, "Europe/Berlin").summary("").recurrence(&[]).private("a", None);
        let patch = Value::Object(body.for_patch().unwrap().clone());
        let date = json!({"date": "2026-03-02", "dateTime": null, "timeZone": null});
        let properties = json!({"private": {"a": null}});
        assert_eq!(
            patch,
            json!({"start": date, "end": date, "summary": null, "recurrence": null, "extendedProperties": properties})
        );
        let body = EventBody::new().times(instant, instant, "Europe/Berlin");
        let time = json!({"date": null, "dateTime": "1970-01-01T00:00:00Z", "timeZone": "Europe/Berlin"});
        assert_eq!(body.for_patch().unwrap()["start"], time);
    }

    #[test]
    fn a_new_event_has_its_id_and_no_nulls() {
        let day = EventTime::Date(NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
        let id = EventId::from_random([7; 16]);
        let body = EventBody::new().times(day, day, "Europe/Berlin").summary("").private("a", Some("b"));
        let insert = Value::Object(body.for_insert(&id).unwrap());
        let date = json!({"date": "2026-03-02"});
        assert_eq!(
            insert,
            json!({"id": id.as_str(), "start": date, "end": date, "extendedProperties": {"private": {"a": "b"}}})
        );
    }

    #[test]
    fn what_google_would_cut_is_not_sent() {
        let fits = |key: usize, value: usize| {
            EventBody::new().private(&"ä".repeat(key), Some(&"ä".repeat(value))).for_patch().is_ok()
        };
        assert!(fits(44, 1024));
        assert!(!fits(45, 1) && !fits(1, 1025));
    }
}
