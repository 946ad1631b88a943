//! The HTTP server: `/graphql` for HTTP, server-sent events and WebSocket, health checks, metrics, and the routes that
//! the product adds.

mod body;
pub mod caller;
pub mod client_address;
pub mod connection;
mod content_negotiation;
mod events;
mod export;
mod graphql;
mod headers;
mod metrics;
mod operation;
pub mod origin;
mod persisted;
pub mod rate_limit;
mod report;
mod settings;
mod socket;
mod stream_task;
mod validation;

use std::sync::Arc;

use async_graphql::Request;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use engine::{
    Actor, Clock, Permission, Role, Scope, Store,
    authentication::{Authenticator, Identity},
    change_log::ChangeStream,
    store::RowScopes,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::SizeAbove},
    cors::CorsLayer,
};

use self::{
    caller::{Caller, Claims, RequestId},
    client_address::ClientAddress,
    content_negotiation::Media,
    metrics::{Metrics, SharedMetrics},
    persisted::Persisted,
    rate_limit::{QuotaState, RateLimits},
    validation::Validation,
};
use crate::{document::Refusal, execute::SchemaExecutor, permission::RootPermissions};

pub use settings::Settings;

/// The message to a caller without a credential where one is required.
pub const AUTHENTICATION_REQUIRED: &str =
    "authentication required: send `Authorization: Bearer <key>`, or sign in at /sign-in";

/// Minimum size in bytes of a compressed response. Compression does not speed up a response that fits
/// into one packet.
const SMALLEST_COMPRESSED: u16 = 1_024;

/// Adds the data that resolvers need to a request.
pub type RequestData = Arc<dyn Fn(Request) -> Request + Send + Sync>;

/// What a product serves.
#[derive(Clone)]
pub struct ServedProduct {
    /// Executes the schema.
    pub executor: SchemaExecutor,
    /// The permissions of the root fields.
    pub permissions: Arc<RootPermissions>,
    /// Which rows of each table a restricted member sees.
    pub row_scopes: Arc<RowScopes>,
    /// Adds the product's own data to each request.
    pub request_data: RequestData,
    /// The routes besides `/graphql`, `/health` and `/metrics`.
    pub routes: Arc<dyn Fn() -> Router<Server> + Send + Sync>,
}

/// Shared state of all requests.
#[derive(Clone)]
pub struct Server {
    product: ServedProduct,
    store: Store,
    feed: ChangeStream,
    organization: i64,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
    credentials: Arc<dyn Authenticator>,
    is_loopback: bool,
    persisted: Persisted,
    metrics: SharedMetrics,
    running: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    validation: Validation,
    rate_limits: Arc<RateLimits>,
    closing: Arc<watch::Sender<bool>>,
}

impl Server {
    /// Creates a server of `product` with the default settings. Must be called inside a runtime, which runs its tasks.
    /// The local user is the owner of `organization`.
    #[must_use]
    pub fn new(
        product: ServedProduct,
        credentials: Arc<dyn Authenticator>,
        store: Store,
        organization: i64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let settings = Settings::default();
        Self {
            product,
            feed: ChangeStream::new(store.clone()),
            credentials,
            is_loopback: true,
            persisted: Persisted::default(),
            metrics: Arc::new(Metrics::new()),
            running: Arc::new(Semaphore::new(settings.max_concurrent)),
            sockets: Arc::new(Semaphore::new(settings::MAX_SOCKETS)),
            followers: Arc::new(Semaphore::new(settings::MAX_SUBSCRIPTIONS)),
            uploads: Arc::new(Semaphore::new(settings::MAX_UPLOADS)),
            validation: Validation::new(),
            rate_limits: Arc::new(limits_of(&settings, &clock)),
            closing: Arc::new(watch::Sender::new(false)),
            settings: Arc::new(settings),
            store,
            organization,
            clock,
        }
    }

