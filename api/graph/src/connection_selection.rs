//! The selection of a custom connection whose rows belong to declared entities.

use async_graphql::{Context, PathSegment, Positioned, parser::types::Field};

use super::collect::collect;
use crate::error::Result;

/// The selection of a connection.
#[derive(Default)]
pub struct ConnectionSelection<'a> {
    /// The fields that return rows: `nodes`, and `node` of `edges`.
    pub nodes: Vec<&'a Positioned<Field>>,
    /// The selected fields of the edges.
    pub edge_fields: Vec<&'a str>,
}

/// The selection of the field of `context`, a connection of type `name`.
///
/// # Errors
/// `INVALID` if a response name is used twice with different arguments.
pub fn of_connection<'a>(context: &'a Context<'a>, name: &str) -> Result<ConnectionSelection<'a>> {
    let mut found = ConnectionSelection::default();
    let set = &context.item.node.selection_set.node;
    for fields in collect(&format!("{name}Connection"), vec![set]).into_values() {
        match fields[0].node.name.node.as_str() {
            "nodes" => found.nodes.extend(fields),
            "edges" => {
                let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
                for inner in collect(&format!("{name}Edge"), sets).into_values() {
                    let name = inner[0].node.name.node.as_str();
                    if name == "node" {
                        found.nodes.extend(&inner);
                    }
                    found.edge_fields.push(name);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The path from a root field to the list that contains `rows`: `nodes` or `edges`.
#[must_use]
pub fn path(root: &Positioned<Field>, rows: &Positioned<Field>) -> Vec<PathSegment> {
    let list = if rows.node.name.node == "node" {
        "edges"
    } else {
        rows.node.response_key().node.as_str()
    };
    [root.node.response_key().node.as_str(), list]
        .map(|name| PathSegment::Field(name.to_owned()))
        .to_vec()
}
