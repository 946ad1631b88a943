//! Operations that every table supports to the extent that its [`Rules`] allow: create, update, delete and restore, for
//! a single row or a batch.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    IdempotentRequest, Unit, idempotency, insert_statement,
    nested_rows::lock_all,
    ownership::Tables,
    row::{create_in, current, patched, refuse, upsert_in},
    rules::{Delete, Rules},
    unique_field::check_unique,
};
use crate::record::Record;
use crate::{
    change_log::kind,
    error::{Error, Problem, Result},
    scope::Scope,
    value::Value,
};

/// The input for a row.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Column indexes with their values.
    pub values: Vec<(usize, Value)>,
    /// The linked rows for each of [`Rules::links`].
    pub links: Vec<LinkInput>,
    /// Column indexes with the referenced rows that are written before the row.
    pub references: Vec<(usize, Input)>,
    /// The rows to create that refer to the row.
    pub children: Vec<ChildRows>,
}

/// Rows to create together with the row that they refer to.
#[derive(Clone, Debug)]
pub struct ChildRows {
    /// The name of the list in the input of the row, for errors.
    pub name: &'static str,
    /// The write rules of the rows.
    pub rules: &'static Rules,
    /// The index of their column that refers to the row.
    pub column: usize,
    /// The rows.
    pub rows: Vec<Input>,
}

impl Input {
    /// Whether other rows are written with the row.
    pub(super) fn has_nested_rows(&self) -> bool {
        !self.references.is_empty()
            || self.children.iter().any(|children| !children.rows.is_empty())
    }
}

/// The rows to link to a new row.
#[derive(Clone, Debug, Default)]
pub struct LinkInput {
    /// Primary keys of existing rows.
    pub keys: Vec<i64>,
    /// Rows to create.
    pub rows: Vec<Input>,
}

/// What happens to a batch if some of its items are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is written.
    RejectAll,
    /// The valid items are written.
    SkipFailed,
}

/// The result of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// The primary key of each item; `None` for a rejected item.
    pub keys: Vec<Option<i64>>,
    /// For each item, whether it created a row.
    pub created: Vec<bool>,
    /// The problems of the rejected items.
    pub problems: Vec<Problem>,
}

/// A created row.
#[derive(Debug)]
pub struct Made {
    /// The primary key.
    pub id: i64,
    /// The row as stored, if it is known.
    pub row: Option<Record>,
}

/// Creates a row.
///
/// # Errors
/// [`Error::Refused`] with all problems.
pub async fn create(
    scope: &Scope,
    rules: &'static Rules,
    input: Input,
    once: Option<IdempotentRequest>,
) -> Result<Made> {
    if once.is_none()
        && let Some(row) = insert_statement::create(scope, rules, &input).await?
    {
        return Ok(Made { id: row.id(), row: Some(row) });
    }
    let id = idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            if input.has_nested_rows() {
                lock_all(unit, rules, std::slice::from_ref(&input)).await?;
            }
            Ok(create_in(unit, rules, input).await?.id())
        })
    });
    Ok(Made { id: id.await?, row: None })
}

/// Creates rows: all of them, or those that are valid.
///
/// # Errors
/// [`Error::Refused`] if an item is rejected and `on_error` is [`OnError::RejectAll`]; then nothing is written.
pub async fn create_many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    many(scope, rules, items, on_error, once, false).await
}

/// Creates rows, or updates the existing rows with the same unique value.
///
/// # Errors
/// As [`create_many`].
pub async fn upsert_many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    many(scope, rules, items, on_error, once, true).await
}

async fn many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
    upsert: bool,
) -> Result<Batch> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            lock_all(unit, rules, &items).await?;
            let items = items.into_iter().map(|input| BatchInput { rules, input, upsert });
            each(unit, items.collect(), on_error, write_item).await
        })
    })
    .await
}

/// An item of a batch of creations or upserts.
struct BatchInput {
    rules: &'static Rules,
    input: Input,
    upsert: bool,
}

