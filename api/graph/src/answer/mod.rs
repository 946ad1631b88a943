//! Writes the response from the rows as text, without a future or a value per field.

mod connection;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{
    Context, Name, PathSegment, Pos, Positioned, ServerError, ServerResult, Value,
    parser::types::Field,
};
use engine::{
    Value as Cell,
    read::{Group, Loaded},
};

use super::{
    aggregate::answer::AggregateResult,
    computed::Computations,
    id, scalar,
    shape::{Connection, Out, Shape},
};
use crate::{error::Error, json_text};

/// Writes the response of one root field.
pub struct Answer<'a> {
    context: &'a Context<'a>,
    position: Pos,
    computations: Arc<Computations>,
    path: Vec<Step>,
    /// The path length of the root field.
    root: usize,
    objects: usize,
    out: Vec<u8>,
    size: Option<&'a AnswerSize>,
    /// The number of bytes of `out` that already count toward the response size.
    counted: usize,
}

/// A path segment. Paths are converted only for errors.
#[derive(Clone)]
enum Step {
    Field(Name),
    Index(usize),
}

/// Maximum number of objects below one root field. A row that several rows reference is repeated below each of
/// them, so a small request can produce a large response.
const MAX_OBJECTS: usize = 100_000;

/// Maximum size of one response in bytes, all root fields together: a long text may be selected under many aliases.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The size of a response so far, in bytes.
#[derive(Debug, Default)]
pub struct AnswerSize(AtomicUsize);

/// The result of writing a field. An error propagates to the nearest nullable field, and the
/// output of that field is discarded.
type Written = Result<(), ServerError>;

impl<'a> Answer<'a> {
    /// The response of `field` at `path`.
    #[must_use]
    pub fn new(
        context: &'a Context<'a>,
        field: &'a Positioned<Field>,
        path: Vec<PathSegment>,
        computations: Arc<Computations>,
    ) -> Self {
        let root = path.len();
        let path = path.into_iter().map(|segment| match segment {
            PathSegment::Field(name) => Step::Field(Name::new(name)),
            PathSegment::Index(index) => Step::Index(index),
        });
        Self {
            context,
            position: field.pos,
            computations,
            path: path.collect(),
            root,
            objects: 0,
            out: Vec::with_capacity(1_024),
            size: context.data_opt::<AnswerSize>(),
            counted: 0,
        }
    }

    /// Writes the object of the row at `index`. It is at `place` of a list, or in the field `below` the item at `place`.
    ///
    /// # Errors
    /// If a non-null field has no value.
    pub fn row(
        &mut self,
        shape: &Shape<'_>,
        loaded: &Loaded,
        index: usize,
        place: Option<usize>,
        below: &[Name],
    ) -> ServerResult<Value> {
        self.path.truncate(self.root);
        self.path.extend(place.map(Step::Index));
        self.path.extend(below.iter().cloned().map(Step::Field));
        self.out.clear();
        self.counted = 0;
        self.object(shape, loaded, index)?;
        Ok(Value::Binary(std::mem::take(&mut self.out).into()))
    }

    /// Writes the connection of the page `group`.
    ///
    /// # Errors
    /// If a non-null field has no value.
    pub fn page(
        mut self,
        connection: &Connection<'_>,
        loaded: &Loaded,
        group: &Group,
    ) -> ServerResult<Value> {
        self.connection(connection, loaded, group, 0)?;
        Ok(Value::Binary(self.out.into()))
    }

    fn aggregate(&mut self, result: &AggregateResult<'_>, parent: i64) -> Written {
        self.objects += result.groups(parent);
        if self.objects > MAX_OBJECTS {
            return Err(self.too_many());
        }
        let written = result.write(&mut self.out, parent);
        written.and_then(|()| self.grow()).map_err(|error| self.error(error))
    }

    /// Counts the bytes written since the last call.
    fn grow(&mut self) -> Result<(), Error> {
        let bytes = self.out.len().saturating_sub(self.counted);
        self.counted = self.out.len();
        let Some(size) = self.size else { return Ok(()) };
        if size.0.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_ANSWER {
            let most = MAX_ANSWER / 1_024 / 1_024;
            return Err(Error::too_complex(format!(
                "the response would exceed {most} MiB; request fewer rows"
            )));
        }
        Ok(())
    }

    fn at(&mut self, step: Step) {
        self.path.push(step);
    }

    fn back(&mut self) {
        self.path.pop();
    }

