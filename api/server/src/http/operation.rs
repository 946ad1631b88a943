//! One operation from the parsed request to the response: validated, authorized, executed within its timeout and
//! logged.

use std::{sync::Arc, time::Instant};

use async_graphql::{
    ErrorExtensionValues, Request, Response, ServerError, Value, Variables,
    parser::types::OperationType,
};
use engine::{Role, StatementStats, record_statements};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::Map;
use tokio::sync::Notify;
use tracing::Instrument;

use super::{
    Server,
    caller::{Caller, RequestId},
    report::{Taken, Tells},
    stream_task::{detached, retrying_stream},
};
use crate::{
    document::{ParsedDocument, Prepared, Refusal, is_introspection},
    execute::{self, SchemaExecutor},
    permission::RootPermissions,
};
use graph::{answer::AnswerSize, paging::Paging};

/// An operation that passed all checks.
pub(super) struct Operation {
    prepared: Prepared,
    id: RequestId,
    /// Requested response extensions.
    pub(super) tells: Tells,
    /// Whether the operation queues while the server is at its concurrency limit.
    waits: bool,
}

/// Outcome of an operation.
pub(super) enum Outcome {
    /// The operation was rejected.
    Refused(Refusal),
    /// The operation was executed.
    Answer(Response),
}

impl Outcome {
    /// Converts a response of the library; some responses are rejections.
    pub(super) fn of(response: Response) -> Self {
        if !execute::is_refused(&response) {
            return Self::Answer(response);
        }
        let codes = response.errors.first().and_then(code);
        Self::Refused(Refusal {
            code: known_code(&codes.unwrap_or_default()),
            errors: response.errors,
            headers: None,
        })
    }
}

impl Operation {
    /// Parses the fields of a request (GraphQL over HTTP, section "Request Parameters"), validates it and authorizes
    /// the caller.
    pub(super) async fn admit(
        server: &Server,
        caller: &Caller,
        id: &RequestId,
        fields: &Map<String, serde_json::Value>,
    ) -> Result<Self, Refusal> {
        let admitted = Self::checked(server, caller, id, fields).await;
        if let Err(refusal) = &admitted {
            server.metrics.refused(refusal.code);
            tracing::info!(request = &*id.own, code = refusal.code, "request rejected");
        }
        admitted
    }

    async fn checked(
        server: &Server,
        caller: &Caller,
        id: &RequestId,
        fields: &Map<String, serde_json::Value>,
    ) -> Result<Self, Refusal> {
        let organization = caller.scope.as_ref().map(engine::Scope::organization);
        let (document, hash) = server.persisted.document(organization, fields)?;
        let request = request(&document, fields)?;
        let check = Check {
            executor: server.product.executor.clone(),
            no_introspection: server.settings.no_introspection,
            permissions: Arc::clone(&server.product.permissions),
            role: caller.role(),
        };
        let prepared =
            if let Some(read) = server.product.executor.cached_document(organization, &request) {
                check.check(request, Some(read))?
            } else {
                let patience = server.settings.request_timeout;
                server.validation.run(patience, move || check.check(request, None)).await?
            };
        if let (Some(hash), Some(_)) = (hash, caller.role()) {
            server.persisted.keep(organization, hash, document);
        }
        Ok(Self { prepared, id: id.clone(), tells: Tells::default(), waits: false })
    }

    /// The parsed document.
    pub(super) fn read(&self) -> &ParsedDocument {
        &self.prepared.read
    }

    /// The variables, including their default values.
    pub(super) fn variables(&self) -> &Variables {
        &self.prepared.request.variables
    }

    /// Makes the operation read the entire list page by page and wait for a free slot.
    pub(super) fn page(&mut self, paging: &Arc<Paging>) {
        self.waits = true;
        self.prepared.request.data.insert(Arc::clone(paging));
    }

    /// Kind of the operation.
    pub(super) fn kind(&self) -> OperationType {
        self.prepared.read.kind
    }

