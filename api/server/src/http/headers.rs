//! Request headers, and headers of every response.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Version, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use super::{
    Server,
    caller::{CLIENT_REQUEST_ID, REQUEST_ID, RequestId},
    client_address::{self, PeerAddress},
    origin,
    settings::{MAX_ADDRESS_LENGTH, MAX_HEAD},
};

/// Headers of every response.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // No page of another origin may embed these resources, not even to measure their size.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Assigns every request an ID and returns it in the response; rejects disallowed requests.
pub(super) async fn enter(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let named = HeaderValue::from_str(&id.own).ok();
    let of_client = id.client.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
    // Health checks need no credential, and no database. If it is unknown whether the local user is admitted, the request
    // must pass the checks.
    let admits_local_user = !request.uri().path().starts_with("/health")
        && server.admits_local_user().await.unwrap_or(true);
    let refused = refused(&server, &request, admits_local_user);
    if let Some(peer) = request.extensions().get::<PeerAddress>().copied() {
        let trusted = &server.settings.trusted_proxy;
        let client = client_address::of_request(peer, request.headers(), trusted);
        request.extensions_mut().insert(client);
    }
    let mut response = if let Some(response) = refused {
        response
    } else {
        request.extensions_mut().insert(id);
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers.extend(named.map(|named| (REQUEST_ID, named)));
    headers.extend(of_client.map(|id| (CLIENT_REQUEST_ID, id)));
    response
}

/// Rejects oversized headers and foreign host names. With DNS rebinding, another site can point its own host name to
/// this machine; the Host header then contains that name instead of a local one.
fn refused(server: &Server, request: &Request, admits_local_user: bool) -> Option<Response> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > MAX_ADDRESS_LENGTH {
        let text = "the URL exceeds the limit of 32 KiB; send the request by POST";
        return Some(server.refuse(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", text));
    }
    let headers = request.headers();
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEAD {
        let (status, text) =
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request headers exceed the limit");
        return Some(server.refuse(status, "HEADERS_TOO_LARGE", text));
    }
    if headers.get_all(header::HOST).iter().count() > 1 {
        let text = "a request must have exactly one Host header";
        return Some(server.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", text));
    }
    // If a credential is required, DNS rebinding gives an attacker no access: browsers send no cookie to other names.
    if !admits_local_user {
        return None;
    }
    let forwarded = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-forwarded-") || ["forwarded", "via", "x-real-ip"].contains(&name)
    };
    // By default, nginx forwards requests as HTTP/1.0, which no current browser or client sends.
    if headers.keys().any(forwarded) || request.version() < Version::HTTP_11 {
        let text = "requests through a proxy require authentication; start the server with \
                    --require-keys, or create an account";
        return Some(server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host =
        host.or_else(|| request.uri().authority().map(Authority::as_str)).unwrap_or_default();
    if !origin::is_loopback(host) {
        let text = "unknown host; without API keys the server only accepts requests for localhost";
        return Some(server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text));
    }
    if is_foreign_page(server, request) {
        let text = "origin not allowed; add it with --allow-origin";
        return Some(server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text));
    }
    None
}

/// Whether a browser sends a request for a page of another origin. The page would not see the response, but could
/// measure its time, and the request would take effect.
fn is_foreign_page(server: &Server, request: &Request) -> bool {
    if !matches!(request.uri().path(), "/graphql" | "/imports" | "/metrics") {
        return false;
    }
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return !server.accepts_origin(headers);
    }
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}
