//! An employee's policy: what the form offers, and what it changes.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use domain::calendar::policy::SyncStrategy;
use maud::{Markup, html};
use serde::Deserialize;
use shared::hub::calendar::{Employee, PolicyChange};
use shared::queue::QueueName;
use shared::settings::CalendarSettings;

use super::action::{Act, Of, recorded};
use super::employee::{address, find};
use super::employees::hides;
use super::guard::Visit;
use super::language::Language;
use super::layout::token;
use super::notice::{Done, Problem};
use super::{Console, queues};

/// Choice of a part: what the settings say.
const DEFAULT: &str = "default";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/employees/{kuerzel}/policy", post(set_policy))
}

/// The form of a policy, whole: every part has a choice.
#[derive(Deserialize)]
struct Chosen {
    strategy: String,
    advoware_write: String,
    anonymize: String,
    enabled: String,
}

/// The form, filled in with what holds.
pub(super) fn form(visit: &Visit, employee: &Employee, rules: &CalendarSettings) -> Markup {
    let (language, own) = (visit.language, &employee.policy);
    let by_settings = |says: &str| format!("{} ({says})", language.say("as the settings say", "wie eingestellt"));
    let switch = |is_on: Option<bool>| match is_on {
        None => DEFAULT,
        Some(true) => "on",
        Some(false) => "off",
    };
    let strategies: Vec<(&str, String)> = [(DEFAULT, by_settings(rules.strategy.name()))]
        .into_iter()
        .chain(SyncStrategy::ALL.map(|strategy| (strategy.name(), strategy_text(strategy, language).to_owned())))
        .collect();
    let writes = [
        (DEFAULT, by_settings(rules.write.name())),
        ("on", language.say("every entry", "alle Einträge").to_owned()),
        ("off", language.say("nothing", "nichts").to_owned()),
    ];
    let anonymize = [
        (DEFAULT, by_settings(hides(rules.anonymize, language))),
        ("on", hides(true, language).to_owned()),
        ("off", hides(false, language).to_owned()),
    ];
    let enabled = [("on", language.say("on", "an").to_owned()), ("off", language.say("off", "aus").to_owned())];
    html! {
        section.card {
            h2 { (language.say("Policy", "Regeln")) }
            form method="post" action={ (address(&employee.kuerzel)) "/policy" } {
                (token(visit))
                div.row {
                    (choice("enabled", language.say("Synced", "Synchronisiert"), &enabled, switch(Some(employee.enabled))))
                    (choice("strategy", language.say("Who wins", "Wer gewinnt"), &strategies, own.strategy.map_or(DEFAULT, SyncStrategy::name)))
                    (choice("advoware_write", language.say("Writes to Advoware", "Schreiben nach Advoware"), &writes, switch(own.advoware_write_allowed)))
                    (choice("anonymize", language.say("Google sees", "Google sieht"), &anonymize, switch(own.anonymize)))
                    button type="submit" { (language.say("Save", "Speichern")) }
                }
            }
            p.faint { (language.say(
                "The next run follows it. With “times and texts” Google gets what the entries say; with “times only” the texts there are replaced.",
                "Der nächste Lauf richtet sich danach. Bei „Zeiten und Texte“ erhält Google, was in den Einträgen steht; bei „nur Zeiten“ werden die Texte dort ersetzt.",
            )) }
        }
    }
}

fn strategy_text(strategy: SyncStrategy, language: Language) -> &'static str {
    match strategy {
        SyncStrategy::SourceSystemWins => language.say("where it was entered", "wo eingetragen"),
        SyncStrategy::LastChangeWins => language.say("the last change", "die letzte Änderung"),
    }
}

fn choice(name: &str, label: &str, options: &[(&str, String)], chosen: &str) -> Markup {
    html! {
        label { (label)
            select name=(name) { @for (value, text) in options {
                option value=(value) selected[*value == chosen] { (text) }
            } }
        }
    }
}

async fn set_policy(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let employee = find(&console, &kuerzel).await?;
    let change = chosen.change(&employee).ok_or(Problem::Malformed)?;
    let kuerzel = employee.kuerzel;
    let detail = Some(chosen.detail());
    let of = Of { flow: Some(QueueName::Calendar), entity: Some(kuerzel.to_string()), detail };
    let work = async { if console.hub.set_policy(&kuerzel, &change).await? { Ok(()) } else { Err(Problem::NotFound) } };
    recorded(&console, &visit, Act::SetPolicy, of, work).await?;
    Ok(queues::to(&Done::Saved.address(&address(&kuerzel), None)))
}

impl Chosen {
    /// What differs from what the employee has: what stays is not decided anew. `None`: not what the form offers.
    fn change(&self, employee: &Employee) -> Option<PolicyChange> {
        let own = &employee.policy;
        let strategy = match self.strategy.as_str() {
            DEFAULT => None,
            name => Some(SyncStrategy::parse(name)?),
        };
        let (write, anonymize) = (own_switch(&self.advoware_write)?, own_switch(&self.anonymize)?);
        let enabled = own_switch(&self.enabled)??;
        Some(PolicyChange {
            strategy: (strategy != own.strategy).then_some(strategy),
            advoware_write_allowed: (write != own.advoware_write_allowed).then_some(write),
            anonymize: (anonymize != own.anonymize).then_some(anonymize),
            calendar: None,
            enabled: (enabled != employee.enabled).then_some(enabled),
        })
    }

    /// For the audit; parsed before, so from closed lists.
    fn detail(&self) -> String {
        let Self { strategy, advoware_write, anonymize, enabled } = self;
        format!("strategy {strategy}, advoware_write {advoware_write}, anonymize {anonymize}, enabled {enabled}")
    }
}

#[expect(clippy::option_option, reason = "no choice of ours, what the settings say, on or off")]
fn own_switch(text: &str) -> Option<Option<bool>> {
    match text {
        DEFAULT => Some(None),
        "on" => Some(Some(true)),
        "off" => Some(Some(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::Kuerzel;

    use super::*;

    fn chosen(strategy: &str, advoware_write: &str, anonymize: &str, enabled: &str) -> Chosen {
        let [strategy, advoware_write, anonymize, enabled] =
            [strategy, advoware_write, anonymize, enabled].map(str::to_owned);
        Chosen { strategy, advoware_write, anonymize, enabled }
    }

    #[test]
    fn only_what_differs_is_decided() {
        let employee = Employee::unknown(&Kuerzel::parse("SB").unwrap());
        assert_eq!(chosen(DEFAULT, DEFAULT, DEFAULT, "on").change(&employee), Some(PolicyChange::default()));
        let change = chosen("last_change_wins", "off", "on", "off").change(&employee).unwrap();
        assert_eq!(change.strategy, Some(Some(SyncStrategy::LastChangeWins)));
        assert_eq!((change.advoware_write_allowed, change.anonymize), (Some(Some(false)), Some(Some(true))));
        assert_eq!((change.enabled, change.calendar), (Some(false), None));
    }

    #[test]
    fn what_the_form_does_not_offer_is_refused() {
        let employee = Employee::unknown(&Kuerzel::parse("SB").unwrap());
        for wrong in [
            chosen("newest", DEFAULT, DEFAULT, "on"),
            chosen(DEFAULT, "yes", DEFAULT, "on"),
            chosen(DEFAULT, DEFAULT, "", "on"),
            chosen(DEFAULT, DEFAULT, DEFAULT, DEFAULT),
        ] {
            assert_eq!(wrong.change(&employee), None);
        }
    }
}
