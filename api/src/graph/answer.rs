//! Builds the answer from the rows, without a future for each field.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{
    Context, Name, PathSegment, Pos, Positioned, ServerError, Value, parser::types::Field,
};
use indexmap::IndexMap;
use service::{
    Value as Cell,
    read::{Group, Loaded, encode_cursor},
};

use super::{
    computed::Computations,
    id,
    plan::{Connection, ConnectionOut, EdgeOut, Out, PageInfoOut, Shape},
    scalar,
};
use crate::error::Error;

/// Builds the answer of one root field.
pub struct Answer<'a> {
    context: &'a Context<'a>,
    position: Pos,
    computations: Computations,
    path: Vec<PathSegment>,
    /// How long the path of the field is that is answered.
    root: usize,
    objects: usize,
}

/// The most objects below one root field. A row that several rows point to stands below each of
/// them, so a small request can make a large answer.
const MOST_OBJECTS: usize = 100_000;

/// The most bytes of text of one answer, all root fields together: a long text may be asked for by many
/// names.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How many bytes the answer of a request has so far.
#[derive(Debug, Default)]
pub struct AnswerSize(AtomicUsize);

/// A value, or an error on its way to the nearest field that may be null.
type Built = Result<Value, ServerError>;

impl<'a> Answer<'a> {
    /// The answer of `field`, which stands at `path`.
    #[must_use]
    pub fn new(
        context: &'a Context<'a>,
        field: &'a Positioned<Field>,
        path: Vec<PathSegment>,
        computations: Computations,
    ) -> Self {
        let root = path.len();
        Self { context, position: field.pos, computations, path, root, objects: 0 }
    }

    /// The place in the answer that is being built.
    pub fn at(&mut self, segment: PathSegment) {
        self.path.push(segment);
    }

    /// Counts the bytes of a value.
    fn grow(&self, cell: &Cell) -> Result<(), Error> {
        let bytes = match cell {
            Cell::Text(text) => text.len(),
            Cell::Json(json) => json_size(json),
            _ => return Ok(()),
        };
        let Some(size) = self.context.data_opt::<AnswerSize>() else { return Ok(()) };
        if size.0.fetch_add(bytes, Ordering::Relaxed) + bytes > LARGEST_ANSWER {
            let most = LARGEST_ANSWER / 1_024 / 1_024;
            return Err(Error::too_complex(format!("the answer would be larger than {most} MiB")));
        }
        Ok(())
    }

    /// Back to the place around it.
    fn back(&mut self) {
        self.path.pop();
    }

    /// Back to the field that is answered, from wherever an error left off.
    pub fn back_to_root(&mut self) {
        self.path.truncate(self.root);
    }

    /// Builds the object of the row at `index`.
    ///
    /// # Errors
    /// When a field that can't be null has no value.
    pub fn object(&mut self, shape: &Shape<'_>, loaded: &Loaded, index: usize) -> Built {
        self.objects += 1;
        if self.objects > MOST_OBJECTS {
            let message = format!("the answer would have more than {MOST_OBJECTS} objects");
            return Err(
                Error::too_complex(message).into_server_error(self.position, self.path.clone())
            );
        }
        let mut object = IndexMap::with_capacity(shape.fields.len());
        for (name, out) in &shape.fields {
            let value = match out {
                Out::Cell(cell, scalar) => {
                    if let Err(error) = self.grow(&loaded.rows[index][*cell]) {
                        return Err(self.error_at(name, error));
                    }
                    match scalar::output(&loaded.rows[index][*cell], *scalar) {
                        Ok(value) => value,
                        Err(error) => return Err(self.error_at(name, error)),
                    }
                }
                Out::TypeName(name) => Value::String((*name).to_owned()),
                Out::Id(cell, entity) => {
                    let key = loaded.rows[index][*cell].key();
                    key.map_or(Value::Null, |key| id::global(entity, key))
                }
                nested => {
                    self.at(PathSegment::Field(name.to_string()));
                    let value = self.nested(nested, loaded, index)?;
                    self.back();
                    value
                }
            };
            object.insert(name.clone(), value);
        }
        Ok(Value::Object(object))
    }

    fn nested(&mut self, out: &Out<'_>, loaded: &Loaded, index: usize) -> Built {
        let depth = self.path.len();
        match out {
            Out::One { key, shape, optional } => {
                if loaded.rows[index][*key] == Cell::Null {
                    return if *optional { Ok(Value::Null) } else { Err(self.missing()) };
                }
                let built = self.object(shape, loaded, index);
                self.settle(built, *optional, depth)
            }
            Out::First { relation, parent, shape } => {
                let below = below(loaded, *relation);
                let group = group(loaded, *relation, *parent, index);
                match below.filter(|_| !group.rows.is_empty()) {
                    None => Ok(Value::Null),
                    Some(below) => {
                        let built = self.object(shape, below, group.rows.start);
                        self.settle(built, true, depth)
                    }
                }
            }
            Out::Many { relation, parent, connection } => match below(loaded, *relation) {
                None => Err(self.missing()),
                Some(below) => {
                    let group = group(loaded, *relation, *parent, index);
                    self.connection(connection, below, &group)
                }
            },
            Out::Computed(computed) => {
                let built = match self.computations.answer(computed, loaded, index) {
                    Some(Ok(value)) => Ok(value.clone()),
                    Some(Err(error)) => {
                        Err(ServerError { path: self.path.clone(), ..error.clone() })
                    }
                    None => Err(self.missing()),
                };
                self.settle(built, computed.optional, depth)
            }
            Out::TypeName(_) | Out::Id(..) | Out::Cell(..) => Err(self.missing()),
        }
    }

