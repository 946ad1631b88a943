//! Whether a read waits for a database that is away.
//!
//! Whoever asks once is told at once, and asks again. A subscriber is not: what could not be read would be
//! missing from its stream, so its reads wait.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::error::{Error, Result};

/// How long a patient read waits.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

tokio::task_local! {
    static PATIENT: ();
}

/// Runs `work`, whose reads wait for a database that is away.
pub async fn patient<F: Future>(work: F) -> F::Output {
    PATIENT.scope((), work).await
}

/// Whether the work that runs is patient.
pub(super) fn is_patient() -> bool {
    PATIENT.try_with(|()| ()).is_ok()
}

/// Reads again while the database does not answer.
pub(super) async fn until_answered<T, F: Future<Output = Result<T>>>(
    read: impl Fn() -> F,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        match read().await {
            Err(Error::Unavailable(error)) if begun.elapsed() < PATIENCE => {
                tracing::debug!(%error, "a subscriber waits for the database");
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}
