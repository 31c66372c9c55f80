//! The stored shape of what the hub remembers. JSON here is ours, so it is read strictly.

use std::collections::{BTreeMap, BTreeSet};

use domain::beteiligte::stammdaten;
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, KommId};
use domain::kommunikation::{Ahead, Base, BaseRow, KommKz};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HubError;
use super::base::Creation;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

/// By the name of the field: what EspoCRM and Advoware answered last; `null` in place of an array of one: not known.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredStammdaten {
    fields: BTreeMap<String, StoredPair>,
    #[serde(default)]
    begun: Vec<StoredBegun>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPair {
    espocrm: Option<[Option<String>; 1]>,
    advoware: Option<[Option<String>; 1]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBegun {
    field: String,
    side: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
enum StoredCreation {
    Begun {
        #[serde(default)]
        again: bool,
    },
    Created {
        betnr: i64,
    },
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
    let stored = |finding: &Finding| StoredFinding {
        kind: finding.kind.name(),
        komm_id: finding.komm_id.map(|id| id.0),
        field: finding.field.map(stammdaten::Field::name),
    };
    serde_json::json!(findings.iter().map(stored).collect::<Vec<_>>())
}

/// Findings of a kind that this program does not know are left out: a later one wrote them.
pub(super) fn to_findings(findings: &Value) -> Vec<Finding> {
    let read = |finding: &Value| {
        Some(Finding {
            kind: FindingKind::parse(finding["kind"].as_str()?)?,
            komm_id: finding["kommId"].as_i64().map(KommId),
            field: finding["field"].as_str().and_then(stammdaten::Field::parse),
        })
    };
    findings.as_array().map(|findings| findings.iter().filter_map(read).collect()).unwrap_or_default()
}

/// The fields that waited for a person; what else was found is for people alone.
pub(super) fn to_undecided(findings: Value) -> BTreeSet<stammdaten::Field> {
    let Value::Array(findings) = findings else { return BTreeSet::new() };
    let undecided = findings.iter().filter(|finding| finding["kind"] == FindingKind::Undecided.name());
    undecided.filter_map(|finding| stammdaten::Field::parse(finding["field"].as_str()?)).collect()
}

pub(super) fn from_stammdaten(base: &stammdaten::Base) -> Value {
    let last = |last: &stammdaten::Last| match last {
        stammdaten::Last::Unknown => None,
        stammdaten::Last::Answered(text) => Some([text.clone()]),
    };
    let pair = |pair: &stammdaten::Pair| StoredPair { espocrm: last(&pair.espocrm), advoware: last(&pair.advoware) };
    let begun = |begun: &stammdaten::Begun| StoredBegun {
        field: begun.field.name().to_owned(),
        side: begun.side.name().to_owned(),
        before: begun.before.clone(),
        after: begun.after.clone(),
    };
    serde_json::json!(StoredStammdaten {
        fields: base.fields.iter().map(|(field, known)| (field.name().to_owned(), pair(known))).collect(),
        begun: base.begun.iter().map(begun).collect(),
    })
}

pub(super) fn to_stammdaten(stored: Value) -> Result<stammdaten::Base, HubError> {
    let unreadable = || HubError::Unreadable("stammdaten");
    let stored: StoredStammdaten = serde_json::from_value(stored).map_err(|_| unreadable())?;
    let field = |name: &str| stammdaten::Field::parse(name).ok_or_else(unreadable);
    let last = |stored: Option<[Option<String>; 1]>| match stored {
        None => stammdaten::Last::Unknown,
        Some([text]) => stammdaten::Last::Answered(text),
    };
    let mut base = stammdaten::Base::default();
    for (name, pair) in stored.fields {
        let pair = stammdaten::Pair { espocrm: last(pair.espocrm), advoware: last(pair.advoware) };
        base.fields.insert(field(&name)?, pair);
    }
    for begun in stored.begun {
        let side = stammdaten::Side::ALL.into_iter().find(|side| side.name() == begun.side).ok_or_else(unreadable)?;
        let field = field(&begun.field)?;
        base.begun.push(stammdaten::Begun { field, side, before: begun.before, after: begun.after });
    }
    Ok(base)
}

pub(super) fn from_creation(creation: Creation) -> Value {
    serde_json::json!(match creation {
        Creation::Begun { again } => StoredCreation::Begun { again },
        Creation::Created(betnr) => StoredCreation::Created { betnr: betnr.0 },
    })
}

pub(super) fn to_creation(stored: Value) -> Result<Creation, HubError> {
    match serde_json::from_value(stored).map_err(|_| HubError::Unreadable("creation"))? {
        StoredCreation::Begun { again } => Ok(Creation::Begun { again }),
        StoredCreation::Created { betnr } => Ok(Creation::Created(BetNr(betnr))),
    }
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

    #[test]
    fn b2a_stammdaten_and_creation_come_back_as_they_were_stored() {
        use stammdaten::{Begun, Field, Last, Pair, Side};
        let mut base = stammdaten::Base::default();
        let text = |text: &str| Some(text.to_owned());
        base.fields.insert(Field::Name, Pair::agreed(text("ä")));
        base.fields.insert(Field::Vorname, Pair { espocrm: Last::Unknown, advoware: Last::Answered(None) });
        base.begun.push(Begun { field: Field::Anrede, side: Side::Advoware, before: None, after: text("Frau") });
        assert_eq!(to_stammdaten(from_stammdaten(&base)).unwrap(), base);
        for creation in [Creation::Begun { again: false }, Creation::Begun { again: true }, Creation::Created(BetNr(7))]
        {
            assert_eq!(to_creation(from_creation(creation)).unwrap(), creation);
        }
        for damaged in ["[]", r#"{"fields":{"x":{"espocrm":null,"advoware":null}}}"#, r#"{"state":"x"}"#] {
            let damaged: Value = serde_json::from_str(damaged).unwrap();
            assert!(to_stammdaten(damaged.clone()).is_err() && to_creation(damaged).is_err());
        }
    }
}
