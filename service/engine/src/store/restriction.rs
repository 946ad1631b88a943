//! Restriction of reads to the row scopes of a restricted caller.
//!
//! Each table declares its scope ([`Table::scoped`]). A table without a declaration is hidden, and so is everything of it:
//! rows, counts, search results, changes. The store of a restricted caller ([`Store::restricted`]) adds to every
//! statement that it reads a common table expression for each table that the statement names. The expression has the name of
//! the table, shadows it, and returns only the visible rows. The statements themselves, among them the hand-written ones,
//! thus need no conditions, and can't forget any. Both engines treat such an expression like a view: its condition becomes
//! part of the statement, and indexes are used.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use sea_orm::{ColumnTrait, Statement, Value as Bind};
use serde_json::{Map, Value as Json};

use super::Engine;
use crate::{
    counter::Counter,
    error::{Error, Result},
    row_scope::{AssignedRows, RowScope},
    table::Table,
};

impl Table {
    /// Declares which rows a restricted caller sees. Without a declaration, it sees none.
    #[must_use]
    pub fn scoped(mut self, scope: RowScope) -> Self {
        let _ = match scope {
            RowScope::Through(via, _) | RowScope::ThroughAny(via, _) => self.column_named(via),
            RowScope::Assigned(rows) => self.column_named(rows.owner),
            RowScope::Organization | RowScope::ReferencedBy(..) => self.id(),
        };
        self.row_scope = Some(scope);
        self
    }

    /// Which rows a restricted caller sees; `None` if the table is hidden from it.
    #[must_use]
    pub fn row_scope(&self) -> Option<RowScope> {
        self.row_scope
    }

    /// Declares nullable references to rows of other scopes: the column and the referenced table. A restricted caller reads null
    /// if the other row is hidden.
    #[must_use]
    pub fn hiding<C: ColumnTrait, const N: usize>(
        mut self,
        references: [(C, &'static str); N],
    ) -> Self {
        self.hidden_references.extend(references.map(|(column, to)| (self.column(column), to)));
        self
    }

    /// Declares that JSON columns contain references to rows of other scopes under these names. A restricted caller reads the
    /// JSON without them.
    #[must_use]
    pub(crate) fn redacting<C: ColumnTrait, const N: usize>(
        mut self,
        columns: [C; N],
        names: &'static [&'static str],
    ) -> Self {
        self.redacted.extend(columns.map(|column| self.column(column)));
        self.redacted_names = names;
        self
    }

    /// Whether a restricted caller reads null in this column if the referenced row is hidden.
    #[must_use]
    pub fn hides(&self, column: usize) -> bool {
        self.hidden_references.iter().any(|(known, _)| *known == column)
    }

    /// Declares columns that change when a row is used. A restricted caller may change them in rows that it can't change
    /// otherwise.
    #[must_use]
    pub fn counting_uses<C: ColumnTrait, const N: usize>(mut self, columns: [C; N]) -> Self {
        self.usage.extend(columns.map(|column| self.column(column)));
        self
    }

    /// Whether a restricted caller may create rows, if they become visible to it.
    pub(crate) fn admits_restricted_rows(&self) -> bool {
        !matches!(self.row_scope, None | Some(RowScope::Organization))
    }

    /// Whether a restricted caller may make this change to a row that it sees. The change is given by the columns that
    /// differ.
    pub(crate) fn admits_restricted_change(&self, change: &Map<String, Json>) -> bool {
        let is_use = |name: &String| self.usage.iter().any(|used| self.columns[*used].name == name);
        match self.row_scope {
            None | Some(RowScope::Organization | RowScope::ReferencedBy(..)) => {
                change.keys().all(is_use)
            }
            Some(_) => true,
        }
    }
}

/// The row scopes of all tables.
#[derive(Debug)]
pub struct RowScopes {
    /// The expressions, each after those that it refers to.
    shadows: Vec<Shadow>,
    places: HashMap<&'static str, usize>,
}

/// The common table expression that shadows a table.
#[derive(Debug)]
struct Shadow {
    /// The quoted name.
    name: String,
    table: &'static Table,
    /// The expressions that this one refers to.
    needs: Vec<usize>,
    on_postgres: String,
    on_sqlite: String,
}

/// The place of the membership in conditions.
const MEMBER: &str = "{member}";

impl RowScopes {
    /// The scopes of these tables, among them the change log.
    ///
    /// # Panics
    /// Panics if a scope refers to a table that is missing, or to itself. The first test detects it.
    #[must_use]
    pub fn of(tables: &[&'static Table]) -> Self {
        let all = tables;
        let mut scopes = Self { shadows: Vec::new(), places: HashMap::new() };
        while scopes.shadows.len() < all.len() {
            let before = scopes.shadows.len();
            for table in all {
                if !scopes.places.contains_key(table.name) {
                    scopes.add(table, all);
                }
            }
            let is_complete = scopes.shadows.len() > before;
            assert!(is_complete, "a row scope refers to a missing table or to itself");
        }
        scopes
    }

    /// Adds the expression of a table, unless it refers to one that is missing so far.
    fn add(&mut self, table: &'static Table, all: &[&'static Table]) {
        let find = |name: &str| all.iter().copied().find(|table| table.name == name);
        let counted = counters(table, all);
        let organization = matches!(table.row_scope, Some(RowScope::Organization));
        assert!(!organization || counted.is_empty(), "tables of this scope are not shadowed");
        let references: Vec<_> = table
            .hidden_references
            .iter()
            .filter_map(|(column, to)| Some((*column, find(to)?)))
            .collect();
        assert!(references.len() == table.hidden_references.len(), "missing table");
        let needed = parent(table)
            .into_iter()
            .chain(counted.iter().map(|(counted, _)| counted.name))
            .chain(references.iter().filter_map(|(_, to)| parent(to)))
            .filter(|name| *name != table.name);
        let needs: Option<Vec<usize>> = needed.map(|name| self.places.get(name).copied()).collect();
        let Some(mut needs) = needs else { return };
        needs.sort_unstable();
        needs.dedup();
        self.places.insert(table.name, self.shadows.len());
        let [on_postgres, on_sqlite] = [Engine::Postgres, Engine::Sqlite]
            .map(|engine| expression(engine, table, &counted, &references));
        let name = format!("\"{}\"", table.name);
        self.shadows.push(Shadow { name, table, needs, on_postgres, on_sqlite });
    }
}

/// The table to which the condition for the visible rows of a table refers.
fn parent(table: &Table) -> Option<&'static str> {
    match table.row_scope {
        Some(
            RowScope::Through(_, to) | RowScope::ThroughAny(_, to) | RowScope::ReferencedBy(to, _),
        ) => Some(to),
        _ => None,
    }
}

