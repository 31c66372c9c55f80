//! Findings in words: what is the matter, and what a person can do where they must.

use domain::beteiligte::stammdaten::Field;
use domain::finding::{Finding, FindingKind};
use maud::{Markup, html};
use shared::hub::calendar::CalendarFinding;

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

/// Why an entry of a calendar is left alone or cannot be written, as the rest of a sentence; `None`: this program does not know the reason.
fn reason(name: &str, language: Language) -> Option<&'static str> {
    Some(match name {
        "no_start" => language.say("it does not say when it begins", "er sagt nicht, wann er beginnt"),
        "year_out_of_range" => {
            language.say("its year is out of the possible range", "sein Jahr liegt außerhalb des Möglichen")
        }
        "ends_before_start" => language.say("it ends before it begins", "er endet, bevor er beginnt"),
        "mixed_times" => language.say(
            "it begins with a date and ends with a time, or the other way round",
            "er beginnt mit einem Datum und endet mit einer Uhrzeit, oder umgekehrt",
        ),
        "cancelled" => language.say("it is deleted in Google", "er ist in Google gelöscht"),
        "series_exception" => {
            language.say("it is a changed occurrence of a series", "er ist ein geänderter Termin einer Serie")
        }
        "placeholder" => language.say(
            "it says only that the time is taken, and copies no known Termin",
            "er sagt nur, dass die Zeit belegt ist, und gehört zu keinem bekannten Termin",
        ),
        "copy_without_row" => {
            language.say("it copies a Termin, but nobody knows which", "er ist eine Kopie, deren Termin niemand kennt")
        }
        "unknown_turnus_art" => {
            language.say("its kind of series (turnusArt) is unknown", "die Art seiner Serie (turnusArt) ist unbekannt")
        }
        "series_end_unknown" => {
            language.say("its series does not say when it ends", "seine Serie sagt nicht, wann sie endet")
        }
        "repeated_hour" => language.say(
            "it begins or ends in the hour that comes twice when summer time ends",
            "er beginnt oder endet in der Stunde, die es am Ende der Sommerzeit zweimal gibt",
        ),
        "sub_second" => language.say("its time has parts of a second", "seine Zeit hat Bruchteile einer Sekunde"),
        "empty" => language.say("it does not end after it begins", "er endet nicht nach seinem Beginn"),
        "longer_than_one_day" => {
            language.say("it has times and is longer than a day", "er hat Uhrzeiten und dauert länger als einen Tag")
        }
        "occurrence_over_midnight" => language.say(
            "it is a series whose occurrences go past midnight",
            "er ist eine Serie, deren Termine über Mitternacht gehen",
        ),
        "reads_as_all_day" => language.say(
            "it is a series from 00:00 to 23:59, which would become all-day",
            "er ist eine Serie von 00:00 bis 23:59, die ganztägig würde",
        ),
        "ends_in_2037" => language.say(
            "its series ends in 2037, which would mean that it has no end, or begins later",
            "seine Serie endet 2037, was „ohne Ende“ bedeuten würde, oder beginnt später",
        ),
        other => return of_series(other, language),
    })
}

/// The same, where it recurs as the other side cannot.
fn of_series(name: &str, language: Language) -> Option<&'static str> {
    Some(match name {
        "rule_malformed" => {
            language.say("the rule of its series cannot be read", "die Regel seiner Serie ist nicht lesbar")
        }
        "rule_several" => language.say("its series has several rules", "seine Serie hat mehrere Regeln"),
        "rule_excluded_dates" => {
            language.say("single dates are taken out of its series", "aus seiner Serie sind einzelne Tage ausgenommen")
        }
        "rule_added_dates" => {
            language.say("single dates are added to its series", "seiner Serie sind einzelne Tage hinzugefügt")
        }
        "rule_frequency" => language.say("it recurs several times a day", "er wiederholt sich mehrmals am Tag"),
        "rule_selection" => language.say(
            "its series falls on chosen days that its start does not tell",
            "seine Serie fällt auf ausgewählte Tage, die ihr Beginn nicht angibt",
        ),
        "rule_other_part" => language.say(
            "its series has a rule that the other side does not know",
            "seine Serie hat eine Regel, die die andere Seite nicht kennt",
        ),
        "rule_day_not_in_every_month" => language.say(
            "its series falls on a day that not every month or year has (29th to 31st)",
            "seine Serie fällt auf einen Tag, den nicht jeder Monat oder jedes Jahr hat (29. bis 31.)",
        ),
        "rule_ends_before_start" => {
            language.say("its series ends before it begins", "seine Serie endet, bevor sie beginnt")
        }
        "rule_end_out_of_range" => language.say(
            "the end of its series is out of the possible range",
            "das Ende seiner Serie liegt außerhalb des Möglichen",
        ),
        "rule_other_time_zone" => language.say(
            "its series follows the clock of another place than Berlin",
            "seine Serie folgt der Uhr eines anderen Ortes als Berlin",
        ),
        _ => return None,
    })
}

