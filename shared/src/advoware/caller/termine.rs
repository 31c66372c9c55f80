//! Calls for Termine and Mitarbeiter (DOMAIN 3).

use chrono::NaiveDate;
use domain::ids::{FrNr, Kuerzel};
use reqwest::Method;

use super::super::mitarbeiter::{Mitarbeiter, MitarbeiterList};
use super::super::termin::{self, AdvoTermin, TerminList, TerminOutcome, TerminRecord};
use super::{Body, Call, Caller};
use crate::error::{ApiError, ErrorKind, Operation};

const TERMINE: [&str; 4] = ["api", "v1", "advonet", "Termine"];

/// The one spelling that filters: with `frNr` the server answers every Termin (F, DOMAIN 3).
const FRNR: &str = "frnr";

impl Caller<'_> {
    /// The Termine that overlap the days `from` to `to` and that the owner of this Kürzel sees.
    pub(in crate::advoware) async fn list_termine(
        &self,
        kuerzel: &Kuerzel,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<TerminList, ApiError> {
        let (from, to) = (from.to_string(), to.to_string());
        let call = Call {
            operation: Operation::AdvowareListTermine,
            method: Method::GET,
            path: &TERMINE,
            query: &[("kuerzel", kuerzel.as_str()), ("from", &from), ("to", &to)],
            body: None,
            may_answer_nothing: false,
        };
        self.call(&call, termin::list).await
    }

    /// One Termin; `None` where Advoware does not know the number: 404, an empty array or null.
    pub(in crate::advoware) async fn get_termin(&self, frnr: FrNr) -> Result<Option<AdvoTermin>, ApiError> {
        let call = Call {
            operation: Operation::AdvowareGetTermin,
            method: Method::GET,
            path: &TERMINE,
            query: &[(FRNR, &frnr.to_string())],
            body: None,
            may_answer_nothing: false,
        };
        match self.call(&call, |answer| termin::one(answer, frnr)).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            result => result,
        }
    }

    /// Creates a Termin. An answer without its number is no error: it has been created all the same.
    pub(in crate::advoware) async fn post_termin(&self, record: &TerminRecord) -> Result<Option<FrNr>, ApiError> {
        let call = Call {
            operation: Operation::AdvowarePostTermin,
            method: Method::POST,
            path: &TERMINE,
            query: &[],
            body: Some(Body::Termin(record)),
            may_answer_nothing: true,
        };
        self.call(&call, termin::new_frnr).await
    }

    /// Replaces a Termin.
    pub(in crate::advoware) async fn put_termin(
        &self,
        frnr: FrNr,
        record: &TerminRecord,
    ) -> Result<TerminOutcome, ApiError> {
        self.write_termin(Operation::AdvowarePutTermin, Method::PUT, frnr, Some(Body::Termin(record))).await
    }

    /// Deletes a Termin.
    pub(in crate::advoware) async fn delete_termin(&self, frnr: FrNr) -> Result<TerminOutcome, ApiError> {
        self.write_termin(Operation::AdvowareDeleteTermin, Method::DELETE, frnr, None).await
    }

    async fn write_termin(
        &self,
        operation: Operation,
        method: Method,
        frnr: FrNr,
        body: Option<Body<'_>>,
    ) -> Result<TerminOutcome, ApiError> {
        if frnr.is_computed() {
            // C10, also where a plan is wrong: nothing is sent.
            let kind = ErrorKind::Rejected { field: Some("frNr".to_owned()), rule: Some("read_only".to_owned()) };
            return Err(ApiError::unanswered(operation, kind));
        }
        let call = Call {
            operation,
            method,
            path: &TERMINE,
            query: &[(FRNR, &frnr.to_string())],
            body,
            may_answer_nothing: true,
        };
        // Nothing in the answer can be relied on, not even a change time (F, DOMAIN 3).
        match self.call(&call, |_| Ok(TerminOutcome::Done)).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(TerminOutcome::Gone),
            result => result,
        }
    }

    /// All employees that have a Kürzel.
    pub(in crate::advoware) async fn list_mitarbeiter(&self) -> Result<Vec<Mitarbeiter>, ApiError> {
        let call = Call {
            operation: Operation::AdvowareListMitarbeiter,
            method: Method::GET,
            path: &self.shared.employees_path().segments(),
            query: &[],
            body: None,
            may_answer_nothing: false,
        };
        let list = self.call(&call, MitarbeiterList::read).await?;
        if list.without_kuerzel > 0 {
            tracing::warn!(count = list.without_kuerzel, "Mitarbeiter without a usable Kürzel have no calendar");
        }
        Ok(list.mitarbeiter)
    }
}
