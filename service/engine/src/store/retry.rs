//! Retries of reads while the database is unavailable.
//!
//! A regular request fails at once, and its client can retry. Reads for a subscriber are retried by the server, because
//! entries that could not be read would be missing from the subscriber's stream.

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
pub async fn retry_while_unavailable<F: Future>(work: F) -> F::Output {
    PATIENT.scope((), work).await
}

/// Whether the reads of the current task are retried.
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
