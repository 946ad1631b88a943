//! Sessions: their beginning, use and end.

use std::{net::SocketAddr, time::Duration};

use chrono::TimeDelta;
use engine::Role;
use futures_util::{SinkExt, StreamExt};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tests::{App, behaviours};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{PASSWORD, ask, cookie, member, member_of, page, post, reason, serve, sign_in};
use crate::{
    access::{self, key},
    http::{beside, send},
};

behaviours![
    sign_in_does_not_adopt_a_session,
    sign_out_ends_the_session,
    sessions_expire,
    user_lists_and_revokes_own_sessions,
    revocation_closes_sockets_and_streams,
    a_changed_role_closes_sockets_and_streams,
    revocation_by_another_server_takes_effect_within_a_second,
    password_change_ends_other_sessions,
    rejected_password_change_keeps_sessions,
    organization_of_a_session_is_switched,
    request_with_a_session_costs_as_many_statements_as_one_with_a_key,
    idempotency_keys_are_scoped_by_user,
];

const QUERY: &str = "{ viewer { role } }";

async fn is_open(address: SocketAddr, token: &str) -> bool {
    let body = ask(address, token, QUERY).await;
    if body["data"]["viewer"].is_object() {
        return true;
    }
    assert_eq!(reason(&body), "SESSION_REJECTED", "{body}");
    false
}

/// Opens a WebSocket with a session.
async fn socket(address: SocketAddr, token: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    for (name, value) in [
        ("sec-websocket-protocol", "graphql-transport-ws".to_owned()),
        ("cookie", format!("salesgraph-local-{}={token}", address.port())),
        ("origin", format!("http://{address}")),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
    let acknowledged = socket.next().await.unwrap().unwrap();
    assert!(acknowledged.to_text().unwrap().contains("connection_ack"), "{acknowledged}");
    socket
}

/// The close code of a socket that the server closes within a second.
async fn closed(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> u16 {
    let closed = tokio::time::timeout(Duration::from_secs(1), async {
        loop {
            if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                return u16::from(frame.unwrap().code);
            }
        }
    });
    closed.await.expect("the socket should be closed within a second")
}

async fn sign_in_does_not_adopt_a_session(app: App) {
    beside(Box::pin(async {
        let first = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        for planted in [first.clone(), "A".repeat(43)] {
            let headers = page(address, &planted);
            let body = json!({ "email": "ann@example.com", "password": PASSWORD });
            let (status, head, _) = post(address, "/sign-in", &headers, &body).await;
            let token = cookie(&head).unwrap();
            assert!(status == 200 && token != planted && token.len() == 43, "{token}");
            assert!(is_open(address, token).await);
        }
        assert!(!is_open(address, &"A".repeat(43)).await);
    }))
    .await;
}

async fn sign_out_ends_the_session(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Analyst).await;
        let address = serve(&app).await;
        assert!(is_open(address, &token).await);
        for _ in 0..2 {
            let (status, head, _) =
                post(address, "/sign-out", &page(address, &token), &json!({})).await;
            assert_eq!((status, cookie(&head)), (200, Some("")), "{head}");
            assert!(head.contains("Max-Age=0"), "{head}");
            assert!(!is_open(address, &token).await);
        }
    }))
    .await;
}

async fn sessions_expire(app: App) {
    beside(Box::pin(async {
        let idle = member(&app, "ann@example.com", Role::Member).await;
        let used = member(&app, "bob@example.com", Role::Member).await;
        let address = serve(&app).await;
        for _ in 0..4 {
            app.clock.advance(TimeDelta::days(6));
            assert!(is_open(address, &used).await);
            // The time of the request is stored in the background.
            noted(&app).await;
        }
        assert!(!is_open(address, &idle).await, "seven days without a request");
        app.clock.advance(TimeDelta::days(6) - TimeDelta::seconds(1));
        assert!(is_open(address, &used).await);
        noted(&app).await;
        app.clock.advance(TimeDelta::seconds(1));
        assert!(!is_open(address, &used).await, "thirty days after the sign-in");
    }))
    .await;
}

