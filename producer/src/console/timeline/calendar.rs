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
            strong { (target) } ": " code { (self.rule) } " "
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
