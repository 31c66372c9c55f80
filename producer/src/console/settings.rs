//! The settings as this producer has them, without secrets: of those only whether they are set.

use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use domain::kommunikation::PhoneFormat;
use maud::{Markup, html};
use shared::settings::{LogFormat, ProducerSettings};

use super::Console;
use super::guard::Visit;
use super::layout::{self, Area};

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/settings", get(page))
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    name: &'static str,
    value: Value,
}

/// What is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// A secret: only that it is there.
    Secret(bool),
}

/// All of them. Built from single fields, so that a secret can come in only by being written here.
pub(crate) fn of(settings: &ProducerSettings) -> Vec<Setting> {
    let text = |name, value: String| Setting { name, value: Value::Text(value) };
    let secret = |name, is_set| Setting { name, value: Value::Secret(is_set) };
    let (sync, espocrm) = (&settings.sync, &settings.espocrm);
    let mut all = vec![
        text("PRODUCER_LISTEN", settings.listen.to_string()),
        secret("PRODUCER_API_KEY", settings.api_key.is_some()),
        text("ESPOCRM_API_BASE_URL", espocrm.api_base_url.to_string()),
        secret("ESPOCRM_API_KEY", true),
        secret("ESPOCRM_WEBHOOK_SECRETS", !settings.webhook_secrets.is_empty()),
        text("ESPOCRM_API_TIMEOUT_SECONDS", seconds(espocrm.timeout)),
        text(
            "ESPOCRM_PHONE_FORMAT",
            match espocrm.phone_format {
                PhoneFormat::E164 => "e164",
                PhoneFormat::AsTyped => "as_typed",
            }
            .to_owned(),
        ),
        text("ESPOCRM_FIELDS", format!("entity: {}", espocrm.fields.entity())),
        text("BETEILIGTE_SCAN_SECONDS", seconds(settings.beteiligte_scan)),
        text("BETEILIGTE_LOOK_HOURS", hours(settings.beteiligte_look)),
        text("SYNC_RETRY_MINUTES", sync.retry.iter().map(|wait| minutes(*wait)).collect::<Vec<_>>().join(",")),
        text("SYNC_MAX_TRIES", sync.max_tries.to_string()),
        text("SYNC_AUTO_RESET_HOURS", hours(sync.auto_reset)),
        text("SYNC_RUN_LIMIT_SECONDS", seconds(sync.run_limit)),
        text("SYNC_LEASE_SECONDS", seconds(sync.lease)),
        text("SYNC_CONFLICT_POLICY", sync.conflict_policy.name().to_owned()),
        text("SHUTDOWN_GRACE_SECONDS", seconds(sync.shutdown_grace)),
        text("ADVOWARE_MAX_PARALLEL", settings.limits.advoware_max_parallel.to_string()),
        text("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", settings.limits.google_requests_per_minute.to_string()),
        text("AUDIT_RETENTION_DAYS", days(settings.audit_retention)),
        text("JOB_RETENTION_HOURS", hours(settings.job_retention)),
        text(
            "VERIFY_SYNC_HOURS",
            settings.verify.as_ref().map_or_else(|| "0".to_owned(), |check| hours(check.interval)),
        ),
        text(
            "LOG_FORMAT",
            match settings.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }
            .to_owned(),
        ),
        text("RUST_LOG", settings.log.filter.clone()),
        secret("OTEL_EXPORTER_OTLP_ENDPOINT", settings.log.traces.is_some()),
    ];
    of_calendars(&mut all, settings, text, secret);
    all
}

/// Those of calendars, where they are used.
fn of_calendars(
    all: &mut Vec<Setting>,
    settings: &ProducerSettings,
    text: impl Fn(&'static str, String) -> Setting,
    secret: impl Fn(&'static str, bool) -> Setting,
) {
    all.push(secret("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", settings.calendar.is_some()));
    let Some(calendar) = &settings.calendar else { return };
    let rules = &calendar.rules;
    all.extend([
        text("CALENDAR_SYNC_SECONDS", seconds(rules.interval)),
        text("CALENDAR_SYNC_PAST_DAYS", days(rules.past)),
        text("CALENDAR_SYNC_FUTURE_DAYS", days(rules.future)),
        text("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", rules.anonymize.to_string()),
        text("CALENDAR_SYNC_STRATEGY", rules.strategy.name().to_owned()),
        text("CALENDAR_SYNC_ADVOWARE_WRITE", rules.write.name().to_owned()),
        text("SYNC_MAX_DELETE_PERCENT", rules.limit.percent.to_string()),
        text("SYNC_MAX_DELETE_COUNT", rules.limit.count.to_string()),
        text("CALENDAR_SYNC_DEBUG_KUERZEL", rules.only.as_ref().map_or_else(|| "ALL".to_owned(), ToString::to_string)),
        text("ADVOWARE_KANZLEI", calendar.advoware.kanzlei.clone()),
        secret("ADVOWARE_API_KEY", true),
        secret("ADVOWARE_PASSWORD", true),
    ]);
}

fn seconds(of: Duration) -> String {
    of.as_secs_f64().to_string()
}

fn minutes(of: Duration) -> String {
    (of.as_secs_f64() / 60.0).to_string()
}

fn hours(of: Duration) -> String {
    (of.as_secs_f64() / 3600.0).to_string()
}

fn days(of: Duration) -> String {
    (of.as_secs_f64() / 86_400.0).to_string()
}

async fn page(State(console): State<Console>, Extension(visit): Extension<Visit>) -> Markup {
    let language = visit.language;
    let content = html! {
        p { (language.say(
            "As this producer was started. Settings are environment variables; a change counts from the next start. Workers have their own.",
            "Wie dieser Producer gestartet wurde. Einstellungen sind Umgebungsvariablen; eine Änderung gilt ab dem nächsten Start. Worker haben eigene.",
        )) }
        div.scroll { table {
            thead { tr {
                th scope="col" { (language.say("Setting", "Einstellung")) }
                th scope="col" { (language.say("Value", "Wert")) }
            } }
            tbody { @for setting in &console.settings { tr {
                th scope="row" { code { (setting.name) } }
                td { @match &setting.value {
                    Value::Text(text) => code { (text) },
                    Value::Secret(true) => span.faint { (language.say("set, not shown", "gesetzt, nicht gezeigt")) },
                    Value::Secret(false) => span.faint { (language.say("not set", "nicht gesetzt")) },
                } }
            } } }
        } }
    };
    layout::page(&visit, language.say("Settings", "Einstellungen"), Some(Area::Settings), &content)
}

#[cfg(test)]
mod tests {
    use shared::settings::Source;

    use super::*;

    #[test]
    fn e3_no_secret_is_shown() {
        let planted = "planted-secret";
        let source: Source = [
            ("ESPOCRM_API_BASE_URL", "http://espo.example/api/v1"),
            ("ESPOCRM_API_KEY", planted),
            ("PRODUCER_API_KEY", planted),
            ("ESPOCRM_WEBHOOK_SECRETS", "webhook:planted-secret"),
            ("REDIS_URL", "redis://:planted-secret@localhost"),
            ("DATABASE_URL", "postgres://user:planted-secret@localhost/db"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://planted-secret.example"),
            ("VERIFY_SYNC_HOURS", "0"),
        ]
        .into_iter()
        .collect();
        let settings = ProducerSettings::read(&source).unwrap();
        let shown = format!("{:?}", of(&settings));
        assert!(!shown.contains("planted") && shown.contains("Secret(true)"), "{shown}");
        for part in ["http://espo.example/api/v1", "SYNC_RETRY_MINUTES", "e164", "entity: CBeteiligte"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
