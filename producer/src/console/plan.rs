//! What a sync of one Beteiligter would do, step by step; and that very plan, carried out by a worker.

use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use domain::beteiligte::stammdaten::{self, Side};
use domain::finding::Finding;
use domain::ids::EspoId;
use domain::kommunikation::{AdvoWrite, EspoChange, Target};
use maud::{Markup, html};
use serde::Deserialize;
use shared::beteiligte::SyncPlan;
use shared::hub::Asked;

use super::action::Act;
use super::beteiligte::record_address;
use super::change::{self, Change};
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, careful_button};
use super::notice::Problem;
use super::record::{ask_worker, parse};
use super::timeline::{rule, side_name};
use super::{Console, finding};
use crate::command::plan::{PlanError, Planned, Unplanned};

/// Both sides are asked while somebody waits.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Hex digits of a plan's hash.
const HASH_CHARS: usize = 16;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/beteiligte/{id}/plan", get(page).post(apply))
}

#[derive(Deserialize)]
struct Applying {
    #[serde(default)]
    hash: String,
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    target: Side,
    why: String,
    change: Change,
    /// A user had changed what stands there: it lost a conflict.
    overwrites: bool,
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Markup, Problem> {
    let (id, language) = (parse(&id)?, visit.language);
    let shown = match &console.planner {
        Err(missing) => without_settings(missing, language),
        Ok(planner) => match within_time_limit(planner.plan(&id)).await? {
            Planned::Plan(plan) => show(&visit, &id, &plan),
            Planned::Not(why) => html! { div.notice.warn { p { (unplanned(&why, language)) } } },
        },
    };
    let content = html! {
        p { a href=(record_address(&id)) { (language.say("Back to the record", "Zurück zum Datensatz")) } }
        (dry(language))
        (shown)
    };
    let title = language.say("Plan of Beteiligte", "Plan für Beteiligte");
    Ok(layout::page(&visit, &format!("{title} {id}"), Some(Area::Beteiligte), &content))
}

/// What a page of a plan is.
pub(super) fn dry(language: Language) -> Markup {
    html! {
        p.faint { (language.say(
            "A dry run: both sides were read just now, and nothing was written.",
            "Ein Probelauf: beide Seiten wurden soeben gelesen, geschrieben wurde nichts.",
        )) }
    }
}

/// What a look comes to, or what the person who waits for it should know.
pub(super) async fn within_time_limit<T, E: Into<PlanError>>(
    look: impl Future<Output = Result<T, E>>,
) -> Result<T, Problem> {
    let answered = tokio::time::timeout(TIME_LIMIT, look).await.map_err(|_| Problem::Refused {
        english: format!(
            "The systems did not answer within {} s. See the overview for which one is down.",
            TIME_LIMIT.as_secs()
        ),
        german: format!(
            "Die Systeme haben nicht binnen {} s geantwortet. Die Übersicht sagt, welches nicht erreichbar ist.",
            TIME_LIMIT.as_secs()
        ),
    })?;
    answered.map_err(|error| match error.into() {
        PlanError::Hub(error) => error.into(),
        PlanError::Api(error) => Problem::Refused {
            english: format!("One side could not be read: {error}."),
            german: format!("Eine Seite konnte nicht gelesen werden: {error}."),
        },
    })
}

/// The console goes on without; names of variables only, which is what the problems are made of.
pub(super) fn without_settings(missing: &[String], language: Language) -> Markup {
    html! {
        div.notice.warn {
            p { (language.say(
                "A dry run needs a worker's settings, and the producer does not have them all. Give them to it and start it again:",
                "Ein Probelauf braucht die Einstellungen eines Workers, und der Producer hat sie nicht alle. Geben Sie sie ihm und starten Sie ihn neu:",
            )) }
            ul { @for problem in missing { li lang="en" { (problem) } } }
        }
    }
}

fn unplanned(why: &Unplanned, language: Language) -> Markup {
    let text = match why {
        Unplanned::Unknown => language.say(
            "EspoCRM has no such record: nothing would be written.",
            "EspoCRM hat keinen solchen Datensatz: nichts würde geschrieben.",
        ),
        Unplanned::Deleted => language.say(
            "The record is deleted in EspoCRM: nothing would be written.",
            "Der Datensatz ist in EspoCRM gelöscht: nichts würde geschrieben.",
        ),
        Unplanned::Missing => language.say(
            "Advoware has no record of its number: nothing would be written, and its state would say so.",
            "Advoware hat unter seiner Nummer keinen Datensatz: nichts würde geschrieben, und sein Zustand würde es sagen.",
        ),
        Unplanned::CreationBegun => language.say(
            "Its creation in Advoware has begun and is not complete: its page says what to do.",
            "Das Anlegen in Advoware hat begonnen und ist nicht abgeschlossen: seine Seite sagt, was zu tun ist.",
        ),
        Unplanned::NotCreatable => language.say(
            "Advoware would not take the record: it needs a name, and dates that are dates.",
            "Advoware nähme den Datensatz nicht an: er braucht einen Namen, und ein Datum muss ein Datum sein.",
        ),
        Unplanned::Taken(_) => language.say(
            "Another record is synced with its number: nothing would be written. Correct the number in one of the two.",
            "Ein anderer Datensatz wird mit seiner Nummer synchronisiert: nichts würde geschrieben. Berichtigen Sie die Nummer in einem von beiden.",
        ),
    };
    html! {
        (text)
        @if let Unplanned::Taken(holder) = why { " " a.id href=(record_address(holder)) { (holder) } }
    }
}

fn show(visit: &Visit, id: &EspoId, plan: &SyncPlan) -> Markup {
    let (language, hash) = (visit.language, plan.hash());
    let steps = steps(plan, language);
    let findings: Vec<Finding> = plan.findings().collect();
    html! {
        @if plan.is_empty() && plan.waits_for_person() {
            div.notice.warn { p { (language.say("What the findings name waits for you: nothing would be written.", "Was die Hinweise nennen, wartet auf Sie: nichts würde geschrieben.")) } }
        } @else if plan.is_empty() {
            div.notice.good { p { (language.say("Both sides agree: nothing would be written.", "Beide Seiten stimmen überein: nichts würde geschrieben.")) } }
        } @else {
            (table(&steps, language))
            @if !plan.creation.is_empty() {
                p { (language.say("Its Kommunikationen follow with the sync after it.", "Seine Kommunikationen folgen mit der nächsten Synchronisation.")) }
            }
            (careful_button(visit, &format!("{}/plan", record_address(id)), &[("hash", &hash)],
                language.say("Carry out exactly this plan", "Genau diesen Plan ausführen"),
                language.say(
                    "A worker looks again, and writes only if its plan is still this one.",
                    "Ein Worker sieht noch einmal nach und schreibt nur, wenn sein Plan noch derselbe ist.",
                )))
        }
        @if !findings.is_empty() {
            h2 { (language.say("Findings", "Hinweise")) }
            (finding::list(&findings, language))
        }
        @if !plan.is_empty() { p.faint { "Plan " code { (hash) } } }
    }
}

fn table(steps: &[Step], language: Language) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (language.say("Written to", "Geschrieben nach")) }
                th scope="col" { (language.say("Why", "Warum")) }
                th scope="col" { (language.say("What", "Was")) }
                th scope="col" { (language.say("Before", "Vorher")) }
                th scope="col" { (language.say("After", "Nachher")) }
            } }
            tbody {
                @for step in steps { tr {
                    td { (side_name(step.target)) }
                    td {
                        (step.why)
                        @if step.overwrites {
                            " " span.badge.warn { (language.say("loses a conflict, kept in the audit", "verliert einen Konflikt, bleibt im Protokoll")) }
                        }
                    }
                    th scope="row" { (step.change.name) }
                    (change::cells(&step.change))
                } }
            }
        } }
    }
}

