//! The page at `/sign-in`: sign-in, acceptance of invitations, new passwords and the first account.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

const PAGE: &str = include_str!("sign_in_page/page.html");
const SCRIPT: &str = include_str!("sign_in_page/sign_in.js");
const STYLE: &str = include_str!("sign_in_page/sign_in.css");

/// The content security policy: files of this server only, and requests to this server only.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'; style-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Serves the page.
pub(super) async fn page() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
}

/// Serves a file of the page.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "sign_in.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "sign_in.css" => ("text/css; charset=utf-8", STYLE),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