    /// Executes a query or mutation.
    pub(super) async fn run(self, server: &Server, caller: &Caller) -> Outcome {
        let permit = if self.waits {
            let turn =
                tokio::time::timeout(server.settings.request_timeout, server.running.acquire());
            turn.await.ok().and_then(Result::ok)
        } else {
            server.running.try_acquire().ok()
        };
        let Some(_permit) = permit else {
            server.metrics.refused("BUSY");
            let text = "the server is at its concurrency limit; retry later";
            return Outcome::Refused(Refusal::new("UNAVAILABLE", text, None));
        };
        let Self { prepared, id, tells, .. } = self;
        let (read, cost, known) = (Arc::clone(&prepared.read), prepared.cost, prepared.is_allowed);
        let kind = read.kind;
        // Unauthenticated clients also choose operation names, and each distinct name costs memory.
        let name = read.name.as_deref().filter(|_| caller.role().is_some());
        let organization = caller.scope.as_ref().map(engine::Scope::organization);
        let mut prepared = with_scope(server, caller, prepared);
        prepared.request = prepared.request.data(AnswerSize::default());
        let span = tracing::info_span!(
            "operation",
            otel.name = name.unwrap_or("anonymous"),
            otel.kind = "server",
            request = &*id.own,
            client_request = id.client.as_deref(),
            organization,
            actor = caller.scope.as_ref().map(|scope| scope.actor().label())
        );
        let begun = Instant::now();
        let listed = tells.statements(caller.role());
        let work = record_statements(server.product.executor.run(organization, prepared), listed)
            .instrument(span.clone());
        let done = tokio::time::timeout(server.settings.request_timeout, work).await;
        let is_late = done.is_err();
        let (mut response, stats) =
            done.unwrap_or_else(|_| (late(kind), StatementStats::default()));
        let statements = stats.statements;
        let elapsed = begun.elapsed();
        for error in &mut response.errors {
            name_request(error, &id);
        }
        let codes = response.errors.iter().filter_map(code).collect::<Vec<_>>();
        let report = super::metrics::OperationMeasurements {
            kind,
            name,
            elapsed,
            statements,
            cost,
            codes: &codes,
        };
        if !is_late && execute::is_refused(&response) {
            let code = known_code(codes.first().map_or("", String::as_str));
            server.metrics.refused(code);
            span.in_scope(|| tracing::info!(code, "request rejected"));
            return Outcome::of(response);
        }
        span.in_scope(|| server.metrics.done(&report, server.settings.slow_threshold));
        if is_late {
            return Outcome::of(response);
        }
        let limit = server.settings.limits.max_cost;
        let taken = Taken { cost: (cost, limit), elapsed, stats: &stats, known };
        if tells.cost {
            response.extensions.insert("cost".to_owned(), taken.cost());
        }
        if let (true, Some(role)) = (tells.report, caller.role()) {
            response.extensions.insert("report".to_owned(), taken.report(role));
        }
        Outcome::Answer(response)
    }

    /// Starts a subscription. The notification says that it has its position in the change log; it is missing if the
    /// subscription fails before.
    pub(super) fn follow(
        self,
        server: &Server,
        caller: &Caller,
    ) -> (BoxStream<'static, Response>, Arc<Notify>) {
        let (feed, begun_at) = server.feed.with_notification();
        let Ok(place) = Arc::clone(&server.followers).try_acquire_owned() else {
            server.metrics.refused("SUBSCRIPTIONS");
            let text = "too many active subscriptions; retry later";
            let refusal = Refusal::new("UNAVAILABLE", text, None);
            let refused = stream::once(async { Response::from_errors(refusal.errors) });
            return (refused.boxed(), begun_at);
        };
        let counted = server.metrics.subscriber();
        let organization = caller.scope.as_ref().map(engine::Scope::organization);
        let name = self.prepared.read.name.as_deref().unwrap_or_default();
        let cost = self.prepared.cost;
        tracing::info!(request = &*self.id.own, organization, name, cost, "subscription started");
        let mut prepared = with_scope(server, caller, self.prepared);
        prepared.request = prepared.request.data(feed);
        let answers = server.product.executor.run_stream(organization, prepared);
        // A subscription that fails before it starts is counted as rejected.
        let (begun, id) = (Arc::clone(&server.metrics), self.id);
        let answers = detached(retrying_stream(answers.map(move |mut answer| {
            let _ = (&counted, &place);
            for error in &mut answer.errors {
                name_request(error, &id);
            }
            if execute::is_refused(&answer) {
                begun.refused(known_code(""));
            }
            answer
        })));
        (answers, begun_at)
    }
}

