//! The stored shape of what the hub remembers. JSON here is ours, so it is read strictly.

use domain::finding::Finding;
use domain::ids::KommId;
use domain::kommunikation::{BaseRow, KommKz};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HubError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRow {
    id: i64,
    komm_kz: u8,
    value: String,
    #[serde(default)]
    held: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredFinding {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    komm_id: Option<i64>,
}

pub(super) fn from_base(base: &[BaseRow]) -> Value {
    let stored = |row: &BaseRow| StoredRow {
        id: row.id.0,
        komm_kz: row.komm_kz.number(),
        value: row.value.clone(),
        held: row.held,
    };
    serde_json::json!(base.iter().map(stored).collect::<Vec<_>>())
}

pub(super) fn to_base(stored: Value) -> Result<Vec<BaseRow>, HubError> {
    let rows: Vec<StoredRow> = serde_json::from_value(stored).map_err(|_| HubError::Unreadable("kommunikation"))?;
    rows.into_iter()
        .map(|row| {
            let komm_kz = KommKz::from_number(row.komm_kz.into()).ok_or(HubError::Unreadable("kommKz"))?;
            Ok(BaseRow { id: KommId(row.id), komm_kz, value: row.value, held: row.held })
        })
        .collect()
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
        let base = [
            BaseRow { id: KommId(7), komm_kz: KommKz::Bea, value: "ä@example.org".to_owned(), held: true },
            BaseRow { id: KommId(8), komm_kz: KommKz::TelGesch, value: String::new(), held: false },
        ];
        assert_eq!(to_base(from_base(&base)).unwrap(), base);
    }

    #[test]
    fn a_damaged_base_is_told_not_guessed() {
        for damaged in
            ["{}", "[{}]", "[{\"id\":1,\"kommKz\":13,\"value\":\"\"}]", "[{\"id\":1,\"kommKz\":1,\"value\":null}]"]
        {
            assert!(
                matches!(to_base(serde_json::from_str(damaged).unwrap()), Err(HubError::Unreadable(_))),
                "{damaged}"
            );
        }
    }
}
