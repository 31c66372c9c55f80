//! Whether both sides agree: an independent look at the simulator's state, which shares no rule with the product.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use simulator::{FirmBeteiligter, Kommunikation, canonical};

use super::firm::Firm;
use crate::stammdaten::{of_advoware, of_espocrm};
use crate::{Error, Result};

/// What Advoware keeps for itself: web addresses have no field in EspoCRM.
const WEB_ADDRESS: i64 = 5;
/// EspoCRM's data arrays hold no more entries.
const ENTRIES_MOST: usize = 10;
const CANNOT_HOLD: &str = "cannot_hold";
const LEFT_TO_DIFFER: &str = "left_to_differ";

/// Both sides compared, and what the product itself found. Ids only, no values.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    /// Kommunikationen that both sides have.
    pub(super) on_both_sides: u64,
    /// Fields of the Stammdaten that both sides have.
    pub(super) fields_on_both_sides: u64,
    /// Beteiligte that were compared.
    pub(super) compared: u64,
    pub(super) web_addresses: u64,
    /// Emptied rows that wait for the next value of their kind.
    pub(super) slots: u64,
    /// Rows that EspoCRM cannot hold; each is told as a finding.
    pub(super) held_by_advoware_alone: u64,
    /// What the last run found, by kind.
    pub(super) findings: BTreeMap<String, u64>,
    pub(super) dead_jobs: u64,
    /// In words, one per difference.
    pub(super) differences: Vec<String>,
}

/// A finding of the last run: record, kind and the Kommunikation it is about.
type Finding = (String, String, Option<i64>);

pub(super) async fn compare(firm: &Firm) -> Result<Agreement> {
    let mut hub = firm.hub().await?;
    let findings: Vec<Finding> = sqlx::query_as(
        "SELECT espo_id, finding->>'kind', (finding->>'kommId')::bigint
         FROM beteiligte, jsonb_array_elements(findings) AS finding",
    )
    .fetch_all(&mut hub)
    .await?;
    super::tally::close(hub).await?;
    let counts = firm.world().queue.counts().await.map_err(|error| Error::new(error.to_string()))?;
    let mut agreement = Agreement { dead_jobs: counts.dead, ..Agreement::default() };
    for (_, kind, _) in &findings {
        *agreement.findings.entry(kind.clone()).or_default() += 1;
    }
    let findings: BTreeSet<Finding> = findings.into_iter().collect();
    for one in &firm.beteiligte {
        agreement.add(&Sides::of(firm, one), &findings);
        agreement.add_stammdaten(firm, one, &findings);
    }
    Ok(agreement)
}

/// A Beteiligter as both systems have it.
struct Sides {
    id: String,
    betnr: i64,
    rows: Vec<Kommunikation>,
    /// Comparable value of each mail, and whether it is the primary one.
    mails: BTreeMap<String, bool>,
    /// Comparable values of the phones.
    phones: BTreeSet<String>,
    status: Value,
}

impl Sides {
    fn of(firm: &Firm, one: &FirmBeteiligter) -> Self {
        let (espocrm, advoware) = (firm.world().simulator.espocrm(), firm.world().simulator.advoware());
        let text = |item: &Value, field: &str| canonical(item[field].as_str().unwrap_or_default());
        let mails = espocrm.mails(&one.espo_id);
        let phones = espocrm.phones(&one.espo_id);
        Self {
            id: one.espo_id.clone(),
            betnr: one.betnr,
            rows: advoware.rows(one.betnr),
            mails: mails.iter().map(|mail| (text(mail, "emailAddress"), mail["primary"] == json!(true))).collect(),
            phones: phones.iter().map(|phone| text(phone, "phoneNumber")).collect(),
            status: firm.world().field(&one.espo_id, "syncStatus"),
        }
    }

    /// Whether EspoCRM has room and a form for this value.
    fn can_hold(&self, value: &str) -> bool {
        if value.contains('@') {
            self.mails.len() < ENTRIES_MOST
        } else {
            value.starts_with('+') && self.phones.len() < ENTRIES_MOST
        }
    }
}

impl Agreement {
    fn add(&mut self, sides: &Sides, findings: &BTreeSet<Finding>) {
        let (id, betnr) = (&sides.id, sides.betnr);
        if sides.status != json!("clean") {
            self.differences.push(format!("{id} (betnr {betnr}): its status is {}", sides.status));
        }
        let mut in_advoware = BTreeSet::new();
        for row in &sides.rows {
            let value = canonical(&row.tlf);
            if value.is_empty() {
                self.slots += 1;
            } else if row.komm_kz == WEB_ADDRESS {
                self.web_addresses += 1;
            } else {
                self.add_row(sides, row, &value, findings);
            }
            in_advoware.insert(value);
        }
        let missing = sides.mails.keys().chain(&sides.phones).filter(|value| !in_advoware.contains(*value)).count();
        if missing > 0 {
            self.differences.push(format!("{id} (betnr {betnr}): Advoware lacks {missing} of EspoCRM's values"));
        }
    }

