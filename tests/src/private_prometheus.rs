//! A Prometheus of one's own, with the settings and alerts of `monitoring/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::folder::RunFolder;
use crate::installed::{in_repository, prometheus};
use crate::port::ReservedPort;
use crate::process::{EndSignal, Launch, Process};
use crate::wait::eventually;
use crate::{Error, Result};

const READY_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A foreign program may take the port between choosing and binding it.
const PORTS_TRIED: u32 = 5;

/// A private Prometheus on 127.0.0.1; dropping it ends it and removes its data.
///
/// Its settings are `monitoring/prometheus.yml` and `monitoring/alerts.yml` but for three things: targets are addresses instead of names,
/// it looks every second instead of every 15 s, and an alert fires one second after its condition holds, whatever its `for`.
#[derive(Debug)]
pub struct PrivatePrometheus {
    // Declared, and so dropped, before its folder.
    _process: Process,
    url: String,
    client: Client,
    _folder: RunFolder,
}

/// A rule as Prometheus has read it.
#[derive(Debug, Clone)]
pub struct AlertRule {
    pub name: String,
    pub expression: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// Why its last evaluation failed; empty if it did not.
    pub error: String,
}

impl PrivatePrometheus {
    /// Starts one that watches these addresses (`host:port`), and returns when it answers.
    pub async fn watching(producer: &str, workers: &[String]) -> Result<Self> {
        let mut last = Error::new("no port tried");
        for _ in 0..PORTS_TRIED {
            match Self::start(producer, workers).await {
                Err(error) if error.to_string().contains("address already in use") => last = error,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    async fn start(producer: &str, workers: &[String]) -> Result<Self> {
        let folder = RunFolder::create()?;
        let home = folder.subfolder("prometheus", None)?;
        fs::write(home.join("prometheus.yml"), settings(producer, workers)?)?;
        fs::write(home.join("alerts.yml"), impatient(&ours("alerts.yml")?))?;
        let port = ReservedPort::reserve()?;
        let log = home.join("log");
        let launch = Launch {
            program: prometheus()?,
            args: vec![
                "--config.file=prometheus.yml".into(),
                "--storage.tsdb.path=data".into(),
                format!("--web.listen-address={}", port.address()),
                "--log.level=warn".into(),
            ],
            env: BTreeMap::from([("LC_ALL".into(), "C.UTF-8".into())]),
            folder: home,
            account: None,
            end_signal: EndSignal::Kill,
            stdout: log.clone(),
            stderr: log.clone(),
        };
        let process = Process::start(&launch)?;
        #[expect(clippy::disallowed_methods, reason = "asks a server of the harness, with a time limit")]
        let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().map_err(in_words)?;
        let url = format!("http://{}", port.address());
        let ready = eventually(READY_WITHIN, "private Prometheus answers", async || {
            if let Some(status) = process.exit_status() {
                return Ok(Err(Error::new(format!("Prometheus ended at once: {status}\n{}", read(&log)?))));
            }
            let answer =
                client.get(format!("{url}/-/ready")).send().await.and_then(reqwest::Response::error_for_status);
            answer.map(|_| Ok(())).map_err(in_words)
        });
        ready.await??;
        Ok(Self { _process: process, url, client, _folder: folder })
    }

    /// What it finds for a query now: a value of each series. An error says why it cannot be asked.
    pub async fn ask(&self, query: &str) -> Result<Vec<Value>> {
        let mut data = self.get("query", &[("query", query)]).await.map_err(|error| error.while_doing(query))?;
        match data["resultType"].as_str() {
            Some("vector") => Ok(items(data["result"].take())),
            other => Err(Error::new(format!("{query}: answered with {other:?}, not with a vector"))),
        }
    }

    /// Every name that a metric has had.
    pub async fn metric_names(&self) -> Result<BTreeSet<String>> {
        let names = items(self.get("label/__name__/values", &[]).await?);
        Ok(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// The alerts of `monitoring/`, as they stand.
    pub async fn alert_rules(&self) -> Result<Vec<AlertRule>> {
        let mut data = self.get("rules", &[]).await?;
        let groups = items(data["groups"].take()).into_iter();
        let text = |rule: &Value, name: &str| rule[name].as_str().unwrap_or_default().to_owned();
        let rules = groups.flat_map(|mut group| items(group["rules"].take())).map(|rule| AlertRule {
            name: text(&rule, "name"),
            expression: text(&rule, "query"),
            state: text(&rule, "state"),
            error: text(&rule, "lastError"),
        });
        Ok(rules.collect())
    }

    /// Names of the alerts that fire now, as somebody who is notified hears of them.
    pub async fn firing(&self) -> Result<BTreeSet<String>> {
        let mut data = self.get("alerts", &[]).await?;
        let alerts = items(data["alerts"].take());
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        Ok(firing.filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned)).collect())
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let request = self.client.get(format!("{}/api/v1/{path}", self.url)).query(parameters);
        let mut answer: Value = request.send().await.map_err(in_words)?.json().await.map_err(in_words)?;
        if answer["status"] == "success" {
            Ok(answer["data"].take())
        } else {
            Err(Error::new(answer["error"].to_string()))
        }
    }
}

/// `monitoring/prometheus.yml` with these targets, every second.
fn settings(producer: &str, workers: &[String]) -> Result<String> {
    let targets = |addresses: &[String]| format!("    static_configs: [{{ targets: {addresses:?} }}]");
    let mut replaced = 0;
    let text = ours("prometheus.yml")?;
    let lines = text.lines().map(|line| {
        let new = if line.contains("names: [producer]") {
            targets(&[producer.to_owned()])
        } else if line.contains("names: [worker]") {
            targets(workers)
        } else if let Some(name) = line.strip_suffix("_interval: 15s") {
            format!("{name}_interval: 1s")
        } else {
            return line.to_owned();
        };
        replaced += 1;
        new
    });
    let settings = lines.collect::<Vec<_>>().join("\n");
    if replaced == 4 {
        return Ok(settings);
    }
    Err(Error::new(format!(
        "{replaced} lines of monitoring/prometheus.yml were understood, not 4: adapt this to its new form"
    )))
}

fn impatient(alerts: &str) -> String {
    let lines = alerts.lines().map(|line| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn ours(name: &str) -> Result<String> {
    read(&in_repository("monitoring").join(name))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::from(error).while_doing(&path.display().to_string()))
}

fn items(list: Value) -> Vec<Value> {
    match list {
        Value::Array(items) => items,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Vec::new(),
    }
}

fn in_words(error: reqwest::Error) -> Error {
    Error::new(error.to_string())
}
