//! Computed fields: plain Rust functions over the rows of a level.
//!
//! The function receives all rows of the level at once, so it queries the service once regardless of the number of
//! rows, without a data loader.

use std::{future::Future, pin::Pin};

use async_graphql::{Context, OutputType, Positioned, ServerResult, Value, parser::types::Field};
use chrono::{DateTime, Utc};
use engine::{Scope, Value as Cell, read::Page};

use super::input;
use crate::{error::Result, placeholder::remove_placeholders};

/// The columns of one row that a computed field needs, in the order of its declaration.
pub struct RowView<'r> {
    pub(super) row: &'r [Cell],
    pub(super) cells: &'r [usize],
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
    pub(super) context: &'a Context<'a>,
    pub(super) field: &'a Positioned<Field>,
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
