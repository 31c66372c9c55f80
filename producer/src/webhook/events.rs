//! What a webhook's body says: an array of records, of which only the ids count. What they hold is read anew by the worker.
//!
//! The body is read as it comes, without building it in memory: what is kept is at most an id per element.

use std::collections::HashSet;
use std::fmt;

use domain::ids::EspoId;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How many rejected elements are told one by one; the others are only counted.
pub(super) const MAX_REASONS: usize = 100;

/// The records that a body names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// Each once, in order of first appearance: EspoCRM may send one twice (DOMAIN 4).
    pub(super) ids: Vec<EspoId>,
    /// Elements that name no record.
    pub(super) rejected: usize,
    /// Why, for the first [`MAX_REASONS`] of them.
    pub(super) reasons: Vec<Rejection>,
}

/// Why an element names no record. Never repeats what it holds (E2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rejection {
    /// Position in the body, from 0.
    pub(super) index: usize,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// No `{...}`.
    NotAnObject,
    /// No `id`, or null.
    IdMissing,
    /// An `id` that EspoCRM never makes.
    IdMalformed,
}

/// The body is no JSON, or no array. Says nothing about its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnArray;

impl Events {
    /// Reads a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, NotAnArray> {
        serde_json::from_slice(body).map_err(|_| NotAnArray)
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EventsVisitor)
    }
}

struct EventsVisitor;

impl<'de> Visitor<'de> for EventsVisitor {
    type Value = Events;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Events, A::Error> {
        let (mut events, mut seen) = (Events::default(), HashSet::new());
        let mut index = 0;
        while let Some(Element(id)) = elements.next_element()? {
            match id {
                Ok(id) => {
                    if seen.insert(id.clone()) {
                        events.ids.push(id);
                    }
                }
                Err(reason) => {
                    events.rejected += 1;
                    if events.reasons.len() < MAX_REASONS {
                        events.reasons.push(Rejection { index, reason });
                    }
                }
            }
            index += 1;
        }
        Ok(events)
    }
}

/// The id that an element names.
struct Element(Result<EspoId, Reason>);

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor).map(Self)
    }
}

/// The value of an element's `id`.
struct IdValue(Result<EspoId, Reason>);

impl<'de> Deserialize<'de> for IdValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor).map(Self)
    }
}

/// A visitor method for each kind of JSON value that cannot be what is looked for.
macro_rules! refuse {
    ($reason:expr; $($method:ident($kind:ty))*) => {
        $(fn $method<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok(Err($reason))
        })*
    };
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Result<EspoId, Reason>;

    refuse!(Reason::NotAnObject; visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str));

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(Reason::NotAnObject))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(Reason::NotAnObject))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut id = Err(Reason::IdMissing);
        while let Some(name) = fields.next_key::<String>()? {
            if name == "id" {
                id = fields.next_value::<IdValue>()?.0;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(id)
    }
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Result<EspoId, Reason>;

    refuse!(Reason::IdMalformed; visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64));

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(EspoId::parse(text).map_err(|_| Reason::IdMalformed))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(Reason::IdMissing))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(Reason::IdMalformed))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Err(Reason::IdMalformed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ids(events: &Events) -> Vec<&str> {
        events.ids.iter().map(EspoId::as_str).collect()
    }

    #[test]
    fn only_the_ids_count_and_each_once() {
        let body = br#"[{"id":"b","name":"\u00e4\/","emailAddressData":[{"primary":true}]},{"modifiedById":"1","id":"a"},{"id":"b"}]"#;
        let events = Events::read(body).unwrap();
        assert_eq!((ids(&events), events.rejected), (vec!["b", "a"], 0));
        assert_eq!(Events::read(b"[]"), Ok(Events::default()));
    }

    #[test]
    fn single_bad_elements_are_told_by_position_and_kind_and_the_others_kept() {
        let elements = json!([
            {"id": "a"}, 1, -1, 1.5, true, null, "text", ["id"], {}, {"id": null}, {"id": 7}, {"id": -7}, {"id": 0.5},
            {"id": false}, {"id": ["a"]}, {"id": {"id": "a"}}, {"id": ""}, {"id": "a b"}, {"id": "../../x"}, {"id": "b"},
        ]);
        let events = Events::read(elements.to_string().as_bytes()).unwrap();
        assert_eq!((ids(&events), events.rejected), (vec!["a", "b"], 18));
        let told: Vec<_> = events.reasons.iter().map(|rejection| (rejection.index, rejection.reason)).collect();
        let expected = (1..=7).map(|index| (index, Reason::NotAnObject));
        let expected = expected.chain((8..=9).map(|index| (index, Reason::IdMissing)));
        let expected = expected.chain((10..=18).map(|index| (index, Reason::IdMalformed)));
        assert_eq!(told, expected.collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_array_is_told_apart() {
        for body in ["", " ", "{}", r#"{"id":"a"}"#, "null", "1", r#""[]""#, "[", r#"[{"id":"a"}"#, "[] []", "[,]"] {
            assert_eq!(Events::read(body.as_bytes()), Err(NotAnArray), "{body}");
        }
        assert_eq!(Events::read(&[b'[', 0xff, b']']), Err(NotAnArray));
        // Deeper than any stack would bear.
        assert_eq!(Events::read("[".repeat(1_000_000).as_bytes()), Err(NotAnArray));
        assert!(
            Events::read(format!(r#"[{{"x":{}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000)).as_bytes()).is_ok()
        );
    }

    #[test]
    fn reasons_are_bounded_however_many_elements_are_bad() {
        let body = format!("[{}]", vec!["0"; 10_000].join(","));
        let events = Events::read(body.as_bytes()).unwrap();
        assert_eq!((events.rejected, events.reasons.len()), (10_000, MAX_REASONS));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<String>().prop_map(|value| json!(value)),
            "[0-9a-f]{17}".prop_map(|value| json!({"id": value})),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(|values| json!(values)),
                inner.clone().prop_map(|value| json!({"id": value})),
                inner.prop_map(|value| json!({"name": value})),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Events::read(&body);
        }

        #[test]
        fn every_element_of_an_array_is_taken_or_counted(elements in proptest::collection::vec(any_json(), 0..8)) {
            let body = json!(elements).to_string();
            let events = Events::read(body.as_bytes()).unwrap();
            prop_assert!(events.ids.len() + events.rejected <= elements.len());
            prop_assert_eq!(events.rejected, events.reasons.len());
            let whole = elements.iter().filter(|element| {
                element.get("id").and_then(|id| id.as_str()).is_some_and(|id| EspoId::parse(id).is_ok())
            });
            prop_assert_eq!(whole.count() + events.rejected, elements.len());
        }

        #[test]
        fn a_cut_body_is_refused(ids in proptest::collection::vec("[0-9a-f]{17}", 1..5), cut in any::<prop::sample::Index>()) {
            let records: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            let body = json!(records).to_string();
            let cut = cut.index(body.len());
            prop_assert_eq!(Events::read(&body.as_bytes()[..cut]), Err(NotAnArray));
        }
    }
}