/// Waits until the time of the last request is stored.
async fn noted(app: &App) {
    let now = app.now();
    loop {
        let sql = "SELECT MAX(last_seen_at) FROM user_sessions";
        let row = app.db.query_one_raw(Statement::from_string(app.db.get_database_backend(), sql));
        let seen = row.await.unwrap().unwrap();
        if seen.try_get_by_index::<chrono::DateTime<chrono::Utc>>(0).unwrap() == now {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn user_lists_and_revokes_own_sessions(app: App) {
    beside(Box::pin(async {
        let first = member(&app, "ann@example.com", Role::Analyst).await;
        let other = member(&app, "bob@example.com", Role::Owner).await;
        let address = serve(&app).await;
        let (_, head, _) = sign_in(address, "ann@example.com", PASSWORD).await;
        let second = cookie(&head).unwrap().to_owned();
        let list = "{ viewer { sessions { sessionId ipAddress userAgent isCurrent expiresAt } } }";
        let sessions = ask(address, &second, list).await["data"]["viewer"]["sessions"].take();
        let expected = json!([
            { "sessionId": sessions[0]["sessionId"], "ipAddress": "127.0.0.1", "userAgent": null, "isCurrent": true, "expiresAt": "2026-03-31T12:00:00Z" },
            { "sessionId": sessions[1]["sessionId"], "ipAddress": "192.0.2.1", "userAgent": "test", "isCurrent": false, "expiresAt": "2026-03-31T12:00:00Z" },
        ]);
        assert_eq!(sessions, expected);
        let revoke = |ids: String| format!("mutation {{ revokeSessions(input: {{ sessionIds: [{ids}] }}) {{ revokedSessions userErrors {{ reason field }} }} }}");
        let id = |place: usize| sessions[place]["sessionId"].to_string();
        // Not even an owner revokes the sessions of others this way, and nothing is revoked if one ID is wrong.
        for (token, ids) in [(&other, id(1)), (&second, format!("{}, \"9999\"", id(1))), (&second, "\"x\"".to_owned())] {
            let answer = ask(address, token, &revoke(ids)).await;
            let expected = json!([{ "reason": "ROW_NOT_FOUND", "field": "sessionIds" }]);
            assert_eq!(answer["data"]["revokeSessions"]["userErrors"], expected, "{answer}");
            assert!(is_open(address, &first).await);
        }
        let answer = ask(address, &second, &revoke(id(1))).await;
        assert_eq!(answer["data"]["revokeSessions"], json!({ "revokedSessions": 1, "userErrors": [] }));
        assert!(!is_open(address, &first).await && is_open(address, &second).await);
        // An API key has no sessions.
        let key = key(&app, app.organization, Role::Member, "ann2@example.com", false).await;
        let headers = format!("Authorization: Bearer {key}");
        let (_, _, body) = post(address, "/graphql", &headers, &json!({ "query": revoke(id(0)) })).await;
        let expected = json!([{ "reason": "SESSION_REQUIRED", "field": null }]);
        assert_eq!(body["data"]["revokeSessions"]["userErrors"], expected, "{body}");
    }))
    .await;
}

async fn revocation_closes_sockets_and_streams(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let mut open = socket(address, &token).await;
        let head = format!("POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n{}", page(address, &token));
        let body = json!({ "query": "subscription { changes { cursor } }" }).to_string();
        let stream = tokio::task::spawn_local(async move { send(address, &head, &body).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        post(address, "/sign-out", &page(address, &token), &json!({})).await;
        assert_eq!(closed(&mut open).await, 4401);
        let ended = tokio::time::timeout(Duration::from_secs(1), stream).await;
        let (status, _, events) = ended.expect("the stream should end within a second").unwrap();
        assert!(status == 200 && !events.contains("event: complete"), "{events}");
    }))
    .await;
}

async fn a_changed_role_closes_sockets_and_streams(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let owner = key(&app, app.organization, Role::Owner, "o@example.com", false).await;
        let address = serve(&app).await;
        let mut open = socket(address, &token).await;
        let head = format!("POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n{}", page(address, &token));
        let body = json!({ "query": "subscription { changes { cursor } }" }).to_string();
        let stream = tokio::task::spawn_local(async move { send(address, &head, &body).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let change = "mutation { changeMemberRole(input: { id: 1, role: RESTRICTED }) { userErrors { message } } }";
        let changed = access::ask(address, &access::head_with_key(&owner), change).await;
        assert_eq!(changed["data"]["changeMemberRole"]["userErrors"], json!([]), "{changed}");
        // A client reconnects after this code, with the new role.
        assert_eq!(closed(&mut open).await, 1013);
        let ended = tokio::time::timeout(Duration::from_secs(1), stream).await;
        let (status, _, events) = ended.expect("the stream should end within a second").unwrap();
        assert!(status == 200 && !events.contains("event: complete"), "{events}");
        assert!(is_open(address, &token).await);
    }))
    .await;
}

async fn revocation_by_another_server_takes_effect_within_a_second(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        assert!(is_open(address, &token).await);
        let mut open = socket(address, &token).await;
        // The other server has its own cache.
        let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
        let other = service::identity::accounts::Accounts::new(
            app.store.clone(),
            clock,
            service::catalog::tables(),
            None,
        );
        other.suspend_account("ann@example.com", None).await.unwrap();
        app.clock.advance(TimeDelta::milliseconds(500));
        assert_eq!(closed(&mut open).await, 4401);
        assert!(!is_open(address, &token).await);
    }))
    .await;
}

