//! Input fields for rows that are written together with another row: `company` and `interactions` of a prospect.

use engine::write::Rules;

use super::{
    declaration::{Entity, apart},
    mutations::MAX_ITEMS,
    registry::{ArgumentType, argument},
    write_fields::{InputType, written},
};
use crate::catalog::Catalog;

/// A referenced row that can be given instead of its ID.
pub(super) struct Reference {
    /// The name of the input field.
    pub(super) name: &'static str,
    /// The name of the field for the ID.
    id: String,
    /// The entity of the referenced row.
    pub(super) entity: &'static Entity,
    /// Its write rules.
    pub(super) rules: &'static Rules,
    /// The column that refers to it.
    pub(super) column: usize,
}

/// The rows that can be created together with a row of another entity.
pub(super) struct Child {
    /// The name of the input field.
    pub(super) name: &'static str,
    /// The entity of the rows.
    pub(super) entity: &'static Entity,
    /// Their write rules.
    pub(super) rules: &'static Rules,
    /// The column that refers to the row.
    pub(super) column: usize,
}

impl Child {
    /// The input type of the rows, which omits the reference.
    pub(super) fn input_type(&self, parent: &Entity) -> String {
        format!("{}{}Input", parent.name, self.entity.name)
    }
}

/// The referenced rows that can be given with a row of `entity`.
pub(super) fn references(
    catalog: &Catalog,
    entity: &'static Entity,
    rules: &'static Rules,
) -> impl Iterator<Item = Reference> {
    written(entity, rules, false).into_iter().filter_map(|field| {
        let InputType::Id(_) = field.takes else { return None };
        let rule = rules.field(entity.table.columns[field.column].name)?;
        let nested = rule.nested.as_ref()?;
        let rules = (nested.rules)();
        let entity = catalog.of_table((rules.table)().name);
        let (name, column) = (nested.name, field.column);
        Some(Reference { name, id: field.name, entity, rules, column })
    })
}

/// The rows that can be created together with a row of `entity`.
pub(super) fn children(catalog: &Catalog, entity: &'static Entity) -> impl Iterator<Item = Child> {
    catalog.entities().iter().filter_map(|child| {
        let rules = child.rules?;
        rules.fields.iter().find_map(|rule| {
            let parent = (rule.refers?.table)();
            let name = rule.with_parent.filter(|_| std::ptr::eq(parent, entity.table))?;
            let column = child.table.column_named(rule.column);
            Some(Child { name, entity: child, rules, column })
        })
    })
}

/// The input fields for nested rows.
pub(super) fn arguments(
    catalog: &Catalog,
    entity: &'static Entity,
    rules: &'static Rules,
) -> Vec<ArgumentType> {
    let references = references(catalog, entity, rules).map(|reference| {
        let ty = format!("{}Input", reference.entity.name);
        let one = apart(reference.entity.name, ' ');
        let about = format!(
            "The {one}, instead of `{}`: it is created, or updated if it exists (see `upsert{}`).",
            reference.id,
            reference.entity.plural_type()
        );
        argument(reference.name, &ty, &about)
    });
    let children = children(catalog, entity).map(|child| {
        let ty = format!("[{}!]", child.input_type(entity));
        let about = format!(
            "{} to create with the {}. Maximum: {MAX_ITEMS}. Without an idempotency key, a repeated request creates \
             them again.",
            capitalized(&child.entity.plural_words()),
            apart(entity.name, ' ')
        );
        argument(child.name, &ty, &about)
    });
    references.chain(children).collect()
}

/// The name of the row that can be given instead of the ID in `column`.
pub(super) fn alternative(
    entity: &'static Entity,
    rules: &'static Rules,
    column: usize,
) -> Option<&'static str> {
    Some(rules.field(entity.table.columns[column].name)?.nested.as_ref()?.name)
}

fn capitalized(words: &str) -> String {
    let mut words = words.to_owned();
    words[..1].make_ascii_uppercase();
    words
}
