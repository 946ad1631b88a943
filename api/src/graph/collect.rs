//! What is asked of an object: the fields of a selection, fragments opened.

use std::collections::HashSet;

use async_graphql::{
    Context, Positioned,
    parser::types::{Field, Selection, SelectionSet},
};
use indexmap::IndexMap;

use crate::error::{Error, Result};

/// The selections of one object: several, when a field stands more than once.
pub(super) type Sets<'a> = Vec<&'a SelectionSet>;

/// What is asked of an object: the fields by the name they have in the answer, fragments opened,
/// those that stand more than once together.
pub(super) type Asked<'a> = IndexMap<&'a str, Vec<&'a Positioned<Field>>>;

/// The fields that `sets` ask of an object of the type `name`, fragments opened. This is
/// `CollectFields` of the specification (6.3.2).
pub(super) fn collect<'a>(
    context: &'a Context<'a>,
    name: &str,
    sets: Sets<'a>,
) -> Result<Asked<'a>> {
    let mut asked = Asked::new();
    let mut visited = HashSet::new();
    for set in sets {
        collect_into(context, name, set, &mut asked, &mut visited)?;
    }
    Ok(asked)
}

fn collect_into<'a>(
    context: &'a Context<'a>,
    name: &str,
    set: &'a SelectionSet,
    asked: &mut Asked<'a>,
    visited: &mut HashSet<&'a str>,
) -> Result<()> {
    // The only interface is Node, and every declared object implements it.
    let applies = |condition: &str| condition == name || condition == "Node";
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.as_str();
                let same = asked.entry(key).or_default();
                if same.first().is_some_and(|first| !is_same(&first.node, &field.node)) {
                    let message =
                        format!("`{key}` is asked for twice in different ways; use an alias");
                    return Err(Error::invalid(key, message));
                }
                same.push(field);
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    let set = &fragment.node.selection_set.node;
                    collect_into(context, name, set, asked, visited)?;
                }
            }
            Selection::FragmentSpread(spread) => {
                let spread = &spread.node.fragment_name.node;
                let fragment = context.query_env.fragments.get(spread);
                let fragment = fragment
                    .filter(|one| applies(&one.node.type_condition.node.on.node))
                    .filter(|_| visited.insert(spread.as_str()));
                if let Some(fragment) = fragment {
                    let set = &fragment.node.selection_set.node;
                    collect_into(context, name, set, asked, visited)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether two fields of one name in the answer ask for the same. The library's rule (5.3.2 of the
/// specification) does not look into merged selections.
fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other.get_argument(&name.node).is_some_and(|known| known.node == value.node)
        })
}
