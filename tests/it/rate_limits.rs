//! Rate limits: quotas per API key, user and address, and their headers.

use engine::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::http::{Settings, rate_limit::RateLimit};
use tests::{App, behaviours};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::{
    access::{head_with_key, key, serve_with},
    http::{beside, send},
};

behaviours![
    a_quota_is_used_up_and_replenished,
    quotas_belong_to_keys_users_and_networks,
    every_operation_counts,
    rejected_credentials_count_for_their_address,
    the_local_user_and_sign_outs_are_not_limited,
    idle_callers_are_forgotten,
    settings_are_parsed,
];

fn limits(limits: &[&str]) -> Settings {
    let rate_limit = limits.iter().map(|limit| limit.parse::<RateLimit>().unwrap()).collect();
    let trusted_proxy = vec!["127.0.0.1/32".parse().unwrap()];
    Settings { rate_limit, trusted_proxy, ..Settings::default() }
}

/// Status, headers in lower case, and body of the response to a query.
async fn ask(address: std::net::SocketAddr, head: &str) -> (u16, String, Value) {
    let body = json!({ "query": "{ viewer { role } }" }).to_string();
    let (status, head, body) = send(address, head, &body).await;
    (status, head, serde_json::from_str(&body).unwrap())
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

async fn a_quota_is_used_up_and_replenished(app: App) {
    beside(Box::pin(async {
        let own =
            head_with_key(&key(&app, app.organization, Role::Member, "a@example.com", false).await);
        let address = serve_with(&app, limits(&["key=3/1m", "key=100/1h"])).await;
        for remaining in [2, 1, 0] {
            let (status, head, body) = ask(address, &own).await;
            assert_eq!((status, &body["data"]["viewer"]["role"]), (200, &json!("MEMBER")));
            assert_eq!(
                header(&head, "ratelimit-policy"),
                Some("\"key-60s\";q=3;w=60, \"key-3600s\";q=100;w=3600")
            );
            let state = format!("\"key-60s\";r={remaining};t={}", (3 - remaining) * 20);
            assert_eq!(header(&head, "ratelimit"), Some(&*state));
        }
        let (status, head, body) = ask(address, &own).await;
        assert_eq!(status, 429);
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], "RATE_LIMITED");
        assert_eq!(error["extensions"]["reason"], "RATE_LIMIT_EXCEEDED");
        let seconds: i64 = header(&head, "retry-after").unwrap().parse().unwrap();
        assert_eq!(error["extensions"]["retryAfter"], seconds);
        assert_eq!(header(&head, "ratelimit"), Some(&*format!("\"key-60s\";r=0;t={seconds}")));
        assert!(
            error["message"].as_str().unwrap().contains("3 requests per 60 seconds"),
            "{error}"
        );
        // After the time in the header, a request is accepted, but no second one.
        app.clock.advance(chrono::TimeDelta::seconds(seconds));
        assert_eq!(ask(address, &own).await.0, 200);
        assert_eq!(ask(address, &own).await.0, 429);
        app.clock.advance(chrono::TimeDelta::minutes(1));
        for _ in 0..3 {
            assert_eq!(ask(address, &own).await.0, 200);
        }
        // When the clock of the system goes back, the quota does not stay used up.
        app.clock.advance(chrono::TimeDelta::hours(-1));
        assert_eq!(ask(address, &own).await.0, 429);
        app.clock.advance(chrono::TimeDelta::minutes(1));
        assert_eq!(ask(address, &own).await.0, 200);
    }))
    .await;
}

