//! How times, ages, counts and names read.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Europe::Berlin;
use domain::beteiligte::SyncStatus;
use domain::finding::FindingKind;
use maud::{Markup, html};
use shared::error::System;
use shared::hub::BeteiligteView;

use super::concern::is_trouble;
use super::language::Language;

/// As its makers spell it.
pub(super) fn system(system: System) -> &'static str {
    match system {
        System::Advoware => "Advoware",
        System::Espocrm => "EspoCRM",
        System::Google => "Google Calendar",
    }
}

/// A time as the firm's clocks show it; its exact value is in the tag.
pub(super) fn time(at: DateTime<Utc>, language: Language) -> Markup {
    let text = at.with_timezone(&Berlin).format(language.say("%d %b %Y, %H:%M:%S", "%d.%m.%Y, %H:%M:%S")).to_string();
    html! { time datetime=(at.to_rfc3339_opts(SecondsFormat::Secs, true)) { (text) } }
}

/// A time with how long ago, or until, that is.
pub(super) fn time_and_age(at: DateTime<Utc>, now: DateTime<Utc>, language: Language) -> Markup {
    let age = if at > now {
        let text = span((at - now).to_std().unwrap_or_default());
        language.say(format!("in {text}"), format!("in {text}"))
    } else {
        let text = span((now - at).to_std().unwrap_or_default());
        language.say(format!("{text} ago"), format!("vor {text}"))
    };
    html! { (time(at, language)) " " span.faint { "(" (age) ")" } }
}

/// Milliseconds since 1970 as a time; the year 1970 where they are none.
pub(super) fn from_ms(ms: u64) -> DateTime<Utc> {
    i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

/// A span in its largest unit, rounded down; the same in both languages.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A record's state in words.
pub(super) fn status(status: SyncStatus, language: Language) -> &'static str {
    match status {
        SyncStatus::PendingSync => language.say("waits for its first sync", "wartet auf erste Synchronisation"),
        SyncStatus::Dirty => language.say("changed, sync due", "geändert, Synchronisation fällig"),
        SyncStatus::Syncing => language.say("in work", "in Arbeit"),
        SyncStatus::Clean => language.say("in sync", "synchron"),
        SyncStatus::Failed => language.say("failed, is tried again", "fehlgeschlagen, wird erneut versucht"),
        SyncStatus::PermanentlyFailed => language.say("given up", "aufgegeben"),
        SyncStatus::Conflict => language.say("waits for a decision", "wartet auf Entscheidung"),
        SyncStatus::DeletedInAdvoware => language.say("missing in Advoware", "fehlt in Advoware"),
    }
}

/// The same in its colour.
pub(super) fn status_badge(of: SyncStatus, language: Language) -> Markup {
    let colour = match of {
        SyncStatus::Clean => "badge good",
        trouble if is_trouble(trouble) => "badge bad",
        _ => "badge warn",
    };
    html! { span class=(colour) { (status(of, language)) } }
}

/// Where a record stands. That another one has its number is no conflict that could be decided here.
pub(super) fn record_badge(of: &BeteiligteView, language: Language) -> Markup {
    let is_taken = of.findings.iter().any(|finding| finding.kind == FindingKind::BetnrTaken);
    html! {
        @match of.status {
            Some(_) if is_taken => span.badge.bad { (language.say("number taken", "Nummer vergeben")) },
            Some(status) => (status_badge(status, language)),
            None => (language.say("no run so far", "noch kein Lauf")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_in_their_largest_unit() {
        for (seconds, text) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_are_berlins_and_carry_their_exact_value() {
        let at = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let shown = time_and_age(at, at + chrono::TimeDelta::minutes(5), Language::German).into_string();
        assert!(
            shown.contains("2026-05-28T20:26:40Z")
                && shown.contains("28.05.2026, 22:26:40")
                && shown.contains("vor 5 min"),
            "{shown}"
        );
        let ahead = time_and_age(at, at - chrono::TimeDelta::seconds(90), Language::English).into_string();
        assert!(ahead.contains("in 90 s"), "{ahead}");
    }
}
