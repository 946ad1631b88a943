//! graphql-transport-ws, and sockets of clients that disconnect, stop reading or send invalid messages. The clients
//! in `tests/outside` also check this behavior.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::http::{Settings, connection};
use tests::{App, behaviours};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::{
    access::serve_with,
    http::{JSON, beside, send, serve},
};

behaviours![
    invalid_message_closes_the_socket,
    missing_connection_init_closes_the_socket,
    operation_errors_keep_the_socket_open,
    operations_per_socket_are_limited,
    unresponsive_client_is_disconnected,
    client_that_does_not_read_blocks_no_other_client,
    graceful_shutdown_closes_sockets,
];

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(address: std::net::SocketAddr) -> Socket {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

async fn welcome(address: std::net::SocketAddr) -> Socket {
    let mut socket = open(address).await;
    say(&mut socket, &json!({ "type": "connection_init" })).await;
    assert_eq!(hear(&mut socket).await, json!({ "type": "connection_ack" }));
    socket
}

async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

fn ask(id: &str, query: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query } })
}

/// The next message other than pings and pongs; for a close frame, its close code.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
        match message.expect("no message within 10 seconds") {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Close(Some(frame)))) => return json!(u16::from(frame.code)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn invalid_message_closes_the_socket(app: App) {
    beside(async {
        let address = serve(&app).await;
        let init = json!({ "type": "connection_init" });
        let follow = ask("1", "subscription { changes { cursor } }");
        for (messages, code) in [
            (vec![json!("x")], 4400),
            (vec![json!({ "type": "start" })], 4400),
            (vec![follow.clone()], 4401),
            (vec![init.clone(), init.clone()], 4429),
            (vec![init.clone(), follow.clone(), follow.clone()], 4409),
            (vec![init.clone(), json!({ "id": "1", "type": "subscribe", "payload": {} })], 4400),
            (vec![init.clone(), json!({ "x": "y".repeat(2_000_000) })], 1009),
        ] {
            let mut socket = open(address).await;
            for message in &messages {
                // The server may reject an oversized message before the client has sent all of it.
                let _ = socket.send(Message::text(message.to_string())).await;
            }
            let mut heard = hear(&mut socket).await;
            while heard["type"] == "connection_ack" {
                heard = hear(&mut socket).await;
            }
            assert_eq!(heard, json!(code));
        }
    })
    .await;
}

async fn missing_connection_init_closes_the_socket(app: App) {
    beside(async {
        let socket_init_timeout = Duration::from_millis(100);
        let settings = Settings { socket_init_timeout, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        let mut socket = open(address).await;
        say(&mut socket, &json!({ "type": "ping", "payload": { "n": 1 } })).await;
        assert_eq!(hear(&mut socket).await, json!({ "type": "pong", "payload": { "n": 1 } }));
        assert_eq!(hear(&mut socket).await, json!(4408));
    })
    .await;
}

async fn operation_errors_keep_the_socket_open(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let mut socket = welcome(address).await;
        say(&mut socket, &json!({ "id": "none", "type": "complete" })).await;
        for query in [
            "{",
            "{ nothing }",
            "subscription { changes { cursor } outreachDraftCreated { cursor } }",
            "subscription { changes(after: \"x\") { cursor } }",
        ] {
            say(&mut socket, &ask("1", query)).await;
            let error = hear(&mut socket).await;
            assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")), "{error}");
            assert!(error["payload"][0]["extensions"]["code"].is_string(), "{error}");
        }
        say(&mut socket, &ask("1", "{ prospects { totalCount } }")).await;
        let next = hear(&mut socket).await;
        assert_eq!(next["payload"], json!({ "data": { "prospects": { "totalCount": 4 } } }));
        assert_eq!(hear(&mut socket).await, json!({ "id": "1", "type": "complete" }));
    })
    .await;
}

async fn operations_per_socket_are_limited(app: App) {
    beside(async {
        let settings = Settings { max_subscriptions: 2, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        let mut socket = welcome(address).await;
        let follow = "subscription { changes { cursor } }";
        for id in ["1", "2", "3"] {
            say(&mut socket, &ask(id, follow)).await;
        }
        let error = hear(&mut socket).await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("3")));
        say(&mut socket, &json!({ "id": "1", "type": "complete" })).await;
        say(&mut socket, &ask("1", "{ __typename }")).await;
        assert_eq!(hear(&mut socket).await["payload"]["data"]["__typename"], "Query");
    })
    .await;
}

async fn subscribers(address: std::net::SocketAddr) -> String {
    let (_, _, text) = send(address, "GET /metrics HTTP/1.1", "").await;
    let line = text.lines().find(|line| line.starts_with("salesgraph_subscribers ")).unwrap();
    line.split(' ').next_back().unwrap().to_owned()
}

async fn unresponsive_client_is_disconnected(app: App) {
    beside(Box::pin(async {
        let settings = Settings { socket_ping: Duration::from_millis(100), ..Settings::default() };
        let address = serve_with(&app, settings).await;
        let mut there = welcome(address).await;
        say(&mut there, &ask("1", "subscription { changes { cursor } }")).await;
        while subscribers(address).await != "1" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut gone = welcome(address).await;
        say(&mut gone, &ask("1", "subscription { changes { cursor } }")).await;
        // The client library replies to pings only while messages are read.
        for ping in 1.. {
            let message = tokio::time::timeout(Duration::from_secs(5), there.next()).await;
            let message = message.unwrap().unwrap().unwrap();
            assert!(message.is_ping(), "{message}");
            if ping > 6 && subscribers(address).await == "1" {
                break;
            }
        }
        let closed = async {
            loop {
                match gone.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), closed).await, Ok(1013));
    }))
    .await;
}

/// Opens more idle sockets than there are database connections.
async fn client_that_does_not_read_blocks_no_other_client(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada", company).await;
    beside(async {
        let address = serve(&app).await;
        let mut sleepers = Vec::new();
        for _ in 0..30 {
            let mut socket = welcome(address).await;
            let follow = "subscription { outreachDraftCreated { draft { content prospect { fullName company { name } } } } }";
            say(&mut socket, &ask("1", follow)).await;
            for id in 2..60 {
                let query = "{ industries { nodes { name companies { nodes { name } } } } }";
                say(&mut socket, &ask(&id.to_string(), query)).await;
            }
            sleepers.push(socket);
        }
        let content = "x".repeat(100_000);
        for _ in 0..40 {
            let write = format!("mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: \"x\", content: \"{content}\" }}) {{ userErrors {{ code }} }} }}");
            app.done(&write).await;
        }
        // If no database connection were available, requests would fail after the acquire timeout.
        for _ in 0..20 {
            let body = json!({ "query": "{ prospects { totalCount nodes { company { name } } } }" });
            let (status, _, answer) = send(address, JSON, &body.to_string()).await;
            assert!(status == 200 && !answer.contains("errors"), "{answer}");
        }
    })
    .await;
}

async fn graceful_shutdown_closes_sockets(app: App) {
    beside(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = connection::serve(listener, app.server(), async { stopped.await.unwrap() });
        let serving = tokio::task::spawn_local(serving);
        let mut socket = welcome(address).await;
        say(&mut socket, &ask("1", "subscription { changes { cursor } }")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.send(()).unwrap();
        assert_eq!(hear(&mut socket).await, json!(1001));
        drop(socket);
        tokio::time::timeout(Duration::from_secs(10), serving).await.unwrap().unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    })
    .await;
}
