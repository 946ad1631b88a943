//! Computed fields: plain Rust functions over the rows of a level.
//!
//! The function receives all rows of the level at once, so it queries the service once regardless of the number of
//! rows, without a data loader.

use std::{borrow::Cow, collections::HashMap, future::Future, marker::PhantomData, pin::Pin};

use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
};
use chrono::{DateTime, Utc};
use engine::{
    Scope, Value as Cell,
    read::{Loaded, Page},
};
use futures_util::future::try_join_all;

use super::shape::{ComputedField, Connection, ConnectionOut, EdgeOut, Out, Shape};
use super::{declaration::Declared, input, registry::Registry, row};
use crate::{
    error::{Error, Result},
    placeholder::remove_placeholders,
};

/// The columns of one row that a computed field needs, in the order of its declaration.
pub struct RowView<'r> {
    row: &'r [Cell],
    cells: &'r [usize],
}

impl RowView<'_> {
    /// The primary keys of rows whose first column is the primary key.
    #[must_use]
    pub fn keys(rows: &[Self]) -> Vec<i64> {
        rows.iter().map(|row| row.cell(0).key().unwrap_or_default()).collect()
    }

    /// The value of the column at `index`.
    #[must_use]
    pub fn cell(&self, index: usize) -> &Cell {
        self.cells.get(index).and_then(|cell| self.row.get(*cell)).unwrap_or(&Cell::Null)
    }

    /// The text in the column at `index`; empty if null.
    #[must_use]
    pub fn text(&self, index: usize) -> &str {
        match self.cell(index) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    /// The timestamp in the column at `index`; `None` if null.
    #[must_use]
    pub fn time(&self, index: usize) -> Option<DateTime<Utc>> {
        match self.cell(index) {
            Cell::Time(time) => Some(*time),
            _ => None,
        }
    }
}

/// The context of a computed field: the request and the requested field.
pub struct ComputedContext<'a> {
    context: &'a Context<'a>,
    field: &'a Positioned<Field>,
}

/// The results of a computed field, one per row.
pub type Answers = Vec<ServerResult<Value>>;

/// A type-erased computed field.
pub type Resolve = for<'a> fn(
    ComputedContext<'a>,
    Vec<RowView<'a>>,
) -> Pin<Box<dyn Future<Output = Result<Answers>> + Send + 'a>>;

/// Computes a field with `function` and resolves the selection of its values.
///
/// # Errors
/// The errors of `function`.
pub async fn resolve<'a, T, F, R>(
    context: ComputedContext<'a>,
    rows: Vec<RowView<'a>>,
    function: F,
) -> Result<Answers>
where
    T: OutputType,
    F: FnOnce(&'a Scope, Vec<RowView<'a>>) -> R,
    R: Future<Output = Result<Vec<T>>> + Send,
{
    let scope = context.context.data_unchecked::<Scope>();
    let values = function(scope, rows).await?;
    let inside = context.context.with_selection_set(&context.field.node.selection_set);
    let mut answers = Vec::with_capacity(values.len());
    for value in &values {
        let mut answer = OutputType::resolve(value, &inside, context.field).await;
        if let Ok(value) = &mut answer {
            remove_placeholders(value, &context.field.node.selection_set.node);
        }
        answers.push(answer);
    }
    Ok(answers)
}

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

/// The arguments of a computed field with forward pagination.
#[derive(Clone, Debug)]
pub struct ForwardPage {
    /// The page size.
    pub first: u32,
    /// The cursor after which the page starts.
    pub after: Option<String>,
}

/// Like [`resolve`], for a paginated field.
///
/// # Errors
/// The errors of `function`; `INVALID` if an argument is invalid.
pub async fn resolve_paged<'a, T, F, R>(
    context: ComputedContext<'a>,
    rows: Vec<RowView<'a>>,
    function: F,
) -> Result<Answers>
where
    T: OutputType,
    F: FnOnce(&'a Scope, Vec<RowView<'a>>, ForwardPage) -> R,
    R: Future<Output = Result<Vec<T>>> + Send,
{
    let arguments = input::arguments(context.context, &context.field.node);
    let after = input::text(&arguments, "after")?;
    let page = Page::new(input::whole(&arguments, "first")?, after, None, None)?;
    let page = ForwardPage { first: page.size, after: page.after };
    resolve(context, rows, |scope, rows| function(scope, rows, page)).await
}

