use super::super::oddity::Refusal;
use super::*;

mod properties;
mod reading;
mod rights;
mod writing;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// `2026-05-04` or `2026-05-04T10:00:00`, as they arrive.
fn datum(text: &str) -> Option<NaiveDateTime> {
    text.parse().ok().or_else(|| Some(day(text).and_time(NaiveTime::MIN)))
}

fn uhrzeit(text: &str) -> Option<NaiveTime> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

/// A Termin with these times; an empty text is a missing field.
fn termin(von: (&str, &str), bis: (&str, &str)) -> TerminFields {
    TerminFields {
        datum: datum(von.0),
        datum_bis: if bis.0.is_empty() { None } else { datum(bis.0) },
        uhrzeit_von: uhrzeit(von.1),
        uhrzeit_bis: uhrzeit(bis.1),
        ..TerminFields::default()
    }
}

fn dauertermin(termin: TerminFields, turnus: u32, turnus_art: u32) -> TerminFields {
    TerminFields { dauertermin: true, turnus, turnus_art, ..termin }
}

fn span(termin: &TerminFields) -> Span {
    termin.standard().unwrap().span
}

/// Two Berlin wall times.
fn timed_at(start: &str, end: &str) -> Span {
    Span::Timed { starts_at: instant_of(start.parse().unwrap()), ends_at: instant_of(end.parse().unwrap()) }
}

fn days(first: &str, last: &str) -> Span {
    Span::AllDay { first: day(first), last: day(last) }
}

fn series(turnus: u32, art: TurnusArt, until: Option<&str>) -> Series {
    Series { turnus: NonZeroU32::new(turnus).unwrap(), art, until: until.map(day) }
}

fn standard(span: Span, series: Option<Series>) -> Standard {
    Standard { span, series, text: "Besprechung Muster".to_owned(), notiz: "a\n\nb".to_owned(), ort: String::new() }
}

/// What Advoware holds after a write.
fn stored(content: &TerminContent) -> TerminFields {
    let texts = [&content.text, &content.notiz, &content.ort].map(|text| Some(text.clone()));
    let [text, notiz, ort] = texts;
    let mut termin = TerminFields { text, notiz, ort, ..TerminFields::default() };
    termin.set_times(content.times);
    termin
}