    /// The same server with other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        let executor = self.product.executor.within(settings.limits);
        Self {
            product: ServedProduct { executor, ..self.product },
            running: Arc::new(Semaphore::new(settings.max_concurrent)),
            rate_limits: Arc::new(limits_of(&settings, &self.clock)),
            settings: Arc::new(settings),
            ..self
        }
    }

    /// Counts a request of a caller.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    fn count_request(&self, caller: &Caller) -> Result<QuotaState, Refusal> {
        self.rate_limits.count(caller.scope.as_ref(), caller.address)
    }

    /// The same server, which listens on this address.
    #[must_use]
    pub(crate) fn listening_on(self, address: Option<std::net::SocketAddr>) -> Self {
        Self { is_loopback: address.is_some_and(|address| address.ip().is_loopback()), ..self }
    }

    /// The change stream of all subscriptions. Closing it ends them.
    #[must_use]
    pub fn feed(&self) -> &ChangeStream {
        &self.feed
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The organization of the local user.
    #[must_use]
    pub fn organization(&self) -> i64 {
        self.organization
    }

    /// Whether requests without a credential act as the local user.
    pub(crate) async fn admits_local_user(&self) -> Result<bool, Refusal> {
        if self.settings.require_keys || self.settings.local_user {
            return Ok(!self.settings.require_keys);
        }
        let admits = self.credentials.admits_local_user().await;
        admits.map_err(|error| caller::lookup_failed(&error))
    }

    /// The scope of the caller of a request; `None` without a credential where one is required.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `BAD_REQUEST`, `UNAVAILABLE`.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        id: &RequestId,
    ) -> Result<Option<Scope>, Refusal> {
        Ok(caller::meet(self, Claims::of(headers), id).await?.scope)
    }

    /// As [`authenticate`](Self::authenticate), for a request that counts for the rate limits of its caller.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate), and `RATE_LIMITED`.
    pub async fn admit(
        &self,
        headers: &HeaderMap,
        address: ClientAddress,
        id: &RequestId,
    ) -> Result<Option<Scope>, Refusal> {
        let claims = Claims::of(headers).from(Some(address));
        let caller = self.identify(claims, id).await?;
        self.count_request(&caller)?;
        Ok(caller.scope)
    }

    /// Reserves one of the concurrent file uploads; `None` if all are in progress.
    #[must_use]
    pub fn begin_upload(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.uploads).try_acquire_owned().ok()
    }

    /// Counts a rejected request that is not GraphQL, and creates its response from the rejection.
    #[must_use]
    pub fn reject(&self, refusal: &Refusal) -> Response {
        self.metrics.refused(refusal.code);
        graphql::refused(Media::Lines, refusal)
    }

    /// The scope of `actor`, which needs no API key, in the request with this ID.
    fn scope(&self, actor: Actor, request: &RequestId) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scope::new(store, self.organization, actor, Role::Owner, clock)
            .for_request(&request.own, request.client.as_deref())
    }

    /// The scope of an authenticated caller.
    fn scope_of(&self, identity: &Identity, request: &RequestId) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let scope = Scope::authenticated(store, identity, &self.product.row_scopes, clock);
        scope.for_request(&request.own, request.client.as_deref())
    }

    /// Authenticates the caller of a request, and counts a request with a rejected credential for its address.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `BAD_REQUEST`, `UNAVAILABLE`, `RATE_LIMITED`.
    async fn identify(&self, claims: Claims<'_>, id: &RequestId) -> Result<Caller, Refusal> {
        let met = caller::meet(self, claims, id).await;
        if met.as_ref().is_err_and(|refusal| refusal.code != "UNAVAILABLE") {
            self.rate_limits.count(None, claims.address)?;
        }
        met
    }

    /// Whether a caller belongs to the server's own organization.
    fn is_home_of(&self, caller: &caller::Caller) -> bool {
        let organization = caller.scope.as_ref().map(Scope::organization);
        organization == Some(self.organization)
    }

    /// Whether the origin of a request is accepted. Browsers let any page open a WebSocket to any host, and send the
    /// origin of that page. Other clients send no origin.
    #[must_use]
    pub fn accepts_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(header::ORIGIN) else {
            return !headers.contains_key(header::ORIGIN);
        };
        let own = origin.split_once("://").map(|(_, own)| own);
        let is_public =
            |url: &String| url.strip_suffix('/').unwrap_or(url).eq_ignore_ascii_case(origin);
        own.is_some() && own == text(header::HOST)
            || self.settings.public_url.as_ref().is_some_and(is_public)
            || self.settings.allow_origin.iter().any(|known| known.eq_ignore_ascii_case(origin))
    }

    /// Counts a rejected request that is not GraphQL, and creates its response.
    #[must_use]
    pub fn refuse(&self, status: StatusCode, code: &'static str, text: &str) -> Response {
        self.metrics.refused(code);
        let mut response = graphql::refused(Media::Json, &Refusal::new(code, text, None));
        *response.status_mut() = status;
        response
    }
}

