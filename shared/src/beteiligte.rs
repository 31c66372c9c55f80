//! Loading one Beteiligter from both sides and the hub. Shared, so that a dry run sees what the job would see.

mod first;
mod plan;
pub mod prose;
mod verify;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::beteiligte::stammdaten::{self, Side};
use domain::ids::{BetNr, EspoId};
use domain::kommunikation::{Base, PhoneFormat, Seen};

use crate::advoware::{AdvoBeteiligte, Advoware};
use crate::error::{ApiError, ErrorKind};
use crate::espocrm::{EspoBeteiligte, Espocrm};
use crate::hub::{Creation, Hub, HubError, Known, Request};

pub use plan::{SyncPlan, Wanted};
pub use verify::{Agreement, NOT_IN_ADVOWARE, NOT_IN_ESPOCRM};

/// Where a Beteiligter is loaded from.
#[derive(Clone)]
pub struct Systems {
    /// EspoCRM.
    pub espocrm: Espocrm,
    /// Advoware.
    pub advoware: Advoware,
    /// The hub.
    pub hub: Hub,
}

/// Nothing could be seen at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// EspoCRM.
    #[error(transparent)]
    Espocrm(#[from] ApiError),
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// A Beteiligter as seen in one look, and what is remembered of it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// EspoCRM's side.
    pub espo: EspoBeteiligte,
    /// Advoware's side.
    pub advo: AdvoSide,
    /// What the hub remembers of this very pair's Kommunikationen.
    pub base: Option<Base>,
    /// What the hub remembers of its Stammdaten; for a new pair, what the timestamps of this look decide. Empty without a partner.
    pub stammdaten: stammdaten::Base,
    /// The hub does not have it in this form yet: timestamps, or the look itself, have decided something.
    pub stammdaten_is_unsaved: bool,
    /// The side whose Stammdaten were changed last, by its own timestamp, in the first look of the run: later ones see our own writes.
    pub newest: Option<Side>,
    /// When users changed EspoCRM's record last: `modifiedAt`, unless that is only our own telling of a failure.
    pub users_modified_at: Option<DateTime<Utc>>,
    /// The pair never agreed before.
    pub first_meeting: bool,
    /// The hub ties the record to the number that EspoCRM names.
    pub is_claimed: bool,
    /// How far the creation of its partner has come.
    pub creation: Option<Creation>,
    /// What an operator asked of it.
    pub request: Option<Request>,
    /// What the last run told EspoCRM.
    pub last_status: Option<SyncStatus>,
    /// Fields that waited for a person when the last run looked.
    pub told_undecided: BTreeSet<stammdaten::Field>,
    /// How EspoCRM gets numbers that are new to it.
    pub phone_format: PhoneFormat,
}

/// What Advoware has for it.
#[derive(Clone, Debug)]
pub enum AdvoSide {
    /// EspoCRM names no betnr yet.
    NoBetnr,
    /// Advoware answered 404 for this number.
    Missing(BetNr),
    /// Advoware could not be asked.
    Failed(ApiError),
    /// The record.
    Found(Box<AdvoBeteiligte>),
}

impl Loaded {
    /// What the planner of the Stammdaten needs, if both sides are there.
    pub fn stammdaten_seen(&self) -> Option<stammdaten::Seen<'_>> {
        match &self.advo {
            AdvoSide::Found(advo) => Some(stammdaten::Seen {
                espo: &self.espo.stammdaten,
                advo: &advo.stammdaten,
                base: &self.stammdaten,
                newest: self.newest,
            }),
            AdvoSide::NoBetnr | AdvoSide::Missing(_) | AdvoSide::Failed(_) => None,
        }
    }

    /// What the Kommunikation planner needs, if both sides are there.
    pub fn seen(&self) -> Option<Seen<'_>> {
        match &self.advo {
            AdvoSide::Found(advo) => Some(Seen {
                espo: &self.espo.view,
                advo: &advo.view,
                base: self.base.as_ref(),
                first_meeting: self.first_meeting,
                phone_format: self.phone_format,
            }),
            AdvoSide::NoBetnr | AdvoSide::Missing(_) | AdvoSide::Failed(_) => None,
        }
    }
}

impl Systems {
    /// What the hub remembers, then both sides: at once where it knows the number, which is always but the first time.
    pub async fn load(&self, id: &EspoId) -> Result<Loaded, LoadError> {
        let known = self.hub.known(id).await?;
        let expected = known.betnr;
        let (espo, advo) = self.look(id, expected).await?;
        Ok(remembered(known, espo, advo, self.espocrm.phone_format()))
    }

