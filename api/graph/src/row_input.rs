//! The input of a row: its values, links and nested rows.

use async_graphql::Value;
use engine::{
    Problem,
    write::{ChildRows, Input, LinkInput, LinkRule, Rules},
};
use indexmap::IndexMap;

use super::{
    declaration::{Entity, camel},
    id, input,
    mutations::MAX_ITEMS,
    nested_rows::{Child, children, references},
    scalar,
    write_fields::{InputType, written},
};
use crate::catalog::Catalog;

/// An input object.
pub(super) type Object = IndexMap<async_graphql::Name, Value>;

/// Reads the input fields of a row.
pub(super) fn item(
    catalog: &Catalog,
    entity: &'static Entity,
    rules: &'static Rules,
    fields: &Object,
    patch: bool,
    below: &str,
    problems: &mut Vec<Problem>,
) -> Input {
    let mut input = Input::default();
    for written in written(entity, rules, patch) {
        let Some(value) = fields.get(written.name.as_str()) else { continue };
        let place = format!("{below}{}", written.name);
        let cell = match (value, written.takes) {
            (Value::Null, _) => Ok(engine::Value::Null),
            (value, InputType::Value(scalar)) => scalar::written(value, scalar, &place),
            (value, InputType::Id(to)) => input::id_text(value, &place)
                .and_then(|text| id::expect_key(to(), &text, &place))
                .map(engine::Value::Int),
        };
        match cell {
            Ok(cell) => input.values.push((written.column, cell)),
            Err(error) => problems.extend(error.into_problems(&place)),
        }
    }
    if !patch {
        input.links =
            rules.links.iter().map(|rule| links(catalog, rule, fields, below, problems)).collect();
        nested(catalog, entity, rules, fields, below, &mut input, problems);
    }
    input
}

fn links(
    catalog: &Catalog,
    rule: &'static LinkRule,
    fields: &Object,
    path: &str,
    problems: &mut Vec<Problem>,
) -> LinkInput {
    let mut link = LinkInput::default();
    let far = catalog.of_table((rule.pairs.far_table)().name);
    let name = camel(rule.keys);
    for value in fields.get(name.as_str()).map(input::items).unwrap_or_default() {
        let path = format!("{path}{name}");
        let key = input::id_text(value, &path).and_then(|text| id::expect_key(far, &text, &path));
        match key {
            Ok(key) => link.keys.push(key),
            Err(error) => problems.extend(error.into_problems(&path)),
        }
    }
    if let Some(rows) = &rule.rows {
        let name = camel(rows.name);
        for value in fields.get(name.as_str()).map(input::items).unwrap_or_default() {
            if let Value::Object(fields) = value {
                let path = format!("{path}{name}.");
                let rules = (rows.rules)();
                let made_by = catalog.of_table((rules.table)().name);
                link.rows.push(item(catalog, made_by, rules, fields, false, &path, problems));
            }
        }
    }
    if link.keys.len() + link.rows.len() > MAX_ITEMS {
        let message = format!("at most {MAX_ITEMS} rows can be linked in one mutation");
        problems.push(Problem::invalid(
            engine::Reason::TooManyItems,
            &format!("{path}{name}"),
            message,
        ));
    }
    link
}

/// Reads the nested rows of a row.
fn nested(
    catalog: &Catalog,
    entity: &'static Entity,
    rules: &'static Rules,
    fields: &Object,
    path: &str,
    input: &mut Input,
    problems: &mut Vec<Problem>,
) {
    for reference in references(catalog, entity, rules) {
        let Some(Value::Object(nested)) = fields.get(reference.name) else { continue };
        let path = format!("{path}{}.", reference.name);
        let nested =
            item(catalog, reference.entity, reference.rules, nested, false, &path, problems);
        input.references.push((reference.column, nested));
    }
    for child in children(catalog, entity) {
        let rows = fields.get(child.name).map(input::items).unwrap_or_default();
        if rows.len() > MAX_ITEMS {
            let message = format!("at most {MAX_ITEMS} rows can be created with another row");
            let path = format!("{path}{}", child.name);
            problems.push(Problem::invalid(engine::Reason::TooManyItems, &path, message));
            continue;
        }
        let mut list = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if let Value::Object(row) = row {
                let path = format!("{path}{}.{index}.", child.name);
                list.push(item(catalog, child.entity, child.rules, row, false, &path, problems));
            }
        }
        let Child { name, rules, column, .. } = child;
        input.children.push(ChildRows { name, rules, column, rows: list });
    }
}
