//! What is told of a Beteiligter: changes of its fields and rows, and what was asked of a worker about it.

use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::Side;
use domain::ids::EspoId;
use maud::{Markup, html};
use shared::hub::{Asked, AuditView};

use super::{Demand, Entry, restore_button};
use crate::console::beteiligte::record_address;
use crate::console::guard::Visit;
use crate::console::language::Language;
use crate::console::{change, finding};

impl Entry for AuditView {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// What a run changed on which side, by which rule, and what stood there before.
    fn lines(&self, visit: &Visit) -> Markup {
        let language = visit.language;
        let target = Side::ALL.into_iter().find(|side| side.name() == self.target).map(side_name);
        html! {
            strong { (target.unwrap_or(&self.target)) } ": " (rule(&self.rule, language))
            @match (self.field, self.komm_id) {
                (Some(field), _) => { " (" (finding::field(field, language)) ")" }
                (None, Some(komm_id)) => { " (Kommunikation " (komm_id) ")" }
                (None, None) => {}
            }
            (change::table(&change::of_values(self.before.as_ref(), self.after.as_ref(), self.field, language), language))
            div { span.faint { (language.say("Entry ", "Eintrag ")) code { (self.id) } } }
            @if let (Some(_), Ok(id)) = (&self.before, EspoId::parse(&self.espo_id)) {
                (restore_button(visit, &record_address(&id), self.id, language.say(
                    "A worker writes the old value back where it stood, as a user would; the sync takes it to the other side.",
                    "Ein Worker schreibt den alten Wert dort zurück, wo er stand, wie ein Benutzer es täte; die Synchronisation bringt ihn auf die andere Seite.",
                )))
            }
        }
    }
}

impl Demand for Asked {
    fn text(&self, language: Language) -> Markup {
        html! {
            @match self {
                Self::Apply(hash) => { (language.say("carry out plan ", "Plan ausführen ")) code { (hash) } }
                Self::Restore(entry) => { (language.say("write back what was replaced by entry ", "zurückschreiben, was dieser Eintrag ersetzte: ")) code { (entry) } }
                Self::Decide(side) => { (language.say("this side wins: ", "diese Seite gewinnt: ")) (side_name(*side)) }
            }
        }
    }
}

/// A system's name for people.
pub(in crate::console) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Espocrm => "EspoCRM",
        Side::Advoware => "Advoware",
    }
}

/// A rule of the audit in words; one that this program does not know stands as it is.
pub(in crate::console) fn rule(name: &str, language: Language) -> &str {
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
    use domain::kommunikation::Variant;

    use super::*;

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
