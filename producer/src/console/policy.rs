//! An employee's policy: what the form offers, and what it changes. What cannot be taken back is asked for once more: the form's answer is then
//! a page with the same values and a confirmation, and nothing is changed before that comes.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use domain::calendar::policy::{AdvowareWrite, Source, SyncStrategy};
use maud::{Markup, html};
use serde::Deserialize;
use shared::calendar;
use shared::hub::calendar::{Employee, EmployeePolicy, PolicyChange};
use shared::queue::QueueName;
use shared::settings::CalendarSettings;

use super::action::{Act, Of, recorded};
use super::employee::{address, find};
use super::employees::hides;
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, token};
use super::notice::{Done, Problem};
use super::{Console, queues};

/// Choice of a part: what the settings say.
const DEFAULT: &str = "default";
const CONFIRMED_SEPARATOR: &str = ",";

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
    /// Names of the [`Danger`]s that were read and wanted all the same.
    #[serde(default)]
    confirmed: String,
}

/// What a change of policy may bring that a change back does not undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Danger {
    /// Google gets what the entries say (C7).
    TextsToGoogle,
    /// What is done in Google changes and deletes Termine that were entered in Advoware (C5).
    GoogleOverAdvoware,
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
    let strategies: Vec<(&str, String)> = [(DEFAULT, by_settings(wins(rules.strategy, language)))]
        .into_iter()
        .chain(SyncStrategy::ALL.map(|strategy| (strategy.name(), wins(strategy, language).to_owned())))
        .collect();
    let writes = [
        (DEFAULT, by_settings(writes(rules.write, None, language))),
        ("on", writes(rules.write, Some(true), language).to_owned()),
        ("off", writes(rules.write, Some(false), language).to_owned()),
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

/// What of Google's is written to Advoware: as the employee has it, else as the settings say.
pub(super) fn writes(by_settings: AdvowareWrite, own: Option<bool>, language: Language) -> &'static str {
    match (own, by_settings) {
        (Some(true), _) | (None, AdvowareWrite::All) => language.say("every entry", "alle Einträge"),
        (Some(false), _) | (None, AdvowareWrite::Off) => language.say("nothing", "nichts"),
        (None, AdvowareWrite::GoogleBorn) => {
            language.say("what was entered in Google", "was in Google eingetragen wurde")
        }
    }
}

/// Whose change counts where both sides differ.
pub(super) fn wins(strategy: SyncStrategy, language: Language) -> &'static str {
    match strategy {
        SyncStrategy::SourceSystemWins => {
            language.say("the system in which it was entered", "das System, in dem eingetragen wurde")
        }
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
    let rules = console.calendar_rules.as_ref().ok_or(Problem::NotFound)?;
    let employee = find(&console, &kuerzel).await?;
    let change = chosen.change(&employee).ok_or(Problem::Malformed)?;
    let dangers = Danger::of(&employee, &change, rules);
    if dangers.iter().any(|danger| !chosen.confirms(*danger)) {
        return Ok(question(&visit, &employee, &chosen, &dangers).into_response());
    }
    let kuerzel = employee.kuerzel;
    let detail = Some(chosen.detail());
    let of = Of { flow: Some(QueueName::Calendar), entity: Some(kuerzel.to_string()), detail };
    let work = async { if console.hub.set_policy(&kuerzel, &change).await? { Ok(()) } else { Err(Problem::NotFound) } };
    recorded(&console, &visit, Act::SetPolicy, of, work).await?;
    Ok(queues::to(&Done::Saved.address(&address(&kuerzel), None)))
}