/// What was found on an entry of a calendar, in one sentence with its point, and a reason that has no words of its own.
fn of_entry(found: &CalendarFinding, language: Language) -> Markup {
    let known = found.reason.as_deref().and_then(|name| reason(name, language));
    let begin = match found.kind {
        FindingKind::OddEntry => Some(language.say("An entry is left alone: ", "Ein Termin bleibt unberührt: ")),
        FindingKind::NotRepresentable => Some(language.say(
            "Advoware cannot hold the event, which is not written: ",
            "Advoware kann den Termin nicht aufnehmen, er wird nicht geschrieben: ",
        )),
        _ => None,
    };
    html! {
        @match (begin, known) {
            (Some(begin), Some(known)) => { (begin) (known) "." }
            _ => {
                (text(found.kind, language)) "."
                @if let Some(reason) = &found.reason { " " span.faint lang="en" { "(" (reason) ")" } }
            }
        }
    }
}

/// What was found in a calendar, and on what.
pub(super) fn of_calendar(title: &str, found: &[CalendarFinding], language: Language) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            @if found.is_empty() { p.faint { (language.say("None.", "Keine.")) } }
            ul { @for one in found { li {
                (of_entry(one, language))
                @if let Some(frnr) = one.frnr { " frNr " code { (frnr.0) } }
                @if let Some(event) = &one.event { " " (language.say("event", "Google-Termin")) " " code { (event) } }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::calendar::{NotRepresentable, Oddity, Refusal};
    use domain::ids::{FrNr, KommId};

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

    #[test]
    fn every_reason_of_an_entry_has_a_sentence_of_its_own() {
        let refusals = [
            Refusal::Malformed,
            Refusal::SeveralRules,
            Refusal::ExcludedDates,
            Refusal::AddedDates,
            Refusal::Frequency,
            Refusal::Selection,
            Refusal::OtherPart,
            Refusal::DayNotInEveryMonth,
            Refusal::EndsBeforeStart,
            Refusal::EndOutOfRange,
            Refusal::OtherTimeZone,
        ];
        let oddities = [
            Oddity::NoStart,
            Oddity::YearOutOfRange,
            Oddity::EndsBeforeStart,
            Oddity::MixedTimes,
            Oddity::Cancelled,
            Oddity::SeriesException,
            Oddity::Placeholder,
            Oddity::UnknownTurnusArt,
            Oddity::SeriesEndUnknown,
        ];
        let not_representable = [
            NotRepresentable::RepeatedHour,
            NotRepresentable::SubSecond,
            NotRepresentable::YearOutOfRange,
            NotRepresentable::Empty,
            NotRepresentable::LongerThanOneDay,
            NotRepresentable::OccurrenceOverMidnight,
            NotRepresentable::ReadsAsAllDay,
            NotRepresentable::EndsIn2037,
        ];
        let names = refusals.map(Refusal::name).into_iter().chain(oddities.map(Oddity::name));
        let names: HashSet<_> =
            names.chain(not_representable.map(NotRepresentable::name)).chain(["copy_without_row"]).collect();
        for language in Language::ALL {
            let texts: HashSet<_> = names.iter().filter_map(|name| reason(name, language)).collect();
            assert_eq!(texts.len(), names.len());
        }
    }

    #[test]
    fn an_entry_is_told_with_its_reason_and_one_without_words_as_it_stands() {
        let found = |kind, reason: &str| {
            let reason = Some(reason.to_owned());
            let found = CalendarFinding { kind, frnr: Some(FrNr(7)), event: None, reason };
            of_calendar("", &[found], Language::English).into_string()
        };
        let odd = found(FindingKind::OddEntry, "no_start");
        assert!(odd.contains("left alone: it does not say when it begins. frNr <code>7</code>"), "{odd}");
        let later = found(FindingKind::OddEntry, "<of_a_later_version>");
        assert!(later.contains("makes no sense") && later.contains("(&lt;of_a_later_version&gt;)"), "{later}");
        let refused = found(FindingKind::WriteRefused, "no_start");
        assert!(refused.contains("A write was refused") && refused.contains("(no_start)"), "{refused}");
    }
}
