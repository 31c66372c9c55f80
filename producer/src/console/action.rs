//! What an operator does in the console, and what operators do in words.

use shared::hub::HubError;

use super::Console;
use super::guard::Visit;
use super::language::Language;
use super::notice::Problem;
pub(super) use crate::operator::{Act, Of};
use crate::operator::{Action, Operator};

impl Act {
    /// For people.
    pub(super) fn text(self, language: Language) -> &'static str {
        match self {
            Self::Pause => language.say("queue paused", "Warteschlange angehalten"),
            Self::Resume => language.say("queue resumed", "Warteschlange fortgesetzt"),
            Self::Enqueue => language.say("sync asked for", "Synchronisation veranlasst"),
            Self::EnqueueAll => language.say("sync of all asked for", "Synchronisation von allem veranlasst"),
            Self::Requeue => language.say("put back to work", "wieder in Arbeit gegeben"),
            Self::RequeueAll => {
                language.say("all that failed put back to work", "alles Fehlgeschlagene wieder in Arbeit gegeben")
            }
            Self::RequeueAlike => language.say(
                "what failed and has this in common put back to work:",
                "Fehlgeschlagenes mit dieser Gemeinsamkeit wieder in Arbeit gegeben:",
            ),
            Self::DeleteDead => language.say("dead job deleted", "toten Auftrag gelöscht"),
            Self::DeleteAll => language.say("all dead jobs deleted", "alle toten Aufträge gelöscht"),
            Self::DeleteAlike => language
                .say("dead jobs that have this in common deleted:", "tote Aufträge mit dieser Gemeinsamkeit gelöscht:"),
            Self::ApproveDeletions => language.say("held deletions approved", "zurückgehaltene Löschungen freigegeben"),
            Self::CreateAgain => {
                language.say("to be created in Advoware again", "erneutes Anlegen in Advoware veranlasst")
            }
            Self::Decide => language.say("conflict decided", "Konflikt entschieden"),
            Self::Restore => {
                language.say("old value to be written back", "Zurückschreiben eines alten Werts veranlasst")
            }
            Self::Apply => language.say("plan to be carried out", "Ausführen eines Plans veranlasst"),
            Self::SetPolicy => language.say("policy of a calendar set", "Regeln eines Kalenders gesetzt"),
            Self::DeleteDuplicates => language.say(
                "superfluous events of a calendar to be removed",
                "Entfernen überzähliger Termine eines Kalenders veranlasst",
            ),
            Self::CleanupOrphaned => language.say(
                "orphaned entries of a calendar to be removed",
                "Entfernen verwaister Einträge eines Kalenders veranlasst",
            ),
            Self::RebuildHub => language.say(
                "lost rows of a calendar to be rebuilt",
                "Wiederherstellen verlorener Zeilen eines Kalenders veranlasst",
            ),
            Self::Erase => language.say("a person erased", "eine Person gelöscht"),
            Self::InstallWebhooks => language.say("webhooks registered in EspoCRM", "Webhooks in EspoCRM eingetragen"),
            Self::RemoveWebhooks => language.say("webhooks removed from EspoCRM", "Webhooks aus EspoCRM entfernt"),
        }
    }
}

/// Does `work` with a trace: without one it is not done, and the page says so.
pub(super) async fn recorded<T>(
    console: &Console,
    visit: &Visit,
    act: Act,
    of: Of,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let operator = Operator::of_console(&console.hub, &console.clock, &visit.origin);
    operator.only_noted(Action { act, of }, without_trace, work).await
}

fn without_trace(error: &HubError) -> Problem {
    tracing::warn!(%error, "an operator's action was refused: it cannot be noted");
    Problem::Refused {
        english: format!(
            "Nothing was done, because it could not be noted in the audit: {error}. The command line works all the same."
        ),
        german: format!(
            "Nichts wurde getan, denn es konnte nicht protokolliert werden: {error}. Die Befehlszeile geht trotzdem."
        ),
    }
}
