//! Rows of declared entities in custom types. The rows are identified by primary key, and the requested fields are
//! read in one statement.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType,
    PathSegment, Positioned, QueryPathSegment, ServerResult, Value, parser::types::Field,
};
use engine::{
    Scope,
    read::{self, Filter},
    record::Record,
};

use super::{
    answer::Answer,
    computed,
    declaration::{Declared, Entity},
    filter,
    plan::Planner,
    registration::Registry,
    row_batch::RowBatch,
};
use crate::error::{Error, Result};

/// The row of an entity with this primary key. The row may have been deleted, so the type is always used in an
/// `Option`.
pub struct Row<E> {
    key: i64,
    batch: Option<Arc<RowBatch>>,
    entity: PhantomData<E>,
}

impl<E> Row<E> {
    /// The row with this primary key.
    #[must_use]
    pub fn of(key: i64) -> Self {
        Self { key, batch: None, entity: PhantomData }
    }

    /// The row with this primary key, which is read together with the other rows of the batch.
    #[must_use]
    pub fn in_batch(key: i64, batch: &Arc<RowBatch>) -> Self {
        Self { key, batch: Some(Arc::clone(batch)), entity: PhantomData }
    }
}

/// The source of rows.
#[derive(Clone, Copy)]
enum Source<'s> {
    Database,
    /// The written record; the database is read if the record lacks a requested field.
    Record(&'s Record),
    Batch(&'s RowBatch),
}

/// Rows of an entity, some of which may be missing: `[Prospect]!`.
pub struct Rows<E>(Vec<Option<i64>>, PhantomData<E>);

impl<E> Rows<E> {
    /// The rows with these primary keys.
    #[must_use]
    pub fn of(keys: Vec<Option<i64>>) -> Self {
        Self(keys, PhantomData)
    }
}

impl<E: Declared + Send + Sync> OutputType for Row<E> {
    fn type_name() -> Cow<'static, str> {
        E::entity().name.into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let context = context.with_field(field);
        let path = path_above(&context);
        let source = self.batch.as_deref().map_or(Source::Database, Source::Batch);
        let rows =
            rows(&context, E::entity(), &[field], &[Some(self.key)], source, path, RowPath::Single)
                .await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}

/// A row of any entity: `Node`.
pub struct NodeRow {
    entity: &'static Entity,
    key: i64,
}

impl NodeRow {
    /// The row of `entity` with this primary key.
    #[must_use]
    pub fn of(entity: &'static Entity, key: i64) -> Self {
        Self { entity, key }
    }
}

impl OutputType for NodeRow {
    fn type_name() -> Cow<'static, str> {
        "Node".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let context = context.with_field(field);
        let path = path_above(&context);
        let rows = by_keys(&context, self.entity, &[field], &[Some(self.key)], path, false).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}

impl<E: Declared + Send + Sync> OutputType for Rows<E> {
    fn type_name() -> Cow<'static, str> {
        format!("[{}]", E::entity().name).into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let context = context.with_field(field);
        let path = path_above(&context);
        Ok(Value::List(by_keys(&context, E::entity(), &[field], &self.0, path, true).await?))
    }
}

/// The path of the field that `context` was created from; the path of `context` repeats the field name.
fn path_above(context: &Context<'_>) -> Vec<PathSegment> {
    let mut path = Vec::new();
    let mut node = context.path_node.and_then(|own| own.parent.copied());
    while let Some(above) = node {
        path.push(match above.segment {
            QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
            QueryPathSegment::Index(index) => PathSegment::Index(index),
        });
        node = above.parent.copied();
    }
    path.reverse();
    path
}

/// The rows of `entity` with these primary keys, in this order, with the selected `fields`; null for missing rows.
/// The rows are at `path` or, if `listed`, at an index below it.
///
/// # Errors
/// If a row that is not in a list has a non-null field without a value.
pub async fn by_keys(
    context: &Context<'_>,
    entity: &'static Entity,
    fields: &[&Positioned<Field>],
    keys: &[Option<i64>],
    path: Vec<PathSegment>,
    listed: bool,
) -> ServerResult<Vec<Value>> {
    let place = if listed { RowPath::Items(&[]) } else { RowPath::Single };
    rows(context, entity, fields, keys, Source::Database, path, place).await
}

