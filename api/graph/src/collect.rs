//! The selection of an object: the fields of its selection sets in a normal form without fragments.

use async_graphql::{
    Positioned,
    parser::types::{Field, Selection, SelectionSet},
};
use indexmap::IndexMap;

use crate::placeholder::is_placeholder;

/// The selection sets of one object: several if `nodes` and `edges` select the same rows.
pub(super) type Sets<'a> = Vec<&'a SelectionSet>;

/// The selected fields of an object, by response name.
pub(super) type Asked<'a> = IndexMap<&'a str, Vec<&'a Positioned<Field>>>;

/// Collects the fields that `sets` select of an object of the type `name`.
pub(super) fn collect<'a>(name: &str, sets: Sets<'a>) -> Asked<'a> {
    let mut asked = Asked::new();
    for set in sets {
        collect_into(name, set, &mut asked);
    }
    asked
}

fn collect_into<'a>(name: &str, set: &'a SelectionSet, asked: &mut Asked<'a>) {
    // `Node` is the only interface, and every declared entity implements it.
    let applies = |condition: &str| condition == name || condition == "Node";
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if is_placeholder(&field.node) => {}
            Selection::Field(field) => {
                // Fields with the same response name are equal, because the document has been validated.
                let key = field.node.response_key().node.as_str();
                asked.entry(key).or_default().push(field);
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    collect_into(name, &fragment.node.selection_set.node, asked);
                }
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
