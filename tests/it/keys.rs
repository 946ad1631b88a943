//! API keys: authentication, ownership and protection of the secret.

use engine::{Clock, Role};
use serde_json::{Value, json};
use server::http::Settings;
use service::identity::api_key::{self, NewKey};
use tests::{App, behaviours};

use crate::{
    access::{ask, head_with_key, key, serve, serve_with},
    http::{JSON, beside, send},
};

behaviours![
    invalid_revoked_and_expired_keys_are_rejected,
    cached_queries_are_isolated_per_organization,
    key_determines_the_actor,
    key_role_is_capped_by_user_role,
    revoking_a_key_closes_its_websocket,
    revoking_a_key_ends_its_event_stream,
    reduced_role_applies_to_open_connections,
    idempotency_keys_are_scoped_by_api_key,
    secrets_are_neither_logged_nor_backed_up,
];

async fn cached_queries_are_isolated_per_organization(app: App) {
    beside(Box::pin(async {
        let (address, visitors) = serve(&app).await;
        // The SHA-256 hash of `{__typename}`.
        let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        let asked = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let by_hash = json!({ "extensions": asked }).to_string();
        let both = json!({ "query": "{__typename}", "extensions": asked }).to_string();
        assert_eq!(send(address, &visitors.owner, &both).await.0, 200);
        assert!(send(address, &visitors.analyst, &by_hash).await.2.contains("\"Query\""));
        for other in [&visitors.stranger, &visitors.anonymous] {
            let (_, _, answer) = send(address, other, &by_hash).await;
            assert!(answer.contains("PersistedQueryNotFound"), "{answer}");
        }
        let query = r#"{"query":"{ viewer { role } }"}"#;
        let known = async |head: &str| {
            let head = format!("{head}\r\nSalesgraph-Report: 1");
            let answer: Value = serde_json::from_str(&send(address, &head, query).await.2).unwrap();
            answer["extensions"]["report"]["cache"]["document"] == "hit"
        };
        assert!(!known(&visitors.owner).await && known(&visitors.analyst).await);
        assert!(!known(&visitors.stranger).await && known(&visitors.stranger).await);
    }))
    .await;
}

async fn invalid_revoked_and_expired_keys_are_rejected(app: App) {
    beside(Box::pin(async {
        let (address, _) = serve(&app).await;
        let owner = key(&app, app.organization, Role::Owner, "owner@example.com", false).await;
        let (prefix, _) = owner.split_once('.').unwrap();
        let wrong = format!("{prefix}.{}", "A".repeat(43));
        let query = r#"{"query":"{ viewer { role } }"}"#;
        for head in [
            head_with_key(&wrong),
            head_with_key(&owner[..owner.len() - 1]),
            head_with_key("sg_x"),
            head_with_key(""),
            format!("{JSON}\r\nAuthorization: Basic {owner}"),
            format!("{JSON}\r\nAuthorization: {owner}"),
        ] {
            let (status, told, answer) = send(address, &head, query).await;
            assert_eq!(status, 401, "{head}: {answer}");
            assert!(told.contains("www-authenticate: bearer"), "{told}");
        }
        assert_eq!(send(address, &head_with_key(&owner), query).await.0, 200);
        // Verified keys are cached for two seconds.
        api_key::revoke(&app.scope(app.organization), prefix).await.unwrap();
        app.clock.advance(chrono::TimeDelta::seconds(2));
        assert_eq!(send(address, &head_with_key(&owner), query).await.0, 401);

        let end = app.clock.now() + chrono::TimeDelta::days(1);
        let new = NewKey {
            name: "short".to_owned(),
            role: Role::Member,
            worker: false,
            user: "m@example.com".to_owned(),
            is_owner: false,
            expires_at: Some(end),
        };
        let short = api_key::create(&app.scope(app.organization), new).await.unwrap();
        assert_eq!(send(address, &head_with_key(&short), query).await.0, 200);
        app.clock.advance(chrono::TimeDelta::days(1));
        assert_eq!(send(address, &head_with_key(&short), query).await.0, 401);
    }))
    .await;
}

