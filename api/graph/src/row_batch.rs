//! Batches of rows for the pending events of a subscription. Each event is delivered separately, but the rows are
//! read in one statement, so that a subscriber with a backlog can catch up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_graphql::{Context, Name};
use engine::{
    Scope,
    read::{self, List, Loaded},
};

use super::{
    computed::{self, Computations},
    shape::Shape,
};
use crate::error::Result;

/// Maximum age of a row when its event is delivered. A slow client delays delivery, so older rows are read again.
const MAX_AGE: Duration = Duration::from_millis(250);

/// Rows with the results of their computed fields.
pub(super) struct LoadedBatch {
    /// Boxed because the results of computed fields are identified by the address of the rows, which must not change.
    pub(super) loaded: Box<Loaded>,
    pub(super) computations: Arc<Computations>,
    at: Instant,
}

/// The primary keys of rows that are read together.
pub struct RowBatch {
    keys: Vec<i64>,
    /// The loaded rows, by the response name of the event field.
    loaded: Mutex<Vec<(Name, Arc<LoadedBatch>)>>,
}

impl RowBatch {
    /// Creates a batch of the rows with these primary keys, in delivery order.
    #[must_use]
    pub fn new(keys: Vec<i64>) -> Arc<Self> {
        Arc::new(Self { keys, loaded: Mutex::default() })
    }

    /// The rows of this batch, read at most [`MAX_AGE`] ago.
    ///
    /// # Errors
    /// Same as [`read::by_keys`].
    pub(super) async fn load(
        &self,
        context: &Context<'_>,
        plan: &List,
        shape: &Shape<'_>,
        key: i64,
        name: &Name,
    ) -> Result<Arc<LoadedBatch>> {
        if let Some(found) = self.fresh(name) {
            return Ok(found);
        }
        // The events of the preceding rows have already been delivered.
        let from = self.keys.iter().position(|one| *one == key).unwrap_or_default();
        let mut keys = self.keys[from..].to_vec();
        keys.sort_unstable();
        keys.dedup();
        let at = Instant::now();
        let scope = context.data_unchecked::<Scope>();
        let loaded = Box::new(read::by_keys(scope, plan, &keys).await?);
        let computations = Arc::new(computed::of_shape(context, shape, &loaded).await?);
        let found = Arc::new(LoadedBatch { loaded, computations, at });
        let mut all = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(other, _)| other != name);
        all.push((name.clone(), Arc::clone(&found)));
        Ok(found)
    }

    fn fresh(&self, name: &Name) -> Option<Arc<LoadedBatch>> {
        let all = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, found) = all.iter().find(|(other, _)| other == name)?;
        (found.at.elapsed() <= MAX_AGE).then(|| Arc::clone(found))
    }
}
