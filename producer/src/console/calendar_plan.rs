//! What a sync of one employee's calendar would do, step by step and why.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use shared::calendar::calendar_name;
use shared::hub::calendar::{CalendarTarget, Employee};

use super::Console;
use super::change::{self, Change};
use super::employee::{address, find};
use super::finding::of_calendar;
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::notice::Problem;
use super::plan::{dry, within_time_limit, without_settings};
use crate::command::calendar_dry_run::{DryRun, Planned, Why, writes_to};

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/employees/{kuerzel}/plan", get(page))
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
) -> Result<Markup, Problem> {
    if !console.has_calendars {
        return Err(Problem::NotFound);
    }
    let (employee, language) = (find(&console, &kuerzel).await?, visit.language);
    let kuerzel = employee.kuerzel.clone();
    let shown = match &console.office {
        _ if !employee.enabled || employee.departed_at.is_some() => not_synced(language),
        Err(missing) => without_settings(missing, language),
        Ok(office) => {
            let looked = within_time_limit(office.look_at(employee.clone())).await?;
            html! {
                (dry(language))
                @match DryRun::of(&looked) {
                    Some(dry_run) => (show(&employee, &dry_run, language)),
                    None => (not_synced(language)),
                }
            }
        }
    };
    let content = html! {
        p { a href=(address(&kuerzel)) { (language.say("Back to the calendar", "Zurück zum Kalender")) } }
        (shown)
    };
    let title = language.say("Plan of the calendar of", "Plan für den Kalender von");
    Ok(layout::page(&visit, &format!("{title} {kuerzel}"), Some(Area::Employees), &content))
}

fn not_synced(language: Language) -> Markup {
    html! {
        div.notice.warn { p { (language.say(
            "This calendar is not synced: nothing would be written.",
            "Dieser Kalender wird nicht synchronisiert: nichts würde geschrieben.",
        )) } }
    }
}

fn show(employee: &Employee, dry_run: &DryRun, language: Language) -> Markup {
    let DryRun { creates_calendar, steps, noted, findings: left, held } = dry_run;
    html! {
        @if *creates_calendar {
            div.notice { p {
                (language.say("In Google a calendar would be created: ", "In Google würde ein Kalender angelegt: "))
                code { (calendar_name(&employee.kuerzel)) }
            } }
        }
        @if !held.is_empty() {
            div.notice.bad { p {
                (held.len()) " "
                (language.say(
                    "deletions would be held until you approve them on the calendar's page.",
                    "Löschungen würden zurückgehalten, bis Sie sie auf der Seite des Kalenders freigeben.",
                ))
            } }
            (table(held, language))
        }
        @if !steps.is_empty() {
            (table(steps, language))
        } @else if held.is_empty() && left.is_empty() && !creates_calendar {
            div.notice.good { p { (language.say("Both sides agree: nothing would be written.", "Beide Seiten stimmen überein: nichts würde geschrieben.")) } }
        } @else {
            div.notice { p { (language.say("No entry would be written.", "Kein Eintrag würde geschrieben.")) } }
        }
        @if *noted > 0 {
            p.faint { (language.say("Entries whose sides agree, to be noted only: ", "Einträge, deren Seiten übereinstimmen und die nur vermerkt würden: ")) (noted) }
        }
        (of_calendar(language.say("What would be left as it is", "Was bliebe, wie es ist"), left, language))
    }
}

fn table(steps: &[Planned], language: Language) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (language.say("Written to", "Geschrieben nach")) }
                th scope="col" { (language.say("Entry", "Eintrag")) }
                th scope="col" { (language.say("Why", "Warum")) }
                th scope="col" { (language.say("What", "Was")) }
                th scope="col" { (language.say("Before", "Vorher")) }
                th scope="col" { (language.say("After", "Nachher")) }
            } }
            @for step in steps { tbody { (rows(step, language)) } }
        } }
    }
}

/// A row for each part of the entry; a step that writes nothing has one.
fn rows(step: &Planned, language: Language) -> Markup {
    let changes = change::of_forms(step.before.as_ref(), step.after.as_ref(), language);
    let head = |rows: usize| {
        html! {
            td rowspan=(rows) { (side(step, language)) }
            td rowspan=(rows) {
                @if let Some(frnr) = step.frnr { "Termin " code { (frnr) } " " }
                @if let Some(event) = &step.event { (language.say("event ", "Google-Termin ")) code { (event) } }
            }
            td rowspan=(rows) { (why(step.why, language)) }
        }
    };
    html! {
        @for (position, change) in changes.iter().enumerate() {
            @let Change { name, .. } = change;
            tr {
                @if position == 0 { (head(changes.len())) }
                th scope="row" { (name) }
                (change::cells(change))
            }
        }
        @if changes.is_empty() {
            tr { (head(1)) td colspan="3" { (language.say("is noted, and written to neither side", "wird vermerkt und auf keine Seite geschrieben")) } }
        }
    }
}

