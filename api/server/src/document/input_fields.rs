//! Input Object Field Uniqueness: a rule of the specification that the validating library does not apply
//! (apollo-compiler 2.0.0-beta.2, <https://spec.graphql.org/September2025/#sec-Input-Object-Field-Uniqueness>).

use std::collections::HashSet;

use super::{Refusal, parse::position};
use apollo_compiler::{Name, Node, ast};

/// Rejects a field that occurs twice in one input object.
///
/// # Errors
/// The first field that occurs twice.
pub(super) fn check(document: &ast::Document) -> Result<(), Refusal> {
    let found = document.definitions.iter().find_map(|definition| match definition {
        ast::Definition::OperationDefinition(operation) => {
            let defaults = operation.variables.iter().filter_map(|one| one.default_value.as_ref());
            let mut defaults = defaults.filter_map(|value| repeated_field_in_value(value));
            let own = || in_directives(&operation.directives);
            defaults.next().or_else(own).or_else(|| in_set(&operation.selection_set))
        }
        ast::Definition::FragmentDefinition(fragment) => {
            in_directives(&fragment.directives).or_else(|| in_set(&fragment.selection_set))
        }
        _ => None,
    });
    let Some(name) = found else { return Ok(()) };
    let position = position(name.location(), &document.sources);
    let message = format!("There can be only one input field named \"{name}\".");
    Err(Refusal::invalid_at(message, position))
}

fn in_set(set: &[ast::Selection]) -> Option<&Name> {
    set.iter().find_map(|selection| {
        let below = match selection {
            ast::Selection::Field(field) => in_arguments(&field.arguments)
                .or_else(|| in_set(field.selection_set.as_deref().unwrap_or_default())),
            ast::Selection::InlineFragment(fragment) => in_set(&fragment.selection_set),
            ast::Selection::FragmentSpread(_) => None,
        };
        below.or_else(|| match selection {
            ast::Selection::Field(field) => in_directives(&field.directives),
            ast::Selection::InlineFragment(fragment) => in_directives(&fragment.directives),
            ast::Selection::FragmentSpread(spread) => in_directives(&spread.directives),
        })
    })
}

fn in_directives(directives: &ast::DirectiveList) -> Option<&Name> {
    directives.0.iter().find_map(|directive| in_arguments(&directive.arguments))
}

fn in_arguments(arguments: &[Node<ast::Argument>]) -> Option<&Name> {
    arguments.iter().find_map(|argument| repeated_field_in_value(&argument.value))
}

fn repeated_field_in_value(value: &ast::Value) -> Option<&Name> {
    match value {
        ast::Value::List(items) => items.iter().find_map(|item| repeated_field_in_value(item)),
        ast::Value::Object(fields) => {
            let mut names = HashSet::with_capacity(fields.len());
            fields.iter().find_map(|(name, field)| {
                if names.insert(name.as_str()) {
                    repeated_field_in_value(field)
                } else {
                    Some(name)
                }
            })
        }
        _ => None,
    }
}
