//! The HTTP server: `/graphql` for HTTP and WebSocket, GraphiQL at `/`, health.

mod events;
pub mod graphiql;
mod graphql;
pub mod visitor;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use service::{Actor, Clock, Role, Scope, Store, governance::change_log::Feed};
use tower_http::{
    compression::CompressionLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use crate::execute::SchemaExecutor;

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What every request is answered with.
#[derive(Clone)]
pub struct Server {
    executor: SchemaExecutor,
    store: Store,
    feed: Feed,
    organization: i64,
    clock: Arc<dyn Clock>,
    only_local: bool,
}

impl Server {
    /// A server of one organization, whose visitor is its owner. It is made inside a runtime, which runs
    /// its tasks.
    #[must_use]
    pub fn new(store: Store, organization: i64, clock: Arc<dyn Clock>) -> Self {
        Self {
            executor: SchemaExecutor::new(crate::schema::build()),
            feed: Feed::new(store.clone()),
            store,
            organization,
            clock,
            only_local: true,
        }
    }

    /// Answers under any name: for a server that listens where others reach it.
    #[must_use]
    pub fn for_all_hosts(self) -> Self {
        Self { only_local: false, ..self }
    }

    /// What subscriptions follow. Closing it ends them all.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The scope of `actor` in the request that this names.
    #[must_use]
    pub fn scope(&self, actor: Actor, request: &str) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scope::new(store, self.organization, actor, Role::Owner, clock).for_request(request)
    }
}

/// The routes of the server.
pub fn routes(server: Server) -> Router {
    let no_sniffing = HeaderValue::from_static("nosniff");
    let graphql = get(graphql::get).post(graphql::post);
    let answers = Router::new()
        .route("/", get(graphiql::page))
        .route("/graphiql/{name}", get(graphiql::asset))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .layer(CompressionLayer::new());
    Router::new()
        .route("/graphql", graphql.layer(CompressionLayer::new()))
        .merge(answers)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, no_sniffing))
        .layer(middleware::from_fn_with_state(server.clone(), refuse_strange_hosts))
        .layer(middleware::from_fn(visitor::name_request))
        .with_state(server)
}

/// A page of another site can let its own name point to this machine (DNS rebinding); then the name
/// it asks for is not local.
async fn refuse_strange_hosts(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host =
        host.or_else(|| request.uri().authority().map(Authority::as_str)).unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    if server.only_local && !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        let text = "this server answers under the names of its own machine only: localhost";
        return graphql::refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text);
    }
    next.run(request).await
}

/// Whether the database answers.
async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    match server.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}
