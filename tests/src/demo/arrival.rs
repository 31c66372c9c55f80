//! Whether every edit came to stand on both sides: agreement alone would also hold if a sync had taken an edit back.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use simulator::{Edit, ScriptOutcome, Variant, canonical};

use super::firm::Firm;

/// Comparable values of all rows in Advoware by their ids, before the edits.
pub(super) struct Before(HashMap<i64, String>);

impl Before {
    pub(super) fn look(firm: &Firm) -> Self {
        let advoware = firm.world().simulator.advoware();
        let rows = firm.beteiligte.iter().flat_map(|one| advoware.rows(one.betnr));
        Self(rows.map(|row| (row.id, canonical(&row.tlf))).collect())
    }

    /// What is not as its user left it: one line per edit, ids only. Where both sides were changed, EspoCRM's user wins.
    pub(super) fn not_arrived(&self, firm: &Firm, script: &[ScriptOutcome]) -> Vec<String> {
        let lost = script.iter().filter(|line| {
            let is_conflict = matches!(line.variant, Variant::Conflict | Variant::StammdatenConflict);
            let counts =
                |edit: &&Edit| !is_conflict || !matches!(edit, Edit::AdvowareChange { .. } | Edit::AdvowareSet { .. });
            let on_both = OnBoth::of(firm, line);
            !line.edits.iter().filter(counts).all(|edit| self.stands(firm, line, edit, &on_both))
        });
        lost.map(|line| format!("{} (betnr {}), edit {}: {:?}", line.espo_id, line.betnr, line.number, line.variant))
            .collect()
    }

    fn stands(&self, firm: &Firm, line: &ScriptOutcome, edit: &Edit, on_both: &OnBoth) -> bool {
        match edit {
            Edit::EspoAddMail { address: value, .. } | Edit::EspoAddPhone { number: value, .. } => on_both.have(value),
            Edit::EspoRemove { value, .. } => on_both.lack(value),
            Edit::EspoReplace { from, to, .. } => on_both.have(to) && on_both.lack(from),
            Edit::EspoMakePrimary { value, .. } => is_primary(firm, line, value),
            Edit::AdvowareAdd { row, .. } => on_both.have(&row.tlf),
            Edit::AdvowareRemove { komm_id, .. } => on_both.lack(self.value(*komm_id)),
            Edit::AdvowareChange { komm_id, tlf: Some(tlf), .. } => {
                on_both.lack(self.value(*komm_id)) && (tlf.is_empty() || on_both.have(tlf))
            }
            Edit::AdvowareChange { komm_id, bemerkung, .. } => {
                let rows = firm.world().simulator.advoware().rows(line.betnr);
                rows.iter().any(|row| row.id == *komm_id && row.bemerkung == *bemerkung)
            }
            Edit::EspoSet { fields, .. } | Edit::AdvowareSet { fields, .. } => {
                let texts = fields.values().filter_map(|value| value.as_str());
                texts.clone().count() > 0 && texts.into_iter().all(|text| is_on_both_sides(firm, line, text))
            }
            // The script has no edits of whole records.
            _ => false,
        }
    }

    fn value(&self, komm_id: i64) -> &str {
        self.0.get(&komm_id).map_or("", String::as_str)
    }
}

/// Comparable values of one Beteiligter on either side.
struct OnBoth {
    espocrm: BTreeSet<String>,
    advoware: BTreeSet<String>,
}

impl OnBoth {
    fn of(firm: &Firm, line: &ScriptOutcome) -> Self {
        Self {
            espocrm: firm.world().espo_values(&line.espo_id).into_iter().collect(),
            advoware: firm.world().advo_values(line.betnr).into_iter().collect(),
        }
    }

    fn have(&self, value: &str) -> bool {
        let value = canonical(value);
        self.espocrm.contains(&value) && self.advoware.contains(&value)
    }

    fn lack(&self, value: &str) -> bool {
        let value = canonical(value);
        !self.espocrm.contains(&value) && !self.advoware.contains(&value)
    }
}

/// Some field of either record says it: the texts of the script are made for one field each.
fn is_on_both_sides(firm: &Firm, line: &ScriptOutcome, text: &str) -> bool {
    let espo = firm.world().simulator.espocrm().record(&line.espo_id).unwrap_or_default();
    let advo = firm.world().simulator.advoware().beteiligter(line.betnr).unwrap_or_default();
    let in_advo = advo.as_object().is_some_and(|fields| fields.values().any(|value| value == text));
    in_advo && espo.values().any(|value| value == text)
}

/// On both sides: EspoCRM's `primary` is Advoware's `online`.
fn is_primary(firm: &Firm, line: &ScriptOutcome, value: &str) -> bool {
    let value = canonical(value);
    let mails = firm.world().simulator.espocrm().mails(&line.espo_id);
    let in_espocrm = mails.iter().any(|mail| {
        mail["primary"] == json!(true) && canonical(mail["emailAddress"].as_str().unwrap_or_default()) == value
    });
    let rows = firm.world().simulator.advoware().rows(line.betnr);
    in_espocrm && rows.iter().any(|row| row.online && canonical(&row.tlf) == value)
}