    /// Builds the connection of the page `group`.
    ///
    /// # Errors
    /// When a field that can't be null has no value.
    pub fn connection(
        &mut self,
        connection: &Connection<'_>,
        loaded: &Loaded,
        group: &Group,
    ) -> Built {
        let mut object = IndexMap::with_capacity(connection.fields.len());
        for (name, out) in &connection.fields {
            self.at(PathSegment::Field(name.to_string()));
            let value = match out {
                ConnectionOut::TypeName => {
                    Value::String(format!("{}Connection", connection.entity.name))
                }
                ConnectionOut::TotalCount => Value::Number(group.total.into()),
                ConnectionOut::Nodes(shape) => {
                    self.list(group, |answer, index| answer.object(shape, loaded, index))?
                }
                ConnectionOut::Edges(fields) => self.list(group, |answer, index| {
                    answer.edge(connection, fields, loaded, group, index)
                })?,
                ConnectionOut::PageInfo(fields) => page_info(connection, fields, loaded, group),
            };
            self.back();
            object.insert(name.clone(), value);
        }
        Ok(Value::Object(object))
    }

    fn list(&mut self, group: &Group, mut item: impl FnMut(&mut Self, usize) -> Built) -> Built {
        let mut items = Vec::with_capacity(group.rows.len());
        for index in group.rows.clone() {
            self.at(PathSegment::Index(index - group.rows.start));
            items.push(item(self, index)?);
            self.back();
        }
        Ok(Value::List(items))
    }

    fn edge(
        &mut self,
        connection: &Connection<'_>,
        fields: &[(Name, EdgeOut<'_>)],
        loaded: &Loaded,
        group: &Group,
        index: usize,
    ) -> Built {
        let mut object = IndexMap::with_capacity(fields.len());
        for (name, out) in fields {
            let value = match out {
                EdgeOut::TypeName => Value::String(format!("{}Edge", connection.entity.name)),
                EdgeOut::Cursor => Value::String(cursor(connection, loaded, group, index)),
                EdgeOut::Node(shape) => {
                    self.at(PathSegment::Field(name.to_string()));
                    let value = self.object(shape, loaded, index)?;
                    self.back();
                    value
                }
            };
            object.insert(name.clone(), value);
        }
        Ok(Value::Object(object))
    }

    /// An error goes on to the field around, unless this one may be null: then it stays here.
    fn settle(&mut self, built: Built, optional: bool, depth: usize) -> Built {
        match built {
            Err(error) if optional => {
                self.path.truncate(depth);
                self.context.add_error(error);
                Ok(Value::Null)
            }
            other => other,
        }
    }

    fn missing(&self) -> ServerError {
        Error::internal("a row that a field can't be without is not there")
            .into_server_error(self.position, self.path.clone())
    }

    fn error_at(&self, name: &Name, error: Error) -> ServerError {
        let mut path = self.path.clone();
        path.push(PathSegment::Field(name.to_string()));
        error.into_server_error(self.position, path)
    }
}

fn below(loaded: &Loaded, relation: usize) -> Option<&Loaded> {
    loaded.relations.get(relation)
}

fn group(loaded: &Loaded, relation: usize, parent: usize, index: usize) -> Group {
    let key = loaded.rows[index][parent].key();
    match (below(loaded, relation), key) {
        (Some(below), Some(key)) => below.group(key),
        _ => Group::default(),
    }
}

fn page_info(
    connection: &Connection<'_>,
    fields: &[(Name, PageInfoOut)],
    loaded: &Loaded,
    group: &Group,
) -> Value {
    let at = |index: Option<usize>| {
        index.map_or(Value::Null, |index| Value::String(cursor(connection, loaded, group, index)))
    };
    let some = !group.rows.is_empty();
    let fields = fields.iter().map(|(name, out)| {
        let value = match out {
            PageInfoOut::TypeName => Value::String("PageInfo".to_owned()),
            PageInfoOut::HasPreviousPage => Value::Boolean(group.has_previous),
            PageInfoOut::HasNextPage => Value::Boolean(group.has_next),
            PageInfoOut::StartCursor => at(some.then_some(group.rows.start)),
            PageInfoOut::EndCursor => at(some.then(|| group.rows.end - 1)),
        };
        (name.clone(), value)
    });
    Value::Object(fields.collect())
}

fn cursor(connection: &Connection<'_>, loaded: &Loaded, group: &Group, index: usize) -> String {
    let row = &loaded.rows[index];
    encode_cursor(group.binding, connection.cursor.iter().map(|cell| &row[*cell]))
}

/// The bytes of a JSON document, about.
fn json_size(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(json_size).sum(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + json_size(value)).sum()
        }
        _ => 8,
    }
}