/// The rate limits of the settings.
fn limits_of(settings: &Settings, clock: &Arc<dyn Clock>) -> RateLimits {
    let limits: &[_] = if settings.no_rate_limits { &[] } else { &settings.rate_limit };
    RateLimits::new(limits, Arc::clone(clock))
}

/// The routes of the server.
pub fn routes(server: Server) -> Router {
    let graphql = get(graphql::get).post(graphql::post).fallback(graphql::other);
    let routes = Router::new()
        .route("/graphql", graphql)
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(counters))
        .merge((server.product.routes)())
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(compression())
        .layer(middleware::from_fn_with_state(server.clone(), body::discard_unread));
    let routes = match cross_origin(&server.settings) {
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    routes.layer(middleware::from_fn_with_state(server.clone(), headers::enter)).with_state(server)
}

/// Responses are compressed once and read once, so the fastest level is used, and only where compression helps.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth_it = DefaultPredicate::new().and(SizeAbove::new(SMALLEST_COMPRESSED));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

/// CORS for the configured origins; no other origin is allowed.
fn cross_origin(settings: &Settings) -> Option<CorsLayer> {
    let origins = settings.allow_origin.iter().filter_map(|origin| origin.parse().ok());
    let origins: Vec<HeaderValue> = origins.collect();
    if origins.is_empty() {
        return None;
    }
    let own = ["x-request-id", report::TELL_COST, report::TELL_REPORT, caller::ACTOR]
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
        .allow_credentials(true)
        .expose_headers([
            caller::REQUEST_ID,
            header::RETRY_AFTER,
            rate_limit::POLICY,
            rate_limit::STATE,
        ]);
    Some(layer)
}

/// Readiness: whether the database responds.
async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    if *server.closing.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down\n");
    }
    match server.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not respond\n"),
    }
}

/// The metrics, for callers that may view statistics.
async fn counters(State(server): State<Server>, id: RequestId, headers: HeaderMap) -> Response {
    let caller = match caller::meet(&server, Claims::of(&headers), &id).await {
        Ok(caller) => caller,
        Err(refusal) => return graphql::refused(Media::Response, &refusal),
    };
    match caller.role() {
        None => {
            let refusal = Refusal::new("UNAUTHENTICATED", AUTHENTICATION_REQUIRED, None);
            graphql::refused(Media::Response, &refusal)
        }
        // The metrics cover all organizations, so only operators in the server's own organization may see them.
        Some(role) if !role.may(Permission::ViewStatistics) || !server.is_home_of(&caller) => {
            let text = "metrics require the role OWNER or ADMIN in the organization `default`";
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
    server.refuse(StatusCode::NOT_FOUND, "NOT_FOUND", "not found; the GraphQL endpoint is /graphql")
}

async fn wrong_method(State(server): State<Server>) -> Response {
    let text = "method not allowed; use GET";
    server.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
}
