//! Origins of requests, and the cookie of a session.
//!
//! A browser sends the cookie with requests of every page that it shows. A request is authenticated by its cookie only if
//! the browser states that a page of this server has sent it (`Sec-Fetch-Site`, Fetch Metadata), or if its `Origin` is
//! allowed. A request with neither header is rejected.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use engine::Reason;

use super::Server;
use crate::document::Refusal;

/// Name of the cookie on HTTPS. The prefix makes browsers require `Secure`, `Path=/` and no `Domain`.
const COOKIE: &str = "__Host-salesgraph";

/// Name of the cookie on a loopback address without TLS, where browsers reject the prefix. The port follows, because all
/// servers of a machine share the cookies of its loopback address.
const LOOPBACK_COOKIE: &str = "salesgraph-local-";

/// Port of an address that names none.
const DEFAULT_PORT: u16 = 80;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Headers about the page that has sent a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PageHeaders<'h> {
    origin: Option<&'h str>,
    site: Option<&'h str>,
    host: Option<&'h str>,
}

/// The form of the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The port of a loopback address without TLS; `None` for HTTPS.
    loopback_port: Option<u16>,
}

impl<'h> PageHeaders<'h> {
    pub(super) fn of(headers: &'h HeaderMap) -> Self {
        let text = |name: &HeaderName| {
            headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
        };
        Self { origin: text(&header::ORIGIN), site: text(&FETCH_SITE), host: text(&header::HOST) }
    }
}

impl SessionCookie {
    fn name(self) -> String {
        match self.loopback_port {
            Some(port) => format!("{LOOPBACK_COOKIE}{port}"),
            None => COOKIE.to_owned(),
        }
    }

    /// The `Set-Cookie` header that stores a token for `seconds`.
    #[must_use]
    pub fn set(self, token: &str, seconds: i64) -> HeaderValue {
        let secure = if self.loopback_port.is_none() { " Secure;" } else { "" };
        let name = self.name();
        let text =
            format!("{name}={token}; Path=/;{secure} HttpOnly; SameSite=Lax; Max-Age={seconds}");
        // Tokens consist of letters, digits, `-` and `_`.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The `Set-Cookie` header that removes the cookie.
    #[must_use]
    pub fn remove(self) -> HeaderValue {
        self.set("", 0)
    }
}

impl Server {
    /// Checks that a page of this server, or of an allowed origin, has sent a request that begins or ends a session;
    /// returns the form of the cookie.
    ///
    /// # Errors
    /// `FORBIDDEN` with the reason `ORIGIN_NOT_ALLOWED` or `ORIGIN_INSECURE`.
    pub fn session_cookie(&self, headers: &HeaderMap) -> Result<SessionCookie, Refusal> {
        let page = PageHeaders::of(headers);
        if self.serves_on_loopback_origin(page.host) {
            self.check_page(page)?;
            // A proxy with TLS may have replaced the host. Its pages need a cookie for HTTPS.
            if page.origin.is_some_and(|origin| !self.is_own(origin, page)) {
                return Err(not_allowed());
            }
            return Ok(SessionCookie { loopback_port: page.host.map(port) });
        }
        let is_insecure = |url: &str| !url.starts_with("https://");
        let is_insecure = match (&self.settings.public_url, page.origin) {
            (Some(url), _) => is_insecure(url),
            (None, Some(origin)) => is_insecure(origin),
            // Browsers send this header to secure origins only.
            (None, None) => page.site.is_none(),
        };
        if is_insecure {
            let text = "signing in requires HTTPS, or a loopback address; open the server through a proxy with TLS, and \
                        name its address with --public-url";
            return Err(Refusal::new("FORBIDDEN", text, None).because(Reason::OriginInsecure));
        }
        self.check_page(page)?;
        Ok(SessionCookie { loopback_port: None })
    }

    /// Rejects a request with a session of which it is not known that an allowed page has sent it.
    pub(super) fn check_page(&self, page: PageHeaders<'_>) -> Result<(), Refusal> {
        if page.site == Some("same-origin") || page.origin.is_some_and(|it| self.is_own(it, page)) {
            return Ok(());
        }
        Err(not_allowed())
    }

    /// Whether the origin is the public one, an allowed one, or the loopback origin of the request.
    fn is_own(&self, origin: &str, page: PageHeaders<'_>) -> bool {
        let is = |known: &str| known.eq_ignore_ascii_case(origin);
        self.settings.public_url.as_deref().is_some_and(is)
            || self.settings.allow_origin.iter().any(|known| is(known))
            || self.settings.public_url.is_none()
                && self.serves_on_loopback_origin(page.host)
                && page.host.is_some_and(|host| is(&format!("http://{host}")))
    }

    /// Whether the page is loaded from a loopback address without TLS: the request names a loopback host, and either the
    /// public URL does too, or the server listens on a loopback address and there is no public URL.
    fn serves_on_loopback_origin(&self, host: Option<&str>) -> bool {
        match self.settings.public_url.as_deref() {
            Some(url) if !url.strip_prefix("http://").is_some_and(is_loopback) => false,
            None if !self.is_loopback => false,
            _ => host.is_some_and(is_loopback),
        }
    }

    /// The token of the session in the cookie of a request, whether the session is open or not.
    #[must_use]
    pub fn session_token_of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        self.session_token(PageHeaders::of(headers), cookies)
    }

    /// The token of the session in a `Cookie` header.
    pub(super) fn session_token<'c>(
        &self,
        page: PageHeaders<'_>,
        cookies: &'c str,
    ) -> Option<&'c str> {
        let on_loopback = self.serves_on_loopback_origin(page.host);
        let name =
            SessionCookie { loopback_port: page.host.filter(|_| on_loopback).map(port) }.name();
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut tokens = pairs.filter(|(known, _)| *known == name).map(|(_, token)| token);
        tokens.next().filter(|token| !token.is_empty())
    }
}

fn not_allowed() -> Refusal {
    let text = "requests with a session must come from a page of this server; name its address with --public-url, allow \
                other origins with --allow-origin, or send an API key";
    Refusal::new("FORBIDDEN", text, None).because(Reason::OriginNotAllowed)
}

/// The port of `HOST` or `HOST:PORT`.
fn port(host: &str) -> u16 {
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.unwrap_or(DEFAULT_PORT)
}

/// Whether `HOST` or `HOST:PORT` is the name of a loopback address.
pub(super) fn is_loopback(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port));
    matches!(name.map_or(host, |(name, _)| name), "localhost" | "127.0.0.1" | "[::1]")
}
