//! The HTTP server: `/graphql` for HTTP and WebSocket, `GraphiQL` at `/`, health.

pub mod graphiql;
mod graphql;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    routing::get,
};
use service::{Actor, Clock, Role, Scope, Store};
use tower_http::{
    compression::CompressionLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use crate::execute::Engine;

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What every request is answered with.
#[derive(Clone)]
pub struct Server {
    engine: Engine,
    store: Store,
    organization: i64,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// A server of one organization, whose visitor is its owner.
    #[must_use]
    pub fn new(store: Store, organization: i64, clock: Arc<dyn Clock>) -> Self {
        Self { engine: Engine::new(crate::schema::build()), store, organization, clock }
    }

    /// The scope of a visitor.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scope::new(store, self.organization, Actor::LocalVisitor, Role::Owner, clock)
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
        .with_state(server)
}

/// Whether the database answers.
async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    match server.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}
