//! Runs a plan: one statement for each list of a level, the lists of a level side by side.

use std::{collections::HashMap, ops::Range, pin::Pin};

use futures_util::future::try_join_all;
use sea_orm::{QueryResult, Statement};

use super::{
    aggregate::{Aggregate, Aggregated},
    aggregate_sql, cursor,
    plan::{Cell, List},
    sql::{self, Bounds, Parents},
};
use crate::{
    error::{Error, Result},
    scope::Scope,
    table::Kind,
    value::Value,
    write::Record,
};

/// The rows of a list for all its parents, and of the lists below it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All rows, those of a parent together and in the order of the list.
    pub rows: Vec<Box<[Value]>>,
    /// What was loaded below all of them: one for each relation of the plan, in its order.
    pub relations: Vec<Loaded>,
    /// What was worked out below all of them: one for each aggregate of the plan, in its order.
    pub aggregates: Vec<Aggregated>,
    groups: HashMap<i64, Group>,
}

/// The page of one parent.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Where its rows are.
    pub rows: Range<usize>,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after the page.
    pub has_next: bool,
    /// The number of all rows, if it was asked for.
    pub total: i64,
    /// What cursors of this page are bound to, if the plan wants cursors.
    pub binding: u64,
}

impl Loaded {
    /// The page below the row with this key; at the root the key is 0.
    #[must_use]
    pub fn group(&self, parent: i64) -> Group {
        self.groups.get(&parent).cloned().unwrap_or_default()
    }
}

/// The row of a plan that asks for nothing but columns of `record`; `None` when it asks for more.
#[must_use]
pub fn of_record(plan: &List, record: &Record) -> Option<Loaded> {
    let own = |cell: &Cell| {
        // Postgres writes a document anew.
        let kind = plan.table_of(cell.of).columns[cell.column].kind;
        cell.of == 0 && kind != Kind::Json
    };
    if !plan.relations.is_empty()
        || !plan.aggregates.is_empty()
        || plan.count
        || !plan.cells.iter().all(own)
    {
        return None;
    }
    let row = plan.cells.iter().map(|cell| record.at(cell.column).clone()).collect();
    Some(Loaded { rows: vec![row], ..Loaded::default() })
}

/// Reads a list of the organization, and every list below it.
///
/// # Errors
/// [`Error::BadCursor`] when a cursor doesn't belong to its list, [`Error::Unavailable`] when the
/// database doesn't answer.
pub async fn list(scope: &Scope, plan: &List) -> Result<Loaded> {
    level(scope, plan, None).await
}

/// Reads the rows with these keys, deleted ones too, and every list below them. A key that is not
/// of this organization has no row.
///
/// # Errors
/// As [`list`].
pub async fn by_keys(scope: &Scope, plan: &List, keys: &[i64]) -> Result<Loaded> {
    if keys.is_empty() {
        return Ok(Loaded::default());
    }
    let store = scope.store();
    let statement = sql::by_keys(store.engine(), scope.organization(), plan, keys);
    let rows = query(scope, plan, statement).await?;
    let rows = rows.iter().map(|row| Ok(cells(plan, row)?.1)).collect::<Result<_>>()?;
    let mut loaded = Loaded { rows, ..Loaded::default() };
    below(scope, plan, &mut loaded).await?;
    Ok(loaded)
}

/// Reads what is below the rows that are loaded.
async fn below(scope: &Scope, plan: &List, loaded: &mut Loaded) -> Result<()> {
    let below =
        futures_util::try_join!(relations(scope, plan, loaded), aggregates(scope, plan, loaded));
    (loaded.relations, loaded.aggregates) = below?;
    Ok(())
}

/// A future of its own kind, because levels hold levels.
type Level<'a> = Pin<Box<dyn Future<Output = Result<Loaded>> + Send + 'a>>;

fn level<'a>(scope: &'a Scope, plan: &'a List, parents: Option<Parents<'a>>) -> Level<'a> {
    Box::pin(async move {
        let rows = async {
            if plan.rows {
                rows(scope, plan, parents.as_ref()).await
            } else {
                Ok(Loaded::default())
            }
        };
        let totals = async {
            if plan.count { totals(scope, plan, parents.as_ref()).await } else { Ok(Vec::new()) }
        };
        let (mut loaded, totals) = futures_util::try_join!(rows, totals)?;
        for (parent, total) in totals {
            loaded.groups.entry(parent).or_default().total = total;
        }
        below(scope, plan, &mut loaded).await?;
        Ok(loaded)
    })
}

