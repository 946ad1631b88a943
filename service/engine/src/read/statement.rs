//! Statement builder: statement text, bind parameters, and the predicates that apply to every table.

use std::fmt::Write as _;

use sea_orm::{Statement, Value as Bind};

use super::{
    filter::fold,
    plan::{Link, List},
};
use crate::{
    row_scope::RowScope,
    scope::Viewer,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// A statement under construction.
pub(crate) struct Sql {
    pub(super) engine: Engine,
    viewer: Viewer,
    pub(crate) text: String,
    binds: Vec<Bind>,
    aliases: usize,
    /// Whether the statement counts or aggregates all rows instead of reading a page.
    pub(super) counts: bool,
}

impl Sql {
    pub(crate) fn new(engine: Engine, viewer: Viewer) -> Self {
        let mut sql = Self {
            engine,
            viewer,
            text: String::with_capacity(512),
            binds: Vec::new(),
            aliases: 0,
            counts: false,
        };
        // The organization is always the first bind parameter, because every table needs it.
        let _ = sql.bind(Bind::BigInt(Some(sql.viewer.organization)));
        sql
    }

    pub(crate) fn finish(self) -> Statement {
        Statement::from_sql_and_values(self.engine.backend(), self.text, self.binds)
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a bind parameter and returns its placeholder.
    pub(crate) fn bind(&mut self, value: Bind) -> String {
        self.binds.push(value);
        self.place(self.binds.len())
    }

    /// Operator and operand that match any of `keys`, passed as one bind parameter.
    pub(super) fn among(&mut self, keys: &[i64]) -> String {
        match self.engine {
            Engine::Postgres => {
                let keys = keys.iter().copied().map(Value::Int).collect();
                format!("= ANY({})", self.bind(Value::array(keys, Kind::BigInt)))
            }
            Engine::Sqlite => {
                let keys = serde_json::Value::from(keys).to_string();
                format!("IN (SELECT value FROM json_each({}))", self.bind(keys.into()))
            }
        }
    }

    fn place(&self, number: usize) -> String {
        match self.engine {
            Engine::Postgres => format!("${number}"),
            Engine::Sqlite => format!("?{number}"),
        }
    }

    /// Returns a new alias for a table in a subquery.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// The expression for comparing the column: A–Z in text is folded to lower case.
    pub(super) fn folded(&self, plain: &str, kind: Kind) -> String {
        match (kind, self.engine) {
            (Kind::Text, Engine::Postgres) => format!("lower({plain} COLLATE \"C\")"),
            (Kind::Text, Engine::Sqlite) => format!("{plain} COLLATE NOCASE"),
            _ => plain.to_owned(),
        }
    }

    /// `expression operator value`.
    pub(super) fn compare(&mut self, expression: &str, operator: &str, value: &Value, kind: Kind) {
        let value = self.bind(fold(value).bind(kind));
        let _ = write!(self.text, "{expression} {operator} {value}");
    }

    /// Appends the condition that restricts rows to the organization and, in tables with private rows, to the member.
    pub(super) fn tenant(&mut self, table: &Table, alias: &str) {
        self.organization_of(table, alias, "");
    }

    /// Appends the condition that restricts rows to the organization, for rows that are found by their references.
    /// Without statistics, SQLite considers the organization the more selective condition; the unary `+` prevents
    /// SQLite from using an index on the organization (<https://www.sqlite.org/optoverview.html>, 2.1).
    pub(super) fn tenant_of_linked(&mut self, table: &Table, alias: &str) {
        self.organization_of(table, alias, if self.engine == Engine::Sqlite { "+" } else { "" });
    }

    fn organization_of(&mut self, table: &Table, alias: &str, mark: &str) {
        let column = table.columns[table.organization].name;
        let place = self.place(1);
        let _ = write!(self.text, " AND {mark}{alias}.\"{column}\" = {place}");
        if let Some(member) = table.private_to {
            let viewer = self.bind(Bind::BigInt(self.viewer.membership));
            let _ = write!(self.text, " AND {alias}.\"{}\" = {viewer}", table.columns[member].name);
        }
        if let Some((column, value)) = table.omitted {
            let _ =
                write!(self.text, " AND {alias}.\"{}\" <> '{value}'", table.columns[column].name);
        }
    }

    /// Appends the condition for rows that lists show: rows that are not deleted and whose `hidden_with` reference
    /// leads to a row that lists show (not checked if that row is the parent of the list). Other references to deleted
    /// rows don't hide a row.
    pub(super) fn alive(&mut self, table: &'static Table, alias: &str, link: Option<Link>) {
        if let Some(deleted_at) = table.deleted_at {
            let _ =
                write!(self.text, " AND {alias}.\"{}\" IS NULL", table.columns[deleted_at].name);
        }
        let Some(hidden) = &table.hidden_with else { return };
        if matches!(link, Some(Link::Children { via }) if via == hidden.via) {
            return;
        }
        let (inner, to) = (self.alias(), (hidden.table)());
        let _ = write!(
            self.text,
            " AND EXISTS (SELECT 1 FROM \"{}\" {inner} WHERE {inner}.\"id\" = {alias}.\"{}\"",
            to.name, table.columns[hidden.via].name
        );
        self.tenant_of_linked(to, &inner);
        self.alive(to, &inner, None);
        self.push(")");
    }

    /// The name of a table whose rows `link` assigns to visible parents. If the rows are visible with these parents, the name
    /// is not quoted, so that a restriction of the statement leaves it alone ([`Restriction`](crate::store::Restriction)).
    pub(super) fn children(table: &Table, link: Option<Link>) -> String {
        match (link, table.row_scope()) {
            (Some(Link::Children { via }), Some(RowScope::Through(own, _)))
                if table.columns[via].name == own =>
            {
                table.name.to_owned()
            }
            _ => format!("\"{}\"", table.name),
        }
    }

    /// `table alias WHERE` for the rows that `link` assigns to `parent`.
    pub(super) fn linked(&mut self, link: Link, table: &Table, alias: &str, parent: &str) {
        let _ = match link {
            Link::Children { via } => {
                let via = table.columns[via].name;
                write!(self.text, "\"{}\" {alias} WHERE {alias}.\"{via}\" = {parent}", table.name)
            }
            Link::JoinTable { table: pairs, near, far } => {
                let pair = self.alias();
                write!(
                    self.text,
                    "\"{pairs}\" {pair} JOIN \"{}\" {alias} ON {alias}.\"id\" = {pair}.\"{far}\" \
                     WHERE {pair}.\"{near}\" = {parent}",
                    table.name
                )
            }
        };
    }

    /// Appends all conditions for a row of `list`, starting with ` AND`. The alias of the row is `t`.
    pub(super) fn visible(&mut self, list: &List, link: Option<Link>) {
        match link {
            Some(_) => self.tenant_of_linked(list.table, "t"),
            None => self.tenant(list.table, "t"),
        }
        self.alive(list.table, "t", link);
        if list.log && self.engine == Engine::Postgres {
            self.push(super::BELOW_WATERMARK);
        }
        if !list.filter.is_empty() {
            self.push(" AND ");
            list.filter.write(self, list.table, "t");
        }
    }

    /// Appends the needed joins of `list`; `alias` names each row.
    pub(super) fn joins(&mut self, list: &List, needed: &[bool], alias: impl Fn(usize) -> String) {
        for (index, join) in list.joins.iter().enumerate().filter(|(index, _)| needed[*index]) {
            let (own, from) = (alias(index + 1), alias(join.from));
            let via = list.table_of(join.from).columns[join.via].name;
            let _ = write!(
                self.text,
                " LEFT JOIN \"{}\" {own} ON {own}.\"id\" = {from}.\"{via}\"",
                join.to.0.name
            );
            self.tenant(join.to.0, &own);
        }
    }
}
