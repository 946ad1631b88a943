//! HTTP and WebSocket requests to a running server.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::{App, behaviours};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

behaviours![
    the_schema_is_served,
    post_request_is_executed,
    get_request_with_query_is_executed,
    invalid_requests_are_rejected_with_a_json_error,
    websocket_operation_is_executed,
    cross_origin_websocket_is_rejected,
    non_local_host_header_is_rejected,
    graphiql_page_and_assets_are_served,
    readiness_reports_database_availability,
];

/// Serves the app and returns its address.
pub async fn serve(app: &App) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = server::http::connection::serve(listener, app.server(), std::future::pending());
    tokio::task::spawn_local(serving);
    address
}

/// Runs `work` in a `LocalSet`, so that `work` can spawn local tasks.
pub async fn beside<T>(work: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(work).await
}

/// Sends a raw request; returns status, headers in lower case, and body of the response.
pub async fn send(address: std::net::SocketAddr, head: &str, body: &str) -> (u16, String, String) {
    let (status, head, body) = exchange(address, head, body).await;
    (status, head.to_lowercase(), body)
}

/// Like [`send`], with the headers as they are.
pub async fn exchange(
    address: std::net::SocketAddr,
    head: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // `head` may contain its own `Host` header.
    let host = if head.contains("Host: ") { String::new() } else { format!("Host: {address}\r\n") };
    let request = format!(
        "{head}\r\n{host}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

pub const JSON: &str = "POST /graphql HTTP/1.1\r\nContent-Type: application/json; charset=utf-8";

async fn the_schema_is_served(app: App) {
    let (status, head, sdl) = beside(async {
        let address = serve(&app).await;
        send(address, "GET /schema.graphql HTTP/1.1", "").await
    })
    .await;
    assert_eq!(status, 200, "{sdl}");
    assert!(head.contains("content-type: text/plain; charset=utf-8"), "{head}");
    assert_eq!(sdl, api::schema::sdl());
}

async fn post_request_is_executed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let body = json!({ "query": "query A($n: Int) { prospects(first: $n) { nodes { fullName } } } query B { __typename }",
            "operationName": "A", "variables": { "n": 1 } });
        let (status, head, body) = send(address, JSON, &body.to_string()).await;
        assert_eq!(status, 200, "{body}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, json!({ "data": { "prospects": { "nodes": [{ "fullName": "Ada" }] } } }));
    })
    .await;
}

async fn get_request_with_query_is_executed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let head = "GET /graphql?query=query($n:Int)%7Bprospects(first:$n)%7BtotalCount%7D%7D&variables=%7B%22n%22:1%7D HTTP/1.1";
        let (status, _, body) = send(address, head, "").await;
        assert_eq!((status, body.as_str()), (200, r#"{"data":{"prospects":{"totalCount":4}}}"#));
        let head = "GET /graphql?query=mutation%7B__typename%7D HTTP/1.1";
        let (status, head, _) = send(address, head, "").await;
        assert_eq!(status, 405);
        assert!(head.contains("allow: post"), "{head}");
    })
    .await;
}

