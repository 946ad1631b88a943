//! Runs requests on the schema, and mends what async-graphql leaves off: the one way in for HTTP and
//! WebSocket alike.

use std::sync::Arc;

use async_graphql::{
    Data, ErrorExtensionValues, Executor, Name, PathSegment, Request, Response, ServerError, Value,
    Variables, parser::types::ExecutableDocument,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use indexmap::IndexMap;

use crate::{
    document::{self, Introspection, Known, Limits, Prepared, Read, Refusal, Unvalidated, Variant},
    schema::{self, Schema},
};

/// The schema, as requests are run on it.
#[derive(Clone)]
pub struct SchemaExecutor {
    schema: Schema,
    limits: Limits,
    known: Arc<Known>,
}

impl Default for SchemaExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl SchemaExecutor {
    /// Runs requests on the schema.
    #[must_use]
    pub fn new() -> Self {
        document::warm_up();
        Self { schema: schema::build(), limits: Limits::default(), known: Arc::default() }
    }

    /// Runs requests within `limits`.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The document of a request, if it has been validated before for this organization.
    #[must_use]
    pub fn known(&self, organization: Option<i64>, request: &Request) -> Option<Arc<Read>> {
        self.known.find(organization, &request.query, request.operation_name.as_deref())
    }

    /// Checks a request against the limits; a document that is `known` is not read again.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    pub fn prepare(
        &self,
        request: Request,
        known: Option<Arc<Read>>,
    ) -> Result<Unvalidated, Refusal> {
        document::prepare(request, &self.limits, known)
    }

    fn validated(&self, request: Request) -> Result<Prepared, Refusal> {
        let known = self.known(None, &request);
        self.prepare(request, known)?.validate()
    }

    /// Runs what has been prepared for this organization.
    pub async fn run(&self, organization: Option<i64>, prepared: Prepared) -> Response {
        let Prepared { request, read, variant, normalized, introspection, .. } = prepared;
        self.remember(organization, &read, variant);
        let introspection = introspection.map(|one| (one, request.variables.clone()));
        let mut response = finish(self.schema.execute(request).await);
        if let Some((introspection, variables)) = introspection {
            introspect(&mut response, &introspection, &variables);
        }
        conform(response, &normalized)
    }

    /// Runs what has been prepared; a subscription has many answers.
    pub fn run_stream(
        &self,
        organization: Option<i64>,
        prepared: Prepared,
    ) -> BoxStream<'static, Response> {
        let Prepared { request, read, variant, normalized, .. } = prepared;
        self.remember(organization, &read, variant);
        let answers = Executor::execute_stream(&self.schema, request, None);
        answers.map(move |response| conform(finish(response), &normalized)).boxed()
    }

    /// Adds a document that has been validated to the cache.
    fn remember(&self, organization: Option<i64>, read: &Arc<Read>, variant: Option<Variant>) {
        if let Some(variant) = variant {
            self.known.allow(organization, read, variant);
        }
    }
}

impl Executor for SchemaExecutor {
    async fn execute(&self, request: Request) -> Response {
        match self.validated(request) {
            Ok(prepared) => self.run(None, prepared).await,
            Err(refusal) => Response::from_errors(refusal.errors),
        }
    }

    fn execute_stream(
        &self,
        request: Request,
        _session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        match self.validated(request) {
            Ok(prepared) => self.run_stream(None, prepared),
            Err(refusal) => stream::once(async { Response::from_errors(refusal.errors) }).boxed(),
        }
    }
}

/// Whether the request was refused before anything ran: by the rules of the library, which tell of
/// places in the document and not of fields of the answer.
#[must_use]
pub fn is_refused(response: &Response) -> bool {
    let before = |error: &ServerError| error.path.is_empty();
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(before)
}

/// A response as the specification wants it: without the placeholders of the normal form, and with its fields in order.
///
/// Root fields run side by side, and so do the fields of a payload; the library answers in the order in
/// which they are done, the specification (6.3.1) wants the order in which they were asked for.
fn conform(mut response: Response, normalized: &ExecutableDocument) -> Response {
    let Some(set) = document::root_set(normalized) else { return response };
    document::remove_placeholders(&mut response.data, set);
    if let Value::Object(data) = &mut response.data {
        let roots = document::fields(set);
        sort(data, roots.clone().map(|(name, _)| name));
        for (name, set) in roots {
            if let Some(Value::Object(object)) = data.get_mut(name) {
                sort(object, document::fields(set).map(|(name, _)| name));
            }
        }
    }
    response
}

/// Adds the answers to introspection fields.
fn introspect(response: &mut Response, introspection: &Introspection, variables: &Variables) {
    let Value::Object(data) = &mut response.data else { return };
    match introspection.execute(variables) {
        Ok(fields) => {
            // An operation may have introspection fields only.
            data.shift_remove(document::PLACEHOLDER);
            data.extend(fields);
        }
        Err(refusal) => {
            response.data = Value::Null;
            response.errors.extend(refusal.errors);
        }
    }
}

/// Brings fields into the order of `names`.
fn sort<'n>(fields: &mut IndexMap<Name, Value>, names: impl Iterator<Item = &'n str> + Clone) {
    if fields.keys().map(Name::as_str).eq(names.clone()) {
        return;
    }
    let mut ordered = IndexMap::with_capacity(fields.len());
    for name in names {
        if let Some((name, value)) = fields.swap_remove_entry(name) {
            ordered.insert(name, value);
        }
    }
    ordered.extend(std::mem::take(fields));
    *fields = ordered;
}

fn finish(mut response: Response) -> Response {
    if lacks_a_root(&response) {
        response.data = Value::Null;
    }
    // Thousands of the same mistake would make a small request a large answer.
    response.errors.truncate(document::MOST_ERRORS);
    for error in &mut response.errors {
        // Errors of the library itself are about the document; ours have their code already.
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", document::INVALID);
            extensions.set("reason", document::reason_of(document::INVALID).code());
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