async fn key_determines_the_actor(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let (address, visitors) = serve(&app).await;
        let worker = head_with_key(&key(&app, app.organization, Role::Member, "m@example.com", true).await);
        let viewer = "{ viewer { actorKind actorName role permissions organization { slug } } }";
        assert_eq!(
            ask(address, &worker, viewer).await["data"]["viewer"],
            json!({ "actorKind": "WORKER", "actorName": "member key", "role": "MEMBER",
                "permissions": ["READ", "WRITE", "WRITE_ALL"], "organization": { "slug": "default" } })
        );
        assert_eq!(ask(address, &visitors.anonymous, viewer).await, json!({ "data": { "viewer": null } }));
        let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "c" }) { outreachDraft { authorKind authorName } } }"#;
        assert_eq!(
            ask(address, &worker, create).await["data"]["createOutreachDraft"]["outreachDraft"],
            json!({ "authorKind": "WORKER", "authorName": "member key" })
        );
        // The schema requires a key, as introspection does.
        let schema = "GET /schema.graphql HTTP/1.1";
        assert_eq!(send(address, schema, "").await.0, 401);
        let head = worker.replace("POST /graphql HTTP/1.1", schema);
        assert_eq!(send(address, &head, "").await.0, 200);
        // A request with an API key must not specify an actor.
        let head = format!("{worker}\r\nSalesgraph-Actor: person/Ada");
        assert_eq!(send(address, &head, r#"{"query":"{ __typename }"}"#).await.0, 400);
    }))
    .await;
}

async fn key_role_is_capped_by_user_role(app: App) {
    let scope = app.scope(app.organization);
    key(&app, app.organization, Role::Analyst, "ann@example.com", false).await;
    let more = NewKey {
        name: "more".to_owned(),
        role: Role::Owner,
        worker: false,
        user: "ANN@example.com".to_owned(),
        is_owner: false,
        expires_at: None,
    };
    let refused = api_key::create(&scope, more.clone()).await.unwrap_err().to_string();
    assert_eq!(refused, "the role of the key exceeds the role of the user; maximum: analyst");
    let stranger = app.scope(app.organization("stranger").await);
    let refused = api_key::create(&stranger, more.clone()).await.unwrap_err().to_string();
    assert_eq!(refused, "the e-mail address belongs to a user of another organization");
    for (new, expected) in [
        (NewKey { user: "nobody".to_owned(), ..more.clone() }, "`user` must be an e-mail address"),
        (
            NewKey { name: " ".to_owned(), ..more.clone() },
            "`name` must have 1 to 100 characters and no control characters",
        ),
        (NewKey { expires_at: Some(app.clock.now()), ..more }, "the expiry must be in the future"),
    ] {
        assert_eq!(api_key::create(&scope, new).await.unwrap_err().to_string(), expected);
    }
    assert!(
        api_key::revoke(&stranger, &api_key::list(&scope).await.unwrap()[0].prefix).await.is_err()
    );
    assert_eq!(api_key::list(&stranger).await.unwrap().len(), 0);
}

async fn revoking_a_key_closes_its_websocket(app: App) {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
    beside(Box::pin(async {
        let text = key(&app, app.organization, Role::Analyst, "a@example.com", false).await;
        let settings = Settings {
            require_keys: true,
            socket_ping: std::time::Duration::from_millis(50),
            ..Settings::default()
        };
        let address = serve_with(&app, settings).await;
        let open = async |payload: Value| {
            let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
            let protocol = "graphql-transport-ws".parse().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            let init = json!({ "type": "connection_init", "payload": payload });
            socket.send(Message::text(init.to_string())).await.unwrap();
            socket
        };
        let mut wrong = open(json!({ "authorization": "Bearer sg_nothing" })).await;
        let Some(Ok(Message::Close(Some(frame)))) = wrong.next().await else {
            panic!("expected a close frame")
        };
        assert_eq!(u16::from(frame.code), 4401);
        let mut socket = open(json!({ "authorization": format!("Bearer {text}") })).await;
        assert!(
            socket.next().await.unwrap().unwrap().to_text().unwrap().contains("connection_ack")
        );
        let prefix = text.split_once('.').unwrap().0;
        api_key::revoke(&app.scope(app.organization), prefix).await.unwrap();
        app.clock.advance(chrono::TimeDelta::seconds(3));
        let frame = loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Close(frame) => break frame.unwrap(),
                other => assert!(other.is_ping(), "{other}"),
            }
        };
        assert_eq!(u16::from(frame.code), 4401);
    }))
    .await;
}

