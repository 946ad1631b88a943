//! Sort keys in the form in which statements compare them on each engine.

use super::plan::{Direction, List, Nulls, Sort};
use crate::{store::Engine, value::Kind};

/// A sort key in the form in which the statement compares it. Null is replaced by a sentinel value where possible.
pub(super) struct SortKey {
    pub(super) sort: Sort,
    column: &'static str,
    pub(super) kind: Kind,
    /// Whether the sort key is compared and sorted with explicit null handling.
    pub(super) nullable: bool,
    /// Sentinel value that replaces null: below or above all other values.
    pub(super) stand_in: Option<&'static str>,
}

/// Sort keys of `list`: the keys of its sort order, then the primary key.
pub(super) fn sort_keys(engine: Engine, list: &List) -> Vec<SortKey> {
    let mut keys: Vec<SortKey> = list
        .order
        .iter()
        .map(|sort| {
            let column = &list.table_of(sort.of).columns[sort.column];
            let low = (sort.nulls == Nulls::First) == (sort.direction == Direction::Ascending);
            let stand_in = if column.nullable { stand_in(engine, column.kind, low) } else { None };
            SortKey {
                sort: *sort,
                column: column.name,
                kind: column.kind,
                nullable: list.may_be_absent(sort.of) || (column.nullable && stand_in.is_none()),
                stand_in: stand_in.filter(|_| !list.may_be_absent(sort.of)),
            }
        })
        .collect();
    let direction = keys.last().map_or(Direction::Ascending, |key| key.sort.direction);
    keys.push(SortKey {
        sort: Sort { of: 0, column: list.table.id(), direction, nulls: Nulls::Last },
        column: "id",
        kind: Kind::BigInt,
        nullable: false,
        stand_in: None,
    });
    keys
}

/// Sentinel value for null, below or above all other values. The indexes use the same expression.
fn stand_in(engine: Engine, kind: Kind, low: bool) -> Option<&'static str> {
    Some(match (kind, engine, low) {
        (Kind::Time, Engine::Postgres, true) => "'-infinity'::timestamptz",
        (Kind::Time, Engine::Postgres, false) => "'infinity'::timestamptz",
        (Kind::Time, Engine::Sqlite, true) => "''",
        (Kind::Time, Engine::Sqlite, false) => "'~'",
        (Kind::Double | Kind::Int, Engine::Postgres, true) => "'-infinity'::float8",
        (Kind::Double | Kind::Int, Engine::Postgres, false) => "'infinity'::float8",
        (Kind::Double | Kind::Int, Engine::Sqlite, true) => "-9e999",
        (Kind::Double | Kind::Int, Engine::Sqlite, false) => "9e999",
        _ => return None,
    })
}

impl SortKey {
    /// Whether the sentinel value is below all other values.
    pub(super) fn is_low(&self) -> bool {
        (self.sort.nulls == Nulls::First) == (self.sort.direction == Direction::Ascending)
    }

    pub(super) fn expression(&self, engine: Engine, alias: &str) -> String {
        let plain = format!("{alias}.\"{}\"", self.column);
        match (self.stand_in, self.kind, engine) {
            (Some(stand_in), ..) => format!("COALESCE({plain}, {stand_in})"),
            (None, Kind::Text, Engine::Postgres) => format!("lower({plain} COLLATE \"C\")"),
            (None, Kind::Text, Engine::Sqlite) => format!("{plain} COLLATE NOCASE"),
            _ => plain,
        }
    }

    pub(super) fn direction(&self, reverse: bool) -> Direction {
        self.sort.direction.reversed(reverse)
    }

    pub(super) fn nulls_first(&self, reverse: bool) -> bool {
        (self.sort.nulls == Nulls::First) != reverse
    }

    pub(super) fn ordered(&self, expression: &str, reverse: bool) -> String {
        let direction = match self.direction(reverse) {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let nulls = match (self.nullable, self.nulls_first(reverse)) {
            (false, _) => "",
            (true, true) => " NULLS FIRST",
            (true, false) => " NULLS LAST",
        };
        format!("{expression} {direction}{nulls}")
    }
}