/// As [`by_keys`], with the rows in a field of the items of the list at the path: the names from the item to the field.
pub(crate) async fn by_keys_in_items(
    context: &Context<'_>,
    entity: &'static Entity,
    field: &Positioned<Field>,
    keys: &[Option<i64>],
    (path, below): (Vec<PathSegment>, &[Name]),
) -> ServerResult<Vec<Value>> {
    let place = RowPath::Items(below);
    rows(context, entity, &[field], keys, Source::Database, path, place).await
}

/// Where the rows are below a path.
#[derive(Clone, Copy)]
enum RowPath<'n> {
    /// The path is that of a single row.
    Single,
    /// The path is that of a list; each row is an item, or the field of an item.
    Items(&'n [Name]),
}

/// The row that was written as `record`, with the selected `fields`.
///
/// # Errors
/// Same as [`by_keys`].
pub async fn written(
    context: &Context<'_>,
    entity: &'static Entity,
    fields: &[&Positioned<Field>],
    record: &Record,
    path: Vec<PathSegment>,
) -> ServerResult<Value> {
    let keys = [Some(record.id())];
    let source = Source::Record(record);
    let rows = rows(context, entity, fields, &keys, source, path, RowPath::Single).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// Like [`by_keys`], but with the source of the rows as a parameter.
async fn rows(
    context: &Context<'_>,
    entity: &'static Entity,
    fields: &[&Positioned<Field>],
    keys: &[Option<i64>],
    source: Source<'_>,
    path: Vec<PathSegment>,
    row_path: RowPath<'_>,
) -> ServerResult<Vec<Value>> {
    let Some(field) = fields.first() else { return Ok(vec![Value::Null; keys.len()]) };
    let at_field = |error: Error| error.into_server_error(field.pos, path.clone());
    let (mut plan, shape) = Planner::new(context).single(entity, fields).map_err(at_field)?;
    let id = plan.cell(0, entity.table.id());
    let wanted: Vec<i64> = keys.iter().copied().flatten().collect();
    let scope = context.data_unchecked::<Scope>();
    let (own, shared);
    let (loaded, computations) = match (source, wanted.first()) {
        (Source::Batch(batch), Some(key)) => {
            let name = &field.node.response_key().node;
            shared = batch.load(context, &plan, &shape, *key, name).await.map_err(at_field)?;
            (&*shared.loaded, Arc::clone(&shared.computations))
        }
        (source, _) => {
            let known = match source {
                Source::Record(record) => read::of_record(&plan, record),
                _ => None,
            };
            own = if let Some(loaded) = known {
                loaded
            } else {
                let read = read::by_keys(scope, &plan, &wanted).await;
                read.map_err(|error| at_field(error.into()))?
            };
            let computed = computed::of_shape(context, &shape, &own).await.map_err(at_field)?;
            (&own, Arc::new(computed))
        }
    };
    let mut answer = Answer::new(context, field, path, computations);
    let mut values = Vec::with_capacity(keys.len());
    for (place, key) in keys.iter().enumerate() {
        let row = loaded.rows.iter().position(|row| key.is_some() && row[id].key() == *key);
        let Some(row) = row else {
            values.push(Value::Null);
            continue;
        };
        let (place, below) = match row_path {
            RowPath::Single => (None, &[][..]),
            RowPath::Items(below) => (Some(place), below),
        };
        match answer.row(&shape, loaded, row, place, below) {
            Err(error) if place.is_some() && below.is_empty() => {
                context.add_error(error);
                values.push(Value::Null);
            }
            value => values.push(value?),
        }
    }
    Ok(values)
}

/// The filter of an entity as an argument of a custom field.
pub struct FilterOf<E>(Value, PhantomData<E>);

impl<E: Declared> FilterOf<E> {
    /// Parses the filter.
    ///
    /// # Errors
    /// `INVALID`, with the field and the accepted values.
    pub fn filter(&self) -> Result<Filter> {
        filter::read(E::entity(), &self.0)
    }
}

impl<E: Declared + Send + Sync> InputType for FilterOf<E> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Filter", E::entity().name).into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        value
            .map(|value| Self(value, PhantomData))
            .ok_or_else(|| InputValueError::expected_type(Value::Null))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