async fn password_change_ends_other_sessions(app: App) {
    beside(Box::pin(async {
        let other = member(&app, "ann@example.com", Role::Analyst).await;
        let address = serve(&app).await;
        let (_, head, _) = sign_in(address, "ann@example.com", PASSWORD).await;
        let own = cookie(&head).unwrap().to_owned();
        let mut open = socket(address, &own).await;
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
        let (status, head, body) =
            post(address, "/sign-in/password", &page(address, &own), &body).await;
        assert_eq!(status, 200, "{body}");
        let new = cookie(&head).unwrap();
        assert!(new != own && is_open(address, new).await);
        assert!(!is_open(address, &own).await && !is_open(address, &other).await);
        assert_eq!(closed(&mut open).await, 4401);
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 401);
        assert_eq!(sign_in(address, "ann@example.com", "another long password").await.0, 200);
    }))
    .await;
}

async fn rejected_password_change_keeps_sessions(app: App) {
    beside(Box::pin(async {
        let own = member(&app, "annette@example.com", Role::Member).await;
        let key = key(&app, app.organization, Role::Owner, "o@example.com", false).await;
        let address = serve(&app).await;
        for (current, new, status, expected) in [
            ("a wrong password", "another long password", 401, "SIGN_IN_REJECTED"),
            (PASSWORD, "short", 400, "PASSWORD_NOT_ALLOWED"),
            (PASSWORD, "ANNETTE is my name", 400, "PASSWORD_NOT_ALLOWED"),
            (PASSWORD, "aaaaaaaaaaaaaaaa", 400, "PASSWORD_NOT_ALLOWED"),
            (PASSWORD, &"x y".repeat(43), 400, "PASSWORD_NOT_ALLOWED"),
            (PASSWORD, "with a\nline break", 400, "PASSWORD_NOT_ALLOWED"),
        ] {
            let body = json!({ "currentPassword": current, "newPassword": new });
            let answer = post(address, "/sign-in/password", &page(address, &own), &body).await;
            assert_eq!((answer.0, reason(&answer.2)), (status, expected), "{new}");
            assert!(is_open(address, &own).await);
        }
        // An API key can't change the password of its user.
        let headers = format!("Origin: http://{address}\r\nAuthorization: Bearer {key}");
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
        let (_, _, body) = post(address, "/sign-in/password", &headers, &body).await;
        assert_eq!(reason(&body), "SESSION_REQUIRED");
        // Guessing the current password with a stolen session is limited like a sign-in.
        for _ in 0..5 {
            let body =
                json!({ "currentPassword": "a guess", "newPassword": "another long password" });
            post(address, "/sign-in/password", &page(address, &own), &body).await;
        }
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
        let answer = post(address, "/sign-in/password", &page(address, &own), &body).await;
        assert_eq!((answer.0, reason(&answer.2)), (429, "SIGN_IN_LOCKED"));
    }))
    .await;
}

