//! `/graphql`: requests by POST and GET, single or batched, and responses in the media type the client accepts. The
//! specification is GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>).

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Map, Value};

use super::{
    Server, body,
    caller::{Caller, Claims, RequestId},
    client_address::ClientAddress,
    content_negotiation::{self, Accepted, Media},
    events, export,
    operation::{Operation, Outcome},
    rate_limit::QuotaState,
    report::{TELL_COST, TELL_REPORT, Tells},
    settings::{MAX_BODY, STRANGERS_BODY},
    socket,
};
use crate::document::{MAX_BATCH, Refusal};
use graph::json_text;

/// A request in progress.
struct Asked<'s> {
    server: &'s Server,
    caller: Caller,
    id: RequestId,
    media: Media,
    accepted: Accepted,
    tells: Tells,
    is_get: bool,
    quota: QuotaState,
}

/// A JSON request in the body, or a batch of requests.
pub(super) async fn post(
    State(server): State<Server>,
    id: RequestId,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let is_json = header_is(&headers, header::CONTENT_TYPE, "application/json");
    if !is_json || headers.contains_key(header::CONTENT_ENCODING) {
        let text = "unsupported body; send uncompressed application/json";
        return server.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", text);
    }
    let address = parts.extensions.get().copied();
    match Asked::meet(&server, (&headers, address), id, false).await {
        Ok(asked) => asked.with_quota(answer_body(&asked, &headers, body).await),
        Err(response) => response,
    }
}

/// The response to the JSON in a body.
async fn answer_body(asked: &Asked<'_>, headers: &HeaderMap, body: Body) -> Response {
    let server = asked.server;
    // Unauthenticated clients get a smaller limit when keys are required.
    let largest = if asked.caller.role().is_some() { MAX_BODY } else { STRANGERS_BODY };
    let body = match body::read(headers, body, largest, server.settings.body_timeout).await {
        Ok(body) => body,
        Err(body::Unread::TooLarge) => {
            let text = format!("the request body exceeds the limit of {} KiB", largest / 1_024);
            return server.refuse(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &text);
        }
        Err(body::Unread::TooSlow) => {
            let text = "the request body timed out";
            return server.refuse(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", text);
        }
        Err(body::Unread::Broken) => return asked.bad("the request body could not be read"),
    };
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(fields)) => asked.answer(&fields).await,
        Ok(Value::Array(requests)) => asked.answer_all(requests).await,
        Ok(_) => asked.bad(
            "the request body must be a JSON object with `query`, `variables`, `operationName`",
        ),
        Err(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            asked.bad(&format!("the request body is not valid JSON ({place})"))
        }
    }
}

/// A query in the URL, or a WebSocket upgrade.
pub(super) async fn get(
    State(server): State<Server>,
    id: RequestId,
    request: axum::extract::Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if header_is(&parts.headers, header::UPGRADE, "websocket") {
        return socket::open(server, &mut parts, id).await;
    }
    if parts.headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        let text = "the Upgrade header of this WebSocket request is missing; configure the proxy to forward it";
        return server.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", text);
    }
    if parts.uri.query().is_none() && wants_page(&parts.headers) {
        return Redirect::to("/").into_response();
    }
    let address = parts.extensions.get().copied();
    match Asked::meet(&server, (&parts.headers, address), id, true).await {
        Ok(asked) => asked.with_quota(answer_url(&asked, &parts.uri).await),
        Err(response) => response,
    }
}

/// The response to the query in a URL.
async fn answer_url(asked: &Asked<'_>, uri: &Uri) -> Response {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return asked.bad("the query string of the URL is invalid");
    };
    let mut fields = Map::new();
    for (name, value) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" if value.is_empty() => Value::Null,
            "variables" | "extensions" => match serde_json::from_str(&value) {
                Ok(value) => value,
                Err(_) => return asked.bad("`variables` and `extensions` must be JSON objects"),
            },
            _ => Value::String(value),
        };
        fields.insert(name, value);
    }
    asked.answer(&fields).await
}

