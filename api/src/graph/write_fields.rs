//! The fields of the inputs of a declared entity.

use service::write::{Rules, Usual};

use super::declaration::{Entity, Gives, Scalar};

/// A field of an input that writes a column.
pub(super) struct Written {
    /// Its GraphQL name.
    pub name: String,
    /// What it is, for users.
    pub about: String,
    /// The column.
    pub column: usize,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given when a row is made.
    pub required: bool,
    /// What it is when nothing is said.
    pub usual: Usual,
}

/// What a field of an input takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// A value.
    Value(Scalar),
    /// An id.
    Id(fn() -> &'static Entity),
}

/// The fields of an input of `entity`: of a patch, or of a new row.
#[must_use]
pub(super) fn written(entity: &'static Entity, rules: &'static Rules, patch: bool) -> Vec<Written> {
    let fields = entity.fields.iter().filter_map(|field| {
        let (column, takes) = match &field.gives {
            Gives::Column { column, scalar, .. } => (*column, Takes::Value(*scalar)),
            Gives::Reference { column, to, .. } => (*column, Takes::Id(*to)),
            _ => return None,
        };
        let stored = &entity.table.columns[column];
        let rule = rules.written(stored.name, patch)?;
        let required = !stored.nullable && matches!(rule.usual, Usual::Nothing);
        let (name, about) = (field.name.clone(), field.about.clone());
        Some(Written { name, about, column, takes, required, usual: rule.usual })
    });
    fields.collect()
}
