//! What is checked of a request before the library sees it, or that it leaves out.

use std::collections::HashSet;

use async_graphql::{
    Name, Request, Value,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

/// How deep brackets may nest in a document. The library's parser goes down with every one of them,
/// so without a limit a small document uses up the stack.
const DEEPEST: usize = 200;

/// A field as the answer names it, with the fields below it, in the order in which they are asked for.
#[derive(Debug)]
pub struct Asked {
    /// Its name in the answer.
    pub name: String,
    /// The names in the answer of the fields below it.
    pub below: Vec<String>,
}

/// Checks a request, and puts the defaults of absent variables in. Gives its root fields, in the order in
/// which they are asked for.
///
/// # Errors
/// What is wrong, in words for the client.
pub fn prepare(request: &mut Request) -> Result<Vec<Asked>, String> {
    if deepest(&request.query) > DEEPEST {
        return Err(format!("the document nests deeper than {DEEPEST} levels"));
    }
    let name = request.operation_name.clone();
    // A document that can't be parsed is told by the library.
    let Ok(document) = request.parsed_query() else { return Ok(Vec::new()) };
    let Some(operation) = operation(document, name.as_deref()) else { return Ok(Vec::new()) };
    let roots = asked(document, &operation.selection_set.node);
    if operation.ty == OperationType::Subscription && roots.len() > 1 {
        return Err("a subscription has one root field".to_owned());
    }
    let mut defaults: Vec<(Name, Value)> = Vec::new();
    let mut missing = None;
    let definitions: Vec<_> = operation
        .variable_definitions
        .iter()
        .map(|definition| {
            let definition = &definition.node;
            let default = definition.default_value.as_ref().map(|value| value.node.clone());
            (definition.name.node.clone(), definition.var_type.node.to_string(), default)
        })
        .collect();
    for (name, ty, default) in definitions {
        // Coercing variable values: the specification, 6.1.2.
        match (request.variables.get(&name), default) {
            (None, Some(default)) => defaults.push((name, default)),
            (None | Some(Value::Null), None) if ty.ends_with('!') => {
                missing = Some(format!("the variable `${name}` of type `{ty}` was not given"));
            }
            (Some(Value::Null), Some(_)) if ty.ends_with('!') => {
                missing = Some(format!("the variable `${name}` of type `{ty}` can't be null"));
            }
            _ => {}
        }
    }
    for (name, value) in defaults {
        request.variables.insert(name, value);
    }
    missing.map_or(Ok(roots), Err)
}

/// The root fields of a selection, those that stand more than once together, with the fields below them.
fn asked(document: &ExecutableDocument, set: &SelectionSet) -> Vec<Asked> {
    let mut fields = Vec::new();
    fields_of(document, set, &mut HashSet::new(), &mut fields);
    let mut all: Vec<Asked> = Vec::new();
    for field in fields {
        let mut below = Vec::new();
        fields_of(document, &field.selection_set.node, &mut HashSet::new(), &mut below);
        let below = below.into_iter().map(|field| field.response_key().node.to_string());
        let name = field.response_key().node.as_str();
        match all.iter_mut().find(|known| known.name == name) {
            Some(known) => known.below.extend(below),
            None => all.push(Asked { name: name.to_owned(), below: below.collect() }),
        }
    }
    all
}

/// The fields of a selection, fragments opened.
fn fields_of<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    visited: &mut HashSet<&'d str>,
    fields: &mut Vec<&'d Field>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(fragment) => {
                fields_of(document, &fragment.node.selection_set.node, visited, fields);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = document.fragments.get(name)
                    && visited.insert(name.as_str())
                {
                    fields_of(document, &fragment.node.selection_set.node, visited, fields);
                }
            }
        }
    }
}

/// The operation of a document that is to be run, if it is clear which.
#[must_use]
pub fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d OperationDefinition> {
    let mut operations = document.operations.iter();
    let operation = match name {
        Some(name) => operations.find(|(known, _)| known.is_none_or(|known| known == name)),
        None => operations.next().filter(|_| operations.next().is_none()),
    };
    operation.map(|(_, operation)| &operation.node)
}

/// How deep brackets nest, those in strings and comments left out.
fn deepest(document: &str) -> usize {
    let bytes = document.as_bytes();
    let (mut depth, mut deepest, mut place) = (0_usize, 0, 0);
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => {
                let rest = bytes[place..].iter();
                place += rest.take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
            }
            b'"' => place = after_string(bytes, place),
            _ => {}
        }
        place += 1;
    }
    deepest
}

/// The place of the last quote of the string that begins at `start`.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let block = bytes[start..].starts_with(b"\"\"\"");
    let mut place = if block { start + 3 } else { start + 1 };
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' if block && bytes[place..].starts_with(b"\\\"\"\"") => place += 3,
            b'\\' if !block => place += 1,
            b'"' if !block => return place,
            b'"' if bytes[place..].starts_with(b"\"\"\"") => return place + 2,
            _ => {}
        }
        place += 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::deepest;

    #[test]
    fn counts_brackets_outside_of_strings_and_comments() {
        for (document, depth) in [
            ("", 0),
            ("{ a(b: [{ c: 1 }]) { d } }", 4),
            ("{ a # {{{{\n }", 1),
            (r#"{ a(b: "{{{\"{{") }"#, 2),
            (r#"{ a(b: """ {{ " \""" {{ """) { c } }"#, 2),
            (r#"{ a(b: ""), c(d: "") { e } }"#, 2),
            ("}}}{", 1),
            ("{ \"unclosed {{{", 1),
        ] {
            assert_eq!(deepest(document), depth, "{document}");
        }
    }
}
