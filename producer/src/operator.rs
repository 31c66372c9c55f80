//! What operators do, in the console, over HTTP or by a command: noted before it is done, with where it came from, and closed with its
//! outcome.
//!
//! The console does nothing that cannot be noted. Commands and HTTP do it all the same and say so: a queue must be held in an emergency also
//! while PostgreSQL is away, or where a machine has settings of Redis alone.

mod act;
mod unix_user;

use std::net::IpAddr;
use std::time::Duration;

use shared::clock::Clock;
use shared::hub::{Hub, HubError, OperatorAction};
use shared::queue::QueueName;
use shared::settings::PostgresSettings;
use uuid::Uuid;

pub(crate) use act::Act;

/// A command or request does not wait longer for PostgreSQL only to be noted: what it does may be urgent.
const NOTE_LIMIT: Duration = Duration::from_secs(2);
/// How the origin of what a command does begins.
const COMMAND: &str = "command";
/// So many who are named at once are noted one by one, so that each one's timeline tells; of more only how many.
const MOST_NAMED: usize = 100;

/// Whom it is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Of {
    pub(crate) flow: Option<QueueName>,
    pub(crate) entity: Option<String>,
    /// Ids and kinds, no values.
    pub(crate) detail: Option<String>,
}

/// What is about to be done.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) act: Act,
    pub(crate) of: Of,
}

/// Somebody who acts, by one of the ways, and where it is noted.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    origin: String,
    /// `None`: there are no settings of PostgreSQL.
    hub: Option<Hub>,
    clock: Clock,
}

impl Of {
    /// The flow as a whole, or all flows.
    pub(crate) fn flow(flow: Option<QueueName>) -> Self {
        Self { flow, ..Self::default() }
    }

    /// One record or employee.
    pub(crate) fn one(flow: QueueName, entity: impl Into<String>) -> Self {
        Self { flow: Some(flow), entity: Some(entity.into()), detail: None }
    }

    pub(crate) fn with(self, detail: Option<String>) -> Self {
        Self { detail, ..self }
    }
}

impl Action {
    /// The same done to each of these.
    pub(crate) fn on_each<'a>(
        act: Act,
        flow: QueueName,
        entities: impl IntoIterator<Item = &'a str>,
        detail: Option<&str>,
    ) -> Vec<Self> {
        let mut entities: Vec<&str> = entities.into_iter().collect();
        entities.sort_unstable();
        entities.dedup();
        let detail = detail.map(str::to_owned);
        if entities.len() > MOST_NAMED {
            let count = format!("{} ids", entities.len());
            let detail = detail.map_or_else(|| count.clone(), |detail| format!("{count}, {detail}"));
            return vec![Self { act, of: Of::flow(Some(flow)).with(Some(detail)) }];
        }
        let one = |entity: &str| Self { act, of: Of::one(flow, entity).with(detail.clone()) };
        entities.into_iter().map(one).collect()
    }
}

impl Operator {
    /// Who is in the console; `origin` is the visit's.
    pub(crate) fn of_console(hub: &Hub, clock: &Clock, origin: &str) -> Self {
        Self { origin: origin.to_owned(), hub: Some(hub.clone()), clock: clock.clone() }
    }