async fn invalid_requests_are_rejected_with_a_json_error(app: App) {
    beside(async {
        let address = serve(&app).await;
        let large = format!("{{\"query\":\"{}\"}}", "x".repeat(3_000_000));
        for (head, body, expected) in [
            (JSON, "{", 400),
            (JSON, "[]", 400),
            (JSON, "{}", 400),
            (JSON, r#"{"query": 7}"#, 400),
            (JSON, r#"{"query": "{ __typename }", "variables": []}"#, 400),
            (JSON, r#"{"query": "{ __typename }", "operationName": 1}"#, 400),
            (JSON, large.as_str(), 413),
            ("POST /graphql HTTP/1.1\r\nContent-Type: text/plain", "{ __typename }", 415),
            ("POST /graphql HTTP/1.1", "{}", 415),
            ("GET /graphql HTTP/1.1", "", 400),
        ] {
            let (status, _, answer) = send(address, head, body).await;
            assert_eq!(status, expected, "{answer}");
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{answer}");
        }
        let unknown = send(address, JSON, r#"{"query": "{ nope }"}"#).await;
        assert!(unknown.2.contains("GRAPHQL_VALIDATION_FAILED"), "{}", unknown.2);
    })
    .await;
}

async fn websocket_operation_is_executed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut say = async |message: Value| {
            socket.send(Message::text(message.to_string())).await.unwrap();
            let answer = socket.next().await.unwrap().unwrap();
            serde_json::from_str::<Value>(answer.to_text().unwrap()).unwrap()
        };
        let welcome = say(json!({ "type": "connection_init" })).await;
        assert_eq!(welcome["type"], "connection_ack");
        let query = "{ companies(first: 1) { nodes { prospects { totalCount } } } }";
        let next =
            say(json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
        assert_eq!(next["payload"]["data"]["companies"]["nodes"][0]["prospects"]["totalCount"], 3);
    })
    .await;
}

async fn graphiql_page_and_assets_are_served(app: App) {
    beside(async {
        let address = serve(&app).await;
        let (status, head, page) = send(address, "GET / HTTP/1.1\r\nAccept: text/html", "").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        for name in page.split('"').filter(|part| part.starts_with("graphiql/")) {
            let (status, ..) = send(address, &format!("GET /{name} HTTP/1.1"), "").await;
            assert_eq!(status, 200, "{name}");
        }
        let (status, _, examples) = send(address, "GET /graphiql/examples.json HTTP/1.1", "").await;
        assert_eq!(status, 200);
        let examples: Vec<Value> = serde_json::from_str(&examples).unwrap();
        assert_eq!(examples.len(), api::graphiql::EXAMPLES.len());
        assert_eq!(send(address, "GET /graphiql/nothing.js HTTP/1.1", "").await.0, 404);
    })
    .await;
}

async fn readiness_reports_database_availability(app: App) {
    beside(async {
        let address = serve(&app).await;
        assert_eq!(send(address, "GET /health/live HTTP/1.1", "").await.0, 200);
        assert_eq!(send(address, "GET /health/ready HTTP/1.1", "").await.0, 200);
        app.store.clone().close().await.unwrap();
        assert_eq!(send(address, "GET /health/live HTTP/1.1", "").await.0, 200);
        assert_eq!(send(address, "GET /health/ready HTTP/1.1", "").await.0, 503);
        let (_, _, body) =
            send(address, JSON, r#"{"query": "{ companies { totalCount } }"}"#).await;
        assert!(body.contains("UNAVAILABLE"), "{body}");
    })
    .await;
}

async fn cross_origin_websocket_is_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        for (origin, accepted) in [
            (format!("http://{address}"), true),
            ("https://evil.example".to_owned(), false),
            ("null".to_owned(), false),
        ] {
            let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
            let headers = request.headers_mut();
            headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
            headers.insert("origin", origin.parse().unwrap());
            let opened = tokio_tungstenite::connect_async(request).await;
            assert_eq!(opened.is_ok(), accepted, "{origin}");
        }
    })
    .await;
}

async fn non_local_host_header_is_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        let body = r#"{"query": "{ __typename }"}"#;
        for (host, expected) in [
            ("localhost", 200),
            ("localhost:8000", 200),
            ("127.0.0.1:9", 200),
            ("[::1]:8000", 200),
            ("evil.example", 403),
            ("evil.example:8000", 403),
            ("localhost.evil.example", 403),
            ("127.0.0.1.evil.example:80", 403),
        ] {
            let head = format!("{JSON}\r\nHost: {host}");
            let (status, _, answer) = send(address, &head, body).await;
            assert_eq!(status, expected, "{host}: {answer}");
        }
    })
    .await;
}
