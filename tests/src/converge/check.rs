//! What must be true at the end of every story (invariants 1 to 4).

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::canonical;
use sqlx::{Connection, PgConnection};

use super::play::Stage;
use super::step::PEOPLE;
use crate::Result;
use crate::stammdaten::{of_advoware, of_espocrm};

/// What is wrong; nothing, if all is well.
pub(super) async fn check(stage: &mut Stage) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let audited = audited(stage).await?;
    let records = stage.world.simulator.advoware().betnrs().len();
    if records > PEOPLE {
        problems.push(format!("{records} records in Advoware, {PEOPLE} at most were asked for"));
    }
    for who in 0..PEOPLE {
        problems.extend(of_one(stage, who).into_iter().map(|problem| format!("person {who}: {problem}")));
    }
    for (value, (who, is_calm)) in &stage.entered {
        let is_there = stage.world.espo_values(&stage.people[*who]).contains(value);
        let is_removed = stage.removed.contains(value) || stage.gone.contains(value);
        let is_accounted_for = is_there || is_removed || audited.contains(value);
        if *is_calm && !is_accounted_for {
            problems.push(format!("person {who}: {value} is lost, nobody removed it and the audit does not know it"));
        }
    }
    for (who, id) in stage.people.iter().enumerate() {
        let back = stage.world.espo_values(id).into_iter().filter(|value| stage.gone.contains(value));
        problems.extend(back.map(|value| format!("person {who}: {value} was removed and is back")));
    }
    for ((who, name, _), (text, is_calm)) in &stage.texts {
        let stands = stage.world.field(&stage.people[*who], name) == Value::String(text.clone());
        let is_audited = audited.contains(text) || audited.contains(&format!("{text}T00:00:00"));
        if *is_calm && !stands && !is_audited {
            problems.push(format!("person {who}: {name} {text} is lost, and the audit does not know it"));
        }
    }
    let before = stage.world.simulator.journal().last_sequence();
    stage.run().await?;
    let writes = stage.world.simulator.journal().since(before).into_iter().filter(|call| call.mutating).count();
    if writes > 0 {
        problems.push(format!("{writes} writes in a run with nothing to do"));
    }
    Ok(problems)
}

/// Both sides of one Beteiligter agree.
fn of_one(stage: &Stage, who: usize) -> Vec<String> {
    let (id, mut problems) = (&stage.people[who], Vec::new());
    let Some(betnr) = stage.betnr(who) else { return vec!["no betnr".to_owned()] };
    let status = stage.world.field(id, "syncStatus");
    if status != "clean" {
        problems.push(format!("status {status}"));
    }
    let (espo, advo) = (stage.world.espo_values(id), stage.world.advo_values(betnr));
    if espo != advo {
        problems.push(format!("EspoCRM has {espo:?}, Advoware {advo:?}"));
    }
    let rows = stage.world.simulator.advoware().rows(betnr);
    let mut seen = BTreeSet::new();
    for value in rows.iter().map(|row| canonical(&row.tlf)).filter(|value| !value.is_empty()) {
        if !seen.insert(value.clone()) {
            problems.push(format!("{value} twice in Advoware"));
        }
    }
    if let (Some(espo), Some(Value::Object(advo))) =
        (stage.world.simulator.espocrm().record(id), stage.world.simulator.advoware().beteiligter(betnr))
    {
        let (left, right) = (of_espocrm(&espo), of_advoware(&advo, &espo));
        if left != right {
            problems.push(format!("Stammdaten {left:?} and {right:?}"));
        }
    }
    problems
}

/// Every text in the audit, in comparable form.
async fn audited(stage: &Stage) -> Result<BTreeSet<String>> {
    let mut hub = PgConnection::connect(&stage.world.database_url).await?;
    let rows: Vec<(Option<Value>, Option<Value>)> =
        sqlx::query_as("SELECT before, after FROM sync_audit").fetch_all(&mut hub).await?;
    hub.close().await?;
    let mut texts = BTreeSet::new();
    for value in rows.into_iter().flat_map(|(before, after)| [before, after]).flatten() {
        match value {
            Value::String(text) => drop(texts.insert(text)),
            Value::Object(fields) => {
                texts.extend(fields.values().filter_map(Value::as_str).map(canonical));
            }
            _ => {}
        }
    }
    Ok(texts)
}
