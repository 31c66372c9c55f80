//! Findings in words: what is the matter, and what a person can do where they must.

use domain::beteiligte::stammdaten::Field;
use domain::finding::{Finding, FindingKind};
use maud::{Markup, html};

use super::language::Language;

/// What was found, in one sentence without its point.
pub(super) fn text(kind: FindingKind, language: Language) -> &'static str {
    match kind {
        FindingKind::UnreadableMarker => language.say(
            "A marker of ours in a remark cannot be read; it counts as absent",
            "Eine unserer Markierungen in einer Bemerkung ist nicht lesbar; sie gilt als nicht vorhanden",
        ),
        FindingKind::TypeDiffers => language.say(
            "The phone's type in EspoCRM does not fit its kind in Advoware, which cannot be changed there",
            "Der Telefontyp in EspoCRM passt nicht zur Art in Advoware, die dort nicht geändert werden kann",
        ),
        FindingKind::CannotHold => language.say(
            "The other side cannot hold this value; it stays unsynced",
            "Die andere Seite kann diesen Wert nicht aufnehmen; er bleibt unsynchronisiert",
        ),
        FindingKind::OverwrittenByEspo => language.say(
            "Both sides had changed it and EspoCRM won; Advoware's value is kept in the audit",
            "Beide Seiten hatten es geändert, EspoCRM hat gewonnen; der Wert aus Advoware steht im Protokoll",
        ),
        FindingKind::MassDeletionHeld => language.say(
            "Much vanished at once, so its deletion waits for your approval",
            "Vieles verschwand auf einmal; die Löschung wartet auf Ihre Freigabe",
        ),
        FindingKind::NotAgreed => language.say(
            "After the run both sides still did not agree; it is looked at again",
            "Nach dem Lauf waren beide Seiten noch nicht gleich; es wird erneut geprüft",
        ),
        FindingKind::OverwrittenByAdvoware => language.say(
            "Both sides had changed it and Advoware won, being newer; EspoCRM's value is kept in the audit",
            "Beide Seiten hatten es geändert, Advoware war neuer und hat gewonnen; der Wert aus EspoCRM steht im Protokoll",
        ),
        FindingKind::Undecided => language.say(
            "Both sides had changed it, and you decide which one wins",
            "Beide Seiten hatten es geändert, und Sie entscheiden, welche gewinnt",
        ),
        FindingKind::LeftToDiffer => language.say(
            "Both sides differed at the first sync and neither was newer; both were left as they are",
            "Beim ersten Abgleich waren beide Seiten verschieden und keine war neuer; beide blieben, wie sie sind",
        ),
        FindingKind::KindDiffers => language.say(
            "One side says that this is a person, the other that it is a company; correct it on one of them",
            "Die eine Seite führt eine Person, die andere eine Firma; berichtigen Sie es auf einer der beiden",
        ),
        FindingKind::CreateOutcomeUnknown => language.say(
            "It is not known whether Advoware has created it; look there before you have it created again",
            "Es ist nicht bekannt, ob Advoware es angelegt hat; sehen Sie dort nach, bevor Sie es erneut anlegen lassen",
        ),
        FindingKind::CreatedTwice => language.say(
            "It was created in Advoware while somebody entered another number in EspoCRM: there are two records in Advoware",
            "Es wurde in Advoware angelegt, während jemand in EspoCRM eine andere Nummer eintrug: in Advoware gibt es zwei Datensätze",
        ),
        FindingKind::NoBetnr => language.say(
            "It has no number in Advoware (betnr) yet, so there is nothing to sync with",
            "Es hat noch keine Nummer in Advoware (betnr), also kein Gegenstück",
        ),
        FindingKind::MissingInAdvoware => language.say(
            "Advoware has no record of this number (betnr) any more",
            "Advoware hat unter dieser Nummer (betnr) keinen Datensatz mehr",
        ),
        FindingKind::BetnrTaken => language.say(
            "Another record of EspoCRM is synced with this number (betnr); nothing is written for this one",
            "Ein anderer Datensatz in EspoCRM wird mit dieser Nummer (betnr) abgeglichen; für diesen wird nichts geschrieben",
        ),
        FindingKind::OddEntry => language.say(
            "An entry makes no sense, is a changed occurrence of a series or a copy that nobody knows; it is left alone",
            "Ein Eintrag ergibt keinen Sinn, ist ein geänderter Termin einer Serie oder eine unbekannte Kopie; er bleibt unberührt",
        ),
        FindingKind::NotRepresentable => language.say(
            "Advoware cannot hold what the event says; it is not written",
            "Advoware kann den Inhalt des Termins nicht aufnehmen; er wird nicht geschrieben",
        ),
        FindingKind::NoPermission => language.say(
            "A new event, which this employee's settings do not let into Advoware",
            "Ein neuer Termin, den die Einstellungen dieses Mitarbeiters nicht nach Advoware lassen",
        ),
        FindingKind::OthersPrivate => language.say(
            "Somebody else's private Termin, which is not changed",
            "Ein privater Termin eines anderen; er wird nicht geändert",
        ),
        FindingKind::UnreadableEntry => language.say(
            "An entry cannot be read; it counts neither as there nor as gone",
            "Ein Eintrag ist nicht lesbar; er gilt weder als vorhanden noch als gelöscht",
        ),
        FindingKind::EmptyListHeld => language.say(
            "An empty list came in place of what was there; it counts when the next run sees it too",
            "Statt der bisherigen Einträge kam eine leere Liste; sie zählt erst, wenn der nächste Lauf sie auch sieht",
        ),
        FindingKind::WriteRefused => language.say(
            "A write was refused for its content; it is tried again later",
            "Ein Eintrag wurde wegen seines Inhalts abgelehnt; er wird später erneut versucht",
        ),
    }
}