/// The page that asks.
fn question(visit: &Visit, employee: &Employee, chosen: &Chosen, dangers: &[Danger]) -> Markup {
    let (language, calendar) = (visit.language, address(&employee.kuerzel));
    let names: Vec<&str> = dangers.iter().map(|danger| danger.name()).collect();
    let content = html! {
        div.notice.warn role="alert" {
            p { strong { (language.say("Nothing is changed yet.", "Noch ist nichts geändert.")) } }
            @for danger in dangers { p { (danger.text(language)) } }
        }
        form method="post" action={ (calendar) "/policy" } {
            (token(visit))
            @for (name, value) in chosen.fields() { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="confirmed" value=(names.join(CONFIRMED_SEPARATOR));
            button.danger type="submit" { (language.say("Save it all the same", "Trotzdem speichern")) }
        }
        p { a href=(calendar) { (language.say("Back, and change nothing", "Zurück, ohne etwas zu ändern")) } }
    };
    let title = format!("{} {}", language.say("Policy of", "Regeln von"), employee.kuerzel);
    // It can only be posted to: the other language leads to where the question came from.
    let mut visit = visit.clone();
    visit.address = calendar;
    layout::page(&visit, &title, Some(Area::Employees), &content)
}

impl Danger {
    /// Those that the change brings and that do not hold already.
    fn of(employee: &Employee, change: &PolicyChange, rules: &CalendarSettings) -> Vec<Self> {
        let own = employee.policy;
        let policy = EmployeePolicy {
            strategy: change.strategy.unwrap_or(own.strategy),
            advoware_write_allowed: change.advoware_write_allowed.unwrap_or(own.advoware_write_allowed),
            anonymize: change.anonymize.unwrap_or(own.anonymize),
        };
        let changed = Employee { policy, ..employee.clone() };
        let holds = |danger: Self, of: &Employee| {
            let policy = calendar::policy(rules, of, false);
            match danger {
                Self::TextsToGoogle => !policy.anonymize,
                Self::GoogleOverAdvoware => {
                    policy.strategy == SyncStrategy::LastChangeWins
                        && policy.write.allowed(Source::Advoware, policy.write_override)
                }
            }
        };
        let all = [Self::TextsToGoogle, Self::GoogleOverAdvoware].into_iter();
        all.filter(|danger| !holds(*danger, employee) && holds(*danger, &changed)).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::TextsToGoogle => "texts_to_google",
            Self::GoogleOverAdvoware => "google_over_advoware",
        }
    }

    fn text(self, language: Language) -> &'static str {
        match self {
            Self::TextsToGoogle => language.say(
                "Anonymising is lifted: the next run writes titles, places and texts of this employee's entries to Google, names of \
                 clients among them. Whoever the calendar is shared with reads them. Going back replaces them in the calendar; what \
                 Google has had, it has had.",
                "Die Anonymisierung wird aufgehoben: der nächste Lauf schreibt Titel, Orte und Texte der Einträge dieses Mitarbeiters \
                 nach Google, auch Namen von Mandanten. Wer den Kalender sieht, liest sie. Ein Zurückstellen ersetzt sie im Kalender; \
                 was Google hatte, hatte es.",
            ),
            Self::GoogleOverAdvoware => language.say(
                "Every entry is written to Advoware, and the last change wins: what is changed or deleted in this Google calendar is \
                 changed or deleted in Advoware, also Termine that were entered there. The audit keeps what they said.",
                "Alle Einträge werden nach Advoware geschrieben, und die letzte Änderung gewinnt: was in diesem Google-Kalender geändert \
                 oder gelöscht wird, wird es auch in Advoware, auch Termine, die dort eingetragen wurden. Das Protokoll \
                 behält, was sie sagten.",
            ),
        }
    }
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

    /// Whether this danger was read; one that has come up since was not.
    fn confirms(&self, danger: Danger) -> bool {
        self.confirmed.split(CONFIRMED_SEPARATOR).any(|name| name == danger.name())
    }

    /// What the form sends, but for the confirmation; parsed before, so from closed lists.
    fn fields(&self) -> [(&'static str, &str); 4] {
        [
            ("strategy", &self.strategy),
            ("advoware_write", &self.advoware_write),
            ("anonymize", &self.anonymize),
            ("enabled", &self.enabled),
        ]
    }

    /// For the audit; parsed before, so from closed lists.
    fn detail(&self) -> String {
        let Self { strategy, advoware_write, anonymize, enabled, .. } = self;
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
        Chosen { strategy, advoware_write, anonymize, enabled, confirmed: String::new() }
    }

    fn rules(of: &[(&str, &str)]) -> CalendarSettings {
        CalendarSettings::read(&of.iter().copied().collect()).unwrap()
    }

    fn dangers(employee: &Employee, chosen: &Chosen, rules: &CalendarSettings) -> Vec<Danger> {
        Danger::of(employee, &chosen.change(employee).unwrap(), rules)
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
    #[test]
    fn only_what_is_dangerous_and_new_is_asked_for_and_each_must_be_confirmed() {
        let (as_is, hidden) = (rules(&[]), rules(&[("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "true")]));
        let with = |policy: EmployeePolicy| Employee { policy, ..Employee::unknown(&Kuerzel::parse("SB").unwrap()) };
        let plain = with(EmployeePolicy::default());
        let anonymous = with(EmployeePolicy { anonymize: Some(true), ..EmployeePolicy::default() });
        let lifted = [DEFAULT, "off"].map(|anonymize| chosen(DEFAULT, DEFAULT, anonymize, "on"));
        for lift in &lifted {
            assert_eq!(dangers(&anonymous, lift, &as_is), [Danger::TextsToGoogle]);
            assert_eq!(dangers(&plain, lift, &as_is), [], "Google has them already");
            assert_eq!(dangers(&anonymous, lift, &hidden), [], "what the settings demand no policy lifts");
        }
        let last = "last_change_wins";
        assert_eq!(dangers(&plain, &chosen(DEFAULT, "on", DEFAULT, "on"), &as_is), [], "where it was entered wins");
        assert_eq!(dangers(&plain, &chosen(last, DEFAULT, DEFAULT, "on"), &as_is), [], "those born in Google only");
        let mut all = chosen(last, "on", "off", "on");
        assert_eq!(dangers(&anonymous, &all, &as_is), [Danger::TextsToGoogle, Danger::GoogleOverAdvoware]);
        let writes = rules(&[("CALENDAR_SYNC_ADVOWARE_WRITE", "all")]);
        assert_eq!(dangers(&plain, &chosen(last, DEFAULT, DEFAULT, "on"), &writes), [Danger::GoogleOverAdvoware]);
        all.confirmed = Danger::TextsToGoogle.name().to_owned();
        assert!(all.confirms(Danger::TextsToGoogle) && !all.confirms(Danger::GoogleOverAdvoware));
    }
}
