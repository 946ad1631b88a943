//! Computed fields whose values are rows with computed primary keys.

use std::{borrow::Cow, future::Future, marker::PhantomData};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
};
use engine::Scope;

use super::{
    computed_field::{Answers, ComputedContext, RowView},
    declaration::Declared,
    registration::Registry,
    row,
};
use crate::error::Result;

/// Rows whose primary keys are computed: `[Prospect!]!`. They are read in one statement for all rows of the level.
pub struct RowsByKey<E>(PhantomData<E>);

impl<E: Declared + Send + Sync> RowsByKey<E> {
    /// Computes the primary keys with `function`, separately for each row, and reads the selected fields of their
    /// rows.
    ///
    /// # Errors
    /// The errors of `function`.
    pub async fn resolve_all<'a, F, R>(
        context: ComputedContext<'a>,
        rows: Vec<RowView<'a>>,
        function: F,
    ) -> Result<Answers>
    where
        F: FnOnce(&'a Scope, Vec<RowView<'a>>) -> R,
        R: Future<Output = Result<Vec<Vec<i64>>>> + Send,
    {
        let ComputedContext { context, field } = context;
        let lists = function(context.data_unchecked::<Scope>(), rows).await?;
        let mut keys: Vec<i64> = lists.iter().flatten().copied().collect();
        keys.sort_unstable();
        keys.dedup();
        let wanted: Vec<Option<i64>> = keys.iter().copied().map(Some).collect();
        let read = if wanted.is_empty() {
            Ok(Vec::new())
        } else {
            row::by_keys(context, E::entity(), &[field], &wanted, Vec::new(), true).await
        };
        let answers = lists.into_iter().map(|list| {
            let values = read.as_ref().map_err(Clone::clone)?;
            let places = list.iter().filter_map(|key| keys.binary_search(key).ok());
            // Rows that have been deleted in the meantime are omitted.
            let found = places.map(|place| values[place].clone()).filter(|row| *row != Value::Null);
            Ok(Value::List(found.collect()))
        });
        Ok(answers.collect())
    }
}

impl<E: Declared + Send + Sync> OutputType for RowsByKey<E> {
    fn type_name() -> Cow<'static, str> {
        format!("[{}!]", E::entity().name).into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        // Rows are read for a whole level: see `resolve_all`.
        Ok(Value::Null)
    }
}
