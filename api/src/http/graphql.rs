//! `/graphql`: requests by POST and GET, answers as events, and the graphql-transport-ws protocol.

use async_graphql::{
    Data, ErrorExtensionValues, Executor, Request, Response as Answer, ServerError, Variables,
    http::ALL_WEBSOCKET_PROTOCOLS, parser::types::OperationType,
};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequestParts, Query, State, WebSocketUpgrade, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use service::Actor;

use super::{
    Server, events,
    visitor::{self, RequestId},
};
use crate::document;

/// The largest message of a WebSocket, in bytes.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// What a socket keeps to read and to write, in bytes, while little is said on it: most wait for something
/// to happen. The library's own measure is 128 KiB for each.
const SOCKET_BUFFER: usize = 4 * 1024;

/// A request in the body, as JSON.
pub(super) async fn post(
    State(server): State<Server>,
    id: RequestId,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        let text = "send the request as application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", text);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let status = rejection.status();
            return refuse(status, "BAD_REQUEST", "the body is too large, or could not be read");
        }
    };
    let fields = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            return bad(
                "the body must be a JSON object with `query`, `variables`, `operationName`",
            );
        }
        Err(error) => return bad(&format!("the body can't be read as JSON: {error}")),
    };
    match request(&fields) {
        Ok(request) => execute(&server, request, &headers, &id).await,
        Err(text) => bad(text),
    }
}

/// A query in the address, or a WebSocket.
pub(super) async fn get(
    State(server): State<Server>,
    id: RequestId,
    request: axum::extract::Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let upgrade = parts.headers.get(header::UPGRADE);
    if upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return socket(server, &mut parts, id).await;
    }
    let mut fields = Map::new();
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return bad("the address can't be read");
    };
    for (name, value) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" if value.is_empty() => Value::Null,
            "variables" | "extensions" => match serde_json::from_str(&value) {
                Ok(value) => value,
                Err(_) => return bad("`variables` and `extensions` must be JSON objects"),
            },
            _ => Value::String(value),
        };
        fields.insert(name, value);
    }
    let mut request = match self::request(&fields) {
        Ok(request) => request,
        Err(text) => return bad(text),
    };
    let wants_events = events::wanted(&parts.headers);
    let fits = |ty| match ty {
        OperationType::Query => true,
        OperationType::Mutation => false,
        OperationType::Subscription => wants_events,
    };
    if operation_type(&mut request).is_some_and(|ty| !fits(ty)) {
        let text = "only queries can be asked by GET, and subscriptions as text/event-stream";
        let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text);
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
        return response;
    }
    execute(&server, request, &parts.headers, &id).await
}

/// The type of the operation that is to be run; `None` when the document is refused anyway, with its
/// reason, below.
fn operation_type(request: &mut Request) -> Option<OperationType> {
    document::prepare(request).ok()?;
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    document::operation(document, name.as_deref()).map(|operation| operation.ty)
}

async fn socket(server: Server, parts: &mut Parts, id: RequestId) -> Response {
    if !is_same_origin(&parts.headers) {
        let text = "a page of another origin can't open a socket here";
        return refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text);
    }
    let Ok(protocol) = GraphQLProtocol::from_request_parts(parts, &()).await else {
        return bad("the subprotocol must be graphql-transport-ws");
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let actor = match asked_actor(&parts.headers) {
        Ok(actor) => actor,
        Err(text) => return bad(text),
    };
    let mut data = Data::default();
    data.insert(server.feed.clone());
    data.insert(server.scope(actor, &id.0));
    let greeted = server.clone();
    let upgrade = upgrade.read_buffer_size(SOCKET_BUFFER).write_buffer_size(SOCKET_BUFFER);
    upgrade.max_message_size(LARGEST_MESSAGE).protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(
        move |socket| {
            GraphQLWebSocket::new(socket, server.executor, protocol)
                .with_data(data)
                .on_connection_init(move |payload| async move { greet(&greeted, &payload, &id) })
                .serve()
        },
    )
}

/// Browsers can't send headers with a socket: the first message may name the actor too.
fn greet(server: &Server, payload: &Value, id: &RequestId) -> async_graphql::Result<Data> {
    let mut data = Data::default();
    if let Some(Value::String(text)) = payload.get("actor") {
        let actor = visitor::actor(text).map_err(async_graphql::Error::new)?;
        data.insert(server.scope(actor, &id.0));
    }
    Ok(data)
}

/// Who acts, by the header that says so.
fn asked_actor(headers: &HeaderMap) -> Result<Actor, &'static str> {
    match headers.get(visitor::ACTOR) {
        None => Ok(Actor::LocalVisitor),
        Some(value) => visitor::actor(std::str::from_utf8(value.as_bytes()).unwrap_or_default()),
    }
}

/// Browsers let any page open a socket anywhere, and say which page it was. Other clients say nothing.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, own)| own == host),
        (Some(_), None) => false,
    }
}

/// The request in these fields; the specification is GraphQL over HTTP, section "Request Parameters".
fn request(fields: &Map<String, Value>) -> Result<Request, &'static str> {
    let Some(Value::String(query)) = fields.get("query") else {
        return Err("`query` must be a text: the document to run");
    };
    let mut request = Request::new(query);
    match fields.get("operationName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) if name.is_empty() => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => return Err("`operationName` must be a text"),
    }
    match fields.get("variables") {
        None | Some(Value::Null) => {}
        Some(variables @ Value::Object(_)) => {
            request = request.variables(Variables::from_json(variables.clone()));
        }
        Some(_) => return Err("`variables` must be an object"),
    }
    match fields.get("extensions") {
        None | Some(Value::Null | Value::Object(_)) => Ok(request),
        Some(_) => Err("`extensions` must be an object"),
    }
}

async fn execute(
    server: &Server,
    mut request: Request,
    headers: &HeaderMap,
    id: &RequestId,
) -> Response {
    let actor = match asked_actor(headers) {
        Ok(actor) => actor,
        Err(text) => return bad(text),
    };
    let wants_events = events::wanted(headers);
    let subscribes = request.query.contains("subscription")
        && operation_type(&mut request) == Some(OperationType::Subscription);
    if subscribes && !wants_events {
        let text = "a subscription is answered on a WebSocket, or as text/event-stream";
        return refuse(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text);
    }
    let request = request.data(server.feed.clone()).data(server.scope(actor, &id.0));
    if wants_events {
        return events::answer(&server.executor, request);
    }
    Json(server.executor.execute(request).await).into_response()
}

fn bad(text: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", text)
}

pub(super) fn refuse(status: StatusCode, code: &str, text: &str) -> Response {
    let mut error = ServerError::new(text, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    error.extensions = Some(extensions);
    let answer = serde_json::json!({ "errors": Answer::from_errors(vec![error]).errors });
    (status, Json(answer)).into_response()
}
