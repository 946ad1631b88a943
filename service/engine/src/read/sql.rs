//! SQL statements for list pages on each engine.
//!
//! All parents are passed as one bind parameter (`unnest` on Postgres, `json_each` on SQLite), and each value is a bind
//! parameter. The statement text thus depends only on the structure of the list and the page size, and the prepared
//! statement can be reused. The page size is not a bind parameter, because Postgres assumes that an unknown `LIMIT`
//! returns a tenth of the rows, considers that generic plan too expensive, and would plan the statement again on each
//! execution. Each parent's page is read in a lateral subquery, so its cost grows with the rows returned, not with the
//! rows of the parent. Joins are applied to the page, outside of the subquery.

use std::fmt::Write as _;

use sea_orm::{Statement, Value as Bind};

use super::{
    filter::{Test, fold},
    plan::{Direction, Link, List},
    sort_key::{SortKey, sort_keys},
    statement::Sql,
};
use crate::{
    scope::Viewer,
    store::Engine,
    value::{Kind, Value},
};

/// Bounds of a page, decoded from its cursors.
#[derive(Default)]
pub(super) struct Bounds {
    pub(super) after: Option<Vec<Value>>,
    pub(super) before: Option<Vec<Value>>,
}

/// Parents of the list to read.
pub(super) struct Parents<'a> {
    pub(super) link: Link,
    pub(super) keys: &'a [i64],
}

/// The statement that reads the rows of `list`. Its columns are the parent's primary key (0 at the root), then the
/// cells.
pub(super) fn rows(
    engine: Engine,
    viewer: Viewer,
    list: &List,
    parents: Option<&Parents<'_>>,
    bounds: &Bounds,
) -> Statement {
    let mut sql = Sql::new(engine, viewer);
    let keys = sort_keys(engine, list);
    // On SQLite, the rows of parents are read again by primary key (`x`). Otherwise, the rows are taken from the page
    // subquery (`s`).
    let again = engine == Engine::Sqlite && parents.is_some();
    let row = if again { "x" } else { "s" };
    let parent = match (parents, engine) {
        (None, _) => zero(engine),
        (Some(_), Engine::Postgres) => "p.id",
        (Some(_), Engine::Sqlite) => "p.value",
    };

    sql.push(&format!("SELECT {parent}"));
    for cell in &list.cells {
        let column = list.table_of(cell.of).columns[cell.column].name;
        let _ = write!(sql.text, ", {}.\"{column}\"", outer_alias(cell.of, row));
    }

    match parents {
        None => {
            sql.push(" FROM (");
            sql.cut(list, &keys, None, bounds, false);
            sql.push(") s");
        }
        Some(parents) if engine == Engine::Postgres => {
            let all = sql.bind(Value::array(
                parents.keys.iter().copied().map(Value::Int).collect(),
                Kind::BigInt,
            ));
            let _ = write!(sql.text, " FROM unnest({all}::bigint[]) p(id) CROSS JOIN LATERAL (");
            sql.cut(list, &keys, Some((parents.link, "p.id")), bounds, false);
            sql.push(") s");
        }
        Some(parents) => {
            let all =
                sql.bind(Bind::String(Some(serde_json::Value::from(parents.keys).to_string())));
            let _ = write!(
                sql.text,
                " FROM json_each({all}) p CROSS JOIN {} x ON x.\"id\" IN (",
                Sql::children(list.table, Some(parents.link))
            );
            sql.cut(list, &keys, Some((parents.link, "p.value")), bounds, true);
            sql.push(")");
        }
    }

    // A join that only the sort order needs is already inside the page subquery.
    let order = list.order.iter().filter(|_| again).map(|sort| sort.of);
    let needed = list.needed_joins(list.cells.iter().map(|cell| cell.of).chain(order));
    sql.joins(list, &needed, |of| outer_alias(of, row));

    let mut order: Vec<String> = Vec::new();
    if parents.is_some() {
        order.push(parent.to_owned());
    }
    for (index, key) in keys.iter().enumerate() {
        let expression = if again {
            key.expression(engine, &outer_alias(key.sort.of, row))
        } else {
            format!("s.k{index}")
        };
        order.push(key.ordered(&expression, list.page.backward));
    }
    let _ = write!(sql.text, " ORDER BY {}", order.join(", "));
    sql.finish()
}

