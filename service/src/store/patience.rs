//! Retries of reads while the database is unavailable.
//!
//! A regular request fails at once, and its client retries. The reads of a subscriber are retried here, because
//! entries that it could not read would be missing from its stream.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::error::{Error, Result};

/// How long a read is retried.
const PATIENCE: Duration = Duration::from_mins(1);

/// The delay between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

tokio::task_local! {
    static PATIENT: ();
}

/// Runs `work` and retries its reads while the database is unavailable.
pub async fn patient<F: Future>(work: F) -> F::Output {
    PATIENT.scope((), work).await
}

/// Whether the current work retries its reads.
pub(super) fn is_patient() -> bool {
    PATIENT.try_with(|()| ()).is_ok()
}

/// Retries a read while the database is unavailable.
pub(super) async fn until_answered<T, F: Future<Output = Result<T>>>(
    read: impl Fn() -> F,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        match read().await {
            Err(Error::Unavailable(error)) if begun.elapsed() < PATIENCE => {
                tracing::debug!(%error, "the database is unavailable; retrying a read of a subscriber");
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}