    /// Both sides, in one round trip if `expected` is the number that EspoCRM names.
    pub async fn look(&self, id: &EspoId, expected: Option<BetNr>) -> Result<(EspoBeteiligte, AdvoSide), ApiError> {
        let Some(expected) = expected else {
            let espo = self.espocrm.get_beteiligte(id).await?;
            let advo = self.advoware_side(espo.betnr).await;
            return Ok((espo, advo));
        };
        let (espo, advo) = tokio::join!(self.espocrm.get_beteiligte(id), self.advoware_side(Some(expected)));
        let espo = espo?;
        if espo.betnr == Some(expected) {
            return Ok((espo, advo));
        }
        let advo = self.advoware_side(espo.betnr).await;
        Ok((espo, advo))
    }

    /// The other record that this number belongs to, if it does: the first that was synced with it keeps it, as long as it exists and names it.
    pub async fn rival(&self, id: &EspoId, betnr: BetNr) -> Result<Option<EspoId>, LoadError> {
        let holder = self.hub.holder_of(betnr).await?.filter(|holder| holder != id);
        let Some(holder) = holder else { return Ok(None) };
        Ok(self.names(&holder, betnr).await?.then_some(holder))
    }

    /// Whether a record exists in EspoCRM and names this number.
    pub async fn names(&self, id: &EspoId, betnr: BetNr) -> Result<bool, ApiError> {
        match self.espocrm.get_beteiligte(id).await {
            Ok(record) => Ok(!record.deleted && record.betnr == Some(betnr)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn advoware_side(&self, betnr: Option<BetNr>) -> AdvoSide {
        let Some(betnr) = betnr else { return AdvoSide::NoBetnr };
        match self.advoware.get_beteiligte(betnr).await {
            Ok(advo) => AdvoSide::Found(Box::new(advo)),
            Err(error) if error.kind == ErrorKind::NotFound => AdvoSide::Missing(betnr),
            Err(error) => AdvoSide::Failed(error),
        }
    }
}

/// What was seen, beside what is remembered of it. What was agreed with another number says nothing about this one.
fn remembered(known: Known, espo: EspoBeteiligte, advo: AdvoSide, phone_format: PhoneFormat) -> Loaded {
    let is_claimed = known.betnr.is_some() && espo.betnr == known.betnr;
    let first_meeting = is_first_meeting(&known, &espo);
    let is_created = matches!(known.creation, Some(Creation::Created(betnr)) if espo.betnr == Some(betnr));
    let kept = known.stammdaten.filter(|_| is_claimed || is_created);
    let users_modified_at = users_time(known.users_modified_at, &espo, kept.is_some());
    let (stammdaten, newest) = match &advo {
        AdvoSide::Found(advo) => {
            let is_lost = known.kommunikation.is_none() && !first_meeting;
            let mut base = kept.clone().unwrap_or_else(|| first::base(&espo, users_modified_at, advo, is_lost));
            base.resolve(&espo.stammdaten, &advo.stammdaten);
            (base, first::newest(users_modified_at, advo))
        }
        AdvoSide::NoBetnr | AdvoSide::Missing(_) | AdvoSide::Failed(_) => (stammdaten::Base::default(), None),
    };
    Loaded {
        base: known.kommunikation.filter(|_| is_claimed),
        espo,
        advo,
        stammdaten_is_unsaved: kept.as_ref() != Some(&stammdaten),
        stammdaten,
        newest,
        users_modified_at,
        first_meeting,
        is_claimed,
        creation: known.creation,
        request: known.request,
        last_status: known.status,
        told_undecided: known.undecided,
        phone_format,
    }
}

/// Users set `dirty` with a change of what is synced, and only we set these (DOMAIN 4): as long as one stands, `modifiedAt` is our own write's.
/// So does the `conflict` of a record that was told that its number is taken: other conflicts are between sides of which something is remembered.
fn users_time(remembered: Option<DateTime<Utc>>, espo: &EspoBeteiligte, has_base: bool) -> Option<DateTime<Utc>> {
    match espo.sync_status {
        Some(SyncStatus::Syncing | SyncStatus::Failed | SyncStatus::PermanentlyFailed) => {
            remembered.or(espo.modified_at)
        }
        Some(SyncStatus::Conflict) if !has_base => remembered.or(espo.modified_at),
        Some(
            SyncStatus::PendingSync
            | SyncStatus::Dirty
            | SyncStatus::Clean
            | SyncStatus::Conflict
            | SyncStatus::DeletedInAdvoware,
        )
        | None => espo.modified_at,
    }
}

/// Whether this record and this number never agreed before. A record that carries traces of a sync, and of which the hub knows
/// nothing, was synced before the hub was lost.
fn is_first_meeting(known: &Known, espo: &EspoBeteiligte) -> bool {
    let has_no_traces = espo.view.stored_hash.is_none() && espo.advoware_last_sync.is_none();
    match known.betnr {
        Some(betnr) => known.first_meeting || espo.betnr != Some(betnr),
        None => has_no_traces,
    }
}
