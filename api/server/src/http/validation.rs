//! Validation of new documents, off the threads that serve connections. Validation is synchronous work that no timeout
//! can interrupt, so concurrent validations are limited to the number of cores.

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::document::Refusal;

/// The slots for concurrent validations.
#[derive(Clone, Debug)]
pub(super) struct Validation(Arc<Semaphore>);

impl Validation {
    /// One slot per core.
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Arc::new(Semaphore::new(cores)))
    }

    /// Runs `work` once a slot is free.
    ///
    /// # Errors
    /// `UNAVAILABLE` if no slot becomes free within `patience`, `INTERNAL` if the work panicked, and the errors of the
    /// work.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = timeout(patience, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let text = "too many new documents are being validated; retry later";
            return Err(Refusal::new("UNAVAILABLE", text, None));
        };
        // The slot is occupied until the work is done, even if the caller no longer waits.
        let work = spawn_blocking(move || {
            let _place = place;
            work()
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "document validation panicked");
            Err(Refusal::new("INTERNAL", "the document could not be validated", None))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::Validation;

    #[tokio::test]
    async fn the_next_waits_for_a_place() {
        let validation = Validation(std::sync::Arc::new(tokio::sync::Semaphore::new(1)));
        let (end, ended) = mpsc::channel::<()>();
        let first = validation.run(Duration::from_mins(1), move || {
            let _ = ended.recv();
            Ok(1)
        });
        let second = async {
            while validation.0.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            let second = validation.run(Duration::ZERO, || Ok(2)).await;
            drop(end);
            second
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.map_err(|refusal| refusal.code), Ok(1));
        assert_eq!(second.map_err(|refusal| refusal.code), Err("UNAVAILABLE"));
        let third = validation.run(Duration::ZERO, || Ok(3)).await;
        assert_eq!(third.map_err(|refusal| refusal.code), Ok(3));
    }
}
