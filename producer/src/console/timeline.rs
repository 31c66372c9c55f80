//! All that happened to one record or calendar, newest first: what runs changed, what was asked of workers and what they answered, what
//! operators did, and where its job stands.

mod beteiligte;
mod calendar;

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use shared::hub::{ActionView, RequestAnswer, RequestView};
use shared::queue::{JobState, JobView};
use uuid::Uuid;

use super::action::Act;
use super::guard::Visit;
use super::language::Language;
use super::layout::careful_button;
use super::{queues, show};
use crate::printable::visible;
pub(super) use beteiligte::{rule, side_name};

/// Of the newest events, shown at once; those before open when they are asked for.
const SHOWN_AT_ONCE: usize = 10;

/// What a timeline is made of: entries of the audit and requests of one flow, what operators did, and the job.
pub(super) struct Sources<E, A> {
    pub(super) entries: Vec<E>,
    pub(super) requests: Vec<RequestView<A>>,
    pub(super) actions: Vec<ActionView>,
    pub(super) job: Option<JobView>,
}

/// An entry of either flow's audit.
pub(super) trait Entry {
    /// When it was noted.
    fn at(&self) -> DateTime<Utc>;

    /// What was changed, and the button that takes it back where that can be.
    fn lines(&self, visit: &Visit) -> Markup;
}

/// What can be asked of a worker about an entity of either flow.
pub(super) trait Demand {
    /// In words, with ids.
    fn text(&self, language: Language) -> Markup;
}

/// One thing that happened, or will.
#[derive(Debug, PartialEq)]
enum Event<'a, E, A> {
    Due,
    Changed(&'a E),
    Asked(&'a RequestView<A>),
    Answered(&'a RequestView<A>, &'a RequestAnswer),
    Acted(&'a ActionView),
    Dead(&'a JobView),
    Queued,
}

impl<E: Entry, A: Demand> Sources<E, A> {
    /// Newest first. What is of one moment stays in the order: changes, answers, requests, actions, job.
    fn events(&self) -> Vec<(DateTime<Utc>, Event<'_, E, A>)> {
        let mut events: Vec<(DateTime<Utc>, Event<'_, E, A>)> = Vec::new();
        events.extend(self.entries.iter().map(|entry| (entry.at(), Event::Changed(entry))));
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

    /// The list.
    pub(super) fn show(&self, visit: &Visit) -> Markup {
        let language = visit.language;
        let events = self.events();
        let (latest, earlier) = events.split_at(events.len().min(SHOWN_AT_ONCE));
        html! {
            @if events.is_empty() {
                p.faint { (language.say(
                    "Nothing was overwritten, removed or asked for, as far as the audit reaches back.",
                    "Nichts wurde überschrieben, entfernt oder veranlasst, soweit das Protokoll zurückreicht.",
                )) }
            }
            (list(latest, visit))
            @if !earlier.is_empty() {
                details.earlier {
                    summary { (earlier.len()) " " (language.say("earlier", if earlier.len() == 1 { "früheres" } else { "frühere" })) }
                    (list(earlier, visit))
                }
            }
        }
    }
}

fn list<E: Entry, A: Demand>(events: &[(DateTime<Utc>, Event<'_, E, A>)], visit: &Visit) -> Markup {
    html! {
        ol.timeline {
            @for (at, event) in events {
                li class=[is_bad(event).then_some("bad")] { (show::time(*at, visit.language)) (event_line(event, visit)) }
            }
        }
    }
}

fn is_bad<E, A>(event: &Event<'_, E, A>) -> bool {
    match event {
        Event::Dead(_) => true,
        Event::Answered(_, answer) => !answer.is_done,
        Event::Acted(action) => action.is_done == Some(false),
        Event::Due | Event::Changed(_) | Event::Asked(_) | Event::Queued => false,
    }
}

fn event_line<E: Entry, A: Demand>(event: &Event<'_, E, A>, visit: &Visit) -> Markup {
    let language = visit.language;
    html! {
        @match event {
            Event::Due => (language.say("Next try", "Nächster Versuch")),
            Event::Queued => (language.say("Its job was made", "Sein Auftrag entstand")),
            Event::Dead(job) => { (language.say("Given up: ", "Aufgegeben: ")) (queues::reason(job, language)) }
            Event::Asked(request) => {
                (language.say("Asked of a worker: ", "Von einem Worker verlangt: ")) (request.asked.text(language))
                @if request.answered.is_none() { (language.say("; not answered so far", "; noch keine Antwort")) }
            }
            Event::Answered(request, answer) => {
                (if answer.is_done { language.say("Done: ", "Erledigt: ") } else { language.say("Refused: ", "Abgelehnt: ") })
                (request.asked.text(language)) ": " span lang="en" { (visible(&answer.text)) }
            }
            Event::Acted(action) => (action_line(action, language)),
            Event::Changed(entry) => (entry.lines(visit)),
        }
    }
}

/// What an operator did, from where, and what came of it.
pub(super) fn action_line(action: &ActionView, language: Language) -> Markup {
    html! {
        (Act::parse(&action.action).map_or(action.action.as_str(), |act| act.text(language)))
        @if let Some(detail) = &action.detail { " " code { (visible(detail)) } }
        " " span.faint { "(" (action.origin) ")" }
        @match action.is_done {
            Some(true) => {},
            Some(false) => { " " span.badge.bad { (language.say("failed", "misslungen")) } }
            None => { " " span.badge.warn { (language.say("outcome not known", "Ausgang unbekannt")) } }
        }
    }
}

/// Takes back what an entry replaced. `of`: the page of the record or calendar.
fn restore_button(visit: &Visit, of: &str, entry: Uuid, what_happens: &str) -> Markup {
    let label = visit.language.say("Restore", "Wiederherstellen");
    careful_button(visit, &format!("{of}/restore"), &[("entry", &entry.to_string())], label, what_happens)
}

#[cfg(test)]
mod tests {
    use domain::beteiligte::stammdaten::Side;
    use domain::job::Wants;
    use domain::kommunikation::Direction;
    use serde_json::json;
    use shared::hub::{Asked, AuditView};
    use shared::queue::JobId;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
    }

    fn sources() -> Sources<AuditView, Asked> {
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
        assert_eq!((&events[0].1, &events[6].1), (&Event::Due, &Event::Queued));
        assert!(matches!(events[2].1, Event::Answered(..)) && is_bad(&events[2].1));
    }
}
