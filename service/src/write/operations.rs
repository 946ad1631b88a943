//! What every table has, by its [`Rules`]: create, update, delete and restore, one row or a batch.

use serde::{Deserialize, Serialize};

use super::{
    Once, Record,
    identity::unique,
    once,
    row::{create_in, current, hold_all, patched, refuse, upsert_in},
    rules::{Delete, Rules},
    single,
};
use crate::{
    error::{Error, Problem, Result},
    governance::change_log::kind,
    scope::Scope,
    value::Value,
};

/// What a client says of a row.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Columns by their places, and their values.
    pub values: Vec<(usize, Value)>,
    /// For each of [`Rules::links`], what is to be linked.
    pub links: Vec<LinkInput>,
}

/// What is to be linked to a new row.
#[derive(Clone, Debug, Default)]
pub struct LinkInput {
    /// Keys of rows that are there.
    pub keys: Vec<i64>,
    /// Rows to be made.
    pub rows: Vec<Input>,
}

/// What happens to a batch when items of it are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is written.
    RejectAll,
    /// The others are written.
    SkipFailed,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// The key of each item; `None` where it was refused.
    pub keys: Vec<Option<i64>>,
    /// For each item, whether a row was made for it.
    pub created: Vec<bool>,
    /// Why items were refused.
    pub problems: Vec<Problem>,
}

/// A row that was made.
#[derive(Debug)]
pub struct Made {
    /// Its key.
    pub id: i64,
    /// The row as it is stored, when it is known.
    pub row: Option<Record>,
}

/// Makes a row.
///
/// # Errors
/// [`Error::Refused`] with everything that is wrong.
pub async fn create(
    scope: &Scope,
    rules: &'static Rules,
    input: Input,
    once: Option<Once>,
) -> Result<Made> {
    if once.is_none()
        && let Some(row) = single::create(scope, rules, &input).await?
    {
        return Ok(Made { id: row.id(), row: Some(row) });
    }
    let id = once::run(scope, once, move |unit| {
        Box::pin(async move { Ok(create_in(unit, rules, input).await?.id()) })
    });
    Ok(Made { id: id.await?, row: None })
}

/// Makes rows: all, or those that are not refused.
///
/// # Errors
/// [`Error::Refused`] when an item is refused and `on_error` says so: then nothing is written.
pub async fn create_many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<Once>,
) -> Result<Batch> {
    many(scope, rules, items, on_error, once, false).await
}

/// Makes rows, or updates those that have the same identity.
///
/// # Errors
/// As [`create_many`].
pub async fn upsert_many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<Once>,
) -> Result<Batch> {
    many(scope, rules, items, on_error, once, true).await
}

async fn many(
    scope: &Scope,
    rules: &'static Rules,
    items: Vec<Input>,
    on_error: OnError,
    once: Option<Once>,
    upsert: bool,
) -> Result<Batch> {
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            hold_all(unit, rules, &items).await?;
            let mut batch = Batch { keys: Vec::new(), created: Vec::new(), problems: Vec::new() };
            for (index, input) in items.into_iter().enumerate() {
                let item = match on_error {
                    OnError::SkipFailed => Some(unit.begin_item().await?),
                    OnError::RejectAll => None,
                };
                let done = if upsert {
                    upsert_in(unit, rules, input).await
                } else {
                    create_in(unit, rules, input).await.map(|row| (row.id(), true))
                };
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
                        batch.problems.extend(
                            problems
                                .into_iter()
                                .map(|problem| Problem { index: Some(index), ..problem }),
                        );
                    }
                    Err(other) => return Err(other),
                }
            }
            if on_error == OnError::RejectAll && !batch.problems.is_empty() {
                return Err(Error::Refused(batch.problems));
            }
            Ok(batch)
        })
    })
    .await
}

/// Patches a row; gives the key of the row that holds the patch.
///
/// # Errors
/// [`Error::Refused`] with everything that is wrong, also when the row is not at `expected_revision`.
pub async fn update(
    scope: &Scope,
    rules: &'static Rules,
    id: i64,
    expected_revision: Option<i64>,
    patch: Input,
    once: Option<Once>,
) -> Result<i64> {
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules, id, expected_revision).await?;
            let after = patched(unit, rules, before, patch, Some("patch")).await?;
            Ok(after.id())
        })
    })
    .await
}

/// Deletes a row; gives its key.
///
/// # Errors
/// [`Error::Refused`] when it can't be deleted.
pub async fn delete(
    scope: &Scope,
    rules: &'static Rules,
    id: i64,
    expected_revision: Option<i64>,
    once: Option<Once>,
) -> Result<i64> {
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules, id, expected_revision).await?;
            rules.hooks.deleting(unit, &before).await?;
            match rules.delete {
                Delete::Soft => {
                    let mut after = before.clone();
                    after.set("deleted_at", Value::Time(unit.now()));
                    unit.update_as(&before, after, kind::DELETED).await?;
                }
                Delete::Hard => unit.delete(&before).await?,
                Delete::Never => return Err(Error::internal("a row that is never deleted")),
            }
            rules.hooks.deleted(unit, &before).await?;
            Ok(id)
        })
    })
    .await
}

/// Restores a row that was deleted; gives its key. One that is not deleted stays as it is.
///
/// # Errors
/// [`Error::Refused`] when it can't be restored.
pub async fn restore(
    scope: &Scope,
    rules: &'static Rules,
    id: i64,
    once: Option<Once>,
) -> Result<i64> {
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = unit.get((rules.table)(), id, "id").await?;
            rules.hooks.restoring(unit, &before).await?;
            let mut after = before.clone();
            after.set("deleted_at", Value::Null);
            let mut problems = Vec::new();
            unique(unit, rules, &after, &mut problems).await?;
            refuse(problems)?;
            unit.update_as(&before, after, kind::RESTORED).await?;
            Ok(id)
        })
    })
    .await
}
