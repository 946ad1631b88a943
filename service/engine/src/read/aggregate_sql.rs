//! SQL statements for aggregates on both engines.

use std::fmt::Write as _;

use sea_orm::Statement;

use super::{
    aggregate::{Aggregate, GroupBy, MAX_GROUPS, Measure},
    plan::{Direction, Link, List, Nulls},
    sql::{Parents, parent_key, zero},
    statement::Sql,
};
use crate::{scope::Viewer, store::Engine, value::Kind};

/// The statement of an aggregate. Its columns are the parent's primary key (0 at the root), the group keys, the
/// measures, and the total number of groups if requested.
pub(super) fn aggregate(
    engine: Engine,
    viewer: Viewer,
    list: &List,
    aggregate: &Aggregate,
    parents: Option<&Parents<'_>>,
) -> Statement {
    let mut sql = Sql::new(engine, viewer);
    sql.counts = true;
    let parent =
        parents.map_or_else(|| zero(engine).to_owned(), |parents| parent_key(list, parents.link));
    let keys = group_keys(&mut sql, list, aggregate);
    let measure = |sql: &Sql, measure: Measure| expression(sql, list, measure, None);
    let filters = predicates(&mut sql, list, aggregate);
    let shared = aggregate.shared_filter();

    // Gap filling needs all groups. One more group is read to detect that there are too many.
    let limit = if aggregate.fill.is_some() { MAX_GROUPS + 1 } else { aggregate.limit };
    let limited = parents.is_some() && !keys.is_empty();
    let mut order: Vec<String> = Vec::new();
    for sort in aggregate.sort_keys() {
        let expression = match sort.by {
            GroupBy::Measure(one) => measure(&sql, one),
            // In a window function a column number would be a constant, so the full expression is used.
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
        let _ = write!(sql.text, ", {} AS k{place}", key.selected);
    }
    for (place, one) in aggregate.measures.iter().enumerate() {
        let own = one.filter.filter(|_| shared.is_none()).map(|filter| &*filters[filter]);
        let expression = expression(&sql, list, one.measure, own);
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
    if !aggregate.condition.is_empty() {
        sql.push(" AND ");
        aggregate.condition.write(&mut sql, list.table, "t");
    }
    if let Some(filter) = shared {
        let _ = write!(sql.text, " AND {}", filters[filter]);
    }

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
        // Integers are compared with floating-point numbers.
        let kind = match Aggregate::kind_of(list, *one) {
            Kind::Int => Kind::Double,
            kind => kind,
        };
        test.write_on(&mut sql, &expression, kind);
    }
    if limited {
        let _ = write!(sql.text, ") x WHERE n <= {limit} ORDER BY p, n");
    } else if !keys.is_empty() {
        let _ = write!(sql.text, " ORDER BY {order} LIMIT {limit}");
    }
    sql.finish()
}

/// Alias of row 0 of a list, or of one of its joins, in a statement.
fn alias(of: usize) -> String {
    if of == 0 { "t".to_owned() } else { format!("o{of}") }
}

/// The group keys. The first one is column 2, after the parent key.
fn group_keys(sql: &mut Sql, list: &List, aggregate: &Aggregate) -> Vec<Key> {
    let engine = sql.engine;
    let keys = aggregate.keys.iter().enumerate().map(|(place, key)| {
        let column = &list.table_of(key.of).columns[key.column];
        let plain = format!("{}.\"{}\"", alias(key.of), column.name);
        match (key.bucket, column.kind) {
            (Some(bucket), _) => {
                Key::same(aggregate.zone.bucket(engine, &plain, bucket), place + 2)
            }
            (None, Kind::Text) => {
                let selected = match engine {
                    Engine::Postgres => format!("min({plain} COLLATE \"C\")"),
                    Engine::Sqlite => format!("min({plain})"),
                };
                let folded = sql.folded(&plain, Kind::Text);
                Key { selected, group: folded.clone(), full: folded }
            }
            _ => Key::same(plain, place + 2),
        }
    });
    keys.collect()
}

/// Predicates of the filters of individual measures.
fn predicates(sql: &mut Sql, list: &List, aggregate: &Aggregate) -> Vec<String> {
    let predicates = aggregate.filters.iter().map(|filter| {
        let before = std::mem::take(&mut sql.text);
        filter.write(sql, list.table, "t");
        std::mem::replace(&mut sql.text, before)
    });
    predicates.collect()
}

/// Decimal places of sums; ledger amounts have eight.
const DECIMAL_PLACES: u8 = 10;

/// A group key of the statement.
struct Key {
    /// The selected expression.
    selected: String,
    /// Grouping and sorting expression, or the number of a column.
    group: String,
    /// The grouping and sorting expression, never replaced by a column number.
    full: String,
}

impl Key {
    /// Creates a key whose selected expression is also its grouping expression, in the column with this number.
    fn same(expression: String, number: usize) -> Self {
        Self { selected: expression.clone(), group: number.to_string(), full: expression }
    }
}

/// The SQL expression of a measure over the rows that match the predicate `filter`.
fn expression(sql: &Sql, list: &List, measure: Measure, filter: Option<&str>) -> String {
    let only = filter.map_or_else(String::new, |filter| format!(" FILTER (WHERE {filter})"));
    let plain = |column: usize| format!("t.\"{}\"", list.table.columns[column].name);
    let double = |expression: String| match sql.engine {
        Engine::Postgres => format!("{expression}::float8"),
        Engine::Sqlite => format!("CAST({expression} AS REAL)"),
    };
    // Floating-point sums differ in the last of seventeen digits, depending on the order of addition. Rounding makes
    // three times ten cents exactly thirty cents, so conditions on sums are reliable.
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
        Measure::Count => format!("count(*){only}"),
        Measure::Present(column) => format!("count({}){only}", plain(column)),
        Measure::Distinct(column) => {
            let kind = list.table.columns[column].kind;
            format!("count(DISTINCT {}){only}", sql.folded(&plain(column), kind))
        }
        Measure::Min(column) => format!("min({}){only}", plain(column)),
        Measure::Max(column) => format!("max({}){only}", plain(column)),
        Measure::Avg(column) => double(format!("avg({}){only}", plain(column))),
        Measure::Sum(column) => rounded(format!("sum({}){only}", plain(column)), column),
        Measure::Percentile(column, share) => match sql.engine {
            Engine::Postgres => {
                format!("percentile_cont({share}) WITHIN GROUP (ORDER BY {}){only}", plain(column))
            }
            // SQLite has a percentile function only if it was compiled with that option, so all values are returned
            // instead.
            Engine::Sqlite => format!("json_group_array({}){only}", plain(column)),
        },
    }
}

fn from(sql: &mut Sql, list: &List, parents: Option<&Parents<'_>>) {
    let _ = match parents.map(|parents| parents.link) {
        Some(Link::JoinTable { table, far, .. }) => write!(
            sql.text,
            " FROM \"{table}\" l JOIN \"{}\" t ON t.\"id\" = l.\"{far}\"",
            list.table.name
        ),
        link @ (Some(Link::Children { .. }) | None) => {
            write!(sql.text, " FROM {} t", Sql::children(list.table, link))
        }
    };
}

/// Appends ` AND` and a condition that restricts the rows to those of the parents.
fn within(sql: &mut Sql, parents: Option<&Parents<'_>>, parent: &str) {
    let Some(parents) = parents else { return };
    let all = sql.among(parents.keys);
    let _ = write!(sql.text, " AND {parent} {all}");
}