/// The condition for the visible rows of a table, which have this alias.
fn condition(engine: Engine, table: &Table, alias: &str) -> String {
    let exists = |to: &str, column: &str, own: &str| {
        format!("EXISTS (SELECT 1 FROM \"{to}\" y WHERE y.\"{column}\" = {alias}.\"{own}\")")
    };
    match table.row_scope {
        None => "FALSE".to_owned(),
        Some(RowScope::Organization) => "TRUE".to_owned(),
        Some(RowScope::Through(via, to)) => exists(to, "id", via),
        Some(RowScope::ThroughAny(via, to)) => {
            format!("({alias}.\"{via}\" IS NULL OR {})", exists(to, "id", via))
        }
        Some(RowScope::ReferencedBy(from, via)) => exists(from, via, "id"),
        Some(RowScope::Assigned(AssignedRows { owner, team, members: (pairs, of, member) })) => {
            let teams = format!("SELECT \"{of}\" FROM \"{pairs}\" WHERE \"{member}\" = {MEMBER}");
            // As an array, which is computed once, Postgres can use the indexes on both columns.
            let teams = match engine {
                Engine::Postgres => format!("= ANY(ARRAY({teams}))"),
                Engine::Sqlite => format!("IN ({teams})"),
            };
            format!("({alias}.\"{owner}\" = {MEMBER} OR {alias}.\"{team}\" {teams})")
        }
    }
}

