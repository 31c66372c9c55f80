//! What is told of a calendar: changes of its entries, and what was asked of a worker about it.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use shared::hub::calendar::{CalendarAsked, CalendarAuditView, CalendarTarget, Leftover};

use super::{Demand, Entry, restore_button};
use crate::console::change;
use crate::console::employee::address;
use crate::console::guard::Visit;
use crate::console::language::Language;

impl Entry for CalendarAuditView {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn lines(&self, visit: &Visit) -> Markup {
        let language = visit.language;
        let target = match self.target {
            CalendarTarget::Advoware => "Advoware",
            CalendarTarget::Google => "Google",
        };
        html! {
            strong { (target) } ": " span title=(self.rule) { (rule(&self.rule, language)) } " "
            a.id href=(address(&self.kuerzel)) { (self.kuerzel) }
            @if let Some(frnr) = self.frnr { ", Termin " code { (frnr) } }
            @if let Some(event) = &self.event { (language.say(", event ", ", Google-Termin ")) code { (event) } }
            @if self.confirmed_at.is_none() {
                " " span.badge.warn { (language.say("begun, outcome not known", "begonnen, Ausgang unbekannt")) }
            }
            (change::table(&change::of_forms(self.before.as_ref(), self.after.as_ref(), language), language))
            div { span.faint { (language.say("Entry ", "Eintrag ")) code { (self.id) } } }
            @if self.before.is_some() {
                (restore_button(visit, &address(&self.kuerzel), self.id, match self.after {
                    Some(_) => language.say(
                        "A worker writes what stood there back, as a user would, where the sync does not undo it; the sync takes it to the other side. If that cannot be, nothing is written, and its answer says why.",
                        "Ein Worker schreibt zurück, was dort stand, wie ein Benutzer es täte und wo die Synchronisation es nicht rückgängig macht; sie bringt es auf die andere Seite. Geht das nicht, wird nichts geschrieben, und seine Antwort sagt, warum.",
                    ),
                    None => language.say(
                        "A worker enters what was deleted again, as a new entry; the sync takes it to the other side. If that cannot be, nothing is written, and its answer says why.",
                        "Ein Worker trägt das Gelöschte als neuen Eintrag wieder ein; die Synchronisation bringt ihn auf die andere Seite. Geht das nicht, wird nichts geschrieben, und seine Antwort sagt, warum.",
                    ),
                }))
            }
        }
    }
}

/// A rule of the calendars' audit in words; one that this program does not know stands as it is. The name itself is that of metrics.
fn rule(name: &str, language: Language) -> &str {
    match name {
        "create_event" => language.say("event entered for a new Termin", "Google-Termin zu neuem Termin eingetragen"),
        "create_termin" => language.say("Termin entered for a new event", "Termin zu neuem Google-Termin eingetragen"),
        "recreate_event" => language.say("deleted event entered again", "gelöschter Google-Termin erneut eingetragen"),
        "recreate_termin" => language.say("deleted Termin entered again", "gelöschter Termin erneut eingetragen"),
        "finish_event" => language.say("begun event entered", "begonnener Google-Termin eingetragen"),
        "finish_termin" => language.say("begun Termin entered", "begonnener Termin eingetragen"),
        "adopt_termin" => language.say("begun Termin found entered", "begonnener Termin eingetragen vorgefunden"),
        "update_event" => language.say("event changed", "Google-Termin geändert"),
        "update_termin" => language.say("Termin changed", "Termin geändert"),
        "delete_event" => language.say("event deleted", "Google-Termin gelöscht"),
        "delete_termin" => language.say("Termin deleted", "Termin gelöscht"),
        "soft_delete" => language.say("gone on both sides", "auf beiden Seiten nicht mehr vorhanden"),
        "withdraw" => {
            language.say("begun, and nothing was left to copy", "begonnen, und die Vorlage gab es nicht mehr")
        }
        "link" => language.say("both had it, it became a pair", "auf beiden Seiten vorhanden, wurde ein Paar"),
        "store" => language.say("both sides agree, noted", "beide Seiten stimmen überein, vermerkt"),
        "remove_orphan" => language.say("entry that nothing binds removed", "an nichts Gebundenes entfernt"),
        "remove_duplicate" => language.say("duplicate removed", "Doppeltes entfernt"),
        "restore" => language.say("old entry written back", "alter Eintrag zurückgeschrieben"),
        other => other,
    }
}

impl Demand for CalendarAsked {
    fn text(&self, language: Language) -> Markup {
        html! {
            @match self {
                Self::Restore(entry) => { (language.say("write back what was replaced or removed by entry ", "zurückschreiben, was dieser Eintrag ersetzte oder entfernte: ")) code { (entry) } }
                Self::Remove(leftover, removal) => {
                    (match leftover {
                        Leftover::Orphaned => language.say("remove what nothing binds: ", "entfernen, was an nichts gebunden ist: "),
                        Leftover::Duplicate => language.say("remove duplicates: ", "Doppeltes entfernen: "),
                    })
                    (removal.events.len()) (language.say(" events, ", " Google-Termine, ")) (removal.rows.len()) (language.say(" rows", " Zeilen"))
                }
                Self::Rebuild => (language.say("give rows to the pairs that the hub has lost", "den Paaren Zeilen geben, die dem Hub fehlen")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use domain::calendar::plan::{RowId, Step};
    use domain::calendar::{Span, Standard};
    use domain::ids::{EventId, FrNr};

    use super::*;

    #[test]
    fn every_rule_that_runs_write_is_in_words() {
        let day = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let form = Standard {
            span: Span::AllDay { first: day, last: day },
            text: String::new(),
            notiz: String::new(),
            ort: String::new(),
            series: None,
        };
        let (row, frnr, event) = (RowId(1), FrNr(7), EventId::from_random([1; 16]));
        let steps = [
            Step::AdoptTermin(row, frnr),
            Step::FinishEvent(row, form.clone()),
            Step::FinishTermin(row, form.clone()),
            Step::Withdraw(row),
            Step::Link(frnr, event.clone()),
            Step::CreateEvent(frnr, form.clone()),
            Step::CreateTermin(event, form.clone()),
            Step::RecreateEvent(row, form.clone()),
            Step::RecreateTermin(row, form.clone()),
            Step::DeleteEvent(row),
            Step::DeleteTermin(row),
            Step::SoftDelete(row),
            Step::UpdateEvent(row, form.clone()),
            Step::UpdateTermin(row, form),
            Step::Store(row),
        ];
        let asked_for = Leftover::ALL.into_iter().map(Leftover::rule).chain(["restore"]);
        for name in steps.iter().map(Step::name).chain(asked_for) {
            assert!(Language::ALL.iter().all(|language| rule(name, *language) != name), "{name}");
        }
        assert_eq!(rule("of_a_later_version", Language::German), "of_a_later_version");
    }
}
