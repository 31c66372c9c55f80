//! `monitoring/` at work: a real Prometheus that scrapes real programs of a firm that has synced.

use std::collections::BTreeSet;

use harness::calendar::Calendars;
use harness::world::{PATIENCE, address_in, mail, phone, row};
use harness::{Error, PrivatePrometheus, Result, RunningProgram, eventually, in_repository};
use serde_json::{Value, json};

/// What is chosen in the dashboard's drop-downs. Not `.*`, which would match a series that lacks the label, too.
const FLOWS: &str = "beteiligte|calendar";
const SYSTEMS: &str = "advoware|espocrm|google";

/// Panels that show nothing in a firm where all is well: they are about what went wrong.
const MAY_BE_EMPTY: [&str; 3] = ["Calls that did not end with ok", "The same by operation", "Findings"];

/// A producer, two workers and a Prometheus that has seen each of them before there was anything to do.
struct Watched {
    calendars: Calendars,
    workers: Vec<RunningProgram>,
    _producer: RunningProgram,
    prometheus: PrivatePrometheus,
}

impl Watched {
    async fn start() -> Result<Self> {
        let mut calendars = Calendars::start().await?;
        // Every run of a calendar is asked for by the test.
        calendars.world.setting("CALENDAR_SYNC_SECONDS", 86_400);
        let world = &calendars.world;
        let (one, other) = tokio::try_join!(world.worker(), world.worker())?;
        let (producer, producer_url) = world.producer().await?;
        let workers = vec![one, other];
        let mut addresses = Vec::new();
        for worker in &workers {
            addresses.push(address_in(&worker.wait_for_line("worker ready", PATIENCE).await?)?);
        }
        let prometheus = PrivatePrometheus::watching(producer_url.trim_start_matches("http://"), &addresses).await?;
        eventually(PATIENCE, "all three are scraped, and the workers known to the queue", async || {
            let (up, workers) = (prometheus.ask("sum(up)").await?, prometheus.ask("max(kanzleisync_workers)").await?);
            if (value(&up), value(&workers)) == (3.0, 2.0) {
                Ok(())
            } else {
                Err(Error::new(format!("{up:?}, {workers:?}")))
            }
        })
        .await?;
        Ok(Self { calendars, workers, _producer: producer, prometheus })
    }

    /// Both flows write on both sides.
    async fn sync(&self) -> Result<()> {
        let world = &self.calendars.world;
        let ids: Vec<String> = (0..4)
            .map(|n| {
                let (ours, theirs) = (format!("a{n}@example.org"), format!("b{n}@example.org"));
                let phones = json!([phone("+4930901820", "Office")]);
                world.given(104_000 + n, json!([mail(&ours, true)]), phones, vec![row(4, &theirs, None)]).id
            })
            .collect();
        world.sync_at_once(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        for kuerzel in ["AI", "SB"] {
            self.calendars.given_employee(kuerzel).await?;
            self.calendars.given_termin(kuerzel, 3, 10, "Beispiel");
        }
        self.calendars.sync(&["AI", "SB"]).await?;
        Ok(())
    }

    /// A scrape that comes too late on a busy machine hides every series for a moment, so one look is not enough.
    async fn then_finds(&self, query: &str, what: &str) -> Result<()> {
        eventually(PATIENCE, &format!("Prometheus finds something for {query}, {what}"), async || {
            let found = self.prometheus.ask(query).await?;
            if found.is_empty() { Err(Error::new("nothing is found")) } else { Ok(()) }
        })
        .await
    }

    async fn is_firing(&self, alert: &str) -> Result<bool> {
        Ok(self.prometheus.firing().await?.contains(alert))
    }
}

/// The only value of an answer.
fn value(answer: &[Value]) -> f64 {
    let text = answer.first().and_then(|sample| sample["value"][1].as_str()).unwrap_or("NaN");
    text.parse().unwrap_or(f64::NAN)
}

fn dashboard() -> Value {
    let file = in_repository("monitoring/grafana/dashboards/kanzleisync.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("the dashboard is there")).expect("JSON")
}

/// Every query, as Grafana asks it, with the title of its panel.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let queries = panels.flat_map(|panel| {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| (title.to_owned(), target["expr"].as_str().expect("a query")))
    });
    let filled = queries.map(|(title, text)| {
        let filled = text.replace("$__rate_interval", "1m").replace("$queue", FLOWS).replace("$system", SYSTEMS);
        assert!(!filled.contains('$'), "a variable that this test does not know: {filled}");
        (title, filled)
    });
    filled.collect()
}