/// The checks before execution.
struct Check {
    executor: SchemaExecutor,
    no_introspection: bool,
    permissions: Arc<RootPermissions>,
    role: Option<Role>,
}

impl Check {
    fn check(
        &self,
        request: Request,
        known: Option<Arc<ParsedDocument>>,
    ) -> Result<Prepared, Refusal> {
        let unvalidated = self.executor.prepare(request, known)?;
        let roots = &unvalidated.read.roots;
        if self.no_introspection && roots.iter().any(|root| is_introspection(&root.field)) {
            let text = "introspection is disabled";
            return Err(Refusal::new("GRAPHQL_VALIDATION_FAILED", text, None)
                .because(engine::Reason::IntrospectionDisabled));
        }
        self.permissions.check(self.executor.published(), &unvalidated.read, self.role)?;
        // Validation errors describe the schema, so the caller's permissions are checked first.
        unvalidated.validate()
    }
}

fn with_scope(server: &Server, caller: &Caller, mut prepared: Prepared) -> Prepared {
    let request = prepared.request.data(server.feed.clone());
    prepared.request = (server.product.request_data)(request);
    if let Some(scope) = &caller.scope {
        prepared.request = prepared.request.data(scope.clone());
    }
    prepared
}

fn request(query: &str, fields: &Map<String, serde_json::Value>) -> Result<Request, Refusal> {
    use serde_json::Value;
    let bad = |text: &str| Refusal::new("BAD_REQUEST", text, None);
    match fields.get("extensions") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => return Err(bad("`extensions` must be an object")),
    }
    let mut request = Request::new(query);
    match fields.get("operationName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) if name.is_empty() => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => return Err(bad("`operationName` must be a string")),
    }
    match fields.get("variables") {
        None | Some(Value::Null) => Ok(request),
        Some(variables @ Value::Object(_)) => {
            Ok(request.variables(Variables::from_json(variables.clone())))
        }
        Some(_) => Err(bad("`variables` must be an object")),
    }
}

/// The response to an operation that timed out. A mutation may nevertheless have been committed, but never in part.
fn late(kind: OperationType) -> Response {
    let text = match kind {
        OperationType::Mutation => {
            "the operation timed out and may have been committed; retry with the same idempotencyKey"
        }
        _ => "the operation timed out; request less data or retry",
    };
    let mut refusal =
        Refusal::new("UNAVAILABLE", text, None).because(engine::Reason::RequestTimeout);
    Response::from_errors(std::mem::take(&mut refusal.errors))
}

/// Adds the request ID to an internal error, so that it can be found in the log.
fn name_request(error: &mut ServerError, id: &RequestId) {
    if code(error).as_deref() == Some("INTERNAL") {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        extensions.set("requestId", &*id.own);
    }
}

/// Whether a subscription event could not be delivered. No event may follow it: the client resumes from its last
/// cursor.
pub(super) fn is_broken(response: &Response) -> bool {
    let mut codes = response.errors.iter().filter_map(code);
    codes.any(|code| matches!(code.as_str(), "UNAVAILABLE" | "INTERNAL"))
}

/// The code of an error.
pub(super) fn code(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

/// The static code of a rejected request.
pub(super) fn known_code(code: &str) -> &'static str {
    match code {
        "UNAVAILABLE" => "UNAVAILABLE",
        "INTERNAL" => "INTERNAL",
        "TOO_COMPLEX" => "TOO_COMPLEX",
        _ => "GRAPHQL_VALIDATION_FAILED",
    }
}