/// The statement that counts the rows of `list`, for the organization or for each parent. Its columns are the
/// parent's primary key (0 at the root) and the count.
pub(super) fn count(
    engine: Engine,
    viewer: Viewer,
    list: &List,
    parents: Option<&Parents<'_>>,
) -> Statement {
    let mut sql = Sql::new(engine, viewer);
    sql.counts = true;
    let Some(parents) = parents else {
        let _ = write!(
            sql.text,
            "SELECT {}, count(*) FROM \"{}\" t WHERE TRUE",
            zero(engine),
            list.table.name
        );
        sql.visible(list, None);
        return sql.finish();
    };
    let key = parent_key(list, parents.link);
    let all = sql.among(parents.keys);
    let _ = write!(sql.text, "SELECT {key}, count(*) FROM ");
    match parents.link {
        Link::Children { .. } => {
            let table = Sql::children(list.table, Some(parents.link));
            let _ = write!(sql.text, "{table} t WHERE {key} {all}");
        }
        Link::JoinTable { table, far, .. } => {
            let _ = write!(
                sql.text,
                "\"{table}\" l JOIN \"{}\" t ON t.\"id\" = l.\"{far}\" WHERE {key} {all}",
                list.table.name
            );
        }
    }
    sql.visible(list, Some(parents.link));
    let _ = write!(sql.text, " GROUP BY {key}");
    sql.finish()
}

/// The statement that reads the rows of `list` with these primary keys, including deleted ones.
pub(super) fn by_keys(engine: Engine, viewer: Viewer, list: &List, keys: &[i64]) -> Statement {
    let mut sql = Sql::new(engine, viewer);
    sql.push(&format!("SELECT {}", zero(engine)));
    for cell in &list.cells {
        let column = list.table_of(cell.of).columns[cell.column].name;
        let _ = write!(sql.text, ", {}.\"{column}\"", outer_alias(cell.of, "s"));
    }
    let _ = write!(sql.text, " FROM \"{}\" s", list.table.name);
    let needed = list.needed_joins(list.cells.iter().map(|cell| cell.of));
    sql.joins(list, &needed, |of| outer_alias(of, "s"));
    if let [key] = keys {
        let key = sql.bind(Bind::BigInt(Some(*key)));
        let _ = write!(sql.text, " WHERE s.\"id\" = {key}");
    } else if engine == Engine::Postgres {
        let keys = keys.iter().copied().map(Value::Int).collect();
        let all = sql.bind(Value::array(keys, Kind::BigInt));
        let _ = write!(sql.text, " WHERE s.\"id\" = ANY({all})");
    } else {
        let all = sql.bind(Bind::String(Some(serde_json::Value::from(keys).to_string())));
        let _ = write!(sql.text, " WHERE s.\"id\" IN (SELECT value FROM json_each({all}))");
    }
    // SQLite would otherwise read a covering index of the whole organization.
    sql.tenant_of_linked(list.table, "s");
    sql.finish()
}

/// The column with the parent's primary key. Rows have the alias `t`, and rows of a join table have the alias `l`.
pub(super) fn parent_key(list: &List, link: Link) -> String {
    match link {
        Link::Children { via } => format!("t.\"{}\"", list.table.columns[via].name),
        Link::JoinTable { near, .. } => format!("l.\"{near}\""),
    }
}

/// The parent key at the root.
pub(super) fn zero(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "0::bigint",
        Engine::Sqlite => "0",
    }
}

/// Alias of row 0 of a list, or of one of its joins, in the outer part of a statement.
fn outer_alias(of: usize, row: &str) -> String {
    if of == 0 { row.to_owned() } else { format!("j{of}") }
}

impl Sql {
    /// Appends the subquery that reads one page: its rows with their sort values `k0`, `k1` …, or only their primary
    /// keys.
    fn cut(
        &mut self,
        list: &List,
        keys: &[SortKey],
        parent: Option<(Link, &str)>,
        bounds: &Bounds,
        only_keys: bool,
    ) {
        let inner = |of: usize| if of == 0 { "t".to_owned() } else { format!("o{of}") };
        let expressions: Vec<String> =
            keys.iter().map(|key| key.expression(self.engine, &inner(key.sort.of))).collect();

        self.push("SELECT ");
        if only_keys {
            self.push("t.\"id\"");
        } else {
            for column in page_columns(list) {
                let _ = write!(self.text, "t.\"{column}\", ");
            }
            for (index, expression) in expressions.iter().enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                let _ = write!(self.text, "{comma}{expression} AS k{index}");
            }
        }

        self.push(" FROM ");
        let pairs = match parent {
            Some((Link::JoinTable { table, near, far }, key)) => {
                let _ = write!(
                    self.text,
                    "\"{table}\" l JOIN \"{}\" t ON t.\"id\" = l.\"{far}\"",
                    list.table.name
                );
                Some(format!("l.\"{near}\" = {key}"))
            }
            Some((link @ Link::Children { via }, key)) => {
                let _ = write!(self.text, "{} t", Self::children(list.table, Some(link)));
                Some(format!("t.\"{}\" = {key}", list.table.columns[via].name))
            }
            None => {
                let _ = write!(self.text, "\"{}\" t", list.table.name);
                None
            }
        };
        let needed = list.needed_joins(list.order.iter().map(|sort| sort.of));
        self.joins(list, &needed, inner);
        let _ = write!(self.text, " WHERE {}", pairs.as_deref().unwrap_or("TRUE"));
        self.visible(list, parent.map(|(link, _)| link));
        self.bounded_by_filter(list, &keys[0], &expressions[0]);

