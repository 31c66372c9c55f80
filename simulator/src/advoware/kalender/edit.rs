//! What people do to Termine and Mitarbeiter in Advoware's own program.

use chrono::{DateTime, Utc};

use crate::advoware::kalender::{Kalender, Mitarbeiter, Termin, Unfit};
use crate::edit::{Edit, EditOutcome, EditRefused};

impl From<Unfit> for EditRefused {
    fn from(unfit: Unfit) -> Self {
        Self::Invalid { field: unfit.field.to_owned(), kind: unfit.kind.to_owned() }
    }
}

/// Does it; an edit of another kind is refused.
pub(crate) fn apply(kalender: &mut Kalender, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    let frnr = match edit {
        Edit::TerminCreate { fields } => {
            Termin::check(fields)?;
            Some(kalender.create(fields.clone(), now))
        }
        Edit::TerminChange { frnr, fields } => {
            let mut merged = kalender.termin(*frnr).ok_or(EditRefused::NoSuchRecord)?.fields.clone();
            // What was seeded may be odd; only what the user types must be right.
            Termin::check_kinds(fields)?;
            merged.extend(fields.clone());
            if merged.get("datum").is_none_or(serde_json::Value::is_null) {
                return Err(Unfit { field: "datum", kind: "required" }.into());
            }
            kalender.replace(*frnr, merged, now);
            Some(*frnr)
        }
        Edit::TerminDelete { frnr } => Some(kalender.remove(*frnr).ok_or(EditRefused::NoSuchRecord)?.frnr),
        Edit::MitarbeiterJoin { kuerzel, name } => {
            kalender.join(Mitarbeiter { kuerzel: kuerzel.clone(), name: name.clone() });
            None
        }
        Edit::MitarbeiterLeave { kuerzel } if kalender.leave(kuerzel) => None,
        _ => return Err(EditRefused::NoSuchRecord),
    };
    Ok(EditOutcome { frnr, ..EditOutcome::default() })
}
