//! Requests of browsers: which pages may send a session.

use engine::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use server::http::Settings;
use tests::{App, behaviours};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{PASSWORD, cookie, member, page, post, reason, serve, sign_in};
use crate::{
    access::{key, serve_with},
    http::{beside, send},
};

behaviours![
    session_is_accepted_from_own_pages_only,
    other_routes_reject_foreign_pages_too,
    websocket_with_a_session_checks_its_origin,
    sign_in_requires_https_or_loopback,
    allowed_origins_may_send_credentials,
    api_key_needs_no_origin,
    sign_in_page_is_served,
];

const QUERY: &str = "{ viewer { role } }";

async fn session_is_accepted_from_own_pages_only(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let port = address.port();
        let cookie = format!("Cookie: other=1; salesgraph-local-{port}={token}; last=2");
        let own = format!("Origin: http://{address}");
        for (headers, expected) in [
            (own.as_str(), 200),
            ("Sec-Fetch-Site: same-origin", 200),
            ("", 403),
            ("Origin: https://evil.example", 403),
            ("Origin: null", 403),
            // A page of another port of this machine is another origin.
            ("Origin: http://127.0.0.1:1", 403),
            ("Origin: https://127.0.0.1", 403),
            ("Sec-Fetch-Site: cross-site", 403),
            ("Sec-Fetch-Site: same-site", 403),
            ("Sec-Fetch-Site: none", 403),
        ] {
            let headers = format!("{headers}\r\n{cookie}").trim_start().to_owned();
            let (status, _, body) =
                post(address, "/graphql", &headers, &json!({ "query": QUERY })).await;
            assert_eq!(status, expected, "{headers}: {body}");
            assert_eq!(expected == 403, reason(&body) == "ORIGIN_NOT_ALLOWED", "{body}");
        }
        // The token is not accepted as an API key, nor in the cookie of another transport.
        for headers in [
            format!("{own}\r\nAuthorization: Bearer {token}"),
            format!("{own}\r\nCookie: __Host-salesgraph={token}"),
            format!("{own}\r\nCookie: salesgraph-local-{port}={}", "A".repeat(43)),
            format!("{own}\r\nCookie: salesgraph-local-{port}=x"),
            // The cookie of another server on this machine.
            format!("{own}\r\nCookie: salesgraph-local-1={token}"),
            own.clone(),
        ] {
            let (status, _, body) = post(
                address,
                "/graphql",
                &headers,
                &json!({ "query": "{ companies { totalCount } }" }),
            )
            .await;
            assert_eq!(status, 401, "{headers}: {body}");
        }
    }))
    .await;
}

async fn other_routes_reject_foreign_pages_too(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Owner).await;
        let address = serve(&app).await;
        let cookie = format!("Cookie: salesgraph-local-{}={token}", address.port());
        let query = "query=%7Bviewer%7Brole%7D%7D";
        for request in [
            format!("GET /graphql?{query} HTTP/1.1"),
            format!("GET /graphql?{query} HTTP/1.1\r\nAccept: text/csv"),
            format!("GET /graphql?{query} HTTP/1.1\r\nAccept: text/event-stream"),
            "POST /imports HTTP/1.1".to_owned(),
            "GET /imports/1/failed.csv HTTP/1.1".to_owned(),
            "GET /metrics HTTP/1.1".to_owned(),
            "GET /schema.graphql HTTP/1.1".to_owned(),
            "POST /sign-out HTTP/1.1".to_owned(),
            "POST /sign-in HTTP/1.1\r\nContent-Type: application/json".to_owned(),
            "POST /sign-in/password HTTP/1.1\r\nContent-Type: application/json".to_owned(),
            "POST /sign-in/organization HTTP/1.1\r\nContent-Type: application/json".to_owned(),
        ] {
            for foreign in ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "X: y"] {
                let head = format!("{request}\r\n{cookie}\r\n{foreign}");
                let (status, head, body) = send(address, &head, "{}").await;
                assert_eq!(status, 403, "{request} {foreign}: {body}");
                assert!(!head.contains("set-cookie"), "{head}");
            }
        }
        // None of them has ended the session.
        let answer =
            post(address, "/graphql", &page(address, &token), &json!({ "query": QUERY })).await;
        assert_eq!(answer.0, 200, "{}", answer.2);
        let head =
            format!("GET /graphql?{query} HTTP/1.1\r\n{cookie}\r\nSec-Fetch-Site: same-origin");
        assert_eq!(send(address, &head, "").await.0, 200);
    }))
    .await;
}

async fn websocket_with_a_session_checks_its_origin(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let first = async |origin: Option<String>| {
            let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
            let headers = request.headers_mut();
            headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
            headers.insert(
                "cookie",
                format!("salesgraph-local-{}={token}", address.port()).parse().unwrap(),
            );
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            let Ok((mut socket, _)) = tokio_tungstenite::connect_async(request).await else {
                return "rejected".to_owned();
            };
            socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
            match socket.next().await.unwrap().unwrap() {
                Message::Close(frame) => u16::from(frame.unwrap().code).to_string(),
                other => other.to_string(),
            }
        };
        assert!(first(Some(format!("http://{address}"))).await.contains("connection_ack"));
        assert_eq!(first(Some("https://evil.example".to_owned())).await, "rejected");
        assert_eq!(first(None).await, "4403");
    }))
    .await;
}

