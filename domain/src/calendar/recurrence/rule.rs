//! The text of one RRULE (RFC 5545, 3.3.10), taken apart.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::TurnusArt;
use crate::calendar::oddity::Refusal;

/// The parts that can be understood; texts in upper case.
pub(super) struct Rule {
    pub(super) art: TurnusArt,
    pub(super) turnus: NonZeroU32,
    pub(super) until: Option<String>,
    pub(super) count: Option<NonZeroU32>,
    pub(super) by_day: Option<String>,
    pub(super) by_month_day: Option<String>,
    pub(super) by_month: Option<String>,
}

/// Parts of RFC 5545 that choose within a period.
const OTHER_PARTS: [&str; 6] = ["BYSECOND", "BYMINUTE", "BYHOUR", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"];

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Rule {
    /// Reads what follows `RRULE:`.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parts = parts(text)?;
        if OTHER_PARTS.iter().any(|name| parts.contains_key(*name)) {
            return Err(Refusal::OtherPart);
        }
        let art = art(&parts.remove("FREQ").ok_or(Refusal::Malformed)?)?;
        let turnus = number(parts.remove("INTERVAL"))?.unwrap_or(NonZeroU32::MIN);
        let count = number(parts.remove("COUNT"))?;
        if parts.remove("WKST").is_some_and(|day| !WEEKDAYS.contains(&day.as_str())) {
            return Err(Refusal::Malformed);
        }
        let mut take = |name| parts.remove(name);
        let (until, by_day) = (take("UNTIL"), take("BYDAY"));
        let (by_month_day, by_month) = (take("BYMONTHDAY"), take("BYMONTH"));
        // RSCALE, SKIP and whatever else comes to be.
        if parts.is_empty() {
            Ok(Self { art, turnus, until, count, by_day, by_month_day, by_month })
        } else {
            Err(Refusal::OtherPart)
        }
    }
}

fn parts(text: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut parts = BTreeMap::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or(Refusal::Malformed)?;
        let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
        if value.is_empty() || parts.insert(name, value).is_some() {
            return Err(Refusal::Malformed);
        }
    }
    Ok(parts)
}

fn art(freq: &str) -> Result<TurnusArt, Refusal> {
    match freq {
        "SECONDLY" | "MINUTELY" | "HOURLY" => Err(Refusal::Frequency),
        _ => TurnusArt::ALL.into_iter().find(|art| art.freq() == freq).ok_or(Refusal::Malformed),
    }
}

fn number(text: Option<String>) -> Result<Option<NonZeroU32>, Refusal> {
    text.map(|text| text.parse().map_err(|_| Refusal::Malformed)).transpose()
}
