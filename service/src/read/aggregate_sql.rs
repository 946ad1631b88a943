//! The SQL of aggregates, for both engines.

use std::fmt::Write as _;

use sea_orm::Statement;

use super::{
    aggregate::{Aggregate, GroupBy, GroupSort, Measure},
    plan::{Direction, Link, List, Nulls},
    sql::{Parents, parent_key, zero},
    statement::Sql,
};
use crate::{store::Engine, table::Kind};

/// The statement of an aggregate. Its columns: the parent's key (0 at the root), the keys, the measures, and the
/// number of all groups if that is wanted.
pub(super) fn aggregate(
    engine: Engine,
    organization: i64,
    aggregate: &Aggregate,
    parents: Option<&Parents<'_>>,
) -> Statement {
    let mut sql = Sql::new(engine, organization);
    sql.counts = true;
    let list = &aggregate.list;
    let alias = |of: usize| if of == 0 { "t".to_owned() } else { format!("o{of}") };
    let parent =
        parents.map_or_else(|| zero(engine).to_owned(), |parents| parent_key(list, parents.link));
    // Behind the parent's key, which is column 1.
    let keys: Vec<Key> = aggregate
        .keys
        .iter()
        .enumerate()
        .map(|(place, key)| {
            let column = &list.table_of(key.of).columns[key.column];
            let plain = format!("{}.\"{}\"", alias(key.of), column.name);
            match (key.bucket, column.kind) {
                (Some(bucket), _) => {
                    Key::same(aggregate.zone.bucket(engine, &plain, bucket), place + 2)
                }
                (None, Kind::Text) => {
                    let first = match engine {
                        Engine::Postgres => format!("min({plain} COLLATE \"C\")"),
                        Engine::Sqlite => format!("min({plain})"),
                    };
                    let folded = sql.folded(&plain, Kind::Text);
                    Key { told: first, group: folded.clone(), full: folded }
                }
                _ => Key::same(plain, place + 2),
            }
        })
        .collect();
    let measure = |sql: &Sql, measure: Measure| expression(sql, list, measure);

    let limited = parents.is_some() && !keys.is_empty();
    let mut order: Vec<String> = Vec::new();
    let by_keys = (0..keys.len()).map(|place| GroupSort {
        by: GroupBy::Key(place),
        direction: Direction::Ascending,
        nulls: Nulls::Last,
    });
    for sort in aggregate.order.iter().copied().chain(by_keys) {
        let expression = match sort.by {
            GroupBy::Measure(one) => measure(&sql, one),
            // In a window a number is a number.
            GroupBy::Key(place) if limited => keys[place].full.clone(),
            GroupBy::Key(place) => keys[place].group.clone(),
        };
        let direction = if sort.direction == Direction::Ascending { "ASC" } else { "DESC" };
        let nulls = if sort.nulls == Nulls::First { "FIRST" } else { "LAST" };
        order.push(format!("{expression} {direction} NULLS {nulls}"));
    }
    let order = order.join(", ");

    if limited {
        sql.push("SELECT * FROM (");
    }
    let _ = write!(sql.text, "SELECT {parent} AS p");
    for (place, key) in keys.iter().enumerate() {
        let _ = write!(sql.text, ", {} AS k{place}", key.told);
    }
    for (place, one) in aggregate.measures.iter().enumerate() {
        let expression = measure(&sql, *one);
        let _ = write!(sql.text, ", {expression} AS m{place}");
    }
    if aggregate.count {
        let over = if parents.is_some() { format!("PARTITION BY {parent}") } else { String::new() };
        let _ = write!(sql.text, ", count(*) OVER ({over}) AS c");
    }
    if limited {
        let _ =
            write!(sql.text, ", row_number() OVER (PARTITION BY {parent} ORDER BY {order}) AS n");
    }

    from(&mut sql, list, parents);
    let needed = list.needed_joins(aggregate.keys.iter().map(|key| key.of));
    sql.joins(list, &needed, alias);
    sql.push(" WHERE TRUE");
    within(&mut sql, parents, &parent);
    sql.visible(list, parents.map(|parents| parents.link));

    let groups: Vec<&str> = parents
        .iter()
        .map(|_| parent.as_str())
        .chain(keys.iter().map(|key| key.group.as_str()))
        .collect();
    if !groups.is_empty() {
        let _ = write!(sql.text, " GROUP BY {}", groups.join(", "));
    }
    for (place, (one, test)) in aggregate.having.iter().enumerate() {
        sql.push(if place == 0 { " HAVING " } else { " AND " });
        let expression = measure(&sql, *one);
        test.write_on(&mut sql, &expression, aggregate.kind_of(*one));
    }
    if limited {
        let _ = write!(sql.text, ") x WHERE n <= {} ORDER BY p, n", aggregate.most);
    } else if !keys.is_empty() {
        let _ = write!(sql.text, " ORDER BY {order} LIMIT {}", aggregate.most);
    }
    sql.finish()
}