/// The results of the computed fields below a root field, by field and row.
#[derive(Default)]
pub struct Computations(HashMap<(usize, usize), Answers>);

impl Computations {
    /// The result of `field` for the row at `index` of `loaded`.
    #[must_use]
    pub fn answer(
        &self,
        field: &ComputedField<'_>,
        loaded: &Loaded,
        index: usize,
    ) -> Option<&ServerResult<Value>> {
        self.0.get(&key(field, loaded)).and_then(|answers| answers.get(index))
    }
}

/// The key of a computation: the number of the field in its plan, and the address of the rows of the level.
fn key(field: &ComputedField<'_>, loaded: &Loaded) -> (usize, usize) {
    (field.number, std::ptr::from_ref(loaded) as usize)
}

/// Computes every computed field of `shape` and of the plans below it, each once for all rows of its level.
///
/// # Errors
/// The errors of the functions.
pub async fn of_shape<'a>(
    context: &'a Context<'a>,
    shape: &'a Shape<'a>,
    loaded: &'a Loaded,
) -> Result<Computations> {
    let mut found = Vec::new();
    search(shape, loaded, &mut found);
    run(context, found).await
}

/// Like [`of_shape`], for a connection.
///
/// # Errors
/// Same as [`of_shape`].
pub async fn of_connection<'a>(
    context: &'a Context<'a>,
    connection: &'a Connection<'a>,
    loaded: &'a Loaded,
) -> Result<Computations> {
    let mut found = Vec::new();
    search_connection(connection, loaded, &mut found);
    run(context, found).await
}

type Found<'a> = Vec<(&'a ComputedField<'a>, &'a Loaded)>;

async fn run<'a>(context: &'a Context<'a>, found: Found<'a>) -> Result<Computations> {
    let answers = try_join_all(found.into_iter().map(|(computed, loaded)| async move {
        let rows: Vec<_> =
            loaded.rows.iter().map(|row| RowView { row, cells: &computed.cells }).collect();
        let count = rows.len();
        let inside = ComputedContext { context, field: computed.field };
        let answers = (computed.resolve)(inside, rows).await?;
        if answers.len() != count {
            let name = &computed.field.node.name.node;
            return Err(Error::internal(format!(
                "`{name}` returned a different number of results than rows"
            )));
        }
        Ok((key(computed, loaded), answers))
    }))
    .await?;
    Ok(Computations(answers.into_iter().collect()))
}

fn search<'a>(shape: &'a Shape<'a>, loaded: &'a Loaded, found: &mut Found<'a>) {
    for (_, out) in &shape.fields {
        match out {
            Out::Computed(computed) => found.push((computed, loaded)),
            Out::One { shape, .. } => search(shape, loaded, found),
            Out::First { relation, shape, .. } => {
                if let Some(below) = loaded.relations.get(*relation) {
                    search(shape, below, found);
                }
            }
            Out::Many { relation, connection, .. } => {
                if let Some(below) = loaded.relations.get(*relation) {
                    search_connection(connection, below, found);
                }
            }
            Out::TypeName(_) | Out::Id(..) | Out::Cell(..) => {}
        }
    }
}

fn search_connection<'a>(
    connection: &'a Connection<'a>,
    loaded: &'a Loaded,
    found: &mut Found<'a>,
) {
    for (_, out) in &connection.fields {
        match out {
            ConnectionOut::Nodes(shape) => search(shape, loaded, found),
            ConnectionOut::Edges(fields) => {
                for (_, out) in fields {
                    if let EdgeOut::Node(shape) = out {
                        search(shape, loaded, found);
                    }
                }
            }
            ConnectionOut::TypeName
            | ConnectionOut::PageInfo(_)
            | ConnectionOut::TotalCount
            | ConnectionOut::Aggregate { .. } => {}
        }
    }
}
