//! Who asks: the actor of a request, and the name of the request itself.
//!
//! A key says who acts (`Authorization: Bearer KEY`). A server that only this machine can reach asks for
//! none: then the visitor is its owner, and may say `Salesgraph-Actor: worker/research-bot` or `person/Ada`.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use service::{Actor, Role, Scope};
use uuid::fmt::Hyphenated;

use super::Server;
use crate::document::Refusal;

/// The header that names who acts, where nobody is asked for a key.
pub const ACTOR: &str = "salesgraph-actor";

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How often the key of one who follows is looked at again.
pub(super) const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// The longest name of a request, in characters.
const LONGEST_REQUEST_ID: usize = 128;

/// The longest name of an actor, in characters.
const LONGEST_NAME: usize = 255;

/// The header that returns the request id of the client.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// The id of a request. The server makes one for every request: what a client chooses may be chosen twice, or be that of
/// another's request, and stands beside it.
#[derive(Clone, Debug)]
pub struct RequestId {
    /// The one of the server.
    pub own: Arc<str>,
    /// The one that the client has sent in `X-Request-Id`.
    pub client: Option<Arc<str>>,
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::new))
    }
}

impl RequestId {
    /// The id of the request that a scope is for.
    fn of_scope(scope: &Scope) -> Self {
        let own = scope.request().unwrap_or_default().into();
        Self { own, client: scope.client_request().map(Into::into) }
    }

    /// A new id, with that of the client.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let given = given.filter(|name| {
            (1..=LONGEST_REQUEST_ID).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic())
        });
        Self { client: given.map(Into::into), ..Self::new() }
    }

    /// A name that sorts by its time (UUID version 7). Nobody gains by guessing one: its random part takes
    /// no call of the system.
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

/// Who asks.
#[derive(Clone)]
pub(super) struct Visitor {
    /// Where they act; `None` when they have shown no key to a server that asks for one.
    pub(super) scope: Option<Scope>,
    /// The key that they have shown.
    key: Option<Arc<str>>,
}

/// What a client says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Claims<'c> {
    /// `Bearer` and the key.
    pub(super) authorization: Option<&'c str>,
    /// The actor by its name.
    pub(super) actor: Option<&'c str>,
}

impl<'c> Claims<'c> {
    /// What the headers say. What is no text can be neither a key nor a name.
    pub(super) fn of(headers: &'c HeaderMap) -> Self {
        let text =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        Self { authorization: text(header::AUTHORIZATION.as_str()), actor: text(ACTOR) }
    }
}

impl Visitor {
    /// What the visitor is; `None` when they have shown no key.
    pub(super) fn role(&self) -> Option<Role> {
        self.scope.as_ref().map(Scope::role)
    }

    /// Whether a key was shown, which may be taken back.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Looks at the key again: what it may do now; `None` when it is not accepted any more. While the
    /// database can't say, it is as it was.
    pub(super) async fn again(&self, server: &Server) -> Option<Self> {
        let (Some(key), Some(scope)) = (&self.key, &self.scope) else { return Some(self.clone()) };
        match server.keys.holder(key).await {
            Ok(Some(holder)) => {
                let scope = server.scope_of(&holder, &RequestId::of_scope(scope));
                Some(Self { scope: Some(scope), key: Some(Arc::clone(key)) })
            }
            Ok(None) => None,
            Err(_) => Some(self.clone()),
        }
    }

    /// Ends when the key that was shown is not accepted any more.
    pub(super) async fn sent_away(self, server: Server) {
        while self.again(&server).await.is_some() {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    }
}

/// Who it is that says so, in the request called `id`.
///
/// # Errors
/// `UNAUTHENTICATED`, `BAD_REQUEST`, `UNAVAILABLE`.
pub(super) async fn meet(
    server: &Server,
    claims: Claims<'_>,
    id: &RequestId,
) -> Result<Visitor, Refusal> {
    let Some(authorization) = claims.authorization else {
        if server.settings.require_keys {
            return Ok(Visitor { scope: None, key: None });
        }
        let actor = claims.actor.map_or(Ok(Actor::LocalVisitor), actor);
        let actor = actor.map_err(|text| {
            Refusal::new("BAD_REQUEST", text, None).because(service::Reason::ActorInvalid)
        })?;
        return Ok(Visitor { scope: Some(server.scope(actor, id)), key: None });
    };
    if claims.actor.is_some() {
        let text = "the key says who acts: leave the actor out";
        return Err(Refusal::new("BAD_REQUEST", text, None).because(service::Reason::ActorInvalid));
    }
    let key = authorization.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    let key = key.map(|(_, key)| key.trim()).unwrap_or_default();
    match server.keys.holder(key).await {
        Ok(Some(holder)) => {
            let scope = server.scope_of(&holder, id);
            Ok(Visitor { scope: Some(scope), key: Some(key.into()) })
        }
        Ok(None) => {
            // What stands before the point is no secret, and tells whose key was tried.
            let prefix = key.split_once('.').map(|(prefix, _)| prefix).filter(|p| p.len() == 15);
            tracing::warn!(request = &*id.own, prefix, "a key was not accepted");
            let text = "this key is not accepted: it is wrong, revoked, or its time is over";
            Err(Refusal::new("UNAUTHENTICATED", text, None).because(service::Reason::KeyRejected))
        }
        Err(error) => {
            tracing::warn!(%error, "a key could not be looked up");
            Err(Refusal::new("UNAVAILABLE", error.to_string(), None)
                .because(service::Reason::DatabaseUnavailable))
        }
    }
}

/// The actor that `text` names: `worker/NAME` or `person/NAME`.
fn actor(text: &str) -> Result<Actor, &'static str> {
    let wrong = "the actor must be worker/NAME or person/NAME, its name at most 255 characters";
    let (kind, name) = text.split_once('/').ok_or(wrong)?;
    let proper = !name.trim().is_empty()
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(char::is_control);
    match kind {
        "worker" if proper => Ok(Actor::Worker(name.to_owned())),
        "person" if proper => Ok(Actor::Person(name.to_owned())),
        _ => Err(wrong),
    }
}
