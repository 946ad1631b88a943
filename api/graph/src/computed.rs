//! Results of the computed fields of a response, each computed once for all rows of its level.

use std::collections::HashMap;

use async_graphql::{Context, ServerResult, Value};
use engine::read::Loaded;
use futures_util::future::try_join_all;

use super::{
    computed_field::{Answers, ComputedContext, RowView},
    shape::{ComputedField, Connection, ConnectionOut, EdgeOut, Out, Shape},
};
use crate::error::{Error, Result};

/// The results of the computed fields below a root field, by field and row.
#[derive(Default)]
pub struct Computations(HashMap<(usize, usize), Answers>);

impl Computations {
    /// The result of `field` for the row at `index` of `loaded`.
    #[must_use]
    pub fn result_of(
        &self,
        field: &ComputedField<'_>,
        loaded: &Loaded,
        index: usize,
    ) -> Option<&ServerResult<Value>> {
        self.0.get(&key(field, loaded)).and_then(|answers| answers.get(index))
    }
}

/// The key of a computation: the number of the field in its plan, and the address of the rows of the level.
fn key(field: &ComputedField<'_>, loaded: &Loaded) -> (usize, usize) {
    (field.number, std::ptr::from_ref(loaded) as usize)
}

/// Computes every computed field of `shape` and of the plans below it, each once for all rows of its level.
///
/// # Errors
/// The errors of the functions.
pub async fn of_shape<'a>(
    context: &'a Context<'a>,
    shape: &'a Shape<'a>,
    loaded: &'a Loaded,
) -> Result<Computations> {
    let mut found = Vec::new();
    search(shape, loaded, &mut found);
    run(context, found).await
}

/// Like [`of_shape`], for a connection.
///
/// # Errors
/// Same as [`of_shape`].
pub async fn of_connection<'a>(
    context: &'a Context<'a>,
    connection: &'a Connection<'a>,
    loaded: &'a Loaded,
) -> Result<Computations> {
    let mut found = Vec::new();
    search_connection(connection, loaded, &mut found);
    run(context, found).await
}

type Found<'a> = Vec<(&'a ComputedField<'a>, &'a Loaded)>;

async fn run<'a>(context: &'a Context<'a>, found: Found<'a>) -> Result<Computations> {
    let answers = try_join_all(found.into_iter().map(|(computed, loaded)| async move {
        let rows: Vec<_> =
            loaded.rows.iter().map(|row| RowView { row, cells: &computed.cells }).collect();
        let count = rows.len();
        let inside = ComputedContext { context, field: computed.field };
        let answers = (computed.resolve)(inside, rows).await?;
        if answers.len() != count {
            let name = &computed.field.node.name.node;
            return Err(Error::internal(format!(
                "`{name}` returned a different number of results than rows"
            )));
        }
        Ok((key(computed, loaded), answers))
    }))
    .await?;
    Ok(Computations(answers.into_iter().collect()))
}

fn search<'a>(shape: &'a Shape<'a>, loaded: &'a Loaded, found: &mut Found<'a>) {
    for (_, out) in &shape.fields {
        match out {
            Out::Computed(computed) => found.push((computed, loaded)),
            Out::One { shape, .. } => search(shape, loaded, found),
            Out::First { relation, shape, .. } => {
                if let Some(below) = loaded.relations.get(*relation) {
                    search(shape, below, found);
                }
            }
            Out::Many { relation, connection, .. } => {
                if let Some(below) = loaded.relations.get(*relation) {
                    search_connection(connection, below, found);
                }
            }
            Out::TypeName(_) | Out::Id(..) | Out::Cell(..) => {}
        }
    }
}

fn search_connection<'a>(
    connection: &'a Connection<'a>,
    loaded: &'a Loaded,
    found: &mut Found<'a>,
) {
    for (_, out) in &connection.fields {
        match out {
            ConnectionOut::Nodes(shape) => search(shape, loaded, found),
            ConnectionOut::Edges(fields) => {
                for (_, out) in fields {
                    if let EdgeOut::Node(shape) = out {
                        search(shape, loaded, found);
                    }
                }
            }
            ConnectionOut::TypeName
            | ConnectionOut::PageInfo(_)
            | ConnectionOut::TotalCount
            | ConnectionOut::Aggregate { .. } => {}
        }
    }
}
