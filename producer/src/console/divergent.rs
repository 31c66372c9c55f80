//! What differs although it counts as in sync, as the continuous check has found it: which records and entries, since when, and how.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;
use shared::beteiligte::{NOT_IN_ADVOWARE, NOT_IN_ESPOCRM};
use shared::hub::calendar::DivergentEntry;
use shared::hub::{DivergentRecord, Hub, HubError};
use shared::queue::QueueName;

use super::beteiligte::record_address;
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::notice::Problem;
use super::queues::entity_address;
use super::{Console, show};

pub(super) const PATH: &str = "/console/divergent";
const PER_PAGE: u32 = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/divergent", get(page))
}

#[derive(Deserialize)]
struct Wanted {
    /// From 0.
    #[serde(default)]
    page: u32,
}

/// One page: records first, then entries of calendars, each the longest first.
struct Listed {
    records: Vec<DivergentRecord>,
    entries: Vec<DivergentEntry>,
    total: u64,
}

impl Listed {
    async fn look(hub: &Hub, page: u32) -> Result<Self, HubError> {
        let of_records = hub.count_divergent_records().await?;
        let mut entries = hub.divergent_entries().await?;
        let total = of_records + entries.len() as u64;
        let begin = u64::from(page) * u64::from(PER_PAGE);
        let records = hub.divergent_records(begin, PER_PAGE).await?;
        let (skipped, left) = places(begin, of_records, records.len());
        entries.drain(..skipped.min(entries.len()));
        entries.truncate(left);
        Ok(Self { records, entries, total })
    }
}

/// How many entries are on pages before, and how many this one has room for.
fn places(begin: u64, of_records: u64, records: usize) -> (usize, usize) {
    let skipped = usize::try_from(begin.saturating_sub(of_records)).unwrap_or(usize::MAX);
    (skipped, usize::try_from(PER_PAGE).unwrap_or(usize::MAX).saturating_sub(records))
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Query(wanted): Query<Wanted>,
) -> Result<Markup, Problem> {
    let (language, now) = (visit.language, console.clock.now());
    let listed = Listed::look(&console.hub, wanted.page).await?;
    let content = html! {
        @if !console.has_check {
            div.notice.warn { p { (language.say(
                "The continuous check is off (VERIFY_SYNC_HOURS=0): nothing new is found, and what was found once stands here as it was then.",
                "Die laufende Prüfung ist aus (VERIFY_SYNC_HOURS=0): Neues wird nicht gefunden, und was einmal gefunden wurde, steht hier wie damals.",
            )) } }
        }
        p { (language.say(
            "The continuous check (VERIFY_SYNC_HOURS) compares both sides and tells what no sync has settled in its time. What is settled leaves \
             this list within minutes.",
            "Die laufende Prüfung (VERIFY_SYNC_HOURS) vergleicht beide Seiten und nennt, was keine Synchronisation zu ihrer Zeit behoben hat. \
             Behobenes verschwindet binnen Minuten aus dieser Liste.",
        )) }
        div.scroll { table.list {
            thead { tr { @for column in columns(language) { th scope="col" { (column) } } } }
            tbody {
                @for record in &listed.records { (record_row(record, now, language)) }
                @for entry in &listed.entries { (entry_row(entry, now, language)) }
                @if listed.records.is_empty() && listed.entries.is_empty() {
                    tr.empty { td colspan="4" { (language.say("None.", "Keine.")) } }
                }
            }
        } }
        (pages(wanted.page, listed.total, language))
    };
    let title = language.say("What differs although in sync", "Was abweicht, obwohl synchron");
    Ok(layout::page(&visit, title, Some(Area::Overview), &content))
}

/// What, how, since when and until when, as far as is known.
fn columns(language: Language) -> [&'static str; 4] {
    [
        language.say("What", "Was"),
        language.say("How it differs", "Art der Abweichung"),
        language.say("Found", "Gefunden"),
        language.say("Last seen", "Zuletzt gesehen"),
    ]
}

