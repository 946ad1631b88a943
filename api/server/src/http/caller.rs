//! The caller: the actor of a request, and the request ID.
//!
//! An API key (`Authorization: Bearer KEY`) or the cookie of a session determines the actor. While a server on a loopback
//! address has no credentials, it requires none: the caller is then the owner of its organization and may send
//! `Salesgraph-Actor: worker/research-bot` or `person/Ada`.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use engine::{Actor, Role, Scope};
use uuid::fmt::Hyphenated;

use super::{Server, client_address::ClientAddress, origin::PageHeaders};
use crate::document::Refusal;

/// Request header that names the actor where no key is required.
pub const ACTOR: &str = "salesgraph-actor";

/// Header with the request ID.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How often the credential of a long-lived connection is revalidated.
pub(super) const LOOKED_AT_EVERY: Duration = Duration::from_millis(400);

/// Maximum length of a request ID, in characters.
const MAX_REQUEST_ID_LENGTH: usize = 128;

/// Maximum length of an actor name, in characters.
const MAX_NAME_LENGTH: usize = 255;

/// Response header that returns the client's request ID.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// A request ID. The server generates one for every request, because client-chosen IDs may repeat or equal those of
/// other requests. The client's ID is kept as well.
#[derive(Clone, Debug)]
pub struct RequestId {
    /// The server-generated ID.
    pub own: Arc<str>,
    /// The client's `X-Request-Id`.
    pub client: Option<Arc<str>>,
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::new))
    }
}

impl RequestId {
    /// The ID of the request that a scope belongs to.
    fn of_scope(scope: &Scope) -> Self {
        let own = scope.request().unwrap_or_default().into();
        Self { own, client: scope.client_request().map(Into::into) }
    }

    /// A new ID, together with the client's.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let given = given.filter(|name| {
            (1..=MAX_REQUEST_ID_LENGTH).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic())
        });
        Self { client: given.map(Into::into), ..Self::new() }
    }

    /// A time-ordered ID (UUID version 7). IDs need not be unguessable, so the random part requires no system call.
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = since.as_millis().try_into().unwrap_or_default();
        let mut random = [0; 10];
        fastrand::fill(&mut random);
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
        let mut text = [0; Hyphenated::LENGTH];
        Self { own: (&*id.hyphenated().encode_lower(&mut text)).into(), client: None }
    }
}

/// The caller of a request.
#[derive(Clone)]
pub(super) struct Caller {
    /// The scope of the caller; `None` without a credential where one is required.
    pub(super) scope: Option<Scope>,
    /// The address of the client, if it is known.
    pub(super) address: Option<IpAddr>,
    secret: CallerSecret,
}

/// What a caller has sent to prove its identity.
#[derive(Clone)]
enum CallerSecret {
    None,
    ApiKey(Arc<str>),
    SessionToken(Arc<str>),
}

/// Credentials and actor sent by a client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Claims<'c> {
    /// The `Authorization` header: `Bearer` and the key.
    pub(super) authorization: Option<&'c str>,
    /// The actor name.
    pub(super) actor: Option<&'c str>,
    /// The `Cookie` header.
    pub(super) cookies: Option<&'c str>,
    /// The page that has sent the request.
    pub(super) page: PageHeaders<'c>,
    /// The address of the client.
    pub(super) address: Option<IpAddr>,
}

impl<'c> Claims<'c> {
    /// Reads the headers. A value that is not text is neither a key nor a name.
    pub(super) fn of(headers: &'c HeaderMap) -> Self {
        let text =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        Self {
            authorization: text(header::AUTHORIZATION.as_str()),
            actor: text(ACTOR),
            cookies: text(header::COOKIE.as_str()),
            page: PageHeaders::of(headers),
            address: None,
        }
    }

    /// The same claims of the client at this address.
    pub(super) fn from(self, address: Option<ClientAddress>) -> Self {
        Self { address: address.map(|address| address.0), ..self }
    }
}

impl Caller {
    /// The role of the caller; `None` without a credential.
    pub(super) fn role(&self) -> Option<Role> {
        self.scope.as_ref().map(Scope::role)
    }

    /// Revalidates the credential and returns the current permissions; `None` if it has ended, or if the local user is no
    /// longer admitted. The previous result stays in effect while the database is unavailable.
    pub(super) async fn again(&self, server: &Server) -> Option<Self> {
        let Some(scope) = &self.scope else { return Some(self.clone()) };
        let found = match &self.secret {
            CallerSecret::ApiKey(key) => server.credentials.holder(key).await,
            CallerSecret::SessionToken(token) => server.credentials.session(token).await,
            CallerSecret::None => {
                let is_admitted = server.admits_local_user().await.unwrap_or(true);
                return is_admitted.then(|| self.clone());
            }
        };
        match found {
            Ok(Some(identity)) => {
                let scope = server.scope_of(&identity, &RequestId::of_scope(scope));
                Some(Self { scope: Some(scope), ..self.clone() })
            }
            Ok(None) => None,
            Err(_) => Some(self.clone()),
        }
    }