        if let Some(values) = &bounds.after {
            self.beyond(keys, &expressions, values, false);
        }
        if let Some(values) = &bounds.before {
            self.beyond(keys, &expressions, values, true);
        }

        let order: Vec<String> = keys
            .iter()
            .zip(&expressions)
            .map(|(key, expression)| key.ordered(expression, list.page.backward))
            .collect();
        // One additional row is read to determine whether there is another page in the direction of the page.
        let limit = list.page.size + u32::from(list.beyond);
        let _ = write!(self.text, " ORDER BY {} LIMIT {limit}", order.join(", "));
    }

    /// Repeats the conditions of the filter on the column of the first sort key for the expression of its index, in which
    /// a sentinel replaces null. Otherwise, a statement would read the rows with null, which the filter excludes, and the
    /// rows beyond the filter's range.
    fn bounded_by_filter(&mut self, list: &List, key: &SortKey, expression: &str) {
        let Some(stand_in) = key.stand_in.filter(|_| key.sort.of == 0) else { return };
        let tests = list.filter.required(key.sort.column);
        let excludes_null = |test: &&Test| {
            matches!(test, Test::IsNull(false) | Test::In(_)) || test.comparison().is_some()
        };
        if !tests.iter().any(excludes_null) {
            return;
        }
        let inside = if key.is_low() { ">" } else { "<" };
        let _ = write!(self.text, " AND {expression} {inside} {stand_in}");
        for (operator, value) in tests.into_iter().filter_map(Test::comparison) {
            self.push(" AND ");
            self.compare(expression, operator, value, key.kind);
        }
    }

    /// Appends ` AND` and a condition for the rows beyond `values`: after or before these values in the order of the
    /// list.
    fn beyond(&mut self, keys: &[SortKey], expressions: &[String], values: &[Value], back: bool) {
        let first = keys[0].direction(back);
        let uniform = keys.iter().all(|key| !key.nullable && key.direction(back) == first);
        let places: Vec<Option<String>> = keys
            .iter()
            .zip(values)
            .map(|(key, value)| match (value, key.stand_in) {
                (Value::Null, Some(stand_in)) => Some(stand_in.to_owned()),
                (Value::Null, None) => None,
                (value, _) => Some(self.bind(fold(value).bind(key.kind))),
            })
            .collect();

        if uniform && places.iter().all(Option::is_some) {
            let row = expressions.join(", ");
            let places: Vec<String> = places.into_iter().flatten().collect();
            if self.engine == Engine::Sqlite {
                // For a row-value comparison, SQLite uses an index only if the row value consists of plain columns; for
                // a single expression, SQLite can always use one.
                let (first_key, operator) = (&expressions[0], operator(first));
                let _ = write!(self.text, " AND {first_key} {operator}= {}", places[0]);
            }
            let bound = places.join(", ");
            let _ = write!(self.text, " AND ({row}) {} ({bound})", operator(first));
            return;
        }

        // k0 is beyond v0, or k0 equals v0 and k1 is beyond v1, and so on. A preceding condition bounds the index scan.
        if let (Some(place), false) = (&places[0], keys[0].nullable && !keys[0].nulls_first(back)) {
            let _ = write!(self.text, " AND {} {}= {place}", expressions[0], operator(first));
        }
        self.push(" AND (");
        for index in 0..keys.len() {
            if index > 0 {
                self.push(" OR ");
            }
            self.push("(");
            for same in 0..index {
                let _ = match &places[same] {
                    Some(place) => write!(self.text, "{} = {place} AND ", expressions[same]),
                    None => write!(self.text, "{} IS NULL AND ", expressions[same]),
                };
            }
            let (key, expression) = (&keys[index], &expressions[index]);
            let beyond = match (&places[index], key.nullable, key.nulls_first(back)) {
                (Some(place), true, false) => {
                    let operator = operator(key.direction(back));
                    format!("({expression} {operator} {place} OR {expression} IS NULL)")
                }
                (Some(place), ..) => {
                    format!("{expression} {} {place}", operator(key.direction(back)))
                }
                (None, _, true) => format!("{expression} IS NOT NULL"),
                (None, _, false) => "FALSE".to_owned(),
            };
            let _ = write!(self.text, "{beyond})");
        }
        self.push(")");
    }
}

fn operator(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    }
}

/// The columns that the outer part of the statement needs from the page subquery: cells, and references for joins.
fn page_columns(list: &List) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = list
        .cells
        .iter()
        .filter(|cell| cell.of == 0)
        .map(|cell| list.table.columns[cell.column].name)
        .chain(
            list.joins
                .iter()
                .filter(|join| join.from == 0)
                .map(|join| list.table.columns[join.via].name),
        )
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}