    /// Who asks over HTTP.
    pub(crate) fn of_api(hub: &Hub, peer: Option<IpAddr>) -> Self {
        let from = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_canonical().to_string());
        Self { origin: format!("http {from}"), hub: Some(hub.clone()), clock: Clock::system() }
    }

    /// Who gives a command.
    pub(crate) fn of_command(hub: &Hub) -> Self {
        Self::with_origin_of_command(Some(hub.clone()))
    }

    /// Who gives a command that needs no PostgreSQL.
    pub(crate) fn of_command_without(postgres: Option<&PostgresSettings>) -> Self {
        Self::with_origin_of_command(postgres.map(|postgres| Hub::new(postgres.connect_options())))
    }

    fn with_origin_of_command(hub: Option<Hub>) -> Self {
        Self { origin: format!("{COMMAND} {}", unix_user::name()), hub, clock: Clock::system() }
    }

    /// Where it is noted, if anywhere.
    pub(crate) fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// Ends the connections of a command's own hub.
    pub(crate) async fn leave(self) {
        if let Some(hub) = self.hub {
            hub.close().await;
        }
    }

    /// Does `work` with a trace. Without one it is not done, and `refused` says so.
    pub(crate) async fn only_noted<T, E>(
        &self,
        action: Action,
        refused: impl FnOnce(&HubError) -> E,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let actions = [action];
        let noted = match &self.hub {
            Some(hub) => self.note(hub, &actions).await.map_err(|error| refused(&error))?,
            None => Vec::new(),
        };
        let done = work.await;
        self.close(&actions, &noted, done.is_ok()).await;
        done
    }

    /// Does `work`, with a trace wherever there can be one. A dry run is no action.
    pub(crate) async fn noted<T, E>(
        &self,
        actions: Vec<Action>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.noted_as(actions, |_| true, work).await
    }

    /// As [`Self::noted`]. What ends well may still say that it was not done: `is_done` looks.
    pub(crate) async fn noted_as<T, E>(
        &self,
        actions: Vec<Action>,
        is_done: impl FnOnce(&T) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let noted = self.note_if_possible(&actions).await;
        let done = work.await;
        self.close(&actions, &noted, done.as_ref().is_ok_and(is_done)).await;
        done
    }

    async fn note_if_possible(&self, actions: &[Action]) -> Vec<Uuid> {
        if actions.is_empty() {
            return Vec::new();
        }
        let Some(hub) = &self.hub else {
            tracing::warn!(
                "not noted in the audit: settings of PostgreSQL are missing or malformed; it is done all the same"
            );
            return Vec::new();
        };
        match tokio::time::timeout(NOTE_LIMIT, self.note(hub, actions)).await {
            Ok(Ok(noted)) => noted,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not noted in the audit; it is done all the same");
                Vec::new()
            }
            Err(_) => {
                let limit_seconds = NOTE_LIMIT.as_secs();
                tracing::warn!(
                    limit_seconds,
                    "not noted in the audit, PostgreSQL does not answer; it is done all the same"
                );
                Vec::new()
            }
        }
    }

    async fn note(&self, hub: &Hub, actions: &[Action]) -> Result<Vec<Uuid>, HubError> {
        let stored = |Action { act, of }: &Action| {
            let Of { flow, entity, detail } = of.clone();
            OperatorAction { origin: self.origin.clone(), action: act.name(), flow, entity, detail }
        };
        hub.note_actions(&actions.iter().map(stored).collect::<Vec<_>>(), self.clock.now()).await
    }

    /// Tells the outcome. Where the note is missing, the log has it at least.
    async fn close(&self, actions: &[Action], noted: &[Uuid], is_done: bool) {
        let origin = self.origin.as_str();
        if let Some(hub) = self.hub.as_ref().filter(|_| !noted.is_empty()) {
            let closed = tokio::time::timeout(NOTE_LIMIT, hub.close_actions(noted, is_done)).await;
            match closed {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, origin, "an operator's action stays open in the audit"),
                Err(_) => tracing::warn!(origin, "an operator's action stays open in the audit: PostgreSQL is slow"),
            }
        }
        for Action { act, of: Of { flow, entity, .. } } in actions {
            let (action, flow) = (act.name(), flow.map(QueueName::as_str));
            // Whoever gives a command reads its answer; the log of a service keeps what others did.
            if origin.starts_with(COMMAND) {
                tracing::debug!(origin, action, flow, entity, is_done, "operator: action");
            } else {
                tracing::info!(origin, action, flow, entity, is_done, "operator: action");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_noted_one_by_one_and_many_by_their_number() {
        let few = Action::on_each(Act::Enqueue, QueueName::Beteiligte, ["b", "a", "b"], Some("to_espocrm"));
        let told: Vec<_> = few.iter().map(|Action { of, .. }| (of.entity.as_deref(), of.detail.as_deref())).collect();
        assert_eq!(told, [(Some("a"), Some("to_espocrm")), (Some("b"), Some("to_espocrm"))]);

        let ids: Vec<String> = (0..=MOST_NAMED).map(|number| number.to_string()).collect();
        let many =
            |detail| Action::on_each(Act::Enqueue, QueueName::Beteiligte, ids.iter().map(String::as_str), detail);
        for (detail, expected) in [(None, "101 ids"), (Some("to_espocrm"), "101 ids, to_espocrm")] {
            let [Action { of, .. }] = &many(detail)[..] else { panic!("one for all") };
            assert_eq!((of.entity.as_deref(), of.detail.as_deref()), (None, Some(expected)));
        }
        assert!(Action::on_each(Act::Requeue, QueueName::Calendar, [], None).is_empty());
    }
}