    /// Field by field, in comparable form. What was told as left to differ is no difference.
    fn add_stammdaten(&mut self, firm: &Firm, one: &FirmBeteiligter, findings: &BTreeSet<Finding>) {
        self.compared += 1;
        let espo = firm.world().simulator.espocrm().record(&one.espo_id).unwrap_or_default();
        let advo = firm.world().simulator.advoware().beteiligter(one.betnr);
        let advo = advo.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        let (left, right) = (of_espocrm(&espo), of_advoware(&advo, &espo));
        let is_told = findings.contains(&(one.espo_id.clone(), LEFT_TO_DIFFER.to_owned(), None));
        for name in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
            if left.get(name) == right.get(name) {
                self.fields_on_both_sides += 1;
            } else if !is_told {
                self.differences.push(format!("{} (betnr {}): {name} differs", one.espo_id, one.betnr));
            }
        }
    }

    fn add_row(&mut self, sides: &Sides, row: &Kommunikation, value: &str, findings: &BTreeSet<Finding>) {
        let name = format!("{} (betnr {}), Kommunikation {}", sides.id, sides.betnr, row.id);
        match sides.mails.get(value) {
            Some(primary) if *primary != row.online => {
                self.differences.push(format!("{name}: `online` is not EspoCRM's `primary`"));
            }
            Some(_) => self.on_both_sides += 1,
            None if sides.phones.contains(value) => self.on_both_sides += 1,
            None if sides.can_hold(value) => self.differences.push(format!("{name}: EspoCRM lacks its value")),
            None if findings.contains(&(sides.id.clone(), CANNOT_HOLD.to_owned(), Some(row.id))) => {
                self.held_by_advoware_alone += 1;
            }
            None => self.differences.push(format!("{name}: EspoCRM cannot hold it, and no finding tells")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, komm_kz: i64, tlf: &str, online: bool) -> Kommunikation {
        Kommunikation { id, row_id: String::new(), komm_kz, tlf: tlf.to_owned(), bemerkung: None, online }
    }

    fn compared(rows: Vec<Kommunikation>, findings: &[Finding]) -> Agreement {
        let sides = Sides {
            id: "b1".to_owned(),
            betnr: 1,
            rows,
            mails: BTreeMap::from([("a@example.org".to_owned(), true)]),
            phones: BTreeSet::from(["+493023125100".to_owned()]),
            status: json!("clean"),
        };
        let mut agreement = Agreement::default();
        agreement.add(&sides, &findings.iter().cloned().collect());
        agreement
    }

    /// Agrees with what EspoCRM has in `compared`.
    fn equal() -> Vec<Kommunikation> {
        vec![row(1, 4, "A@example.org", true), row(2, 1, "030/23125 10-0", false)]
    }

    #[test]
    fn spellings_web_addresses_and_empty_rows_are_no_difference() {
        let rows = equal().into_iter().chain([row(3, WEB_ADDRESS, "www.example.org", false), row(4, 1, "", false)]);
        let agreement = compared(rows.collect(), &[]);
        assert_eq!(agreement.differences, [""; 0]);
        assert_eq!((agreement.on_both_sides, agreement.web_addresses, agreement.slots), (2, 1, 1));
    }

    #[test]
    fn a_value_that_one_side_lacks_is_a_difference() {
        assert_eq!(compared(equal().split_off(1), &[]).differences.len(), 1, "EspoCRM's mail is not in Advoware");
        let more = equal().into_iter().chain([row(3, 1, "030/23125101", false)]).collect();
        assert_eq!(compared(more, &[]).differences.len(), 1, "Advoware's phone is not in EspoCRM");
    }

    #[test]
    fn another_main_address_is_a_difference() {
        let rows = equal().into_iter().map(|row| Kommunikation { online: false, ..row }).collect();
        assert_eq!(compared(rows, &[]).differences.len(), 1);
    }

    #[test]
    fn what_espocrm_cannot_hold_must_be_told() {
        let rows = || equal().into_iter().chain([row(3, 10, "siehe Akte", false)]).collect();
        assert_eq!(compared(rows(), &[]).differences.len(), 1);
        let told = compared(rows(), &[("b1".to_owned(), CANNOT_HOLD.to_owned(), Some(3))]);
        assert_eq!((told.differences.len(), told.held_by_advoware_alone), (0, 1));
    }
}
