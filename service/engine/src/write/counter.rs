//! Counters: columns with the number of rows of another table, kept in the transactions that write these rows.
//!
//! A unit of work collects the differences and applies them right before its commit, in the order of the primary keys.
//! The rows with the counters are therefore locked only briefly, and always in the same order. For this reason,
//! [`Unit::referred`] does not lock a row with counters: two units that both held a shared lock on it could not count.
//! Instead, a unit that counts a row of a deleted row is rejected here.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

pub use crate::counter::Counter;

use super::{Record, Unit, row::alive};
use crate::{
    error::Result,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// A difference of a counter: the counter, the primary key of its row, and the number of rows.
pub(super) type Difference = (&'static Counter, i64, i64);

impl Table {
    /// Whether the rows are counted.
    pub(super) fn is_counted(&self) -> bool {
        self.extensions::<Counter>().next().is_some()
    }
}

/// The row that counts this row, or `None` if the row is deleted.
fn counting_row(row: Option<&Record>, counter: &Counter) -> Option<i64> {
    row.filter(|row| !row.is_deleted())?.number_named(counter.via)
}

/// The differences after a row was changed from `before` to `after`.
pub(super) fn differences(before: Option<&Record>, after: Option<&Record>) -> Vec<Difference> {
    let Some(table) = before.or(after).map(Record::table) else { return Vec::new() };
    let mut differences = Vec::new();
    for counter in table.extensions::<Counter>() {
        let (from, to) = (counting_row(before, counter), counting_row(after, counter));
        if from != to {
            differences.extend(from.map(|key| (counter, key, -1)));
            differences.extend(to.map(|key| (counter, key, 1)));
        }
    }
    differences
}

impl Unit {
    /// Counts a row that was inserted, updated or deleted.
    pub(super) fn count_row(&mut self, before: Option<&Record>, after: Option<&Record>) {
        self.counts.extend(differences(before, after));
    }
}

impl Unit {
    /// Counts the rows of these tables again, after statements that don't count them.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn recount(&self, tables: &[&'static Table]) -> Result<u64> {
        recount(&self.transaction, self.scope().engine(), tables).await
    }
}

/// Numbers of rows to add, by the primary key of the row with the counter.
type Counts = BTreeMap<i64, i64>;

/// Applies differences to the counters. One statement for each counter, and on Postgres another one if several rows
/// count.
///
/// # Errors
/// [`crate::Error::Refused`] if rows were added to a deleted row.
pub(super) async fn apply<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    differences: Vec<Difference>,
) -> Result<()> {
    let mut counters: BTreeMap<(&str, &str), (&Counter, Counts)> = BTreeMap::new();
    for (counter, key, difference) in differences {
        let place = ((counter.table)().name, counter.column);
        let (_, counts) = counters.entry(place).or_insert_with(|| (counter, Counts::new()));
        *counts.entry(key).or_default() += difference;
    }
    for ((table, column), (counter, mut counts)) in counters {
        counts.retain(|_, count| *count != 0);
        let (keys, numbers): (Vec<i64>, Vec<i64>) = counts.iter().unzip();
        if keys.is_empty() {
            continue;
        }
        let (from, binds) = match engine {
            Engine::Postgres => {
                let array = |values: &[i64]| {
                    Value::array(values.iter().copied().map(Value::Int).collect(), Kind::BigInt)
                };
                // Several rows are locked by a statement of their own. With the locks in a subquery of the update, the
                // update would begin with the versions of the rows before the locks, and lock those again, in its
                // own order.
                if keys.len() > 1 {
                    let lock = format!(
                        "SELECT \"id\" FROM \"{table}\" WHERE \"id\" = ANY({{}}) ORDER BY \"id\" \
                         FOR NO KEY UPDATE"
                    );
                    connection.query_all_raw(engine.statement(&lock, vec![array(&keys)])).await?;
                }
                let from = "unnest({}::bigint[], {}::bigint[])";
                (from.to_owned(), vec![array(&keys), array(&numbers)])
            }
            Engine::Sqlite => {
                let pairs: Vec<_> = keys.into_iter().zip(numbers).collect();
                let from = "(SELECT json_extract(\"value\", '$[0]'), json_extract(\"value\", '$[1]') \
                            FROM json_each({}))";
                (from.to_owned(), vec![serde_json::json!(pairs).to_string().into()])
            }
        };
        let sql = format!(
            "WITH v(\"key\", \"difference\") AS (SELECT * FROM {from}) \
             UPDATE \"{table}\" AS c SET \"{column}\" = c.\"{column}\" + v.\"difference\" \
             FROM v WHERE c.\"id\" = v.\"key\" RETURNING {}",
            (counter.table)().column_list()
        );
        for row in connection.query_all_raw(engine.statement(&sql, binds)).await? {
            let row = Record::read((counter.table)(), &row, 0)?;
            if counts.get(&row.id()).is_some_and(|count| *count > 0) {
                alive(&row, counter.via)?;
            }
        }
    }
    Ok(())
}

/// Counts the rows of `tables` again, in all organizations, in the transaction of `connection`. Returns the number of corrected counters.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn recount<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    tables: &[&'static Table],
) -> Result<u64> {
    let mut corrected = 0;
    for counted in tables {
        for Counter { via, table, column } in counted.extensions::<Counter>() {
            let alive =
                if counted.deleted_at.is_some() { "AND r.\"deleted_at\" IS NULL" } else { "" };
            let (name, table) = (counted.name, table().name);
            let count = format!(
                "(SELECT count(*) FROM \"{name}\" r WHERE r.\"{via}\" = \"{table}\".\"id\" {alive})"
            );
            if engine == Engine::Postgres {
                // Writers that wait for these locks count after the next statement, which sees those before them.
                let lock = format!(
                    "SELECT \"id\" FROM \"{table}\" WHERE \"{column}\" <> {count} ORDER BY \"id\" \
                     FOR NO KEY UPDATE"
                );
                connection.query_all_raw(engine.statement(&lock, Vec::new())).await?;
            }
            let sql = format!(
                "UPDATE \"{table}\" SET \"{column}\" = {count} WHERE \"{column}\" <> {count}"
            );
            let done = connection.execute_raw(engine.statement(&sql, Vec::new())).await?;
            corrected += done.rows_affected();
        }
    }
    Ok(corrected)
}
