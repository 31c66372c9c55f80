//! What users of either side enter: one entry as Advoware's program and as Google's page write it.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use serde_json::{Value, json};

use super::entry::Entry;
use crate::calendar::with;

/// How long an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// One hour.
    Hour,
    /// One whole day.
    AllDay,
    /// One hour every week, for four weeks.
    Weekly,
}

/// An entry. Every entry of a scenario has a day of its own, by which it is told apart even where its title is not to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub day: NaiveDate,
    pub shape: Shape,
    /// Begin on the clock, in minutes since midnight; of no meaning for whole days.
    pub minute: u32,
    pub text: String,
}

impl Content {
    pub fn begins(&self) -> NaiveDateTime {
        let minutes = if self.shape == Shape::AllDay { 0 } else { self.minute };
        self.day.and_hms_opt(0, 0, 0).unwrap_or_default() + TimeDelta::minutes(i64::from(minutes))
    }

    fn until(&self) -> NaiveDate {
        self.day + Days::new(28)
    }

    /// When it is, in Advoware's fields.
    pub fn termin_times(&self) -> Value {
        let (begins, ends) = (self.begins(), self.begins() + TimeDelta::hours(1));
        let fields = |from: NaiveDateTime, to: NaiveDateTime, dauertermin: u32, turnus: u32| {
            json!({
                "datum": from.format("%Y-%m-%dT%H:%M:%S").to_string(), "datumBis": to.format("%Y-%m-%dT%H:%M:%S").to_string(),
                "uhrzeitVon": from.format("%H:%M:%S").to_string(), "uhrzeitBis": to.format("%H:%M:%S").to_string(),
                "dauertermin": dauertermin, "turnus": turnus, "turnusArt": 2 * turnus,
            })
        };
        match self.shape {
            Shape::Hour => fields(begins, ends, 0, 0),
            Shape::AllDay => fields(begins, self.day.and_hms_opt(23, 59, 0).unwrap_or_default(), 1, 0),
            Shape::Weekly => fields(begins, self.until().and_time(ends.time()), 1, 1),
        }
    }

    /// The Termin, of these people.
    pub fn termin(&self, anwalt: &str) -> Value {
        with(self.termin_times(), json!({"text": self.text, "notiz": "", "ort": "", "sb": "", "anwalt": anwalt}))
    }

    /// When it is, in Google's fields: moving a series moves its end with it.
    pub fn event_times(&self) -> Value {
        let (begins, ends) = (self.begins(), self.begins() + TimeDelta::hours(1));
        let time = |at| json!({"dateTime": rfc3339(at), "timeZone": "Europe/Berlin"});
        match self.shape {
            Shape::AllDay => {
                json!({"start": {"date": self.day.to_string()}, "end": {"date": (self.day + Days::new(1)).to_string()}})
            }
            Shape::Hour => json!({"start": time(begins), "end": time(ends)}),
            Shape::Weekly => {
                let last = utc(self.until().and_time(begins.time())).format("%Y%m%dT%H%M%SZ");
                let rule = format!("RRULE:FREQ=WEEKLY;UNTIL={last}");
                json!({"start": time(begins), "end": time(ends), "recurrence": [rule]})
            }
        }
    }

    /// The event.
    pub fn event(&self) -> Value {
        with(self.event_times(), json!({"summary": self.text}))
    }

    /// In comparable form.
    pub fn entry(&self) -> Entry {
        Entry::of_termin(&self.termin("")).expect("contents say when they are")
    }
}

fn utc(at: NaiveDateTime) -> DateTime<chrono::Utc> {
    chrono_tz::Europe::Berlin.from_local_datetime(&at).latest().map(|at| at.to_utc()).unwrap_or_default()
}

fn rfc3339(at: NaiveDateTime) -> String {
    chrono_tz::Europe::Berlin.from_local_datetime(&at).latest().map(|at| at.to_rfc3339()).unwrap_or_default()
}
