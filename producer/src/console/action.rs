//! What an operator does: noted before it is done, with where it came from, and closed with its outcome.

use shared::hub::{HubError, OperatorAction};
use shared::queue::QueueName;

use super::Console;
use super::guard::Visit;
use super::language::Language;
use super::notice::Problem;

/// What can be done in the console. The names are stored: none is ever given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Pause,
    Resume,
    Requeue,
    RequeueAll,
    DeleteDead,
    ApproveDeletions,
    CreateAgain,
    Decide,
    Restore,
    Apply,
    SetPolicy,
}

impl Act {
    pub(super) const ALL: [Self; 11] = [
        Self::Pause,
        Self::Resume,
        Self::Requeue,
        Self::RequeueAll,
        Self::DeleteDead,
        Self::ApproveDeletions,
        Self::CreateAgain,
        Self::Decide,
        Self::Restore,
        Self::Apply,
        Self::SetPolicy,
    ];

    /// Reads [`Self::name`].
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.name() == name)
    }

    /// As stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Requeue => "requeue",
            Self::RequeueAll => "requeue_all",
            Self::DeleteDead => "delete_dead",
            Self::ApproveDeletions => "approve_deletions",
            Self::CreateAgain => "create_again",
            Self::Decide => "decide",
            Self::Restore => "restore",
            Self::Apply => "apply",
            Self::SetPolicy => "set_policy",
        }
    }

    /// For people.
    pub(super) fn text(self, language: Language) -> &'static str {
        match self {
            Self::Pause => language.say("queue paused", "Warteschlange angehalten"),
            Self::Resume => language.say("queue resumed", "Warteschlange fortgesetzt"),
            Self::Requeue => language.say("put back to work", "wieder in Arbeit gegeben"),
            Self::RequeueAll => {
                language.say("all that failed put back to work", "alles Fehlgeschlagene wieder in Arbeit gegeben")
            }
            Self::DeleteDead => language.say("dead job deleted", "toten Auftrag gelöscht"),
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
        }
    }
}

/// Whom it is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Of {
    pub(super) flow: Option<QueueName>,
    pub(super) entity: Option<String>,
    /// Ids and kinds, no values.
    pub(super) detail: Option<String>,
}

/// Does `work` with a trace: without one it is not done, and the page says so.
pub(super) async fn recorded<T>(
    console: &Console,
    visit: &Visit,
    act: Act,
    of: Of,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let Of { flow, entity, detail } = of;
    let (told_flow, told_entity) = (flow.map(QueueName::as_str), entity.clone());
    let action = OperatorAction { origin: visit.origin.clone(), action: act.name(), flow, entity, detail };
    let id = console.hub.note_action(&action, console.clock.now()).await.map_err(|error| without_trace(&error))?;
    let done = work.await;
    if let Err(error) = console.hub.close_action(id, done.is_ok()).await {
        tracing::warn!(%error, action = act.name(), "an operator's action stays open in the audit");
    }
    let (origin, is_done) = (visit.origin.as_str(), done.is_ok());
    tracing::info!(origin, action = act.name(), flow = told_flow, entity = told_entity, is_done, "operator: console");
    done
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_are_told_apart() {
        let names: std::collections::HashSet<_> = Act::ALL.iter().map(|act| act.name()).collect();
        assert_eq!(names.len(), Act::ALL.len());
    }
}
