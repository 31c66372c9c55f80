//! What a POST or PUT of a Termin sends.

use chrono::{NaiveDateTime, NaiveTime};
use domain::calendar::termin::TerminFields;
use domain::ids::FrNr;
use serde::Serialize;
use serde_json::Value;

use super::super::fields::Fields;

/// Spellings of the number of a Termin: the usual one, then that of the answer to a POST (F, DOMAIN 3).
const FRNR: [&str; 2] = ["frNr", "frnr"];

/// How dates are sent; Advoware takes both of the forms in which it answers (A, DOMAIN 3).
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S";
const TIME_OF_DAY: &str = "%H:%M:%S";

/// All fields of a Termin as Advoware answered them, with changes laid over: PUT replaces (A, DOMAIN 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TerminRecord(pub(super) Fields);

impl Default for TerminRecord {
    /// A Termin to be created, which takes no preparation (F, the original's default).
    fn default() -> Self {
        Self(Fields::default()).set("vorbereitungsDauer", "00:00:00")
    }
}

impl TerminRecord {
    /// A Termin to be created.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same record with what `after` says differently from `before`; what both say stays as it is spelled.
    #[must_use]
    pub fn saying(self, before: &TerminFields, after: &TerminFields) -> Self {
        let unless = |is_same: bool, record: Self, change: &dyn Fn(Self) -> Self| {
            if is_same { record } else { change(record) }
        };
        let is_once = (before.turnus, before.turnus_art) == (after.turnus, after.turnus_art);
        let record = match after.datum {
            Some(datum) if before.datum != after.datum => self.datum(datum),
            Some(_) | None => self,
        };
        let record = unless(before.datum_bis == after.datum_bis, record, &|r| r.datum_bis(after.datum_bis));
        let record = unless(before.uhrzeit_von == after.uhrzeit_von, record, &|r| r.uhrzeit_von(after.uhrzeit_von));
        let record = unless(before.uhrzeit_bis == after.uhrzeit_bis, record, &|r| r.uhrzeit_bis(after.uhrzeit_bis));
        let record = unless(before.dauertermin == after.dauertermin, record, &|r| r.dauertermin(after.dauertermin));
        let record = unless(is_once, record, &|r| r.turnus(after.turnus, after.turnus_art));
        let record = unless(before.text == after.text, record, &|r| r.text(after.text.as_deref()));
        let record = unless(before.notiz == after.notiz, record, &|r| r.notiz(after.notiz.as_deref()));
        unless(before.ort == after.ort, record, &|r| r.ort(after.ort.as_deref()))
    }

    /// First day, with the time of the start or midnight.
    #[must_use]
    pub fn datum(self, datum: NaiveDateTime) -> Self {
        self.set("datum", datum.format(MOMENT).to_string())
    }

    /// Last day, with the time of the end or midnight; of a series: its last day.
    #[must_use]
    pub fn datum_bis(self, datum_bis: Option<NaiveDateTime>) -> Self {
        self.set("datumBis", datum_bis.map(|datum| datum.format(MOMENT).to_string()))
    }

    /// Start on the first day, or of each occurrence.
    #[must_use]
    pub fn uhrzeit_von(self, uhrzeit: Option<NaiveTime>) -> Self {
        self.set("uhrzeitVon", uhrzeit.map(|uhrzeit| uhrzeit.format(TIME_OF_DAY).to_string()))
    }

    /// End on the last day, or of each occurrence.
    #[must_use]
    pub fn uhrzeit_bis(self, uhrzeit: Option<NaiveTime>) -> Self {
        self.set("uhrzeitBis", uhrzeit.map(|uhrzeit| uhrzeit.format(TIME_OF_DAY).to_string()))
    }

    /// Title.
    #[must_use]
    pub fn text(self, text: Option<&str>) -> Self {
        self.set("text", text)
    }

