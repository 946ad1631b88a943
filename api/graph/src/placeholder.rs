//! Placeholder for a selection set whose fields are all skipped: the result must be an empty object, but
//! async-graphql 7.2.1 resolves an object without fields to null, even where the schema does not allow null.

use async_graphql::{
    Name, Pos, Positioned, Value,
    parser::types::{Field, Selection, SelectionSet},
};

/// The response name of a placeholder, which no document can contain.
pub const PLACEHOLDER: &str = " ";

/// A selection of `__typename` that is removed from the response.
#[must_use]
pub fn placeholder(pos: Pos) -> Positioned<Selection> {
    let name = |text: &str| Positioned::new(Name::new(text), pos);
    let field = Field {
        alias: Some(name(PLACEHOLDER)),
        name: name("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), pos),
    };
    Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)
}

/// Whether a field of a normal form is a placeholder.
#[must_use]
pub fn is_placeholder(field: &Field) -> bool {
    field.response_key().node == PLACEHOLDER
}

/// Removes the placeholders from the value of a field with these selections.
pub fn remove_placeholders(value: &mut Value, set: &SelectionSet) {
    if has_placeholder(set) {
        remove(value, set);
    }
}

fn has_placeholder(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            is_placeholder(&field.node) || has_placeholder(&field.node.selection_set.node)
        }
        Selection::InlineFragment(fragment) => has_placeholder(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

/// Follows the selections instead of searching the value, because a JSON value may contain a key with the same name.
fn remove(value: &mut Value, set: &SelectionSet) {
    if let Value::List(items) = value {
        for item in items {
            remove(item, set);
        }
        return;
    }
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let Value::Object(fields) = value else { return };
                let name = field.node.response_key().node.as_str();
                if is_placeholder(&field.node) {
                    fields.shift_remove(name);
                } else if let Some(below) = fields.get_mut(name) {
                    remove(below, &field.node.selection_set.node);
                }
            }
            Selection::InlineFragment(fragment) => {
                remove(value, &fragment.node.selection_set.node);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