/// The keys in a cell of all rows.
fn keys(loaded: &Loaded, cell: usize) -> Vec<i64> {
    let mut keys: Vec<i64> = loaded.rows.iter().filter_map(|row| row[cell].key()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

async fn aggregates(scope: &Scope, plan: &List, loaded: &Loaded) -> Result<Vec<Aggregated>> {
    try_join_all(plan.aggregates.iter().map(|below| async move {
        let keys = keys(loaded, below.parent);
        if keys.is_empty() {
            return Ok(Aggregated::default());
        }
        let parents = Parents { link: below.link, keys: &keys };
        aggregated(scope, &below.aggregate, Some(&parents)).await
    }))
    .await
}

/// What all rows of the organization come to.
///
/// # Errors
/// [`Error::Unavailable`] when the database doesn't answer.
pub async fn aggregate(scope: &Scope, aggregate: &Aggregate) -> Result<Aggregated> {
    aggregated(scope, aggregate, None).await
}

async fn aggregated(
    scope: &Scope,
    aggregate: &Aggregate,
    parents: Option<&Parents<'_>>,
) -> Result<Aggregated> {
    let engine = scope.store().engine();
    let statement = aggregate_sql::aggregate(engine, scope.organization(), aggregate, parents);
    let answer = query(scope, &aggregate.list, statement).await?;
    let kinds: Vec<Kind> = (aggregate.keys.iter().map(|key| aggregate.kind_of_key(key)))
        .chain(aggregate.measures.iter().map(|measure| aggregate.kind_of(*measure)))
        .collect();
    let mut found = Aggregated::default();
    for row in &answer {
        let parent = key(row)?;
        let cells = kinds.iter().enumerate();
        let cells = cells.map(|(place, kind)| Value::read(row, place + 1, *kind));
        let cells = cells.collect::<Result<_>>()?;
        if aggregate.count {
            found.totals.insert(parent, row.try_get_by_index(kinds.len() + 1)?);
        }
        found.groups.entry(parent).or_default().push(cells);
    }
    Ok(found)
}

async fn relations(scope: &Scope, plan: &List, loaded: &Loaded) -> Result<Vec<Loaded>> {
    try_join_all(plan.relations.iter().map(|relation| async move {
        let keys = keys(loaded, relation.parent);
        if keys.is_empty() {
            return Ok(Loaded::default());
        }
        let parents = Parents { link: relation.link, keys: &keys };
        level(scope, &relation.list, Some(parents)).await
    }))
    .await
}

async fn rows(scope: &Scope, plan: &List, parents: Option<&Parents<'_>>) -> Result<Loaded> {
    let bounds = bounds(plan, parents)?;
    let engine = scope.store().engine();
    let statement = sql::rows(engine, scope.organization(), plan, parents, &bounds);
    let answer = query(scope, plan, statement).await?;
    let list_binding = if plan.cursors { cursor::list_binding(plan) } else { 0 };

    let mut loaded = Loaded { rows: Vec::with_capacity(answer.len()), ..Loaded::default() };
    let size = plan.page.size as usize;
    let mut place = 0;
    while place < answer.len() {
        let (parent, first) = cells(plan, &answer[place])?;
        let mut page = vec![first];
        place += 1;
        while place < answer.len() {
            let (next, row) = cells(plan, &answer[place])?;
            if next != parent {
                break;
            }
            page.push(row);
            place += 1;
        }
        let more = page.len() > size;
        page.truncate(size);
        if plan.page.backward {
            page.reverse();
        }
        let start = loaded.rows.len();
        loaded.rows.extend(page);
        let group = Group {
            rows: start..loaded.rows.len(),
            ..around(plan, list_binding, parents.map(|_| parent), more)
        };
        loaded.groups.insert(parent, group);
    }
    // A page without rows still tells what stands around it.
    let empty = [0];
    for parent in parents.map_or(empty.as_slice(), |parents| parents.keys) {
        loaded
            .groups
            .entry(*parent)
            .or_insert_with(|| around(plan, list_binding, parents.map(|_| *parent), false));
    }
    Ok(loaded)
}

/// What stands around a page: a cursor is a row on its far side.
fn around(plan: &List, list_binding: u64, parent: Option<i64>, more: bool) -> Group {
    let page = &plan.page;
    Group {
        rows: 0..0,
        has_previous: page.after.is_some() || (page.backward && more),
        has_next: page.before.is_some() || (!page.backward && more),
        total: 0,
        binding: cursor::binding(list_binding, parent),
    }
}

async fn totals(
    scope: &Scope,
    plan: &List,
    parents: Option<&Parents<'_>>,
) -> Result<Vec<(i64, i64)>> {
    let engine = scope.store().engine();
    let statement = sql::count(engine, scope.organization(), plan, parents);
    let answer = query(scope, plan, statement).await?;
    answer.iter().map(|row| Ok((key(row)?, row.try_get_by_index(1)?))).collect()
}

fn bounds(plan: &List, parents: Option<&Parents<'_>>) -> Result<Bounds> {
    let read = |text: &Option<String>, field: &'static str| {
        let Some(text) = text else { return Ok(None) };
        let parent = match parents {
            None => None,
            Some(Parents { keys: [parent], .. }) => Some(*parent),
            Some(_) => {
                let message = "below several rows there is no one page to go on from; ask for the \
                               row by its id";
                return Err(Error::BadCursor { field, message });
            }
        };
        let binding = cursor::binding(cursor::list_binding(plan), parent);
        cursor::decode(text, field, binding, plan).map(Some)
    };
    Ok(Bounds {
        after: read(&plan.page.after, "after")?,
        before: read(&plan.page.before, "before")?,
    })
}

async fn query(scope: &Scope, plan: &List, statement: Statement) -> Result<Vec<QueryResult>> {
    tracing::trace!(target: "service::sql", sql = statement.sql);
    let store = scope.store();
    if !plan.log {
        return store.read_shown(statement).await;
    }
    // The order of the log is known where it is written only.
    let rows = store.read(statement).await?;
    store.shown().await;
    Ok(rows)
}

fn key(row: &QueryResult) -> Result<i64> {
    let key = Value::read(row, 0, Kind::BigInt)?.key();
    key.ok_or_else(|| Error::internal("a row without the key of its parent"))
}

fn cells(plan: &List, row: &QueryResult) -> Result<(i64, Box<[Value]>)> {
    let mut cells = Vec::with_capacity(plan.cells.len());
    for (index, cell) in plan.cells.iter().enumerate() {
        let kind: Kind = plan.table_of(cell.of).columns[cell.column].kind;
        cells.push(Value::read(row, index + 1, kind)?);
    }
    Ok((key(row)?, cells.into_boxed_slice()))
}
