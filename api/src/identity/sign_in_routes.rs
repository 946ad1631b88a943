//! The routes that begin and end sessions. Passwords and tokens are sent in JSON bodies, and the token of a session only in
//! a cookie that scripts can't read.

use std::time::Duration;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use engine::{Error, Reason, Scope};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use server::{
    document::Refusal,
    http::{Server, caller::RequestId, client_address::ClientAddress, origin::SessionCookie},
};
use service::identity::{
    FirstAccount, accounts::Accounts, login_attempt::Client, session::NewSession,
};
use tokio::time::timeout;

use super::sign_in_page;

/// Maximum size of a body, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// The routes, which use these accounts.
pub(crate) fn routes(accounts: Accounts) -> Router<Server> {
    Router::new()
        .route("/sign-in", post(sign_in).get(page))
        .route("/sign-in/setup", post(set_up))
        .route("/sign-in/invitation", post(accept_invitation))
        .route("/sign-in/forgot", post(request_password_reset))
        .route("/sign-in/reset", post(reset_password))
        .route("/sign-in/verification", post(verify_email))
        .route("/sign-in/password", post(change_password))
        .route("/sign-in/organization", post(switch_organization))
        .route("/sign-out", post(sign_out))
        .route("/sign-in/{name}", axum::routing::get(sign_in_page::asset))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(Extension(accounts))
}

/// Input of `POST /sign-in`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignInInput {
    email: String,
    password: String,
}

/// Input of `POST /sign-in/setup`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetupInput {
    code: String,
    email: String,
    name: Option<String>,
    password: String,
}

/// Input of `POST /sign-in/invitation`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InvitationInput {
    token: String,
    name: Option<String>,
    password: String,
}

/// Input of `POST /sign-in/reset`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResetInput {
    token: String,
    password: String,
}

/// Input of `POST /sign-in/forgot`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ForgotInput {
    email: String,
}

/// Input of `POST /sign-in/verification`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerificationInput {
    token: String,
}

/// Input of `POST /sign-in/password`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PasswordInput {
    current_password: String,
    new_password: String,
}

/// Input of `POST /sign-in/organization`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrganizationInput {
    slug: String,
}

/// A request that begins, replaces or ends a session.
struct SessionRequest {
    cookie: SessionCookie,
    client: Client,
    headers: HeaderMap,
}

impl SessionRequest {
    /// Checks the page that has sent a request, and reads its JSON body.
    async fn read<T: DeserializeOwned>(
        server: &Server,
        request: Request,
    ) -> Result<(Self, T), Refusal> {
        let (parts, body) = request.into_parts();
        let cookie = server.session_cookie(&parts.headers)?;
        let client = client(&parts.headers, parts.extensions.get().copied());
        let headers = parts.headers.clone();
        let is_json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = is_json.and_then(|kind| kind.split(';').next()).map(str::trim);
        let bad = |text: String| Refusal::new("BAD_REQUEST", text, None);
        if !is_json.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            return Err(bad("the body must be application/json".to_owned()));
        }
        let read = Bytes::from_request(Request::from_parts(parts, body), &());
        let body = timeout(server.settings().body_timeout, read).await;
        let body = body.map_err(|_| bad("the request body timed out".to_owned()))?;
        let body = body.map_err(|error| bad(error.body_text()))?;
        // The error of the parser is not repeated, because it could quote a password.
        let input = serde_json::from_slice(&body).map_err(|_| {
            bad("the body is not a JSON object with the fields of this route".to_owned())
        })?;
        Ok((Self { cookie, client, headers }, input))
    }

    /// The scope of the session of the request.
    async fn scope(&self, server: &Server, id: &RequestId) -> Result<Scope, Refusal> {
        let scope = server.authenticate(&self.headers, id).await?;
        scope.ok_or_else(|| {
            let text = "there is no session; sign in at /sign-in";
            Refusal::new("UNAUTHENTICATED", text, None).because(Reason::SessionRequired)
        })
    }

    /// The response with the cookie of a new session. The session that it replaces in this browser ends.
    async fn begun(
        &self,
        server: &Server,
        accounts: &Accounts,
        session: &NewSession,
    ) -> Result<Response, Rejected> {
        if let Some(replaced) = server.session_token_of(&self.headers) {
            accounts.end_session(replaced).await?;
        }
        let cookie = self.cookie.set(&session.token, session.lifetime.num_seconds());
        let expires_at = graph::scalar::Moment(session.expires_at).text();
        Ok(answer(cookie, json!({ "expiresAt": expires_at })))
    }
}

/// The client of a request.
fn client(headers: &HeaderMap, address: Option<ClientAddress>) -> Client {
    let unknown = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Client {
        address: address.map_or(unknown, |address| address.0),
        user_agent: agent.map(str::to_owned),
    }
}