async fn organization_of_a_session_is_switched(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let second = app.organization("second").await;
        member_of(&app, second, "ann@example.com", Role::Owner).await;
        app.organization("third").await;
        let address = serve(&app).await;
        let own = "{ viewer { role organization { slug } organizations { slug role isCurrent } } }";
        let viewer = ask(address, &token, own).await["data"]["viewer"].take();
        let organizations = |second: bool| json!([{ "slug": "default", "role": "MEMBER", "isCurrent": !second }, { "slug": "second", "role": "OWNER", "isCurrent": second }]);
        let expected = json!({ "role": "MEMBER", "organization": { "slug": "default" }, "organizations": organizations(false) });
        assert_eq!(viewer, expected);
        for slug in ["third", "unknown"] {
            let answer = post(address, "/sign-in/organization", &page(address, &token), &json!({ "slug": slug })).await;
            assert_eq!((answer.0, reason(&answer.2)), (403, "MEMBERSHIP_MISSING"), "{slug}");
        }
        let mut open = socket(address, &token).await;
        let (status, head, _) =
            post(address, "/sign-in/organization", &page(address, &token), &json!({ "slug": "second" })).await;
        let new = cookie(&head).unwrap();
        assert!(status == 200 && new != token);
        assert_eq!(closed(&mut open).await, 4401);
        assert!(!is_open(address, &token).await);
        let expected = json!({ "role": "OWNER", "organization": { "slug": "second" }, "organizations": organizations(true) });
        assert_eq!(ask(address, new, own).await["data"]["viewer"], expected);
    }))
    .await;
}

async fn request_with_a_session_costs_as_many_statements_as_one_with_a_key(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let key = key(&app, app.organization, Role::Member, "bob@example.com", false).await;
        let address = serve(&app).await;
        let query = json!({ "query": "{ companies { nodes { name } } }" });
        let headers = [page(address, &token), format!("Authorization: Bearer {key}")];
        // For five seconds, a new session is looked up again with every question for changed ones.
        app.clock.advance(TimeDelta::seconds(10));
        // The first request of a server asks whether there are any credentials.
        post(address, "/graphql", "X: y", &query).await;
        // Background tasks of the server also send statements now and then.
        let counted = async |headers: &str, step: TimeDelta| {
            let mut fewest = u64::MAX;
            for _ in 0..5 {
                app.clock.advance(step);
                let before = app.store.statements();
                assert_eq!(post(address, "/graphql", headers, &query).await.0, 200);
                fewest = fewest.min(app.store.statements() - before);
            }
            fewest
        };
        let [session, key] = &headers;
        let cached = counted(session, TimeDelta::zero()).await;
        assert_eq!(cached, counted(key, TimeDelta::zero()).await);
        // Twice a second, the server asks for changed sessions.
        assert_eq!(counted(session, TimeDelta::milliseconds(500)).await, cached + 1);
        // Every half minute, the session is looked up again; the key is looked up every two seconds.
        let looked_up = counted(session, TimeDelta::seconds(31)).await;
        assert!(looked_up <= counted(key, TimeDelta::seconds(31)).await + 1);
    }))
    .await;
}

async fn idempotency_keys_are_scoped_by_user(app: App) {
    beside(Box::pin(async {
        let tokens = [
            member(&app, "ann@example.com", Role::Member).await,
            member(&app, "bob@example.com", Role::Member).await,
        ];
        let address = serve(&app).await;
        let (_, head, _) = sign_in(address, "ann@example.com", PASSWORD).await;
        let again = cookie(&head).unwrap().to_owned();
        let mut ids = Vec::new();
        for (token, name) in [(&tokens[0], "Zoos"), (&tokens[1], "Banks"), (&again, "Zoos")] {
            let write = format!("mutation {{ createIndustry(input: {{ name: \"{name}\", idempotencyKey: \"k\" }}) {{ industry {{ id }} }} }}");
            let answer = ask(address, token, &write).await;
            ids.push(answer["data"]["createIndustry"]["industry"]["id"].clone());
        }
        // Another session of the same user repeats the request.
        assert!(ids[0].is_string() && ids[0] == ids[2] && ids[1].is_string() && ids[0] != ids[1], "{ids:?}");
    }))
    .await;
}