/// In the order in which they would be carried out.
fn steps(plan: &SyncPlan, language: Language) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(plan.creation.iter().map(|change| field(change, Side::Advoware, "created", language)));
    for (side, why) in [(Side::Advoware, "espocrm_changed"), (Side::Espocrm, "advoware_changed")] {
        steps.extend(plan.stammdaten.changes(side).iter().map(|change| field(change, side, why, language)));
    }
    steps.extend(plan.kommunikation.advo_first.iter().flat_map(|write| row(write, language)));
    if let Some(write) = &plan.kommunikation.espo {
        steps.extend(write.changes.iter().map(|change| value(change, language)));
        if write.changes.is_empty() {
            let name = language.say("mails and phones", "E-Mails und Telefone");
            let change = Change { name: name.to_owned(), before: None, after: None };
            let why = language.say("another one becomes primary", "ein anderer Eintrag wird primär");
            steps.push(Step { target: Side::Espocrm, why: why.to_owned(), change, overwrites: false });
        }
    }
    steps.extend(plan.kommunikation.advo_then.iter().flat_map(|write| row(write, language)));
    steps
}

fn field(of: &stammdaten::Change, target: Side, why: &str, language: Language) -> Step {
    let name = finding::field(of.field, language).to_owned();
    let change = Change { name, before: of.before.clone(), after: of.after.clone() };
    Step { target, why: rule(why, language).to_owned(), change, overwrites: of.overwrites }
}

