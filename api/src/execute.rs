//! Runs requests on the schema, and mends what async-graphql leaves off: the one way in for HTTP and
//! WebSocket alike.

use std::sync::Arc;

use async_graphql::{
    Data, ErrorExtensionValues, Executor, Name, PathSegment, Request, Response, ServerError, Value,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use indexmap::IndexMap;

use crate::{
    document::{self, Asked},
    schema::Schema,
};

/// The schema, as requests are run on it.
#[derive(Clone)]
pub struct SchemaExecutor(Schema);

impl SchemaExecutor {
    /// Runs requests on `schema`.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        Self(schema)
    }
}

impl Executor for SchemaExecutor {
    async fn execute(&self, mut request: Request) -> Response {
        match document::prepare(&mut request) {
            Ok(roots) => in_order(finish(self.0.execute(request).await), &roots),
            Err(message) => refuse(message),
        }
    }

    fn execute_stream(
        &self,
        mut request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        match document::prepare(&mut request) {
            Err(message) => stream::once(async { refuse(message) }).boxed(),
            Ok(roots) => Executor::execute_stream(&self.0, request, session)
                .map(move |response| in_order(finish(response), &roots))
                .boxed(),
        }
    }
}

/// Root fields run side by side, and so do the fields of a payload; the library answers in the order in
/// which they are done, the specification (6.3.1) wants the order in which they were asked for.
fn in_order(mut response: Response, roots: &[Asked]) -> Response {
    if let Value::Object(data) = &mut response.data {
        sort(data, roots.iter().map(|root| root.name.as_str()));
        for root in roots {
            if let Some(Value::Object(object)) = data.get_mut(root.name.as_str()) {
                sort(object, root.below.iter().map(String::as_str));
            }
        }
    }
    response
}

/// Brings fields into the order of `names`.
fn sort<'n>(fields: &mut IndexMap<Name, Value>, names: impl Iterator<Item = &'n str>) {
    let mut ordered = IndexMap::with_capacity(fields.len());
    for name in names {
        if let Some((name, value)) = fields.swap_remove_entry(name) {
            ordered.insert(name, value);
        }
    }
    ordered.extend(std::mem::take(fields));
    *fields = ordered;
}

fn refuse(message: String) -> Response {
    finish(Response::from_errors(vec![ServerError::new(message, None)]))
}

fn finish(mut response: Response) -> Response {
    if lacks_a_root(&response) {
        response.data = Value::Null;
    }
    if response.errors.is_empty() && response.data == Value::Null {
        // Nothing was left to be asked for; the library says null.
        response.data = Value::Object(IndexMap::new());
    }
    for error in &mut response.errors {
        // Errors of the library itself are about the document; ours have their code already.
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", "GRAPHQL_VALIDATION_FAILED");
        }
    }
    response
}

/// Whether a root field that can't be null has failed. The library leaves such a field out of the
/// answer; the specification (6.4.4, Handling Execution Errors) wants `data` to be null.
fn lacks_a_root(response: &Response) -> bool {
    let Value::Object(data) = &response.data else { return false };
    response.errors.iter().any(|error| match error.path.first() {
        Some(PathSegment::Field(name)) => !data.contains_key(name.as_str()),
        _ => false,
    })
}