fn answer(cookie: HeaderValue, body: serde_json::Value) -> Response {
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Json(body)).into_response()
}

/// The response of a route that changes no cookie.
fn empty_answer(status: StatusCode) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, Json(json!({}))).into_response()
}

async fn page(Extension(accounts): Extension<Accounts>) -> Response {
    sign_in_page::page(accounts.sends_mail())
}

async fn sign_in(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<SignInInput>(&server, request).await?;
        let session = accounts.sign_in(&input.email, input.password, &request.client).await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

async fn set_up(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<SetupInput>(&server, request).await?;
        let SetupInput { code, email, name, password } = input;
        let first = FirstAccount { code, email, name, password };
        let session = accounts.set_up(server.organization(), first, &request.client).await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

async fn accept_invitation(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<InvitationInput>(&server, request).await?;
        let InvitationInput { token, name, password } = input;
        let session =
            accounts.accept_invitation(&token, name.as_deref(), password, &request.client).await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

/// Sends a link for a new password by mail, if there is an account with this address. The response and its time do not show
/// whether there is one: the address is looked up later.
async fn request_password_reset(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    id: RequestId,
    request: Request,
) -> Response {
    let address = request.extensions().get().copied();
    let requested = async {
        let (request, input) = SessionRequest::read::<ForgotInput>(&server, request).await?;
        if let Some(address) = address {
            server.admit(&request.headers, address, &id).await?;
        }
        accounts.begin_password_reset(&input.email)?;
        Ok(empty_answer(StatusCode::ACCEPTED))
    };
    requested.await.unwrap_or_else(|rejected: Rejected| reject(&server, rejected))
}

/// Verifies an e-mail address. No session is needed, because the link may be opened in another browser.
async fn verify_email(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    request: Request,
) -> Response {
    let verified = async {
        let (_, input) = SessionRequest::read::<VerificationInput>(&server, request).await?;
        accounts.verify_email(&input.token).await?;
        Ok(empty_answer(StatusCode::OK))
    };
    verified.await.unwrap_or_else(|rejected: Rejected| reject(&server, rejected))
}

async fn reset_password(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<ResetInput>(&server, request).await?;
        let session =
            accounts.reset_password(&input.token, input.password, &request.client).await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

async fn change_password(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    id: RequestId,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<PasswordInput>(&server, request).await?;
        let scope = request.scope(&server, &id).await?;
        let PasswordInput { current_password, new_password } = input;
        let session = accounts
            .change_password(&scope, current_password, new_password, &request.client)
            .await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

async fn switch_organization(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    id: RequestId,
    request: Request,
) -> Response {
    let begun = async {
        let (request, input) = SessionRequest::read::<OrganizationInput>(&server, request).await?;
        let scope = request.scope(&server, &id).await?;
        let session = accounts.switch_organization(&scope, &input.slug, &request.client).await?;
        request.begun(&server, &accounts, &session).await
    };
    begun.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

/// Ends the session and removes the cookie, also that of a session that has already ended.
async fn sign_out(
    State(server): State<Server>,
    Extension(accounts): Extension<Accounts>,
    id: RequestId,
    headers: HeaderMap,
) -> Response {
    let ended = async {
        let cookie = server.session_cookie(&headers)?;
        match server.authenticate(&headers, &id).await {
            Ok(Some(scope)) => accounts.sign_out(&scope).await?,
            Ok(None) => {}
            Err(refusal) if refusal.is_because(Reason::SessionRejected) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(answer(cookie.remove(), json!({})))
    };
    ended.await.unwrap_or_else(|rejected| reject(&server, rejected))
}

/// Why a request was rejected.
enum Rejected {
    Service(Error),
    Request(Refusal),
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self::Request(refusal)
    }
}

/// The response to a rejected request: the errors of GraphQL, with a status for each kind.
fn reject(server: &Server, rejected: Rejected) -> Response {
    let (refusal, retry_after) = match rejected {
        Rejected::Request(refusal) => (refusal, None),
        Rejected::Service(error) => {
            let retry_after = match &error {
                Error::RateLimited { retry_after, .. } => {
                    Some(Duration::from_secs((*retry_after).into()))
                }
                _ => None,
            };
            (error.into(), retry_after)
        }
    };
    let status = match () {
        () if refusal.is_because(Reason::SignInRejected) => Some(StatusCode::UNAUTHORIZED),
        () if refusal.is_because(Reason::AccountSuspended)
            || refusal.is_because(Reason::MembershipMissing) =>
        {
            Some(StatusCode::FORBIDDEN)
        }
        () => None,
    };
    let mut response = server.reject(&refusal);
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
