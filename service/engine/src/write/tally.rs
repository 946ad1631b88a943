//! Tallies: work that is done once at the end of a unit of work, however often it was requested, such as one message about
//! all rows of a batch.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::Unit;
use crate::error::Result;

/// The work for a key, with the number of times that it was requested.
pub struct TallyWork {
    /// Distinguishes it from other work.
    pub name: &'static str,
    /// Does the work.
    pub complete: for<'u> fn(&'u mut Unit, i64, usize) -> BoxFuture<'u, Result<()>>,
}

/// Requested work.
pub(super) struct Tally {
    work: &'static TallyWork,
    key: i64,
}

impl Unit {
    /// Requests work for a key before the commit. A rejected item of a batch withdraws its requests.
    pub fn tally(&mut self, work: &'static TallyWork, key: i64) {
        self.tallies.push(Tally { work, key });
    }

    /// Does the requested work, once for each key and in the order of the keys.
    pub(super) async fn complete_tallies(&mut self) -> Result<()> {
        let mut requested: BTreeMap<(&str, i64), (&TallyWork, usize)> = BTreeMap::new();
        for Tally { work, key } in std::mem::take(&mut self.tallies) {
            requested.entry((work.name, key)).or_insert((work, 0)).1 += 1;
        }
        for ((_, key), (work, number)) in requested {
            (work.complete)(self, key, number).await?;
        }
        Ok(())
    }
}
