//! What the timestamps of a pair say of which nothing is remembered (DOMAIN 4).

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use domain::beteiligte::stammdaten::{Base, Newer, Origin, Side, first_base};

use crate::advoware::AdvoBeteiligte;
use crate::espocrm::EspoBeteiligte;

/// Our own last write of a run moves `modifiedAt` too, by EspoCRM's clock, a moment after the `advowareLastSync` that it carries (DOMAIN 5).
const OWN_WRITE: TimeDelta = TimeDelta::seconds(30);

/// The base with which the pair begins. `modified_at`: when users changed EspoCRM's record last. `is_lost`: it was synced before, and the hub knows nothing of it any more.
pub(super) fn base(
    espo: &EspoBeteiligte,
    modified_at: Option<DateTime<Utc>>,
    advo: &AdvoBeteiligte,
    is_lost: bool,
) -> Base {
    let (newer, origin) = if is_lost {
        let espo_changed = modified_at.zip(espo.advoware_last_sync).is_none_or(|(at, last)| at > last + OWN_WRITE);
        (Newer::later(espo_changed, advo_changed(espo, advo)), Origin::HubLost)
    } else {
        (Newer::at_first_sync(modified_at, changed_at(advo)), Origin::FirstSync)
    };
    first_base(&espo.stammdaten, &advo.stammdaten, newer, origin)
}

/// The side that was changed last; `None` where that cannot be told.
pub(super) fn newest(modified_at: Option<DateTime<Utc>>, advo: &AdvoBeteiligte) -> Option<Side> {
    match Newer::at_first_sync(modified_at, changed_at(advo)) {
        Newer::Espocrm => Some(Side::Espocrm),
        Newer::Advoware => Some(Side::Advoware),
        Newer::Neither | Newer::Both => None,
    }
}

/// By the change token, else by the time.
fn advo_changed(espo: &EspoBeteiligte, advo: &AdvoBeteiligte) -> bool {
    match (&espo.advoware_row_id, &advo.row_id) {
        (Some(then), Some(now)) => then != now,
        _ => changed_at(advo).zip(espo.advoware_last_sync).is_none_or(|(at, last)| at > last),
    }
}

/// `geaendertAm` in EspoCRM's whole seconds, so that both can be equal; `None` also within the hour that is skipped in March.
fn changed_at(advo: &AdvoBeteiligte) -> Option<DateTime<Utc>> {
    let instant = |wall: NaiveDateTime| Berlin.from_local_datetime(&wall).latest().map(|at| at.to_utc());
    advo.geaendert_am.and_then(instant).and_then(|at| DateTime::from_timestamp(at.timestamp(), 0))
}
