//! Statements that are left in the middle by whoever had asked for them. Only then a connection that comes
//! back to its pool may still be at work.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use super::connect::STATEMENT_TIMEOUT;

/// When a statement was last left.
#[derive(Clone, Debug, Default)]
pub(super) struct Left(Arc<Mutex<Option<Instant>>>);

impl Left {
    /// A statement begins. It counts as left when what is given is dropped before it is
    /// [`ended`](Running::ended).
    pub(super) fn running(&self) -> Running<'_> {
        Running { left: self, ended: false }
    }

    /// Whether one was left that may still be at work.
    pub(super) fn lately(&self) -> bool {
        let left = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.is_some_and(|left| left.elapsed() < STATEMENT_TIMEOUT)
    }
}

/// A statement at work.
pub(super) struct Running<'l> {
    left: &'l Left,
    ended: bool,
}

impl Running<'_> {
    /// It has come to its end, whatever that was.
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