async fn sign_in_requires_https_or_loopback(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let body = json!({ "email": "ann@example.com", "password": PASSWORD });
        let answer = async |public: Option<&str>, headers: &str| {
            let settings =
                Settings { public_url: public.map(str::to_owned), ..Settings::default() };
            let address = serve_with(&app, settings).await;
            let headers = headers.replace("ADDRESS", &address.to_string());
            let (status, head, body) = post(address, "/sign-in", &headers, &body).await;
            let name = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
            let name = name.map(|set| {
                assert_eq!(set.contains("Secure"), set.starts_with("__Host-"), "{set}");
                let name = set.split('=').next().unwrap();
                name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned()
            });
            (status, name.unwrap_or_else(|| reason(&body).to_owned()))
        };
        let is = |status: u16, text: &str| (status, text.to_owned());
        let (secure, local) = (is(200, "__Host-salesgraph"), is(200, "salesgraph-local"));
        let (insecure, foreign) = (is(403, "ORIGIN_INSECURE"), is(403, "ORIGIN_NOT_ALLOWED"));
        let https = Some("https://sales.example");
        for (public, headers, expected) in [
            (https, "Origin: https://sales.example", &secure),
            (https, "Sec-Fetch-Site: same-origin", &secure),
            (https, "Origin: https://evil.example", &foreign),
            (https, "Origin: http://ADDRESS", &foreign),
            (https, "X: y", &foreign),
            (None, "Origin: http://ADDRESS", &local),
            (None, "Origin: http://localhost:7\r\nHost: localhost:7", &local),
            (None, "Origin: http://sales.example\r\nHost: sales.example", &insecure),
            (None, "Host: sales.example", &insecure),
            (None, "Origin: https://sales.example\r\nHost: sales.example", &foreign),
            // Browsers send this header to secure origins only.
            (None, "Origin: https://sales.example\r\nHost: sales.example\r\nSec-Fetch-Site: same-origin", &secure),
            // A proxy with TLS has replaced the host.
            (None, "Origin: https://sales.example\r\nSec-Fetch-Site: same-origin", &foreign),
            (Some("http://localhost:8000"), "Origin: http://localhost:8000", &local),
            (
                Some("http://localhost:8000"),
                "Origin: http://192.0.2.1:8000\r\nHost: 192.0.2.1:8000",
                &insecure,
            ),
            (Some("http://localhost:8000"), "Origin: http://ADDRESS", &foreign),
            (Some("http://sales.example"), "Origin: http://sales.example", &insecure),
        ] {
            assert_eq!(&answer(public, headers).await, expected, "{public:?} {headers}");
        }
    }))
    .await;
}

async fn allowed_origins_may_send_credentials(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let app_origin = "https://app.example";
        let settings =
            Settings { allow_origin: vec![app_origin.to_owned()], ..Settings::default() };
        let address = serve_with(&app, settings).await;
        for (origin, expected) in [(app_origin, 200), ("https://other.example", 403)] {
            let port = address.port();
            let headers = format!("Origin: {origin}\r\nCookie: salesgraph-local-{port}={token}");
            let (status, head, body) =
                post(address, "/graphql", &headers, &json!({ "query": QUERY })).await;
            assert_eq!(status, expected, "{origin}: {body}");
            // The allowed origin is never reflected.
            let reflects = head.contains("access-control-allow-origin: https://other");
            assert!(!reflects, "{head}");
            let allows = head.contains("access-control-allow-origin: https://app.example")
                && head.contains("access-control-allow-credentials: true");
            assert_eq!(allows, expected == 200, "{head}");
        }
    }))
    .await;
}

async fn api_key_needs_no_origin(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let key = key(&app, app.organization, Role::Analyst, "bot@example.com", true).await;
        let address = serve(&app).await;
        // A cookie beside a key is ignored.
        let port = address.port();
        let headers =
            format!("Authorization: Bearer {key}\r\nCookie: salesgraph-local-{port}={token}");
        let (status, _, body) =
            post(address, "/graphql", &headers, &json!({ "query": QUERY })).await;
        assert_eq!((status, &body["data"]["viewer"]["role"]), (200, &json!("ANALYST")), "{body}");
    }))
    .await;
}

async fn sign_in_page_is_served(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let (status, head, body) = send(address, "GET /sign-in HTTP/1.1", "").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        for file in ["sign-in/sign_in.js", "sign-in/sign_in.css"] {
            assert!(body.contains(file), "{body}");
            assert_eq!(send(address, &format!("GET /{file} HTTP/1.1"), "").await.0, 200);
        }
        assert_eq!(send(address, "GET /sign-in/other.js HTTP/1.1", "").await.0, 404);
        let (status, head, _) = sign_in(address, "ann@example.com", PASSWORD).await;
        assert!(status == 200 && cookie(&head).is_some());
    }))
    .await;
}