async fn quotas_belong_to_keys_users_and_networks(app: App) {
    beside(Box::pin(async {
        let of = async |user: &str| {
            head_with_key(&key(&app, app.organization, Role::Member, user, false).await)
        };
        let (one, two, other) =
            (of("a@example.com").await, of("a@example.com").await, of("b@example.com").await);
        let from = |head: &str, client: &str| format!("{head}\r\nX-Forwarded-For: {client}");
        let address = serve_with(&app, limits(&["key=2/1m", "user=3/1m"])).await;
        let statuses = async |heads: &[&str]| {
            let mut statuses = Vec::new();
            for head in heads {
                statuses.push(ask(address, &from(head, "192.0.2.1")).await.0);
            }
            statuses
        };
        // Each key has its own quota, and both keys of the user share another one.
        assert_eq!(statuses(&[&one, &one, &one, &two, &two]).await, [200, 200, 429, 200, 429]);
        assert_eq!(statuses(&[&other, &other]).await, [200, 200]);

        let address = serve_with(&app, limits(&["address=2/1m"])).await;
        for (client, expected) in [
            ("192.0.2.1", 200),
            ("192.0.2.1", 200),
            ("192.0.2.1", 429),
            ("192.0.2.2", 200),
            // All addresses of a /64 are one client.
            ("2001:db8:0:1::1", 200),
            ("2001:db8:0:1::2", 200),
            ("2001:db8:0:1::3", 429),
            ("2001:db8:0:2::1", 200),
        ] {
            let head = from(if expected == 429 { &one } else { &other }, client);
            assert_eq!(ask(address, &head).await.0, expected, "{client}");
        }
    }))
    .await;
}

async fn every_operation_counts(app: App) {
    beside(Box::pin(async {
        let text = key(&app, app.organization, Role::Member, "a@example.com", false).await;
        let own = head_with_key(&text);
        let address = serve_with(&app, limits(&["key=4/1m"])).await;
        // A batch counts each of its requests.
        let query = json!({ "query": "{ viewer { role } }" });
        let batch = json!([query, query, query, query, query]).to_string();
        let (status, _, body) = send(address, &own, &batch).await;
        let answers: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200);
        for answer in &answers.as_array().unwrap()[..4] {
            assert_eq!(answer["data"]["viewer"]["role"], "MEMBER");
        }
        assert_eq!(answers[4]["errors"][0]["extensions"]["code"], "RATE_LIMITED");
        // A request by GET and a table count like any other.
        let get = format!("GET /graphql?query=%7Bviewer%7Brole%7D%7D HTTP/1.1\r\nAuthorization: Bearer {text}");
        assert_eq!(send(address, &get, "").await.0, 429);
        let table = format!("GET /graphql?query=%7Bteams%7Bnodes%7Bname%7D%7D%7D HTTP/1.1\r\nAccept: text/csv\r\nAuthorization: Bearer {text}");
        assert_eq!(send(address, &table, "").await.0, 429);
        let schema = format!("GET /schema.graphql HTTP/1.1\r\nAuthorization: Bearer {text}");
        let (status, head, _) = send(address, &schema, "").await;
        assert_eq!(status, 429);
        assert!(header(&head, "retry-after").is_some(), "{head}");
        // A WebSocket stays open, and each of its operations counts.
        app.clock.advance(chrono::TimeDelta::minutes(2));
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let hello = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {text}") } });
        socket.send(Message::text(hello.to_string())).await.unwrap();
        socket.next().await.unwrap().unwrap();
        let mut codes = Vec::new();
        for id in 0..6 {
            let message = json!({ "id": id.to_string(), "type": "subscribe", "payload": query });
            socket.send(Message::text(message.to_string())).await.unwrap();
            let answer = socket.next().await.unwrap().unwrap();
            let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
            codes.push(answer["payload"][0]["extensions"]["code"].clone());
            if answer["type"] == "next" {
                socket.next().await.unwrap().unwrap();
            }
        }
        assert_eq!(codes[..4], [Value::Null, Value::Null, Value::Null, Value::Null]);
        assert_eq!(codes[4..], [json!("RATE_LIMITED"), json!("RATE_LIMITED")]);
    }))
    .await;
}

