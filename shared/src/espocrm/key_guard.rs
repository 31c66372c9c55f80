//! Keeps a wrong API key from being sent again and again: after eleven refused requests within a minute EspoCRM locks out
//! our whole address, other programs included (DOMAIN 5).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::error::{ApiError, CREDENTIALS_PAUSE, ErrorKind, Operation, Refusal};

/// Per process. Until the first answer, and after a refusal, calls go one at a time, so that one refusal stops the rest.
#[derive(Default)]
pub(super) struct KeyGuard {
    open: AtomicBool,
    first: tokio::sync::Mutex<()>,
    refused_at: Mutex<Option<Instant>>,
}

/// Lets one call pass; is held until its answer is [noted](KeyGuard::note).
pub(super) struct Pass<'a>(#[expect(dead_code, reason = "held, not read")] Option<tokio::sync::MutexGuard<'a, ()>>);

impl KeyGuard {
    /// Waits for its turn; refuses without asking for five minutes after a refusal.
    pub(super) async fn pass(&self, operation: Operation) -> Result<Pass<'_>, ApiError> {
        self.check(operation)?;
        if self.open.load(Ordering::Relaxed) {
            return Ok(Pass(None));
        }
        let turn = self.first.lock().await;
        self.check(operation)?;
        Ok(Pass(Some(turn)))
    }

    /// Learns from an answer.
    pub(super) fn note<T>(&self, result: &Result<T, ApiError>) {
        match result.as_ref().map_err(|error| &error.kind) {
            Err(ErrorKind::CredentialsRefused(_)) => {
                self.open.store(false, Ordering::Relaxed);
                *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
            // A lock-out says nothing about the key.
            Err(ErrorKind::LockedOut) => {}
            // No answer says nothing either, but waiting for each other's time-outs would hold every record for minutes.
            Ok(_) | Err(_) => self.open.store(true, Ordering::Relaxed),
        }
    }

    fn check(&self, operation: Operation) -> Result<(), ApiError> {
        let refused_at = *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        if refused_at.is_some_and(|at| at.elapsed() < CREDENTIALS_PAUSE) {
            let kind = ErrorKind::CredentialsRefused(Refusal::ApiKeyRejected);
            return Err(ApiError::unanswered(operation, kind));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OPERATION: Operation = Operation::EspocrmGetBeteiligte;

    fn refused() -> Result<(), ApiError> {
        let kind = ErrorKind::CredentialsRefused(Refusal::ApiKeyRejected);
        Err(ApiError { operation: OPERATION, kind, status: Some(401) })
    }

    #[tokio::test]
    async fn after_a_refusal_nothing_is_asked() {
        let guard = KeyGuard::default();
        assert!(guard.pass(OPERATION).await.is_ok());
        guard.note(&refused());
        assert!(guard.pass(OPERATION).await.is_err());
    }

    #[tokio::test]
    async fn only_one_call_goes_out_until_the_first_answer() {
        let guard = KeyGuard::default();
        let first = guard.pass(OPERATION).await;
        let second = guard.pass(OPERATION);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut second).await.is_err());
        guard.note(&refused());
        drop(first);
        assert!(second.await.is_err());
    }
}