/// A row's value, and whatever else of it changes.
fn row(write: &AdvoWrite, language: Language) -> Vec<Step> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let flag = |online: bool| Some(language.say(if online { "yes" } else { "no" }, if online { "ja" } else { "nein" }));
    let after = &write.content;
    let (name, before) = match &write.target {
        Target::Row { id, before, .. } => (format!("Kommunikation {id}"), Some(before)),
        Target::New => (language.say("new Kommunikation", "neue Kommunikation").to_owned(), None),
    };
    let part = |part: &str| format!("{name}, {part}");
    let all = [
        Change {
            name: part(language.say("value", "Wert")),
            before: before.and_then(|row| text(&row.tlf)),
            after: text(&after.tlf),
        },
        Change {
            name: part(language.say("kind (kommKz)", "Art (kommKz)")),
            before: before.map(|row| row.komm_kz.number().to_string()),
            after: Some(after.komm_kz.number().to_string()),
        },
        Change {
            name: part(language.say("remark", "Bemerkung")),
            before: before.and_then(|row| text(&row.bemerkung)),
            after: text(&after.bemerkung),
        },
        Change {
            name: part(language.say("preferred (online)", "bevorzugt (online)")),
            before: before.and_then(|row| flag(row.online)).map(str::to_owned),
            after: flag(after.online).map(str::to_owned),
        },
    ];
    let is_told = |(position, change): &(usize, Change)| *position == 0 || change.before != change.after;
    let told = all.into_iter().enumerate().filter(is_told);
    let step = |(position, change)| Step {
        target: Side::Advoware,
        why: rule(write.variant.name(), language).to_owned(),
        change,
        overwrites: write.overwrites && position == 0,
    };
    told.map(step).collect()
}

fn value(of: &EspoChange, language: Language) -> Step {
    let name = language.say("from Kommunikation", "aus Kommunikation");
    let change = Change { name: format!("{name} {}", of.komm_id), before: of.before.clone(), after: of.after.clone() };
    let why = rule(of.variant.name(), language).to_owned();
    Step { target: Side::Espocrm, why, change, overwrites: false }
}

async fn apply(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Form(applying): Form<Applying>,
) -> Result<Response, Problem> {
    let hash = applying.hash;
    let is_hash = hash.len() == HASH_CHARS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(Problem::Malformed);
    }
    ask_worker(&console, &visit, &parse(&id)?, Act::Apply, &Asked::Apply(hash.clone()), hash).await
}

#[cfg(test)]
mod tests {
    use domain::ids::{KommId, RowId};
    use domain::kommunikation::{KommKz, RowContent, Variant};

    use super::*;

    fn content(tlf: &str, bemerkung: &str) -> RowContent {
        let (tlf, bemerkung) = (tlf.to_owned(), bemerkung.to_owned());
        RowContent { tlf, bemerkung, komm_kz: KommKz::MailGesch, online: false }
    }

    #[test]
    fn of_a_row_the_value_is_told_and_whatever_else_changes() {
        let target = Target::Row { id: KommId(7), row_id: RowId("1".to_owned()), before: content("a@b.example", "") };
        let write =
            AdvoWrite { variant: Variant::Link, target, content: content("a@b.example", "marker"), overwrites: true };
        let told = row(&write, Language::English);
        let changes: Vec<_> = told.iter().map(|step| (step.change.name.as_str(), step.overwrites)).collect();
        assert_eq!(changes, [("Kommunikation 7, value", true), ("Kommunikation 7, remark", false)]);
        assert_eq!(told[1].change.after.as_deref(), Some("marker"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_look_is_told_after_half_a_minute_that_the_systems_do_not_answer() {
        let never = std::future::pending::<Result<(), PlanError>>();
        let Err(Problem::Refused { english, .. }) = within_time_limit(never).await else { panic!("it never answers") };
        assert!(english.contains("did not answer within 30 s"), "{english}");
        assert_eq!(within_time_limit(async { Ok::<_, PlanError>(7) }).await, Ok(7));
    }

    #[test]
    fn missing_settings_are_named() {
        let shown = without_settings(&["ADVOWARE_APP_ID: missing".to_owned()], Language::German).into_string();
        assert!(shown.contains("ADVOWARE_APP_ID: missing") && shown.contains("Probelauf"), "{shown}");
    }

    #[test]
    fn values_of_a_plan_are_escaped() {
        let change = Change { name: "x".to_owned(), before: Some("<script>".to_owned()), after: None };
        let step = Step { target: Side::Espocrm, why: "y".to_owned(), change, overwrites: false };
        let shown = table(&[step], Language::English).into_string();
        assert!(shown.contains("<del>&lt;script&gt;</del>") && !shown.contains("<script>"), "{shown}");
    }
}