async fn revoking_a_key_ends_its_event_stream(app: App) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    beside(Box::pin(async {
        let text = key(&app, app.organization, Role::Analyst, "a@example.com", false).await;
        let (address, _) = serve(&app).await;
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let body = json!({ "query": "subscription { changes { cursor } }" }).to_string();
        let head = head_with_key(&text);
        let request = format!("{head}\r\nHost: {address}\r\nAccept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut buffer = [0; 1_024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(String::from_utf8_lossy(&buffer[..read]).contains("200 OK"));
        let prefix = text.split_once('.').unwrap().0;
        api_key::revoke(&app.scope(app.organization), prefix).await.unwrap();
        app.clock.advance(chrono::TimeDelta::seconds(3));
        // The connection stays open; only the stream ends.
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), async {
            let mut all = String::new();
            loop {
                let mut buffer = [0; 1_024];
                let read = stream.read(&mut buffer).await.unwrap();
                all.push_str(&String::from_utf8_lossy(&buffer[..read]));
                if read == 0 || all.ends_with("0\r\n\r\n") {
                    return all;
                }
            }
        });
        let ended = ended.await.expect("the stream should end");
        assert!(!ended.contains("event: complete"), "{ended}");
    }))
    .await;
}

async fn reduced_role_applies_to_open_connections(app: App) {
    use futures_util::{SinkExt, StreamExt};
    use sea_orm::ConnectionTrait;
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
    beside(Box::pin(async {
        let text = key(&app, app.organization, Role::Member, "m@example.com", false).await;
        let (address, _) = serve(&app).await;
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {text}") } });
        socket.send(Message::text(init.to_string())).await.unwrap();
        socket.next().await.unwrap().unwrap();
        let sql = "UPDATE memberships SET role = 'analyst' WHERE user_id = (SELECT id FROM users WHERE email = 'm@example.com')";
        app.db.execute_unprepared(sql).await.unwrap();
        app.clock.advance(chrono::TimeDelta::seconds(3));
        let write = r#"mutation { createIndustry(input: { name: "x" }) { industry { id } } }"#;
        let operation = json!({ "id": "1", "type": "subscribe", "payload": { "query": write } });
        socket.send(Message::text(operation.to_string())).await.unwrap();
        // The client connects again, with the new role.
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1013, "{frame:?}"),
            other => panic!("{other:?}"),
        }
        let answer = ask(address, &head_with_key(&text), write).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    }))
    .await;
}

async fn idempotency_keys_are_scoped_by_api_key(app: App) {
    beside(Box::pin(async {
        let one = key(&app, app.organization, Role::Member, "m@example.com", true).await;
        let other = key(&app, app.organization, Role::Member, "m@example.com", true).await;
        let (address, _) = serve(&app).await;
        let mut ids = Vec::new();
        for text in [&one, &other, &one] {
            let name = if text == &one { "Zoos" } else { "Banks" };
            let write = format!("mutation {{ createIndustry(input: {{ name: \"{name}\", idempotencyKey: \"k\" }}) {{ industry {{ id }} userErrors {{ message }} }} }}");
            let answer = ask(address, &head_with_key(text), &write).await;
            ids.push(answer["data"]["createIndustry"]["industry"]["id"].clone());
        }
        assert_eq!(ids[0], ids[2]);
        assert!(ids[0].is_string() && ids[1].is_string() && ids[0] != ids[1], "{ids:?}");
    }))
    .await;
}

async fn secrets_are_neither_logged_nor_backed_up(app: App) {
    let text = key(&app, app.organization, Role::Admin, "a@example.com", false).await;
    let (prefix, secret) = text.split_once('.').unwrap();
    let log =
        app.data("{ changes { nodes { entity kind fields { name after } } } }").await.to_string();
    assert!(log.contains("API_KEY") && log.contains("USER"), "{log}");
    // Reading the data of API keys and users requires the permission to manage API keys.
    assert!(
        !log.contains(prefix.trim_start_matches("sg_")) && !log.contains("example.com"),
        "{log}"
    );
    assert!(
        !log.contains(secret) && !log.contains("keyHash") && !log.contains("passwordHash"),
        "{log}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    service::operations::backup::backup(&app.store, &file, &engine::progress::Unwatched)
        .await
        .unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}
