//! Several calls under permits that were taken before the first of them (K8b).

use std::sync::Arc;

use chrono::NaiveDate;
use domain::ids::{BetNr, FrNr, KommId, Kuerzel, RowId};

use super::auth::Token;
use super::caller::Caller;
use super::client::Shared;
use super::map::AdvoBeteiligte;
use super::record::AdvoRecord;
use super::termin::{AdvoTermin, TerminList, TerminOutcome, TerminRecord};
use super::wire::{KommunikationAnswer, KommunikationWrite};
use crate::error::ApiError;
use crate::limits::Permit;

/// The right to make some calls at once, until it is dropped; the only way to write to Advoware.
///
/// Between the look on which a write stands and the write itself nothing may wait: Advoware has no conditional write, and what a user
/// saves meanwhile would be overwritten. So the permits, and the token, are taken before the look. The caller keeps at most
/// [`Self::width`] of the visit's calls under way; if it has more to write, it looks again before each further part.
pub struct Visit {
    shared: Arc<Shared>,
    token: Token,
    /// `None`: nothing bounds the calls.
    permits: Option<Vec<Permit>>,
    wanted: usize,
}

impl Visit {
    pub(super) fn new(shared: Arc<Shared>, token: Token, permits: Option<Vec<Permit>>, wanted: usize) -> Self {
        Self { shared, token, permits, wanted }
    }

    /// How many calls may be under way at once: at least one, at most what was wanted.
    pub fn width(&self) -> usize {
        self.permits.as_ref().map_or(self.wanted, Vec::len)
    }

    /// As [`Advoware::get_beteiligte`](super::Advoware::get_beteiligte).
    pub async fn get_beteiligte(&self, bet_nr: BetNr) -> Result<AdvoBeteiligte, ApiError> {
        self.calls().get_beteiligte(bet_nr).await
    }

    /// Creates a Beteiligte. An answer without its number, or with null, is no error: it has been created all the same. Is never
    /// repeated where its outcome is unknown (B2b).
    pub async fn post_beteiligte(&self, record: &AdvoRecord) -> Result<Option<BetNr>, ApiError> {
        self.calls().post_beteiligte(record).await
    }

    /// Replaces the Stammdaten with `record`, which is the one that was read with changes laid over it; answers the new change token,
    /// where it is told. Is never repeated where its outcome is unknown (K8b).
    pub async fn put_beteiligte(&self, bet_nr: BetNr, record: &AdvoRecord) -> Result<Option<RowId>, ApiError> {
        self.calls().put_beteiligte(bet_nr, record).await
    }

    /// Adds a Kommunikation. Is never repeated where its outcome is unknown.
    pub async fn post_kommunikation(
        &self,
        bet_nr: BetNr,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        self.calls().post_kommunikation(bet_nr, write).await
    }

    /// Replaces a Kommunikation. Is never repeated where its outcome is unknown (K8b).
    pub async fn put_kommunikation(
        &self,
        bet_nr: BetNr,
        id: KommId,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        self.calls().put_kommunikation(bet_nr, id, write).await
    }

    /// As [`Advoware::get_termin`](super::Advoware::get_termin).
    pub async fn get_termin(&self, frnr: FrNr) -> Result<Option<AdvoTermin>, ApiError> {
        self.calls().get_termin(frnr).await
    }

    /// As [`Advoware::list_termine`](super::Advoware::list_termine).
    pub async fn list_termine(
        &self,
        kuerzel: &Kuerzel,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<TerminList, ApiError> {
        self.calls().list_termine(kuerzel, from, to).await
    }

    /// Creates a Termin. An answer without its number, null or nothing is no error: it has been created all the same. Is never
    /// repeated where its outcome is unknown (C3).
    pub async fn post_termin(&self, record: &TerminRecord) -> Result<Option<FrNr>, ApiError> {
        self.calls().post_termin(record).await
    }

    /// Replaces a Termin with `record`, which is the one that was read with changes laid over it. A computed one is refused before
    /// anything is sent (C10). Is never repeated where its outcome is unknown (C10b).
    pub async fn put_termin(&self, frnr: FrNr, record: &TerminRecord) -> Result<TerminOutcome, ApiError> {
        self.calls().put_termin(frnr, record).await
    }

    /// Deletes a Termin. A computed one is refused before anything is sent (C10). Is never repeated where its outcome is unknown.
    pub async fn delete_termin(&self, frnr: FrNr) -> Result<TerminOutcome, ApiError> {
        self.calls().delete_termin(frnr).await
    }

    fn calls(&self) -> Caller<'_> {
        Caller { shared: &self.shared, http: self.shared.api_with_permits_held(), token: Some(&self.token) }
    }
}
