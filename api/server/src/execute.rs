//! Executes requests on the schema and corrects deviations of async-graphql from the specification: the single entry
//! point for HTTP and WebSocket.

use std::sync::Arc;

use async_graphql::{
    Data, ErrorExtensionValues, Executor, Name, ObjectType, PathSegment, Request, Response, Schema,
    ServerError, SubscriptionType, Value, Variables, parser::types::ExecutableDocument,
};
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use indexmap::IndexMap;

use crate::document::{
    self, DocumentCache, Introspection, Limits, ParsedDocument, Prepared, PublishedSchema, Refusal,
    Unvalidated, Variant,
};

/// A schema that executes validated operations.
pub trait ExecutableSchema: Send + Sync {
    /// Executes a query or mutation.
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;

    /// Executes an operation; a subscription has many responses.
    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response>;
}

impl<Q, M, S> ExecutableSchema for Schema<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(Self::execute(self, request))
    }

    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        Executor::execute_stream(self, request, None)
    }
}

/// The schema executor.
#[derive(Clone)]
pub struct SchemaExecutor {
    schema: Arc<dyn ExecutableSchema>,
    published: Arc<PublishedSchema>,
    limits: Limits,
    known: Arc<DocumentCache>,
}

impl SchemaExecutor {
    /// An executor of a schema with the default limits.
    #[must_use]
    pub fn new(schema: Arc<dyn ExecutableSchema>, published: Arc<PublishedSchema>) -> Self {
        Self { schema, published, limits: Limits::default(), known: Arc::default() }
    }

    /// The schema that documents are checked against.
    #[must_use]
    pub fn published(&self) -> &PublishedSchema {
        &self.published
    }

    /// An executor with `limits`.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The document of a request, if it was validated before for this organization.
    #[must_use]
    pub fn cached_document(
        &self,
        organization: Option<i64>,
        request: &Request,
    ) -> Option<Arc<ParsedDocument>> {
        self.known.find(organization, &request.query, request.operation_name.as_deref())
    }

    /// Checks a request against the limits; a document that is `known` is not parsed again.
    ///
    /// # Errors
    /// The violated limits, with messages for the client.
    pub fn prepare(
        &self,
        request: Request,
        known: Option<Arc<ParsedDocument>>,
    ) -> Result<Unvalidated, Refusal> {
        document::prepare(&self.published, request, &self.limits, known)
    }

    fn validated(&self, request: Request) -> Result<Prepared, Refusal> {
        let known = self.cached_document(None, &request);
        self.prepare(request, known)?.validate()
    }

    /// Executes a prepared request for this organization.
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

    /// Executes a prepared request; a subscription has many responses.
    pub fn run_stream(
        &self,
        organization: Option<i64>,
        prepared: Prepared,
    ) -> BoxStream<'static, Response> {
        let Prepared { request, read, variant, normalized, .. } = prepared;
        self.remember(organization, &read, variant);
        let answers = self.schema.execute_stream(request);
        answers.map(move |response| conform(finish(response), &normalized)).boxed()
    }

    /// Caches a validated document.
    fn remember(
        &self,
        organization: Option<i64>,
        read: &Arc<ParsedDocument>,
        variant: Option<Variant>,
    ) {
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

/// Whether the request was rejected before execution by the rules of the library, whose errors refer to positions in
/// the document and not to response fields.
#[must_use]
pub fn is_refused(response: &Response) -> bool {
    let before = |error: &ServerError| error.path.is_empty();
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(before)
}

/// Makes a response conform to the specification: removes the placeholders of the normal form and orders the fields.
///
/// Root fields and the fields of a payload run concurrently; the library returns them in order of completion, but
/// the specification (6.3.1) requires document order.
fn conform(mut response: Response, normalized: &ExecutableDocument) -> Response {
    let Some(set) = document::root_set(normalized) else { return response };
    graph::placeholder::remove_placeholders(&mut response.data, set);
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

/// Adds the values of introspection fields.
fn introspect(response: &mut Response, introspection: &Introspection, variables: &Variables) {
    let Value::Object(data) = &mut response.data else { return };
    match introspection.execute(variables) {
        Ok(fields) => {
            // An operation may consist of introspection fields only.
            data.shift_remove(graph::placeholder::PLACEHOLDER);
            data.extend(fields);
        }
        Err(refusal) => {
            response.data = Value::Null;
            response.errors.extend(refusal.errors);
        }
    }
}

/// Sorts fields in the order of `names`.
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
    // Thousands of equal errors would turn a small request into a large response.
    response.errors.truncate(document::MAX_ERRORS);
    for error in &mut response.errors {
        // Errors of the library concern the document; our own errors already have a code.
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", document::INVALID);
            extensions.set("reason", document::reason_of(document::INVALID).code());
        }
    }
    response
}

/// Whether a non-null root field has failed. The library omits such a field from the response; the specification
/// (6.4.4, Handling Execution Errors) requires `data` to be null.
fn lacks_a_root(response: &Response) -> bool {
    let Value::Object(data) = &response.data else { return false };
    response.errors.iter().any(|error| match error.path.first() {
        Some(PathSegment::Field(name)) => !data.contains_key(name.as_str()),
        _ => false,
    })
}
