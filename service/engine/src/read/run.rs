//! Executes a read plan: one statement for each list of a level. The statements of a level run concurrently.

use std::{collections::HashMap, ops::Range, pin::Pin};

use futures_util::future::try_join_all;
use sea_orm::{QueryResult, Statement};

use super::{
    aggregate::{Aggregate, Aggregated, Measure},
    aggregate_sql, cursor, fill, percentile,
    plan::{Cell, List},
    sql::{self, Bounds, Parents},
};
use crate::{
    error::{Error, Result},
    record::Record,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
};

/// The rows of a list for all parents, and the results of the lists nested in it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All rows, grouped by parent and in the order of the list.
    pub rows: Vec<Box<[Value]>>,
    /// Results of the nested lists: one for each relation of the plan, in the order of the plan.
    pub relations: Vec<Loaded>,
    /// Results of the aggregates, in the order of the plan.
    pub aggregates: Vec<Aggregated>,
    groups: HashMap<i64, Group>,
}

/// The page of one parent.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Range of the rows of the page in [`Loaded::rows`].
    pub rows: Range<usize>,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after the page.
    pub has_next: bool,
    /// Total number of rows, if requested.
    pub total: i64,
    /// Binding of the cursors of this page, if the plan requests cursors.
    pub binding: u64,
}

impl Loaded {
    /// The page of the parent with this primary key; 0 at the root.
    #[must_use]
    pub fn page_of(&self, parent: i64) -> Group {
        self.groups.get(&parent).cloned().unwrap_or_default()
    }
}

/// Returns `record` as the result row of a plan that selects only its columns; `None` if the plan selects anything
/// else.
#[must_use]
pub fn of_record(plan: &List, record: &Record) -> Option<Loaded> {
    let own = |cell: &Cell| {
        // Postgres reformats JSON documents.
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

/// Reads a list of the organization, and every list nested in it.
///
/// # Errors
/// [`Error::BadCursor`] if a cursor doesn't belong to its list, [`Error::Unavailable`] if the database doesn't
/// respond.
pub async fn list(scope: &Scope, plan: &List) -> Result<Loaded> {
    level(scope, plan, None).await
}

/// Reads the rows with these primary keys, including deleted ones, and every list nested in them. Keys of other
/// organizations return no row.
///
/// # Errors
/// Same as [`list`].
pub async fn by_keys(scope: &Scope, plan: &List, keys: &[i64]) -> Result<Loaded> {
    if keys.is_empty() {
        return Ok(Loaded::default());
    }
    let store = scope.store();
    let statement = sql::by_keys(store.engine(), scope.viewer(), plan, keys);
    let rows = query(scope, plan, statement).await?;
    let rows = rows.iter().map(|row| Ok(cells(plan, row)?.1)).collect::<Result<_>>()?;
    let mut loaded = Loaded { rows, ..Loaded::default() };
    loaded.relations = relations(scope, plan, &loaded).await?;
    Ok(loaded)
}

/// Returns a boxed future, because the function calls itself for each level.
type Level<'a> = Pin<Box<dyn Future<Output = Result<Loaded>> + Send + 'a>>;

fn level<'a>(scope: &'a Scope, plan: &'a List, parents: Option<Parents<'a>>) -> Level<'a> {
    Box::pin(async move {
        let parents = parents.as_ref();
        let rows = async {
            if plan.rows { rows(scope, plan, parents).await } else { Ok(Loaded::default()) }
        };
        let totals =
            async { if plan.count { totals(scope, plan, parents).await } else { Ok(Vec::new()) } };
        let aggregates = plan.aggregates.iter().map(|one| aggregated(scope, plan, one, parents));
        let (mut loaded, totals, aggregates) =
            futures_util::try_join!(rows, totals, try_join_all(aggregates))?;
        for (parent, total) in totals {
            loaded.groups.entry(parent).or_default().total = total;
        }
        loaded.aggregates = aggregates;
        loaded.relations = relations(scope, plan, &loaded).await?;
        Ok(loaded)
    })
}

/// The primary keys in a cell of all rows.
fn keys(loaded: &Loaded, cell: usize) -> Vec<i64> {
    let mut keys: Vec<i64> = loaded.rows.iter().filter_map(|row| row[cell].key()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Computes an aggregate over the rows of `list` in the organization.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn aggregate(scope: &Scope, list: &List, aggregate: &Aggregate) -> Result<Aggregated> {
    aggregated(scope, list, aggregate, None).await
}

async fn aggregated(
    scope: &Scope,
    list: &List,
    aggregate: &Aggregate,
    parents: Option<&Parents<'_>>,
) -> Result<Aggregated> {
    let engine = scope.store().engine();
    let statement = aggregate_sql::aggregate(engine, scope.viewer(), list, aggregate, parents);
    let answer = query(scope, list, statement).await?;
    let keys = aggregate.keys.iter().map(|key| Aggregate::kind_of_key(list, key));
    let keys: Vec<Kind> = keys.collect();
    let mut found = Aggregated::default();
    for row in &answer {
        let parent = key(row)?;
        let mut cells = Vec::with_capacity(keys.len() + aggregate.measures.len());
        for kind in &keys {
            cells.push(Value::read(row, cells.len() + 1, *kind)?);
        }
        for one in &aggregate.measures {
            cells.push(match (one.measure, engine) {
                (Measure::Percentile(_, share), Engine::Sqlite) => {
                    percentile::of_json(&Value::read(row, cells.len() + 1, Kind::Text)?, share)
                }
                (measure, _) => {
                    Value::read(row, cells.len() + 1, Aggregate::kind_of(list, measure))?
                }
            });
        }
        if aggregate.count {
            found.totals.insert(parent, row.try_get_by_index(cells.len() + 1)?);
        }
        found.groups.entry(parent).or_default().push(cells.into_boxed_slice());
    }
    if let Some(fill) = &aggregate.fill {
        fill::fill(&mut found, aggregate, fill, parents.map_or(&[0], |parents| parents.keys))?;
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
    let statement = sql::rows(engine, scope.viewer(), plan, parents, &bounds);
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
    // An empty page also has pagination information.
    let empty = [0];
    for parent in parents.map_or(empty.as_slice(), |parents| parents.keys) {
        loaded
            .groups
            .entry(*parent)
            .or_insert_with(|| around(plan, list_binding, parents.map(|_| *parent), false));
    }
    Ok(loaded)
}

/// Pagination information of a page. A cursor implies that there are rows beyond it: at least the row that it
/// identifies.
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
    let statement = sql::count(engine, scope.viewer(), plan, parents);
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
                let message = "pagination can't be continued below several rows; request the parent \
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
    // The replica must not be used: only the primary can determine which transactions are running and thus which
    // entries are below the watermark.
    let rows = store.read(statement).await?;
    store.wait_until_replicated().await;
    Ok(rows)
}

fn key(row: &QueryResult) -> Result<i64> {
    let key = Value::read(row, 0, Kind::BigInt)?.key();
    key.ok_or_else(|| Error::internal("the row has no parent key"))
}

fn cells(plan: &List, row: &QueryResult) -> Result<(i64, Box<[Value]>)> {
    let mut cells = Vec::with_capacity(plan.cells.len());
    for (index, cell) in plan.cells.iter().enumerate() {
        let kind: Kind = plan.table_of(cell.of).columns[cell.column].kind;
        cells.push(Value::read(row, index + 1, kind)?);
    }
    Ok((key(row)?, cells.into_boxed_slice()))
}
