//! All that happened to one record, newest first: what runs changed, what was asked of workers and what they answered, what operators did,
//! and where its job stands.

use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::Side;
use maud::{Markup, html};
use shared::hub::{ActionView, Asked, AuditView, RequestAnswer, RequestView};
use shared::queue::{JobState, JobView};

use super::action::Act;
use super::guard::Visit;
use super::language::Language;
use super::layout::careful_button;
use super::{change, finding, queues, show};

/// What a timeline is made of.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) entries: Vec<AuditView>,
    pub(super) requests: Vec<RequestView>,
    pub(super) actions: Vec<ActionView>,
    pub(super) job: Option<JobView>,
}

/// One thing that happened, or will.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event<'a> {
    Due,
    Changed(&'a AuditView),
    Asked(&'a RequestView),
    Answered(&'a RequestView, &'a RequestAnswer),
    Acted(&'a ActionView),
    Dead(&'a JobView),
    Queued,
}

impl Sources {
    /// Newest first. What is of one moment stays in the order: changes, answers, requests, actions, job.
    fn events(&self) -> Vec<(DateTime<Utc>, Event<'_>)> {
        let mut events: Vec<(DateTime<Utc>, Event<'_>)> = Vec::new();
        events.extend(self.entries.iter().map(|entry| (entry.at, Event::Changed(entry))));
        for request in &self.requests {
            if let Some((at, answer)) = &request.answered {
                events.push((*at, Event::Answered(request, answer)));
            }
            events.push((request.asked_at, Event::Asked(request)));
        }
        events.extend(self.actions.iter().map(|action| (action.at, Event::Acted(action))));
        if let Some(job) = &self.job {
            match job.state {
                JobState::Delayed => events.push((show::from_ms(job.since_ms), Event::Due)),
                JobState::Dead => {
                    let dead_since = show::from_ms(job.dead_since_ms.unwrap_or(job.since_ms));
                    events.push((dead_since, Event::Dead(job)));
                }
                JobState::Ready | JobState::Running => {}
            }
            events.push((show::from_ms(job.job.made_at_ms()), Event::Queued));
        }
        events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        events
    }

    /// The list. `restore`: where the button of an entry leads.
    pub(super) fn show(&self, visit: &Visit, restore: &str) -> Markup {
        let language = visit.language;
        let events = self.events();
        html! {
            @if events.is_empty() {
                p.faint { (language.say(
                    "Nothing was overwritten, removed or asked for, as far as the audit reaches back.",
                    "Nichts wurde überschrieben, entfernt oder veranlasst, soweit das Protokoll zurückreicht.",
                )) }
            }
            ol.timeline {
                @for (at, event) in &events {
                    li class=[is_bad(event).then_some("bad")] { (show::time(*at, language)) (event_line(*event, visit, restore)) }
                }
            }
        }
    }
}

fn is_bad(event: &Event<'_>) -> bool {
    match event {
        Event::Dead(_) => true,
        Event::Answered(_, answer) => !answer.is_done,
        Event::Acted(action) => action.is_done == Some(false),
        Event::Due | Event::Changed(_) | Event::Asked(_) | Event::Queued => false,
    }
}

fn event_line(event: Event<'_>, visit: &Visit, restore: &str) -> Markup {
    let language = visit.language;
    html! {
        @match event {
            Event::Due => (language.say("Next try", "Nächster Versuch")),
            Event::Queued => (language.say("Its job was made", "Sein Auftrag entstand")),
            Event::Dead(job) => { (language.say("Given up: ", "Aufgegeben: ")) (queues::reason(job, language)) }
            Event::Asked(request) => {
                (language.say("Asked of a worker: ", "Von einem Worker verlangt: ")) (asked(&request.asked, language))
                @if request.answered.is_none() { (language.say("; not answered so far", "; noch keine Antwort")) }
            }
            Event::Answered(request, answer) => {
                (if answer.is_done { language.say("Done: ", "Erledigt: ") } else { language.say("Refused: ", "Abgelehnt: ") })
                (asked(&request.asked, language)) ": " span lang="en" { (answer.text) }
            }
            Event::Acted(action) => (action_line(action, language)),
            Event::Changed(entry) => (entry_lines(entry, visit, restore)),
        }
    }
}

fn asked(asked: &Asked, language: Language) -> Markup {
    html! {
        @match asked {
            Asked::Apply(hash) => { (language.say("carry out plan ", "Plan ausführen ")) code { (hash) } }
            Asked::Restore(entry) => { (language.say("write back what was replaced by entry ", "zurückschreiben, was dieser Eintrag ersetzte: ")) code { (entry) } }
            Asked::Decide(side) => { (language.say("this side wins: ", "diese Seite gewinnt: ")) (side_name(*side)) }
        }
    }
}

/// A system's name for people.
pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Espocrm => "EspoCRM",
        Side::Advoware => "Advoware",
    }
}

/// What an operator did, from where, and what came of it.
pub(super) fn action_line(action: &ActionView, language: Language) -> Markup {
    html! {
        (Act::parse(&action.action).map_or(action.action.as_str(), |act| act.text(language)))
        @if let Some(detail) = &action.detail { " " code { (detail) } }
        " " span.faint { "(" (action.origin) ")" }
        @match action.is_done {
            Some(true) => {},
            Some(false) => { " " span.badge.bad { (language.say("failed", "misslungen")) } }
            None => { " " span.badge.warn { (language.say("outcome not known", "Ausgang unbekannt")) } }
        }
    }
}

/// What a run changed on which side, by which rule, and what stood there before.
pub(super) fn entry_lines(entry: &AuditView, visit: &Visit, restore: &str) -> Markup {
    let language = visit.language;
    let target = Side::ALL.into_iter().find(|side| side.name() == entry.target).map(side_name);
    html! {
        strong { (target.unwrap_or(&entry.target)) } ": " (rule(&entry.rule, language))
        @match (entry.field, entry.komm_id) {
            (Some(field), _) => { " (" (finding::field(field, language)) ")" }
            (None, Some(komm_id)) => { " (Kommunikation " (komm_id) ")" }
            (None, None) => {}
        }
        (change::table(&change::of_values(entry.before.as_ref(), entry.after.as_ref(), entry.field, language), language))
        div { span.faint { (language.say("Entry ", "Eintrag ")) code { (entry.id) } } }
        @if entry.before.is_some() {
            (careful_button(visit, restore, &[("entry", &entry.id.to_string())], language.say("Restore", "Wiederherstellen"),
                language.say(
                    "A worker writes the old value back where it stood, as a user would; the sync takes it to the other side.",
                    "Ein Worker schreibt den alten Wert dort zurück, wo er stand, wie ein Benutzer es täte; die Synchronisation bringt ihn auf die andere Seite.",
                )))
        }
    }
}

/// A rule of the audit in words; one that this program does not know stands as it is.
pub(super) fn rule(name: &str, language: Language) -> &str {
    match name {
        "var1" => language.say("new in EspoCRM", "neu in EspoCRM"),
        "var2" => language.say("deleted in EspoCRM", "in EspoCRM gelöscht"),
        "var3" => language.say("deleted in Advoware", "in Advoware gelöscht"),
        "var4" => language.say("new in Advoware", "neu in Advoware"),
        "var5" | "espocrm_changed" => language.say("changed in EspoCRM", "in EspoCRM geändert"),
        "var6" | "advoware_changed" => language.say("changed in Advoware", "in Advoware geändert"),
        "link" => language.say("both had it, marked as a pair", "auf beiden Seiten vorhanden, als Paar markiert"),
        "online" => language.say("preferred value changed in EspoCRM", "bevorzugter Wert in EspoCRM geändert"),
        "overwritten_by_espo" => {
            language.say("changed on both sides, EspoCRM won", "auf beiden Seiten geändert, EspoCRM hat gewonnen")
        }
        "overwritten_by_advoware" => {
            language.say("changed on both sides, Advoware won", "auf beiden Seiten geändert, Advoware hat gewonnen")
        }
        "created" => language.say("created", "angelegt"),
        "restored" => language.say("old value written back", "alter Wert zurückgeschrieben"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use domain::job::Wants;
    use domain::kommunikation::{Direction, Variant};
    use serde_json::json;
    use shared::queue::JobId;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
    }

    fn sources() -> Sources {
        let entry = AuditView {
            id: Uuid::from_u128(1),
            run_id: Uuid::from_u128(2),
            espo_id: "abc".to_owned(),
            betnr: None,
            target: "espocrm".to_owned(),
            rule: "var6".to_owned(),
            komm_id: None,
            field: None,
            before: Some(json!("<i>")),
            after: None,
            at: at(30),
        };
        let answer = RequestAnswer { is_done: false, text: "no".to_owned() };
        let request = |seconds, answered| RequestView {
            id: Uuid::from_u128(3),
            asked: Asked::Decide(Side::Advoware),
            asked_at: at(seconds),
            answered,
        };
        let action = ActionView {
            id: Uuid::from_u128(4),
            at: at(20),
            origin: "console 127.0.0.1".to_owned(),
            action: "decide".to_owned(),
            flow: None,
            entity: None,
            detail: None,
            is_done: Some(true),
        };
        let ms = |seconds| u64::try_from(at(seconds).timestamp_millis()).unwrap();
        let job = JobView {
            job: JobId::parse("abc.1780000010000000").unwrap(),
            state: JobState::Delayed,
            entity: "abc".to_owned(),
            wants: Wants::sync(Direction::Both),
            is_from_scan: false,
            since_ms: ms(99),
            starts: 1,
            failures: 1,
            crashes: 0,
            reason: "x".to_owned(),
            dead_since_ms: None,
            lease_until_ms: None,
        };
        let requests = vec![request(50, None), request(21, Some((at(40), answer)))];
        Sources { entries: vec![entry], requests, actions: vec![action], job: Some(job) }
    }

    #[test]
    fn everything_is_told_once_the_newest_first() {
        let sources = sources();
        let events = sources.events();
        let times: Vec<i64> = events.iter().map(|(time, _)| (*time - at(0)).num_seconds()).collect();
        assert_eq!(times, [99, 50, 40, 30, 21, 20, 10]);
        assert_eq!((events[0].1, events[6].1), (Event::Due, Event::Queued));
        assert!(matches!(events[2].1, Event::Answered(..)) && is_bad(&events[2].1));
    }

    #[test]
    fn every_rule_that_runs_write_is_in_words() {
        let variants = Variant::ALL.into_iter().map(Variant::name);
        let others = ["espocrm_changed", "advoware_changed", "overwritten_by_espo", "overwritten_by_advoware"];
        for name in variants.chain(others).chain(["created", "restored"]) {
            assert!(Language::ALL.iter().all(|language| rule(name, *language) != name || name == "created"), "{name}");
        }
        assert_eq!(rule("of_a_later_version", Language::German), "of_a_later_version");
    }
}