    /// Starts the next field of an object. `next` is the separator: the opening bracket before the
    /// first field, a comma before every other field.
    fn key(&mut self, name: &Name, next: &mut u8) {
        self.out.push(*next);
        *next = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn string(&mut self, text: &str) {
        json_text::plain(&mut self.out, text);
    }

    fn object(&mut self, shape: &Shape<'_>, loaded: &Loaded, index: usize) -> Written {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            return Err(self.too_many());
        }
        let row = &loaded.rows[index];
        let mut next = b'{';
        for (name, out) in &shape.fields {
            self.key(name, &mut next);
            match out {
                Out::Cell(cell, scalar) => {
                    if let Err(error) = scalar::write(&mut self.out, &row[*cell], *scalar) {
                        return Err(self.error_at(name, error));
                    }
                }
                Out::TypeName(name) => self.string(name),
                Out::Id(cell, entity) => match row[*cell].key() {
                    Some(key) => id::write(&mut self.out, entity, key),
                    None => self.out.extend_from_slice(b"null"),
                },
                nested => {
                    self.at(Step::Field(name.clone()));
                    self.nested(nested, loaded, index)?;
                    self.back();
                }
            }
        }
        json_text::close(&mut self.out, next, b"{}");
        self.grow().map_err(|error| self.error(error))
    }

    fn nested(&mut self, out: &Out<'_>, loaded: &Loaded, index: usize) -> Written {
        let begun = (self.path.len(), self.out.len());
        match out {
            Out::One { key, shape, optional } => {
                if loaded.rows[index][*key] == Cell::Null {
                    if !*optional {
                        return Err(self.missing());
                    }
                    self.null();
                    return Ok(());
                }
                let written = self.object(shape, loaded, index);
                self.settle(written, *optional, begun)
            }
            Out::First { relation, parent, shape } => {
                let below = below(loaded, *relation);
                let group = group(loaded, *relation, *parent, index);
                match below.filter(|_| !group.rows.is_empty()) {
                    None => {
                        self.null();
                        Ok(())
                    }
                    Some(below) => {
                        let written = self.object(shape, below, group.rows.start);
                        self.settle(written, true, begun)
                    }
                }
            }
            Out::Many { relation, parent, connection } => match below(loaded, *relation) {
                None => Err(self.missing()),
                Some(below) => {
                    let group = group(loaded, *relation, *parent, index);
                    let parent = loaded.rows[index][*parent].key().unwrap_or_default();
                    self.connection(connection, below, &group, parent)
                }
            },
            Out::Computed(computed) => {
                let written = match self.computations.result_of(computed, loaded, index) {
                    Some(Ok(value)) => {
                        json_text::value(&mut self.out, value);
                        Ok(())
                    }
                    Some(Err(error)) => {
                        let error = error.clone();
                        Err(ServerError { path: self.response_path(), ..error })
                    }
                    None => Err(self.missing()),
                };
                self.settle(written, computed.optional, begun)
            }
            Out::TypeName(_) | Out::Id(..) | Out::Cell(..) => Err(self.missing()),
        }
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// Propagates an error unless the field is nullable; a nullable field becomes null, and the output since
    /// `begun` is discarded.
    fn settle(&mut self, written: Written, optional: bool, begun: (usize, usize)) -> Written {
        match written {
            Err(error) if optional => {
                let (path, out) = begun;
                self.path.truncate(path);
                self.out.truncate(out);
                self.counted = self.counted.min(out);
                self.context.add_error(error);
                self.null();
                Ok(())
            }
            other => other,
        }
    }

    fn response_path(&self) -> Vec<PathSegment> {
        let told = self.path.iter().map(|step| match step {
            Step::Field(name) => PathSegment::Field(name.to_string()),
            Step::Index(index) => PathSegment::Index(*index),
        });
        told.collect()
    }

    fn error(&self, error: Error) -> ServerError {
        error.into_server_error(self.position, self.response_path())
    }

    fn too_many(&self) -> ServerError {
        let message =
            format!("the response would exceed {MAX_OBJECTS} objects; request fewer rows");
        self.error(Error::too_complex(message))
    }

    fn missing(&self) -> ServerError {
        self.error(Error::internal("a required row is missing"))
    }

    fn error_at(&self, name: &Name, error: Error) -> ServerError {
        let mut path = self.response_path();
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
        (Some(below), Some(key)) => below.page_of(key),
        _ => Group::default(),
    }
}
