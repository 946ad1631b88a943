//! The HTTP server: `/graphql` for HTTP, events and WebSocket, `/imports` for lists, GraphiQL at `/`, health and metrics.

mod body;
pub mod connection;
mod detached;
mod events;
mod export;
pub mod graphiql;
mod graphql;
mod head;
mod media;
mod metrics;
mod operation;
mod persisted;
mod report;
mod settings;
mod socket;
mod upload;
mod validation;
pub mod visitor;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use service::{
    Actor, Clock, Permission, Role, Scope, Store,
    governance::change_log::Feed,
    identity::key_ring::{Holder, KeyRing},
    ingest::enrichment::{Offline, Providers},
};
use tokio::sync::{Semaphore, watch};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::SizeAbove},
    cors::CorsLayer,
};

use self::{
    media::Media,
    metrics::{Metrics, SharedMetrics},
    persisted::Persisted,
    validation::Validation,
    visitor::{Claims, RequestId},
};
use crate::{document::Refusal, execute::SchemaExecutor};

pub use settings::Settings;

/// From how many bytes on an answer is compressed: what fits into one packet is not sent sooner.
const SMALLEST_COMPRESSED: u16 = 1_024;

/// What every request is answered with.
#[derive(Clone)]
pub struct Server {
    executor: SchemaExecutor,
    store: Store,
    feed: Feed,
    organization: i64,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
    keys: KeyRing,
    persisted: Persisted,
    metrics: SharedMetrics,
    running: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    validation: Validation,
    providers: Providers,
    closing: Arc<watch::Sender<bool>>,
}

impl Server {
    /// A server with the usual settings. It is made inside a runtime, which runs its tasks. Where no key
    /// is asked for, the visitor is the owner of `organization`.
    #[must_use]
    pub fn new(store: Store, organization: i64, clock: Arc<dyn Clock>) -> Self {
        let settings = Settings::default();
        Self {
            executor: SchemaExecutor::new(),
            feed: Feed::new(store.clone()),
            keys: KeyRing::new(store.clone(), Arc::clone(&clock)),
            persisted: Persisted::default(),
            metrics: Arc::new(Metrics::new()),
            running: Arc::new(Semaphore::new(settings.max_concurrent)),
            sockets: Arc::new(Semaphore::new(settings::MOST_SOCKETS)),
            followers: Arc::new(Semaphore::new(settings::MOST_SUBSCRIPTIONS)),
            uploads: Arc::new(Semaphore::new(settings::MOST_UPLOADS)),
            validation: Validation::new(),
            providers: Providers::new(vec![Arc::new(Offline)]),
            closing: Arc::new(watch::Sender::new(false)),
            settings: Arc::new(settings),
            store,
            organization,
            clock,
        }
    }

    /// The same, with other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        Self {
            executor: self.executor.within(settings.limits),
            running: Arc::new(Semaphore::new(settings.max_concurrent)),
            settings: Arc::new(settings),
            ..self
        }
    }

    /// The same, with other providers that enrichments may ask.
    #[must_use]
    pub fn asking(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// What subscriptions follow. Closing it ends them all.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The keys that are accepted.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The scope of `actor`, who needs no key, in the request that this names.
    fn scope(&self, actor: Actor, request: &RequestId) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scope::new(store, self.organization, actor, Role::Owner, clock)
            .for_request(&request.own, request.client.as_deref())
    }

    /// The scope of one who holds a key.
    fn scope_of(&self, holder: &Holder, request: &RequestId) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let Holder { id, organization, actor, role, .. } = holder;
        let scope = Scope::new(store, *organization, actor.clone(), *role, clock);
        scope.by_key(*id).for_request(&request.own, request.client.as_deref())
    }

    /// Whether a visitor is of the server's own organization.
    fn is_home_of(&self, visitor: &visitor::Visitor) -> bool {
        let organization = visitor.scope.as_ref().map(Scope::organization);
        organization == Some(self.organization)
    }

    /// Browsers let any page open a socket anywhere, and say which page it was. Other clients say nothing.
    fn accepts_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(header::ORIGIN) else {
            return !headers.contains_key(header::ORIGIN);
        };
        let own = origin.split_once("://").map(|(_, own)| own);
        own.is_some() && own == text(header::HOST)
            || self.settings.allow_origin.iter().any(|known| known.eq_ignore_ascii_case(origin))
    }

    /// An answer to what is no request of GraphQL, counted.
    fn refuse(&self, status: StatusCode, code: &'static str, text: &str) -> Response {
        self.metrics.refused(code);
        let mut response = graphql::refused(Media::Json, &Refusal::new(code, text, None));
        *response.status_mut() = status;
        response
    }
}

/// The routes of the server.
pub fn routes(server: Server) -> Router {
    let graphql = get(graphql::get).post(graphql::post).fallback(graphql::other);
    let imports = post(upload::post).fallback(upload::other);
    let imports = imports.layer(DefaultBodyLimit::max(upload::LARGEST_FORM));
    let routes = Router::new()
        .route("/graphql", graphql)
        .route("/imports", imports)
        .route("/", get(graphiql::page))
        .route("/graphiql/{name}", get(graphiql::asset))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(counters))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(compression())
        .layer(middleware::from_fn_with_state(server.clone(), body::discard_unread));
    let routes = match cross_origin(&server.settings) {
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    routes.layer(middleware::from_fn_with_state(server.clone(), head::enter)).with_state(server)
}

/// Answers are made once and read once: the fastest level, and only where there is something to gain.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth_it = DefaultPredicate::new().and(SizeAbove::new(SMALLEST_COMPRESSED));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

/// Pages of the origins that are named may ask; no other origin is ever told that it may.
fn cross_origin(settings: &Settings) -> Option<CorsLayer> {
    let origins = settings.allow_origin.iter().filter_map(|origin| origin.parse().ok());
    let origins: Vec<HeaderValue> = origins.collect();
    if origins.is_empty() {
        return None;
    }
    let own = ["x-request-id", report::TELL_COST, report::TELL_REPORT, visitor::ACTOR]
        .map(HeaderName::from_static);
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(
            [header::CONTENT_TYPE, header::AUTHORIZATION, header::ACCEPT]
                .into_iter()
                .chain(own)
                .collect::<Vec<_>>(),
        )
        .expose_headers([visitor::REQUEST_ID, header::RETRY_AFTER]);
    Some(layer)
}

/// Whether the database answers.
async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    if *server.closing.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server stops\n");
    }
    match server.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

/// The counters, for those who may see how the server is doing.
async fn counters(State(server): State<Server>, id: RequestId, headers: HeaderMap) -> Response {
    let visitor = match visitor::meet(&server, Claims::of(&headers), &id).await {
        Ok(visitor) => visitor,
        Err(refusal) => return graphql::refused(Media::Response, &refusal),
    };
    match visitor.role() {
        None => {
            let refusal = Refusal::new("UNAUTHENTICATED", "show a key", None);
            graphql::refused(Media::Response, &refusal)
        }
        // They tell of all organizations: for those who run the server, in its own.
        Some(role) if !role.may(Permission::ViewStatistics) || !server.is_home_of(&visitor) => {
            let text = "these are for owners and admins of the organization `default`";
            server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text)
        }
        Some(_) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let text = server.metrics.text(&server).await;
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
    }
}

async fn nowhere(State(server): State<Server>) -> Response {
    server.refuse(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here; ask at /graphql")
}

async fn wrong_method(State(server): State<Server>) -> Response {
    let text = "this is read by GET";
    server.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
}
