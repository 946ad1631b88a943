//! Who asks: the actor that a request names, and the name of the request itself.
//!
//! Until there are keys a server believes its clients: `Salesgraph-Actor: worker/research-bot` or
//! `person/Ada`. Without it the visitor of the machine acts.

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::Response,
};
use service::Actor;
use uuid::Uuid;

/// The header that names who acts.
pub const ACTOR: &str = "salesgraph-actor";

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name of a request, in characters.
const LONGEST_REQUEST_ID: usize = 128;

/// The longest name of an actor, in characters.
const LONGEST_NAME: usize = 255;

/// The name of a request: given by the client, or by us.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::new))
    }
}

impl RequestId {
    fn new() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}

/// Names every request, and tells its name in the answer.
pub async fn name_request(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given.filter(|name| {
        (1..=LONGEST_REQUEST_ID).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
    });
    let id = given.map_or_else(RequestId::new, |given| RequestId(given.to_owned()));
    let header = HeaderValue::from_str(&id.0).ok();
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Some(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    response
}

/// The actor that `text` names: `worker/NAME` or `person/NAME`.
///
/// # Errors
/// What is wrong, in words for the client.
pub fn actor(text: &str) -> Result<Actor, &'static str> {
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