    /// Whether the caller still has the role and the row access that `before` had. Operations in progress keep those with which
    /// they began, so they end when these change.
    pub(super) fn has_access_of(&self, before: &Self) -> bool {
        let access =
            |caller: &Self| caller.scope.as_ref().map(|scope| (scope.role(), scope.row_access()));
        access(self) == access(before)
    }

    /// Resolves when the credential is no longer valid, or has another role.
    pub(super) async fn sent_away(self, server: Server) {
        while self.again(&server).await.is_some_and(|now| now.has_access_of(&self)) {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    }
}

/// Authenticates the caller of the request `id`.
///
/// # Errors
/// `UNAUTHENTICATED`, `BAD_REQUEST`, `UNAVAILABLE`.
pub(super) async fn meet(
    server: &Server,
    claims: Claims<'_>,
    id: &RequestId,
) -> Result<Caller, Refusal> {
    let address = claims.address;
    let Some(authorization) = claims.authorization else {
        if let Some(caller) = meet_session(server, claims, id).await? {
            return Ok(caller);
        }
        if !server.admits_local_user().await? {
            return Ok(Caller { scope: None, address, secret: CallerSecret::None });
        }
        let actor = claims.actor.map_or(Ok(Actor::LocalUser), actor);
        let actor = actor.map_err(|text| {
            Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::ActorInvalid)
        })?;
        let scope = Some(server.scope(actor, id));
        return Ok(Caller { scope, address, secret: CallerSecret::None });
    };
    if claims.actor.is_some() {
        let text = "`Salesgraph-Actor` is not allowed with an API key; omit it";
        return Err(Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::ActorInvalid));
    }
    let key = authorization.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    let key = key.map(|(_, key)| key.trim()).unwrap_or_default();
    match server.credentials.holder(key).await {
        Ok(Some(identity)) => {
            let scope = server.scope_of(&identity, id);
            Ok(Caller { scope: Some(scope), address, secret: CallerSecret::ApiKey(key.into()) })
        }
        Ok(None) => {
            // The prefix is not secret and identifies the key that was tried.
            let prefix = key.split_once('.').map(|(prefix, _)| prefix).filter(|p| p.len() == 15);
            tracing::warn!(request = &*id.own, prefix, "API key rejected");
            let text = "the API key is invalid, revoked or expired";
            Err(Refusal::new("UNAUTHENTICATED", text, None).because(engine::Reason::KeyRejected))
        }
        Err(error) => Err(lookup_failed(&error)),
    }
}

/// The caller with the session in the cookie of the request; `None` if there is no cookie, or no session while the local
/// user is admitted.
///
/// # Errors
/// `FORBIDDEN` if a page of another origin has sent the request, `UNAUTHENTICATED`, `UNAVAILABLE`.
async fn meet_session(
    server: &Server,
    claims: Claims<'_>,
    id: &RequestId,
) -> Result<Option<Caller>, Refusal> {
    let token = claims.cookies.and_then(|cookies| server.session_token(claims.page, cookies));
    let Some(token) = token else { return Ok(None) };
    server.check_page(claims.page)?;
    let found = server.credentials.session(token).await;
    let Some(identity) = found.map_err(|error| lookup_failed(&error))? else {
        // The browser may have kept the cookie of another database on this machine.
        if server.admits_local_user().await? {
            return Ok(None);
        }
        let text = "the session has ended; sign in again at /sign-in";
        return Err(
            Refusal::new("UNAUTHENTICATED", text, None).because(engine::Reason::SessionRejected)
        );
    };
    if claims.actor.is_some() {
        let text = "`Salesgraph-Actor` is not allowed with a session; omit it";
        return Err(Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::ActorInvalid));
    }
    let scope = server.scope_of(&identity, id);
    let secret = CallerSecret::SessionToken(token.into());
    Ok(Some(Caller { scope: Some(scope), address: claims.address, secret }))
}

/// The response to a request whose credential can't be looked up.
pub(super) fn lookup_failed(error: &engine::Error) -> Refusal {
    tracing::warn!(%error, "lookup of a credential failed");
    Refusal::new("UNAVAILABLE", error.to_string(), None)
        .because(engine::Reason::DatabaseUnavailable)
}

/// Parses an actor from `text`: `worker/NAME` or `person/NAME`.
fn actor(text: &str) -> Result<Actor, &'static str> {
    let wrong =
        "the actor must be worker/NAME or person/NAME, with a name of at most 255 characters";
    let (kind, name) = text.split_once('/').ok_or(wrong)?;
    let proper = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_LENGTH
        && !name.chars().any(char::is_control);
    match kind {
        "worker" if proper => Ok(Actor::Worker(name.to_owned())),
        "person" if proper => Ok(Actor::Person(name.to_owned())),
        _ => Err(wrong),
    }
}
