//! `/schema.graphql`: the schema in the schema definition language, for code generators.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use server::{
    document::Refusal,
    http::{AUTHENTICATION_REQUIRED, Server, caller::RequestId, client_address::ClientAddress},
};

use crate::schema::sdl;

/// The route `/schema.graphql`.
pub(crate) fn routes() -> Router<Server> {
    Router::new().route("/schema.graphql", get(schema))
}

/// Serves the schema to callers that may use introspection: those with an API key, where keys are required.
async fn schema(
    State(server): State<Server>,
    id: RequestId,
    address: ClientAddress,
    headers: HeaderMap,
) -> Response {
    static SCHEMA: LazyLock<String> = LazyLock::new(sdl);
    match server.admit(&headers, address, &id).await {
        Ok(Some(_)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], SCHEMA.as_str()).into_response()
        }
        Ok(None) => server.reject(&Refusal::new("UNAUTHENTICATED", AUTHENTICATION_REQUIRED, None)),
        Err(refusal) => server.reject(&refusal),
    }
}
