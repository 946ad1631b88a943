//! Accounts: sign-in, sessions, invitations and members, over HTTP.

pub mod attempts;
pub mod browsers;
pub mod keys;
pub mod links;
pub mod local_user;
pub mod mail;
pub mod mail_queue;
pub mod members;
pub mod profile;
pub mod sessions;
pub mod storage;

use std::net::SocketAddr;

use engine::Role;
use serde_json::{Value, json};
use server::http::Settings;
use service::identity::{login_attempt::Client, members::NewMember};
use tests::{App, Behaviour};

use crate::{access::serve_with, http::exchange};

pub fn behaviours() -> Vec<Behaviour> {
    [
        attempts::behaviours(),
        browsers::behaviours(),
        keys::behaviours(),
        links::behaviours(),
        local_user::behaviours(),
        mail::behaviours(),
        mail_queue::behaviours(),
        members::behaviours(),
        profile::behaviours(),
        sessions::behaviours(),
        storage::behaviours(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A password that the rules accept.
pub const PASSWORD: &str = "correct horse battery";

/// Address of the tests' clients.
pub fn client() -> Client {
    Client { address: [192, 0, 2, 1].into(), user_agent: Some("test".to_owned()) }
}

/// Invites a person and accepts the invitation; returns the token of the session.
pub async fn member(app: &App, email: &str, role: Role) -> String {
    member_of(app, app.organization, email, role).await
}

/// Like [`member`], in another organization.
pub async fn member_of(app: &App, organization: i64, email: &str, role: Role) -> String {
    let token = invitation(app, organization, email, role).await;
    let name = Some(email.split('@').next().unwrap());
    let accepted =
        app.accounts.accept_invitation(&token, name, PASSWORD.to_owned(), &client()).await;
    accepted.unwrap().token
}

/// Invites a person; returns the token of the link.
pub async fn invitation(app: &App, organization: i64, email: &str, role: Role) -> String {
    let new = NewMember { email: email.to_owned(), name: None, role };
    let invited = app.accounts.invite(&app.scope(organization), new, None).await.unwrap();
    token_of(&invited.link.unwrap())
}

/// The token in a link.
pub fn token_of(link: &str) -> String {
    link.rsplit_once('=').unwrap().1.to_owned()
}

/// Starts a server with the default settings.
pub async fn serve(app: &App) -> SocketAddr {
    serve_with(app, Settings::default()).await
}

/// The request headers of a page of the server with a session.
pub fn page(address: SocketAddr, token: &str) -> String {
    let port = address.port();
    format!("Origin: http://{address}\r\nCookie: salesgraph-local-{port}={token}")
}

/// Sends a JSON body as a page of the server; returns status, headers and body.
pub async fn post(
    address: SocketAddr,
    path: &str,
    headers: &str,
    body: &Value,
) -> (u16, String, Value) {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}");
    let (status, head, body) = exchange(address, &head, &body.to_string()).await;
    (status, head, serde_json::from_str(&body).unwrap_or_else(|_| json!(body)))
}

/// Signs in as a page of the server; returns status, headers and body.
pub async fn sign_in(address: SocketAddr, email: &str, password: &str) -> (u16, String, Value) {
    let own = format!("Origin: http://{address}");
    post(address, "/sign-in", &own, &json!({ "email": email, "password": password })).await
}

/// The token in the `Set-Cookie` header of a response.
pub fn cookie(head: &str) -> Option<&str> {
    let line = head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: "))?;
    line.split_once('=')?.1.split(';').next()
}

/// The response to a query of a page with a session.
pub async fn ask(address: SocketAddr, token: &str, query: &str) -> Value {
    let (_, _, body) =
        post(address, "/graphql", &page(address, token), &json!({ "query": query })).await;
    body
}

/// The reason code of the first error.
pub fn reason(body: &Value) -> &str {
    body["errors"][0]["extensions"]["reason"].as_str().unwrap_or("-")
}