fn write_item(unit: &mut Unit, item: BatchInput) -> BoxFuture<'_, Result<(i64, bool)>> {
    Box::pin(async move {
        if item.upsert {
            upsert_in(unit, item.rules, item.input).await
        } else {
            create_in(unit, item.rules, item.input).await.map(|row| (row.id(), true))
        }
    })
}

/// The work on one item of a batch; returns the primary key of its row, and whether the row is new.
pub type ItemWork<T> = for<'u> fn(&'u mut Unit, T) -> BoxFuture<'u, Result<(i64, bool)>>;

/// Does the work on each item of a batch: on all of them, or on those that are not rejected.
///
/// # Errors
/// [`Error::Refused`] if an item is rejected and `on_error` is [`OnError::RejectAll`].
pub async fn each<T>(
    unit: &mut Unit,
    items: Vec<T>,
    on_error: OnError,
    work: ItemWork<T>,
) -> Result<Batch> {
    let mut batch = Batch { keys: Vec::new(), created: Vec::new(), problems: Vec::new() };
    for (index, input) in items.into_iter().enumerate() {
        let item = match on_error {
            OnError::SkipFailed => Some(unit.begin_item().await?),
            OnError::RejectAll => None,
        };
        let done = work(unit, input).await;
        if let Some(item) = &item {
            unit.end_item(item, done.is_ok()).await?;
        }
        match done {
            Ok((key, created)) => {
                batch.keys.push(Some(key));
                batch.created.push(created);
            }
            Err(Error::Refused(problems)) => {
                batch.keys.push(None);
                batch.created.push(false);
                let problems = problems.into_iter();
                let problems = problems.map(|problem| Problem { index: Some(index), ..problem });
                batch.problems.extend(problems);
            }
            // A rejection by the database has aborted the transaction.
            Err(_) if on_error == OnError::RejectAll && !batch.problems.is_empty() => break,
            Err(other) => return Err(other),
        }
    }
    if on_error == OnError::RejectAll && !batch.problems.is_empty() {
        return Err(Error::Refused(batch.problems));
    }
    Ok(batch)
}

/// Updates a row with a patch. Returns the primary key of the row to which the patch was applied.
///
/// # Errors
/// [`Error::Refused`] with all problems, including a row whose revision is not `expected_revision`.
pub async fn update(
    scope: &Scope,
    rules: &'static Rules,
    id: i64,
    expected_revision: Option<i64>,
    patch: Input,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules, id, expected_revision).await?;
            let after = patched(unit, rules, before, patch, Some("patch")).await?;
            Ok(after.id())
        })
    })
    .await
}

/// Deletes a row and returns its primary key. What happens to the rows that refer to it is declared by `tables`
/// ([`super::reference`]).
///
/// # Errors
/// [`Error::Refused`] if the row can't be deleted.
pub async fn delete(
    scope: &Scope,
    rules: &'static Rules,
    tables: Tables,
    id: i64,
    expected_revision: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules, id, expected_revision).await?;
            unit.release_references(tables, &before).await?;
            rules.hooks.deleting(unit, &before).await?;
            match rules.delete {
                Delete::Soft => {
                    let mut after = before.clone();
                    after.set_named("deleted_at", Value::Time(unit.now()));
                    unit.update_as(&before, after, kind::DELETED).await?;
                }
                Delete::Hard => unit.delete(&before).await?,
                Delete::Never => {
                    return Err(Error::internal("rows of this table can't be deleted"));
                }
            }
            rules.hooks.deleted(unit, &before).await?;
            Ok(id)
        })
    })
    .await
}

/// Restores a deleted row and returns its primary key. A row that is not deleted is unchanged.
///
/// # Errors
/// [`Error::Refused`] if the row can't be restored.
pub async fn restore(
    scope: &Scope,
    rules: &'static Rules,
    id: i64,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = unit.get((rules.table)(), id, "id").await?;
            rules.hooks.restoring(unit, &before).await?;
            let mut after = before.clone();
            after.set_named("deleted_at", Value::Null);
            let mut problems = Vec::new();
            check_unique(unit, &after, &mut problems).await?;
            refuse(problems)?;
            unit.update_as(&before, after, kind::RESTORED).await?;
            Ok(id)
        })
    })
    .await
}
