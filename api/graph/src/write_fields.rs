//! The input fields of a declared entity.

use engine::write::{DefaultValue, Rules};

use super::declaration::{Entity, FieldKind, Scalar};

/// An input field that writes a column.
pub(super) struct Written {
    /// The GraphQL name.
    pub name: String,
    /// The schema description.
    pub about: String,
    /// The column.
    pub column: usize,
    /// The input type.
    pub takes: InputType,
    /// Whether the field is required to create a row.
    pub required: bool,
    /// The default value.
    pub usual: DefaultValue,
}

/// The input type of a field.
#[derive(Clone, Copy)]
pub(super) enum InputType {
    /// A value.
    Value(Scalar),
    /// An ID.
    Id(fn() -> &'static Entity),
}

/// The input fields of `entity`: of a patch, or of a new row.
#[must_use]
pub(super) fn written(entity: &'static Entity, rules: &'static Rules, patch: bool) -> Vec<Written> {
    let fields = entity.fields.iter().filter_map(|field| {
        let (column, takes) = match &field.gives {
            FieldKind::Column { column, scalar, .. } => (*column, InputType::Value(*scalar)),
            FieldKind::Reference { column, to, .. } => (*column, InputType::Id(*to)),
            _ => return None,
        };
        let stored = &entity.table.columns[column];
        let rule = rules.written(stored.name, patch)?;
        let required = !stored.nullable && matches!(rule.usual, DefaultValue::Nothing);
        let (name, about) = (field.name.clone(), field.about.clone());
        Some(Written { name, about, column, takes, required, usual: rule.usual })
    });
    fields.collect()
}
