//! Abandoned statements: statements whose caller no longer waits, because the client disconnected or a timeout passed.
//! Only after such a statement can a connection still be busy when it returns to its pool.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use super::connect::STATEMENT_TIMEOUT;

/// The time of the last abandoned statement.
#[derive(Clone, Debug, Default)]
pub(super) struct AbandonedStatements(Arc<Mutex<Option<Instant>>>);

impl AbandonedStatements {
    /// Registers a running statement. The statement counts as abandoned if the returned guard is dropped before
    /// [`ended`](Running::ended) is called.
    pub(super) fn running(&self) -> Running<'_> {
        Running { left: self, ended: false }
    }

    /// Whether a recently abandoned statement may still be running.
    pub(super) fn lately(&self) -> bool {
        let left = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.is_some_and(|left| left.elapsed() < STATEMENT_TIMEOUT)
    }
}

/// A guard of a running statement.
pub(super) struct Running<'l> {
    left: &'l AbandonedStatements,
    ended: bool,
}

impl Running<'_> {
    /// Marks the statement as finished, whether it succeeded or failed.
    pub(super) fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = Some(Instant::now());
            *self.left.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }
}
