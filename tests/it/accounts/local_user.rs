//! The local user, who exists until the first API key or the first account.

use std::time::Duration;

use chrono::TimeDelta;
use engine::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::http::Settings;
use service::identity::api_key;
use tests::{App, behaviours};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{member, page, post, serve};
use crate::{
    access::{key, serve_with},
    http::{beside, send},
};

behaviours![
    local_user_exists_until_the_first_account,
    local_user_exists_until_the_first_key,
    sockets_of_the_local_user_are_closed,
    option_keeps_the_local_user,
    requests_through_a_proxy_are_rejected,
];

async fn viewer(address: std::net::SocketAddr, headers: &str) -> Value {
    let query = json!({ "query": "{ viewer { actorKind role } }" });
    let headers = if headers.is_empty() { "X: y" } else { headers };
    let (status, _, mut body) = post(address, "/graphql", headers, &query).await;
    assert!([200, 401].contains(&status), "{body}");
    body["data"]["viewer"].take()
}

fn owner() -> Value {
    json!({ "actorKind": "LOCAL_USER", "role": "OWNER" })
}

async fn local_user_exists_until_the_first_account(app: App) {
    beside(Box::pin(async {
        let address = serve(&app).await;
        assert_eq!(viewer(address, "").await, owner());
        // A cookie of another database on this machine does not lock the local user out.
        assert_eq!(viewer(address, &page(address, &"A".repeat(43))).await, owner());
        // Someone who was invited can't sign in yet.
        let link = super::invitation(&app, app.organization, "ann@example.com", Role::Owner).await;
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(viewer(address, "").await, owner());
        let session = app
            .accounts
            .accept_invitation(&link, None, super::PASSWORD.to_owned(), &super::client())
            .await
            .unwrap();
        app.clock.advance(TimeDelta::seconds(1));
        for headers in ["", &page(address, &"A".repeat(43)), "Authorization: Bearer sg_x"] {
            assert_eq!(viewer(address, headers).await, Value::Null, "{headers}");
        }
        assert_eq!(viewer(address, &page(address, &session.token)).await["role"], "OWNER");
        // A revoked session is not the local user either.
        post(address, "/sign-out", &page(address, &session.token), &json!({})).await;
        assert_eq!(viewer(address, &page(address, &session.token)).await, Value::Null);
        // The local user does not come back, not even when the account is erased.
        app.accounts.erase_account("ann@example.com").await.unwrap();
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(viewer(address, "").await, Value::Null);
        let restarted = serve(&app).await;
        assert_eq!(viewer(restarted, "").await, Value::Null);
    }))
    .await;
}

async fn local_user_exists_until_the_first_key(app: App) {
    beside(Box::pin(async {
        let address = serve(&app).await;
        assert_eq!(viewer(address, "").await, owner());
        let key = key(&app, app.organization, Role::Member, "bot@example.com", true).await;
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(viewer(address, "").await, Value::Null);
        assert_eq!(
            viewer(address, &format!("Authorization: Bearer {key}")).await["role"],
            "MEMBER"
        );
        // Revoking the last key does not open the server, for this server and a restarted one.
        let prefix = key.split('.').next().unwrap();
        api_key::revoke(&app.scope(app.organization), prefix).await.unwrap();
        app.clock.advance(TimeDelta::seconds(3));
        assert_eq!(viewer(address, "").await, Value::Null);
        let restarted = serve(&app).await;
        assert_eq!(viewer(restarted, "").await, Value::Null);
    }))
    .await;
}

async fn sockets_of_the_local_user_are_closed(app: App) {
    beside(Box::pin(async {
        let address = serve(&app).await;
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
        socket.next().await.unwrap().unwrap();
        member(&app, "ann@example.com", Role::Owner).await;
        app.clock.advance(TimeDelta::seconds(1));
        let closed = tokio::time::timeout(Duration::from_secs(1), async {
            loop {
                if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                    return u16::from(frame.unwrap().code);
                }
            }
        });
        assert_eq!(closed.await.expect("the socket should be closed"), 4401);
    }))
    .await;
}

async fn option_keeps_the_local_user(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Owner).await;
        let settings = Settings { local_user: true, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        assert_eq!(viewer(address, "").await, owner());
        let settings = Settings { require_keys: true, local_user: true, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        assert_eq!(viewer(address, "").await, Value::Null);
    }))
    .await;
}

/// A proxy on the same machine connects from a loopback address.
async fn requests_through_a_proxy_are_rejected(app: App) {
    beside(Box::pin(async {
        let address = serve(&app).await;
        let query = json!({ "query": "{ companies { totalCount } }" }).to_string();
        let ask = async |version: &str, headers: &str| {
            let head =
                format!("POST /graphql {version}\r\nContent-Type: application/json{headers}");
            let (status, _, body) = send(address, &head, &query).await;
            (status, body.contains("totalCount\":"))
        };
        let forwarded = "\r\nX-Forwarded-For: 203.0.113.1";
        assert_eq!(ask("HTTP/1.1", "").await, (200, true));
        assert_eq!(ask("HTTP/1.1", forwarded).await, (403, false));
        assert_eq!(ask("HTTP/1.0", "").await, (403, false));
        member(&app, "ann@example.com", Role::Owner).await;
        app.clock.advance(TimeDelta::seconds(1));
        // Without forwarded headers, a request through a proxy looks like one from this machine.
        for (version, headers) in [("HTTP/1.1", ""), ("HTTP/1.1", forwarded), ("HTTP/1.0", "")] {
            assert_eq!(ask(version, headers).await, (401, false), "{version} {headers}");
        }
    }))
    .await;
}
