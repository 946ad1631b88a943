//! Rows that are read together, though each of them is answered on its own: those of the events that a subscription
//! has ready. A subscriber that falls behind then catches up with a statement for many events.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_graphql::{Context, Pos};
use service::{
    Scope,
    read::{self, List, Loaded},
};

use super::{
    computed::{self, Computations},
    shape::Shape,
};
use crate::error::Result;

/// How old a row may be when its event is answered. A client that does not read lets its events wait.
const MAX_AGE: Duration = Duration::from_millis(250);

/// Rows with what was computed from them.
pub(super) struct LoadedBatch {
    /// In a place of its own: computations are kept by the place of the rows.
    pub(super) loaded: Box<Loaded>,
    pub(super) computations: Arc<Computations>,
    at: Instant,
}

/// The keys of rows that are read together.
pub struct RowBatch {
    keys: Vec<i64>,
    /// What was read, by the place in the document of the field that asks for it.
    loaded: Mutex<Vec<(Pos, Arc<LoadedBatch>)>>,
}

impl RowBatch {
    /// The rows with these keys, in the order in which they are answered.
    #[must_use]
    pub fn new(keys: Vec<i64>) -> Arc<Self> {
        Arc::new(Self { keys, loaded: Mutex::default() })
    }

    /// The rows of this batch, read at most [`MAX_AGE`] ago.
    ///
    /// # Errors
    /// As [`read::by_keys`].
    pub(super) async fn load(
        &self,
        context: &Context<'_>,
        plan: &List,
        shape: &Shape<'_>,
        key: i64,
        place: Pos,
    ) -> Result<Arc<LoadedBatch>> {
        if let Some(found) = self.fresh(place) {
            return Ok(found);
        }
        // Those before have been answered.
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
        all.retain(|(other, _)| *other != place);
        all.push((place, Arc::clone(&found)));
        Ok(found)
    }

    fn fresh(&self, place: Pos) -> Option<Arc<LoadedBatch>> {
        let all = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, found) = all.iter().find(|(other, _)| *other == place)?;
        (found.at.elapsed() <= MAX_AGE).then(|| Arc::clone(found))
    }
}
