//! Columns of tables, derived from generated entities.

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};

use crate::value::Kind;

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the database.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// Whether the column is nullable.
    pub nullable: bool,
    /// The maximum length in characters; `None` means unlimited.
    pub length: Option<u32>,
}

/// The columns of a generated entity, in the order of the entity.
pub fn columns_of<E: EntityTrait>() -> Vec<Column> {
    let entity = E::default();
    E::Column::iter().map(|column| self::column(entity.table_name(), column)).collect()
}

fn column<C: ColumnTrait>(table: &str, column: C) -> Column {
    let definition = column.def();
    let name: &'static str = IdenStatic::as_str(&column);
    let (kind, length) = match definition.get_column_type() {
        ColumnType::Boolean => (Kind::Bool, None),
        ColumnType::BigInteger => (Kind::BigInt, None),
        ColumnType::Integer => (Kind::Int, None),
        ColumnType::Double => (Kind::Double, None),
        ColumnType::String(_) => (Kind::Text, Some(length_of(table, name))),
        ColumnType::Text => (Kind::Text, None),
        ColumnType::TimestampWithTimeZone => (Kind::Time, None),
        ColumnType::Json | ColumnType::JsonBinary => (Kind::Json, None),
        other => panic!("column `{name}` has an unsupported type: {other:?}"),
    };
    Column { name, kind, nullable: definition.is_null(), length }
}

/// The maximum length of a text column, from the database that the entities were generated from.
fn length_of(table: &str, column: &str) -> u32 {
    let known = entity::LENGTHS.iter().find(|(of, name, _)| *of == table && *name == column);
    known.map_or(255, |(_, _, length)| *length)
}
