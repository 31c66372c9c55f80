//! The stored shape of what the hub remembers. JSON here is ours, so it is read strictly.

use domain::finding::Finding;
use domain::ids::KommId;
use domain::kommunikation::{Ahead, Base, BaseRow, KommKz};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HubError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBase {
    rows: Vec<StoredRow>,
    #[serde(default)]
    ahead: Vec<StoredAhead>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRow {
    id: i64,
    komm_kz: u8,
    value: String,
    #[serde(default)]
    held: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredAhead {
    id: i64,
    komm_kz: u8,
    value: String,
    #[serde(default)]
    marked: Option<String>,
    #[serde(default)]
    left: Option<String>,
    confirmed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredFinding {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    komm_id: Option<i64>,
}

pub(super) fn from_base(base: &Base) -> Value {
    let row = |row: &BaseRow| StoredRow {
        id: row.id.0,
        komm_kz: row.komm_kz.number(),
        value: row.value.clone(),
        held: row.held,
    };
    let ahead = |ahead: &Ahead| StoredAhead {
        id: ahead.id.0,
        komm_kz: ahead.komm_kz.number(),
        value: ahead.value.clone(),
        marked: ahead.marked.clone(),
        left: ahead.left.clone(),
        confirmed: ahead.confirmed,
    };
    let stored =
        StoredBase { rows: base.rows.iter().map(row).collect(), ahead: base.ahead.iter().map(ahead).collect() };
    serde_json::json!(stored)
}

pub(super) fn to_base(stored: Value) -> Result<Base, HubError> {
    let stored: StoredBase = serde_json::from_value(stored).map_err(|_| HubError::Unreadable("kommunikation"))?;
    let row = |row: StoredRow| {
        Ok(BaseRow { id: KommId(row.id), komm_kz: komm_kz(row.komm_kz)?, value: row.value, held: row.held })
    };
    let ahead = |ahead: StoredAhead| {
        Ok(Ahead {
            id: KommId(ahead.id),
            komm_kz: komm_kz(ahead.komm_kz)?,
            value: ahead.value,
            marked: ahead.marked,
            left: ahead.left,
            confirmed: ahead.confirmed,
        })
    };
    Ok(Base {
        rows: stored.rows.into_iter().map(row).collect::<Result<_, HubError>>()?,
        ahead: stored.ahead.into_iter().map(ahead).collect::<Result<_, HubError>>()?,
    })
}

fn komm_kz(number: u8) -> Result<KommKz, HubError> {
    KommKz::from_number(number.into()).ok_or(HubError::Unreadable("kommKz"))
}

pub(super) fn from_findings(findings: &[Finding]) -> Value {
    let stored =
        |finding: &Finding| StoredFinding { kind: finding.kind.name(), komm_id: finding.komm_id.map(|id| id.0) };
    serde_json::json!(findings.iter().map(stored).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2a_the_base_comes_back_as_it_was_stored() {
        let base = Base {
            rows: vec![
                BaseRow { id: KommId(7), komm_kz: KommKz::Bea, value: "ä@example.org".to_owned(), held: true },
                BaseRow { id: KommId(8), komm_kz: KommKz::TelGesch, value: String::new(), held: false },
            ],
            ahead: vec![Ahead {
                id: KommId(9),
                komm_kz: KommKz::MailGesch,
                value: String::new(),
                marked: Some("b@example.org".to_owned()),
                left: Some("a@example.org".to_owned()),
                confirmed: true,
            }],
        };
        assert_eq!(to_base(from_base(&base)).unwrap(), base);
    }

    #[test]
    fn a_damaged_base_is_told_not_guessed() {
        for damaged in ["[]", "{}", r#"{"rows":[{}]}"#, r#"{"rows":[{"id":1,"kommKz":13,"value":""}]}"#] {
            assert!(
                matches!(to_base(serde_json::from_str(damaged).unwrap()), Err(HubError::Unreadable(_))),
                "{damaged}"
            );
        }
    }
}