/// The common table expression.
fn expression(
    engine: Engine,
    table: &'static Table,
    counted: &[(&'static Table, &'static Counter)],
    references: &[(usize, &'static Table)],
) -> String {
    // In SQLite, an expression can't refer to a table of its own name, except with the schema.
    let source = if engine == Engine::Sqlite { "main." } else { "" };
    let is_plain = counted.is_empty() && references.is_empty() && table.redacted.is_empty();
    let columns = if is_plain {
        "x.*".to_owned()
    } else {
        let columns = (0..table.columns.len())
            .map(|place| column(engine, (table, place), counted, references));
        columns.collect::<Vec<_>>().join(", ")
    };
    let (name, condition) = (table.name, condition(engine, table, "x"));
    format!(
        "\"{name}\" AS NOT MATERIALIZED (SELECT {columns} FROM {source}\"{name}\" x WHERE {condition})"
    )
}

/// A column of the expression: counters count visible rows, references lead to visible rows, and JSON has no references to
/// others.
fn column(
    engine: Engine,
    (table, place): (&Table, usize),
    counted: &[(&'static Table, &'static Counter)],
    references: &[(usize, &'static Table)],
) -> String {
    let name = table.columns[place].name;
    let source = if engine == Engine::Sqlite { "main." } else { "" };
    if let Some((from, Counter { via, .. })) = counted.iter().find(|(_, one)| one.column == name) {
        let alive = from.deleted_at.map_or_else(String::new, |deleted| {
            format!(" AND z.\"{}\" IS NULL", from.columns[deleted].name)
        });
        return format!(
            "(SELECT count(*) FROM \"{}\" z WHERE z.\"{via}\" = x.\"id\"{alive}) AS \"{name}\"",
            from.name
        );
    }
    if let Some((_, to)) = references.iter().find(|(column, _)| *column == place) {
        let condition = condition(engine, to, "z");
        return format!(
            "CASE WHEN EXISTS (SELECT 1 FROM {source}\"{}\" z WHERE z.\"id\" = x.\"{name}\" AND {condition}) \
             THEN x.\"{name}\" END AS \"{name}\"",
            to.name
        );
    }
    if table.redacted.contains(&place) {
        let names = table.redacted_names.iter();
        return match engine {
            Engine::Postgres => {
                let names: Vec<_> = names.map(|name| format!("'{name}'")).collect();
                format!("x.\"{name}\" - ARRAY[{}] AS \"{name}\"", names.join(", "))
            }
            Engine::Sqlite => {
                let paths: Vec<_> = names.map(|name| format!("'$.{name}'")).collect();
                format!("json_remove(x.\"{name}\", {}) AS \"{name}\"", paths.join(", "))
            }
        };
    }
    format!("x.\"{name}\"")
}

/// The counters of a table that count rows of other tables that are not all visible with it.
fn counters(
    table: &'static Table,
    all: &[&'static Table],
) -> Vec<(&'static Table, &'static Counter)> {
    let pairs = all
        .iter()
        .flat_map(|counted| counted.extensions::<Counter>().map(|counter| (*counted, counter)));
    let counting = pairs.filter(|(counted, counter)| {
        let follows =
            matches!(counted.row_scope, Some(RowScope::Through(via, _)) if via == counter.via);
        (counter.table)().name == table.name && !follows
    });
    counting.collect()
}

/// The restriction of a caller to its row scope.
#[derive(Clone, Debug)]
pub struct Restriction {
    scopes: Arc<RowScopes>,
    membership: i64,
}

impl Restriction {
    /// Restricts a caller with this membership.
    #[must_use]
    pub fn new(scopes: Arc<RowScopes>, membership: i64) -> Self {
        Self { scopes, membership }
    }

    /// The statement with the expressions that shadow the tables that it names, except for `unrestricted` ones.
    ///
    /// # Errors
    /// [`Error::Internal`] if the statement is not a query.
    pub(crate) fn apply(
        &self,
        engine: Engine,
        statement: Statement,
        unrestricted: &[&str],
    ) -> Result<Statement> {
        let Statement { sql, mut values, db_backend } = statement;
        let shadows = &self.scopes.shadows;
        let mut is_needed = vec![false; shadows.len()];
        // Expressions refer only to earlier ones.
        for (place, shadow) in shadows.iter().enumerate().rev() {
            let is_named = !unrestricted.contains(&shadow.table.name)
                && !matches!(shadow.table.row_scope, Some(RowScope::Organization))
                && sql.contains(&shadow.name);
            if is_named || is_needed[place] {
                is_needed[place] = true;
                shadow.needs.iter().for_each(|needed| is_needed[*needed] = true);
            }
        }
        let needed = shadows.iter().zip(is_needed).filter(|(_, is_needed)| *is_needed);
        let expressions: Vec<&str> = needed
            .map(|(shadow, _)| match engine {
                Engine::Postgres => shadow.on_postgres.as_str(),
                Engine::Sqlite => shadow.on_sqlite.as_str(),
            })
            .collect();
        if expressions.is_empty() {
            return Ok(Statement { sql, values, db_backend });
        }
        let mut shadows = expressions.join(", ");
        if shadows.contains(MEMBER) {
            let member = match engine {
                Engine::Postgres => {
                    let binds = values.get_or_insert_with(|| sea_orm::Values(Vec::new()));
                    binds.0.push(Bind::BigInt(Some(self.membership)));
                    format!("${}", binds.0.len())
                }
                // A parameter before those of the statement would change their numbers.
                Engine::Sqlite => self.membership.to_string(),
            };
            shadows = shadows.replace(MEMBER, &member);
        }
        let sql = match sql.strip_prefix("WITH ") {
            Some(rest) if !rest.starts_with("RECURSIVE ") => format!("WITH {shadows}, {rest}"),
            None if sql.starts_with("SELECT ") => format!("WITH {shadows} {sql}"),
            _ => return Err(Error::internal("only queries can be restricted to a row scope")),
        };
        Ok(Statement { sql, values, db_backend })
    }

    /// The condition for the visible rows of a table, which have this alias, in a statement that this restriction is
    /// applied to. Adds its bind parameter.
    pub(crate) fn condition(
        &self,
        engine: Engine,
        table: &Table,
        alias: &str,
        bind: &mut impl FnMut(Bind) -> String,
    ) -> String {
        let condition = condition(engine, table, alias);
        if !condition.contains(MEMBER) {
            return condition;
        }
        let member = bind(Bind::BigInt(Some(self.membership)));
        condition.replace(MEMBER, &member)
    }

    /// The membership of the caller.
    pub(crate) fn membership(&self) -> i64 {
        self.membership
    }
}

/// Appends a condition for rows of several tables: `entity` is the number of the table and `record` its primary key.
pub(crate) fn visible_records(
    sql: &mut String,
    tables: impl Iterator<Item = (usize, &'static Table)>,
    entity: &str,
    record: &str,
) {
    sql.push_str(" AND (FALSE");
    for (number, table) in tables {
        let _ = write!(
            sql,
            " OR ({entity} = {number} AND {record} IN (SELECT \"id\" FROM \"{}\"))",
            table.name
        );
    }
    sql.push(')');
}
