//! What people do with Beteiligte in Advoware.

use chrono::{DateTime, Utc};

use super::{Edit, EditOutcome, EditRefused};
use crate::advoware::{Advoware, Beteiligter, stored_bemerkung};

pub(super) fn apply(advoware: &mut Advoware, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    let (betnr, komm_id) = match edit {
        Edit::AdvowareCreate { fields } => (advoware.create(None, Beteiligter::writable(fields.clone()), now), None),
        Edit::AdvowareSet { betnr, fields } => {
            let mut merged = advoware.beteiligter(*betnr).ok_or(EditRefused::NoSuchRecord)?.fields.clone();
            merged.extend(fields.clone());
            advoware.replace_fields(*betnr, Beteiligter::writable(merged), now);
            (*betnr, None)
        }
        Edit::AdvowareDelete { betnr } => {
            if !advoware.remove(*betnr) {
                return Err(EditRefused::NoSuchRecord);
            }
            (*betnr, None)
        }
        Edit::AdvowareAdd { betnr, row } => {
            let row = advoware.add_row(*betnr, None, row.clone()).ok_or(EditRefused::NoSuchRecord)?;
            (*betnr, Some(row.id))
        }
        Edit::AdvowareChange { betnr, komm_id, tlf, bemerkung, online } => {
            let changed = advoware.change_row(*betnr, *komm_id, |row| {
                if let Some(tlf) = tlf {
                    row.tlf.clone_from(tlf);
                }
                if bemerkung.is_some() {
                    row.bemerkung = stored_bemerkung(bemerkung.clone());
                }
                row.online = online.unwrap_or(row.online);
            });
            (*betnr, Some(changed.ok_or(EditRefused::NoSuchRecord)?.id))
        }
        Edit::AdvowareRemove { betnr, komm_id } => {
            let gone = advoware.remove_row(*betnr, *komm_id).ok_or(EditRefused::NoSuchRecord)?;
            (*betnr, Some(gone.id))
        }
        _ => return Err(EditRefused::NoSuchRecord),
    };
    Ok(EditOutcome { betnr: Some(betnr), komm_id, ..EditOutcome::default() })
}