fn record_row(record: &DivergentRecord, now: DateTime<Utc>, language: Language) -> Markup {
    let (address, [what, how, ..]) = (record_address(&record.id), columns(language));
    html! { tr {
        td data-label=(what) { "Beteiligte " a.id href=(address) { (record.id) } }
        td data-label=(how) {
            @match record.digest.as_str() {
                NOT_IN_ESPOCRM => (language.say("missing in EspoCRM", "fehlt in EspoCRM")),
                NOT_IN_ADVOWARE => (language.say("missing in Advoware", "fehlt in Advoware")),
                // The check keeps a digest only: the plan has the values, and is made anew.
                _ => {
                    (language.say("content: ", "Inhalt: "))
                    a href={ (address) "/plan" } { (language.say("What would a sync do?", "Was würde eine Synchronisation tun?")) }
                }
            }
        }
        (times(record.since, record.seen_at, now, language))
    } }
}

fn entry_row(divergent: &DivergentEntry, now: DateTime<Utc>, language: Language) -> Markup {
    let DivergentEntry { kuerzel, entry, seen_at } = divergent;
    let [what, how, ..] = columns(language);
    html! { tr {
        td data-label=(what) {
            (language.say("Calendar ", "Kalender ")) a.id href=(entity_address(QueueName::Calendar, kuerzel.as_str())) { (kuerzel) }
            @if let Some(frnr) = entry.frnr { ", Termin " code { (frnr) } }
            @if let Some(event) = &entry.event { (language.say(", event ", ", Google-Termin ")) code { (event) } }
        }
        td data-label=(how) { (kind(&entry.kind, language)) }
        (times(entry.difference.since, *seen_at, now, language))
    } }
}

fn times(since: DateTime<Utc>, seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>, language: Language) -> Markup {
    let [.., found, last_seen] = columns(language);
    html! {
        td data-label=(found) { (show::time_and_age(since, now, language)) }
        td data-label=(last_seen) { @if let Some(seen_at) = seen_at { (show::time_and_age(seen_at, now, language)) } }
    }
}

/// How an entry differs, in words; one that this program does not know stands as it is.
fn kind(name: &str, language: Language) -> &str {
    match name {
        "missing_in_google" => language.say("missing in Google", "fehlt in Google"),
        "missing_in_advoware" => language.say("missing in Advoware", "fehlt in Advoware"),
        "content" => language.say("content", "Inhalt"),
        "unreadable" => language.say("one side cannot be read", "eine Seite ist nicht lesbar"),
        other => other,
    }
}

fn pages(page: u32, total: u64, language: Language) -> Markup {
    let last = total.saturating_sub(1) / u64::from(PER_PAGE);
    let to = |page: u32| format!("{PATH}?page={page}");
    html! {
        @if page > 0 || last > 0 {
            nav.pages aria-label=(language.say("Pages", "Seiten")) {
                @if page > 0 { a rel="prev" href=(to(page - 1)) { (language.say("Previous", "Vorige")) } }
                span { (language.say("Page", "Seite")) " " (u64::from(page) + 1) " / " (last + 1) }
                @if u64::from(page) < last { a rel="next" href=(to(page + 1)) { (language.say("Next", "Nächste")) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::calendar::Difference;

    use super::*;

    #[test]
    fn entries_follow_the_records_from_page_to_page() {
        assert_eq!(places(0, 0, 0), (0, 50), "entries only");
        assert_eq!(places(0, 30, 30), (0, 20), "they share a page");
        assert_eq!(places(50, 30, 0), (20, 50), "and go on after what it had room for");
        assert_eq!(places(0, 70, 50), (0, 0));
        assert_eq!(places(50, 70, 20), (0, 30));
    }

    #[test]
    fn every_kind_is_in_words() {
        use Difference::{Content, MissingInAdvoware, MissingInGoogle, Unreadable};
        for known in [MissingInGoogle, MissingInAdvoware, Content, Unreadable] {
            assert_ne!(kind(known.name(), Language::German), known.name());
        }
        assert_eq!(kind("of_a_later_version", Language::German), "of_a_later_version");
    }
}