async fn rejected_credentials_count_for_their_address(app: App) {
    beside(Box::pin(async {
        let valid = key(&app, app.organization, Role::Member, "a@example.com", false).await;
        let address = serve_with(&app, limits(&["address=3/1m", "key=100/1m"])).await;
        let guess = head_with_key("sg_AAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(ask(address, &guess).await.0);
        }
        assert_eq!(statuses, [401, 401, 401, 429]);
        assert_eq!(ask(address, &head_with_key(&valid)).await.0, 429);
        // Without a credential, too.
        let none = "POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nX-Forwarded-For: 192.0.2.9";
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(ask(address, none).await.0);
        }
        assert_eq!(statuses[3], 429, "{statuses:?}");
    }))
    .await;
}

async fn the_local_user_and_sign_outs_are_not_limited(app: App) {
    beside(Box::pin(async {
        let address = serve_with(
            &app,
            Settings { trusted_proxy: Vec::new(), ..limits(&["address=1/1m", "key=1/1m"]) },
        )
        .await;
        for _ in 0..3 {
            let (status, head, _) =
                ask(address, "POST /graphql HTTP/1.1\r\nContent-Type: application/json").await;
            assert_eq!(status, 200);
            assert_eq!(header(&head, "ratelimit"), None);
        }
        let token = crate::accounts::member(&app, "a@example.com", Role::Member).await;
        let page = crate::accounts::page(address, &token);
        let viewer = "{ viewer { role } }";
        assert_eq!(
            crate::accounts::ask(address, &token, viewer).await["data"]["viewer"]["role"],
            "MEMBER"
        );
        let limited = crate::accounts::ask(address, &token, viewer).await;
        assert_eq!(limited["errors"][0]["extensions"]["code"], "RATE_LIMITED");
        let (status, ..) = crate::accounts::post(address, "/sign-out", &page, &json!({})).await;
        assert_eq!(status, 200);
    }))
    .await;
}

async fn idle_callers_are_forgotten(app: App) {
    beside(Box::pin(async {
        let owner =
            head_with_key(&key(&app, app.organization, Role::Owner, "a@example.com", false).await);
        let address = serve_with(&app, limits(&["address=2/1m", "key=1000/1h"])).await;
        let remembered = async |expected: usize| {
            let metrics = owner.replacen("POST /graphql", "GET /metrics", 1);
            let (status, _, text) = send(address, &metrics, "").await;
            assert_eq!(status, 200, "{text}");
            let line = format!("salesgraph_rate_limit_quotas {expected}");
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        };
        for client in 1..=20 {
            ask(address, &format!("{owner}\r\nX-Forwarded-For: 192.0.2.{client}")).await;
            app.clock.advance(chrono::TimeDelta::seconds(1));
        }
        remembered(21).await;
        // Requests in between do not delay it.
        for _ in 0..7 {
            app.clock.advance(chrono::TimeDelta::seconds(20));
            ask(address, &format!("{owner}\r\nX-Forwarded-For: 192.0.2.99")).await;
        }
        remembered(2).await;
    }))
    .await;
}

async fn settings_are_parsed(_: App) {
    for (text, canonical) in [
        ("key=3000/1m", "key=3000/60s"),
        ("user=1/90s", "user=1/90s"),
        ("address=5/2h", "address=5/7200s"),
        ("address=5/1d", "address=5/86400s"),
    ] {
        assert_eq!(text.parse::<RateLimit>().unwrap().to_string(), canonical);
    }
    for text in
        ["", "key", "key=0/1m", "key=1/0s", "key=1/1", "key=-1/1m", "team=1/1m", "key=1/99999999d"]
    {
        let message = text.parse::<RateLimit>().unwrap_err();
        assert!(message.contains("key=3000/1m"), "{text}: {message}");
    }
    let shown: Vec<_> = RateLimit::defaults().iter().map(ToString::to_string).collect();
    let parsed: Vec<_> = shown.iter().map(|text| text.parse::<RateLimit>().unwrap()).collect();
    assert_eq!(parsed, RateLimit::defaults());
}
