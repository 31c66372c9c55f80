//! What an explanation says, in both languages.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::{Obstacle, Reason, Stand};
use crate::console::language::Language;
use crate::console::show;

/// The sentence.
pub(in crate::console) fn sentence(stand: &Stand, now: DateTime<Utc>, language: Language) -> Markup {
    let at = |time: DateTime<Utc>| show::time_and_age(time, now, language);
    let say = |english: &'static str, german: &'static str| language.say(english, german);
    html! {
        @match stand {
            Stand::NotKnown => (say(
                "The queue does not answer, so it is not known whether this record waits or is in work.",
                "Die Warteschlange antwortet nicht; ob dieser Datensatz wartet oder in Arbeit ist, ist nicht bekannt.",
            )),
            Stand::Running => (say("It is being synced right now.", "Er wird gerade synchronisiert.")),
            Stand::Waits { since } => {
                (say("It waits for its turn, since ", "Er wartet, bis er an der Reihe ist, seit ")) (at(*since)) "."
            }
            Stand::Failed { times, reason, next_try } => {
                (failed(*times, language)) (reason.show(language))
                (say(". Next try: ", ". Nächster Versuch: ")) (at(*next_try)) "."
            }
            Stand::PutOff { until } => {
                (say(
                    "It is put off through no fault of its own, and is taken up again: ",
                    "Er ist ohne eigenes Verschulden aufgeschoben und wird wieder aufgenommen: ",
                )) (at(*until)) "."
            }
            Stand::GivenUp { times, reason, reset_at } => {
                @if *times > 0 { (failed(*times, language)) } @else { (say("It failed: ", "Fehlgeschlagen: ")) }
                (reason.show(language))
                (say(
                    ". It was given up: put it back to work here when the cause is mended",
                    ". Er wurde aufgegeben: geben Sie ihn hier wieder in Arbeit, wenn die Ursache behoben ist",
                ))
                @if let Some(reset_at) = reset_at {
                    (say("; by itself that happens about ", "; von selbst geschieht das etwa ")) (at(*reset_at))
                }
                "."
            }
            Stand::CreationUnknown => (say(
                "Whether Advoware has created it is not known. Look there: if it exists, enter its number in EspoCRM, else have it created again here.",
                "Ob Advoware ihn angelegt hat, ist nicht bekannt. Sehen Sie dort nach: gibt es ihn, tragen Sie seine Nummer in EspoCRM ein, sonst lassen Sie ihn hier erneut anlegen.",
            )),
            Stand::Undecided => (say(
                "Both sides changed the same field, and it waits for your decision which one wins.",
                "Beide Seiten haben dasselbe Feld geändert; es wartet auf Ihre Entscheidung, welche gewinnt.",
            )),
            Stand::Held => (say(
                "Much vanished at once: the deletions wait for your approval, the rest is in sync.",
                "Vieles verschwand auf einmal: die Löschungen warten auf Ihre Freigabe, der Rest ist synchron.",
            )),
            Stand::Missing => (say(
                "Advoware has no record of the number that EspoCRM names. Correct the number in EspoCRM, or delete the record there.",
                "Advoware hat unter der Nummer, die in EspoCRM steht, keinen Datensatz. Berichtigen Sie die Nummer in EspoCRM, oder löschen Sie den Datensatz dort.",
            )),
            Stand::NumberTaken => (say(
                "Nothing is written: another EspoCRM record is synced with the number that this one names. Correct the number in one of the two; this one is then synced within a day, or at once here. The dry run below names the other.",
                "Nichts wird geschrieben: ein anderer Datensatz in EspoCRM wird mit der Nummer synchronisiert, die dieser nennt. Berichtigen Sie die Nummer in einem von beiden; dieser wird dann binnen eines Tages synchronisiert, oder sofort hier. Der Probelauf unten nennt den anderen.",
            )),
            Stand::Deleted { at: time } => {
                (say("It was deleted in EspoCRM and is not synced any more, since ", "Er wurde in EspoCRM gelöscht und wird nicht mehr synchronisiert, seit "))
                (at(*time)) "."
            }
            Stand::WaitsForScan => (say(
                "It has no job. The next scan finds it if it is to be synced; it can be put to work here at once.",
                "Er hat keinen Auftrag. Der nächste Suchlauf findet ihn, wenn er zu synchronisieren ist; hier kann er sofort in Arbeit gegeben werden.",
            )),
            Stand::InSync { checked_at, differs: false } => {
                (say("Both sides agree, as last checked ", "Beide Seiten stimmen überein, zuletzt geprüft ")) (at(*checked_at)) "."
            }
            Stand::InSync { checked_at, differs: true } => {
                (say(
                    "Nothing is left to write, but what the findings name stays different. Last checked ",
                    "Nichts ist mehr zu schreiben, aber was die Hinweise nennen, bleibt verschieden. Zuletzt geprüft ",
                )) (at(*checked_at)) "."
            }
        }
    }
}

fn failed(times: u32, language: Language) -> String {
    match (times, language) {
        (1, Language::English) => "It failed once: ".to_owned(),
        (1, Language::German) => "Einmal fehlgeschlagen: ".to_owned(),
        (_, Language::English) => format!("It failed {times} times in a row: "),
        (_, Language::German) => format!("{times}-mal in Folge fehlgeschlagen: "),
    }
}

/// What must go first, as a sentence of its own.
pub(in crate::console) fn obstacle_sentence(obstacle: Obstacle, now: DateTime<Utc>, language: Language) -> Markup {
    html! {
        @match obstacle {
            Obstacle::Paused => (language.say(
                "The queue is paused: nothing is taken until it is resumed.",
                "Die Warteschlange ist angehalten: bis sie fortgesetzt wird, wird nichts aufgenommen.",
            )),
            Obstacle::NoWorker => (language.say(
                "No worker takes jobs of this queue: start one.",
                "Kein Worker nimmt Aufträge dieser Warteschlange: starten Sie einen.",
            )),
            Obstacle::Down(system, next_try) => {
                (show::system(system)) (language.say(" is down; it is tried again ", " ist nicht erreichbar; nächster Versuch "))
                (show::time_and_age(next_try, now, language)) "."
            }
        }
    }
}

impl Reason {
    fn show(&self, language: Language) -> Markup {
        html! {
            @match self {
                Self::Told(reason) => span lang="en" { (reason) },
                Self::Crashed => (language.say("its worker ended while it ran", "sein Worker endete während des Laufs")),
                Self::Forgotten => (language.say("the reason is not kept any more", "der Grund ist nicht mehr vorhanden")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::error::System;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_sentence_says_how_often_why_and_when() {
        let reason = Reason::Told("HTTP 502 <b>".to_owned());
        let failed = Stand::Failed { times: 3, reason: reason.clone(), next_try: at(60) };
        let text = sentence(&failed, at(0), Language::English).into_string();
        for part in ["failed 3 times", "HTTP 502 &lt;b&gt;", "Next try", "in 60 s"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let given_up = Stand::GivenUp { times: 1, reason, reset_at: Some(at(3600)) };
        let text = sentence(&given_up, at(0), Language::German).into_string();
        for part in ["Einmal fehlgeschlagen", "aufgegeben", "von selbst", "in 60 min"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let obstacle = obstacle_sentence(Obstacle::Down(System::Advoware, at(90)), at(0), Language::German);
        assert!(obstacle.into_string().contains("ist nicht erreichbar"));
    }
}
