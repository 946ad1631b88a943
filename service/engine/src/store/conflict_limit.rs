//! Limit of the conflicts of restricted members with hidden rows.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    error::{Error, Result},
    reason::Reason,
};

/// Maximum number of conflicts with hidden rows of one member per [`WINDOW`].
const MAX_CONFLICTS: u32 = 20;

/// Window of the limit.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// Number of counted members above which the counts of past windows are removed.
const MANY_MEMBERS: usize = 1_000;

/// Counts the conflicts of restricted members with hidden rows. Each one reveals that somewhere in the organization, a row
/// has a unique value.
#[derive(Debug, Default)]
pub(crate) struct ConflictLimit {
    /// The start of the window and the number of conflicts in it, by membership.
    counts: Mutex<HashMap<i64, (DateTime<Utc>, u32)>>,
}

impl ConflictLimit {
    /// Rejects a member who has reached the limit.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) fn check(&self, member: i64, now: DateTime<Utc>) -> Result<()> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, count)) = counts.get(&member).copied() else { return Ok(()) };
        let left = since + WINDOW - now;
        if count < MAX_CONFLICTS || left <= TimeDelta::zero() {
            return Ok(());
        }
        let seconds = left.num_seconds() + 1;
        let message = format!(
            "at most {MAX_CONFLICTS} conflicts with unavailable values are allowed per hour; retry in {seconds} s"
        );
        let reason = Reason::RateLimitExceeded;
        Err(Error::RateLimited {
            reason,
            message,
            retry_after: seconds.try_into().unwrap_or(3_600),
        })
    }

    /// Counts a conflict of a member.
    pub(crate) fn count(&self, member: i64, now: DateTime<Utc>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > MANY_MEMBERS {
            counts.retain(|_, (since, _)| now - *since < WINDOW);
        }
        let (since, count) = counts.entry(member).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}