/// Other methods: `OPTIONS` returns the allowed ones, the rest are rejected.
pub(super) async fn other(State(server): State<Server>, method: Method) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let text = "method not allowed; use GET or POST";
        server.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
    };
    let allowed = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn header_is(headers: &HeaderMap, name: header::HeaderName, expected: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    let value = value.and_then(|value| value.split(';').next()).map(str::trim);
    value.is_some_and(|value| value.eq_ignore_ascii_case(expected))
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

impl<'s> Asked<'s> {
    async fn meet(
        server: &'s Server,
        (headers, address): (&HeaderMap, Option<ClientAddress>),
        id: RequestId,
        is_get: bool,
    ) -> Result<Self, Response> {
        let accepted = content_negotiation::accepted(headers);
        let Some(media) = accepted.best else {
            let text = "not acceptable; supported types: application/graphql-response+json, application/json, \
                        text/event-stream, text/csv, application/x-ndjson";
            return Err(server.refuse(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text));
        };
        let tells = Tells {
            cost: headers.contains_key(TELL_COST),
            report: headers.contains_key(TELL_REPORT),
        };
        let claims = Claims::of(headers).from(address);
        let met = server.identify(claims, &id).await;
        match met.and_then(|caller| Ok((server.count_request(&caller)?, caller))) {
            Ok((quota, caller)) => {
                Ok(Self { server, caller, id, media, accepted, tells, is_get, quota })
            }
            Err(refusal) => {
                server.metrics.refused(refusal.code);
                let mut response = refused(media, &refusal);
                // A page of another origin may not even learn that its request was well-formed.
                if refusal.code == "FORBIDDEN" {
                    *response.status_mut() = StatusCode::FORBIDDEN;
                }
                Err(response)
            }
        }
    }

    /// Adds the state of the rate limits to a response.
    fn with_quota(&self, mut response: Response) -> Response {
        for (name, value) in &self.quota.headers() {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    }

    fn bad(&self, text: &str) -> Response {
        self.server.metrics.refused("BAD_REQUEST");
        refused(self.media, &Refusal::new("BAD_REQUEST", text, None))
    }

    async fn answer(&self, fields: &Map<String, Value>) -> Response {
        if self.media.is_table() {
            let Self { server, caller, id, media, accepted, .. } = self;
            let alternative = accepted.without_table;
            let is_optional = alternative.is_some();
            match (
                export::answer(server, caller, id, fields, *media, is_optional).await,
                alternative,
            ) {
                (Some(response), _) => return response,
                (None, media) => {
                    return Box::pin(self.answer_json(media.unwrap_or(Media::Response), fields))
                        .await;
                }
            }
        }
        self.answer_json(self.media, fields).await
    }

    /// Answers a request that is not exported as a table.
    async fn answer_json(&self, media: Media, fields: &Map<String, Value>) -> Response {
        let operation = match self.admit(fields).await {
            Ok(operation) => operation,
            Err(refusal) => return refused_as(media, refusal),
        };
        if operation.kind() == OperationType::Subscription {
            return if self.accepted.events {
                events::follow(self.server, &self.caller, operation).await
            } else {
                let text = "subscriptions require a WebSocket or `Accept: text/event-stream`";
                self.server.refuse(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text)
            };
        }
        let outcome = operation.run(self.server, &self.caller).await;
        if media == Media::Events {
            return events::once(&outcome);
        }
        match outcome {
            Outcome::Refused(refusal) => refused_as(media, refusal),
            answered @ Outcome::Answer(_) => answer(media, StatusCode::OK, text(&answered)),
        }
    }

    /// Runs the requests of a batch one after another.
    async fn answer_all(&self, requests: Vec<Value>) -> Response {
        if self.media == Media::Events || self.media.is_table() {
            let text = "a batch can only be answered as JSON; accept application/json";
            return self.server.refuse(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text);
        }
        if requests.is_empty() || requests.len() > MAX_BATCH {
            return self.bad(&format!("a batch must contain 1 to {MAX_BATCH} requests"));
        }
        let mut answers = Vec::with_capacity(requests.len());
        for (place, request) in requests.iter().enumerate() {
            let Value::Object(fields) = request else {
                return self.bad("each request of a batch must be a JSON object");
            };
            // The first request was counted with the batch.
            let counted = if place == 0 {
                Ok(QuotaState::default())
            } else {
                let counted = self.server.count_request(&self.caller);
                counted.inspect_err(|refusal| self.server.metrics.refused(refusal.code))
            };
            let admitted = match counted {
                Ok(_) => self.admit(fields).await,
                Err(refusal) => Err(refusal),
            };
            let outcome = match admitted {
                Ok(operation) if operation.kind() == OperationType::Subscription => {
                    let text = "subscriptions are not allowed in a batch";
                    Outcome::Refused(Refusal::new("BAD_REQUEST", text, None))
                }
                Ok(operation) => operation.run(self.server, &self.caller).await,
                Err(refusal) => Outcome::Refused(refusal),
            };
            answers.push(text(&outcome));
        }
        answer(self.media, StatusCode::OK, format!("[{}]", answers.join(",")))
    }

    async fn admit(&self, fields: &Map<String, Value>) -> Result<Operation, Refusal> {
        let mut operation = Operation::admit(self.server, &self.caller, &self.id, fields).await?;
        if self.is_get && operation.kind() == OperationType::Mutation {
            let text = "mutations must be sent by POST";
            return Err(Refusal::new("METHOD_NOT_ALLOWED", text, None));
        }
        operation.tells = self.tells;
        Ok(operation)
    }
}

/// Serializes an outcome.
pub(super) fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(refusal) => serde_json::json!({ "errors": refusal.errors }).to_string(),
        Outcome::Answer(response) => json_text::response(response),
    }
}

/// As [`refused`], for all media types. Event stream clients expect errors as events; in a body with status 200 they
/// would be lost.
fn refused_as(media: Media, refusal: Refusal) -> Response {
    if media == Media::Events && media.refused(refusal.code) == StatusCode::OK {
        return events::once(&Outcome::Refused(refusal));
    }
    refused(media, &refusal)
}

/// The response to a request that was not executed: errors without data.
pub(super) fn refused(media: Media, refusal: &Refusal) -> Response {
    let status = media.refused(refusal.code);
    let media = match media {
        Media::Events => Media::Json,
        Media::Csv | Media::Lines => Media::Response,
        other => other,
    };
    let errors = serde_json::json!({ "errors": refusal.errors });
    let mut response = answer(media, status, errors.to_string());
    let headers = response.headers_mut();
    let mut tell = |name, text| headers.insert(name, HeaderValue::from_static(text));
    match status {
        StatusCode::UNAUTHORIZED => tell(header::WWW_AUTHENTICATE, "Bearer"),
        StatusCode::SERVICE_UNAVAILABLE => tell(header::RETRY_AFTER, "1"),
        StatusCode::METHOD_NOT_ALLOWED => tell(header::ALLOW, "POST"),
        _ => None,
    };
    headers.extend(refusal.headers.as_deref().cloned().unwrap_or_default());
    response
}

fn answer(media: Media, status: StatusCode, json: String) -> Response {
    let kind = HeaderValue::from_static(media.content_type());
    (status, [(header::CONTENT_TYPE, kind)], Body::from(json)).into_response()
}