fn side(step: &Planned, language: Language) -> &'static str {
    match writes_to(&step.step) {
        Some(CalendarTarget::Advoware) => "Advoware",
        Some(CalendarTarget::Google) => "Google",
        None => language.say("nowhere", "nirgends"),
    }
}

fn why(why: Why, language: Language) -> &'static str {
    match why {
        Why::NewInAdvoware => language.say("new in Advoware", "neu in Advoware"),
        Why::NewInGoogle => language.say("new in Google", "neu in Google"),
        Why::SameOnBoth => {
            language.say("both sides have it, it becomes a pair", "auf beiden Seiten vorhanden, wird ein Paar")
        }
        Why::Begun => language.say("begun by an earlier run", "von einem früheren Lauf begonnen"),
        Why::NothingToCopy => {
            language.say("begun, but what it was to copy is gone", "begonnen, aber die Vorlage gibt es nicht mehr")
        }
        Why::ChangedInAdvoware => language.say("changed in Advoware", "in Advoware geändert"),
        Why::ChangedInGoogle => language.say("changed in Google", "in Google geändert"),
        Why::AdvowareWins => language.say(
            "Google says something else, and Advoware wins",
            "in Google steht etwas anderes, und Advoware gewinnt",
        ),
        Why::GoogleWins => language.say(
            "Advoware says something else, and Google wins",
            "in Advoware steht etwas anderes, und Google gewinnt",
        ),
        Why::GoneInAdvoware => language.say("gone in Advoware", "in Advoware nicht mehr vorhanden"),
        Why::GoneInGoogle => language.say("gone in Google", "in Google nicht mehr vorhanden"),
        Why::GoneOnBoth => language.say("gone on both sides", "auf beiden Seiten nicht mehr vorhanden"),
        Why::GoneButAdvowareWins => language.say(
            "deleted in Google, and Advoware wins: it comes back",
            "in Google gelöscht, und Advoware gewinnt: er kommt wieder",
        ),
        Why::GoneButGoogleWins => language.say(
            "deleted in Advoware, and Google wins: it comes back",
            "in Advoware gelöscht, und Google gewinnt: er kommt wieder",
        ),
        Why::CopyDiffers => language.say(
            "the copy does not say what it should: all, or its times only",
            "die Kopie zeigt nicht, was sie soll: alles oder nur die Zeiten",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::NaiveDate;
    use domain::calendar::plan::{RowId, Step};
    use domain::calendar::{Span, Standard};
    use domain::ids::FrNr;

    use super::*;

    #[test]
    fn every_reason_reads_differently_in_each_language() {
        for language in Language::ALL {
            let texts: HashSet<_> = Why::ALL.iter().map(|one| why(*one, language)).collect();
            assert_eq!(texts.len(), Why::ALL.len());
        }
    }

    #[test]
    fn a_step_is_one_body_with_a_row_for_each_part_and_values_are_escaped() {
        let day = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let span = Span::AllDay { first: day, last: day };
        let form = |text: &str| Standard {
            span,
            text: text.to_owned(),
            notiz: String::new(),
            ort: String::new(),
            series: None,
        };
        let step = |step: Step, before: Option<Standard>, after: Option<Standard>| Planned {
            step,
            why: Why::ChangedInAdvoware,
            frnr: Some(FrNr(7)),
            event: None,
            before,
            after,
        };
        let update = step(Step::UpdateEvent(RowId(1), form("new")), Some(form("<script>")), Some(form("new")));
        let noted = step(Step::SoftDelete(RowId(2)), None, None);
        let shown = table(&[update, noted], Language::English).into_string();
        assert!(shown.contains("<del>&lt;script&gt;</del>") && !shown.contains("<script>"), "{shown}");
        assert!(shown.contains("<td rowspan=\"2\">Google</td>") && shown.contains("<ins>new</ins>"), "{shown}");
        assert!(shown.contains("<td rowspan=\"1\">nowhere</td>"), "{shown}");
        assert_eq!(shown.matches("<tbody>").count(), 2);
    }
}