/// Places after the point of sums: ledgers hold eight.
const DECIMAL_PLACES: u8 = 10;

/// A key of groups in the statement.
struct Key {
    /// What is told of it.
    told: String,
    /// What rows are grouped and sorted by: an expression, or the number of a column.
    group: String,
    /// The same, always as an expression.
    full: String,
}

impl Key {
    /// One that is told as it is grouped by, in the column of this number.
    fn same(expression: String, number: usize) -> Self {
        Self { told: expression.clone(), group: number.to_string(), full: expression }
    }
}

fn expression(sql: &Sql, list: &List, measure: Measure) -> String {
    let plain = |column: usize| format!("t.\"{}\"", list.table.columns[column].name);
    let double = |expression: String| match sql.engine {
        Engine::Postgres => format!("{expression}::float8"),
        Engine::Sqlite => format!("CAST({expression} AS REAL)"),
    };
    // A sum of binary fractions is off in the last of seventeen digits, in each order of its parts by another amount:
    // rounded, three times ten cents are thirty cents, and a condition on the sum holds what it says.
    let rounded = |expression: String, column: usize| {
        if list.table.columns[column].kind != Kind::Double {
            return double(expression);
        }
        match sql.engine {
            Engine::Postgres => {
                format!("round(({expression})::numeric, {DECIMAL_PLACES})::float8")
            }
            Engine::Sqlite => format!("round(CAST({expression} AS REAL), {DECIMAL_PLACES})"),
        }
    };
    match measure {
        Measure::Count => "count(*)".to_owned(),
        Measure::Present(column) => format!("count({})", plain(column)),
        Measure::Distinct(column) => {
            let kind = list.table.columns[column].kind;
            format!("count(DISTINCT {})", sql.folded(&plain(column), kind))
        }
        Measure::Min(column) => format!("min({})", plain(column)),
        Measure::Max(column) => format!("max({})", plain(column)),
        Measure::Avg(column) => double(format!("avg({})", plain(column))),
        Measure::Sum(column) => rounded(format!("sum({})", plain(column)), column),
    }
}

fn from(sql: &mut Sql, list: &List, parents: Option<&Parents<'_>>) {
    let _ = match parents.map(|parents| parents.link) {
        Some(Link::Pairs { table, far, .. }) => write!(
            sql.text,
            " FROM \"{table}\" l JOIN \"{}\" t ON t.\"id\" = l.\"{far}\"",
            list.table.name
        ),
        Some(Link::Children { .. }) | None => write!(sql.text, " FROM \"{}\" t", list.table.name),
    };
}

/// ` AND` only what is below one of the parents.
fn within(sql: &mut Sql, parents: Option<&Parents<'_>>, parent: &str) {
    let Some(parents) = parents else { return };
    let all = sql.among(parents.keys);
    let _ = write!(sql.text, " AND {parent} {all}");
}
