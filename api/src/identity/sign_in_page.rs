//! The page at `/sign-in`: sign-in, acceptance of invitations, new passwords and the first account.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

const PAGE: &str = include_str!("sign_in_page/page.html");
/// The attribute of the page that says whether the server sends mail.
const NO_MAIL: &str = "data-mail=\"false\"";

const SCRIPT: &str = include_str!("sign_in_page/sign_in.js");
const STYLE: &str = include_str!("sign_in_page/sign_in.css");

/// The content security policy: files of this server only, and requests to this server only.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'; style-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page, which offers a new password if the server sends mail.
pub(super) fn page(sends_mail: bool) -> Response {
    let page =
        if sends_mail { PAGE.replace(NO_MAIL, "data-mail=\"true\"") } else { PAGE.to_owned() };
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
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