/// A field of the Stammdaten, as lawyers call it.
pub(super) fn field(field: Field, language: Language) -> &'static str {
    match field {
        Field::Name => language.say("name", "Name"),
        Field::Vorname => language.say("first name", "Vorname"),
        Field::Anrede => language.say("form of address", "Anrede"),
        Field::Geburtsdatum => language.say("date of birth", "Geburtsdatum"),
        Field::Rechtsform => language.say("legal form", "Rechtsform"),
        Field::HandelsregisterNummer => language.say("number in the commercial register", "Handelsregisternummer"),
        Field::Registergericht => language.say("court of the register", "Registergericht"),
    }
}

/// What was found and what it is about.
pub(super) fn line(of: Finding, language: Language) -> String {
    let text = text(of.kind, language);
    match (of.field, of.komm_id) {
        (Some(about), _) => format!("{text} ({})", field(about, language)),
        (None, Some(komm_id)) => format!("{text} (Kommunikation {komm_id})"),
        (None, None) => text.to_owned(),
    }
}

/// All of them as a list; nothing where there are none.
pub(super) fn list(findings: &[Finding], language: Language) -> Markup {
    html! {
        @if !findings.is_empty() {
            ul.findings { @for finding in findings { li { (line(*finding, language)) "." } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::ids::KommId;

    use super::*;

    #[test]
    fn every_kind_reads_differently_in_each_language() {
        for language in Language::ALL {
            let texts: HashSet<_> = FindingKind::ALL.iter().map(|kind| text(*kind, language)).collect();
            assert_eq!(texts.len(), FindingKind::ALL.len());
        }
        let same = |kind: &FindingKind| text(*kind, Language::German) == text(*kind, Language::English);
        assert!(!FindingKind::ALL.iter().any(same));
    }

    #[test]
    fn a_finding_says_what_it_is_about() {
        let undecided = Finding::in_field(FindingKind::Undecided, Field::Vorname);
        assert!(line(undecided, Language::German).ends_with("(Vorname)"));
        let differs = Finding::on(FindingKind::TypeDiffers, KommId(7));
        assert!(line(differs, Language::English).ends_with("(Kommunikation 7)"));
        assert_eq!(list(&[], Language::English).into_string(), "");
    }
}