    /// Note. Its line ends become Advoware's, CRLF (F, DOMAIN 3).
    #[must_use]
    pub fn notiz(self, notiz: Option<&str>) -> Self {
        self.set("notiz", notiz.map(|notiz| notiz.replace("\r\n", "\n").replace('\n', "\r\n")))
    }

    /// Place.
    #[must_use]
    pub fn ort(self, ort: Option<&str>) -> Self {
        self.set("ort", ort)
    }

    /// Kürzel of those who work on it.
    #[must_use]
    pub fn sb(self, sb: Option<&str>) -> Self {
        self.set("sb", sb)
    }

    /// Kürzel of the lawyers.
    #[must_use]
    pub fn anwalt(self, anwalt: Option<&str>) -> Self {
        self.set("anwalt", anwalt)
    }

    /// All-day, or a series.
    #[must_use]
    pub fn dauertermin(self, dauertermin: bool) -> Self {
        self.set("dauertermin", i64::from(dauertermin))
    }

    /// Interval and kind of a series; 0 and 0 where it is none.
    #[must_use]
    pub fn turnus(self, turnus: u32, turnus_art: u32) -> Self {
        self.set("turnus", turnus).set("turnusArt", turnus_art)
    }

    /// The number, where the answer tells it: there is no 0.
    pub(super) fn frnr(&self) -> Option<FrNr> {
        self.0.number(&FRNR).filter(|number| *number != 0).map(FrNr)
    }

    fn set(self, name: &str, value: impl Into<Value>) -> Self {
        Self(self.0.with(name, value.into()))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::json;

    use super::*;

    fn record(fields: Value) -> TerminRecord {
        serde_json::from_value(fields).map(|fields| TerminRecord(Fields(fields))).unwrap()
    }

    fn sent(record: &TerminRecord) -> Value {
        serde_json::to_value(record).unwrap()
    }

    #[test]
    fn changes_are_laid_over_and_everything_else_stays() {
        let read = record(json!({
            "frNr": 7, "datum": "2026-12-01", "text": "a", "ort": "b", "vorbereitungsDauer": "01:00:00", "privat": 1,
            "future": {"x": [1, null]}
        }));
        let written = read.text(Some("c")).ort(None).dauertermin(true).turnus(2, 1).notiz(Some("1\n2\r\n3"));
        assert_eq!(
            sent(&written),
            json!({
                "frNr": 7, "datum": "2026-12-01", "text": "c", "ort": null, "vorbereitungsDauer": "01:00:00", "privat": 1,
                "future": {"x": [1, null]}, "dauertermin": 1, "turnus": 2, "turnusArt": 1, "notiz": "1\r\n2\r\n3"
            })
        );
    }

    #[test]
    fn a_new_termin_takes_no_preparation() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let at = |hour| day.and_hms_opt(hour, 30, 0);
        let new = TerminRecord::new()
            .datum(at(9).unwrap())
            .datum_bis(at(10))
            .uhrzeit_von(at(9).map(|at| at.time()))
            .uhrzeit_bis(None)
            .sb(Some("SB"))
            .anwalt(Some("SB"));
        assert_eq!(
            sent(&new),
            json!({
                "datum": "2026-12-01T09:30:00", "datumBis": "2026-12-01T10:30:00", "uhrzeitVon": "09:30:00",
                "uhrzeitBis": null, "sb": "SB", "anwalt": "SB", "vorbereitungsDauer": "00:00:00"
            })
        );
    }

    #[test]
    fn both_spellings_of_the_number_are_read() {
        for answer in [json!({"frNr": 5}), json!({"frNr": null, "frnr": "5"}), json!({"frNr": 5, "frnr": 6})] {
            assert_eq!(record(answer).frnr(), Some(FrNr(5)));
        }
        for answer in [json!({}), json!({"frnr": null}), json!({"frNr": 0}), json!({"FRNR": 5})] {
            assert_eq!(record(answer).frnr(), None);
        }
    }
}