/// What the drop-downs of the dashboard are filled with.
fn variables(dashboard: &Value) -> Vec<String> {
    let variables = dashboard["templating"]["list"].as_array().expect("variables").iter();
    variables.filter_map(|variable| variable["definition"].as_str().map(str::to_owned)).collect()
}

/// The series that an expression asks for, each as a query of its own: a name of ours and the labels behind it.
fn selectors(expression: &str) -> BTreeSet<String> {
    let begins = expression.match_indices("kanzleisync_").filter(|(at, _)| !expression[..*at].ends_with('"'));
    begins
        .map(|(at, _)| {
            let rest = &expression[at..];
            let name = rest.find(|c: char| c != '_' && !c.is_ascii_lowercase()).unwrap_or(rest.len());
            let labels = if rest[name..].starts_with('{') { rest.find('}').map(|end| end + 1) } else { None };
            rest[..labels.unwrap_or(name)].to_owned()
        })
        .collect()
}

fn name_of(selector: &str) -> &str {
    selector.split('{').next().unwrap_or_default()
}

#[tokio::test]
async fn prometheus_finds_what_alerts_and_dashboard_ask_for_and_an_alert_fires_and_clears() -> Result<()> {
    let watched = Watched::start().await?;
    watched.sync().await?;
    let prometheus = &watched.prometheus;

    let dashboard = dashboard();
    let queries = queries(&dashboard);
    assert!(queries.len() > 30, "{queries:?}");
    for (title, query) in &queries {
        if MAY_BE_EMPTY.contains(&title.as_str()) {
            prometheus.ask(query).await?;
            continue;
        }
        watched.then_finds(query, title).await?;
    }
    let titles: BTreeSet<&str> = queries.iter().map(|(title, _)| title.as_str()).collect();
    assert!(MAY_BE_EMPTY.iter().all(|title| titles.contains(title)), "{titles:?}");

    // Conditions of alerts find nothing here, but every series in them must be there: a wrong label would keep an alert silent for ever.
    let rules = prometheus.alert_rules().await?;
    assert!(rules.len() > 15, "{rules:?}");
    for rule in &rules {
        prometheus.ask(&rule.expression).await?;
    }
    eventually(PATIENCE, "no alert has a reason in a firm where all is well", async || {
        let rules = prometheus.alert_rules().await?;
        let active = rules.iter().find(|rule| rule.state != "inactive" || !rule.error.is_empty());
        active.map_or(Ok(()), |rule| Err(Error::new(format!("{rule:?}"))))
    })
    .await?;
    let names = prometheus.metric_names().await?;
    let expressions = rules.iter().map(|rule| rule.expression.clone()).chain(variables(&dashboard));
    let expressions = expressions.chain(queries.into_iter().map(|(_, query)| query));
    let selectors: BTreeSet<String> = expressions.flat_map(|expression| selectors(&expression)).collect();
    for selector in &selectors {
        assert!(names.contains(name_of(selector)), "no program emits {selector}");
        watched.then_finds(selector, "which a program emits").await?;
    }

    for worker in &watched.workers {
        worker.terminate()?;
        worker.exited(PATIENCE).await?;
    }
    for alert in ["KanzleisyncNoWorker", "KanzleisyncTargetDown"] {
        eventually(PATIENCE, alert, async || watched.is_firing(alert).await.unwrap_or(false)).await?;
    }
    let _worker = watched.calendars.world.worker().await?;
    eventually(PATIENCE, "a worker is back", async || {
        watched.is_firing("KanzleisyncNoWorker").await.is_ok_and(|fires| !fires)
    })
    .await?;
    // The targets of this Prometheus are fixed; with names, the addresses of stopped workers would go.
    assert!(watched.is_firing("KanzleisyncTargetDown").await?);
    Ok(())
}
