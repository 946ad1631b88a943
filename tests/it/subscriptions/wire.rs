//! Subscription transports: WebSocket and server-sent events.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::{App, behaviours};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::http::{JSON, beside, send, serve};

behaviours![
    websocket_receives_a_new_draft_and_resumes_after_it,
    event_stream_receives_a_new_draft,
    event_stream_begins_when_the_subscription_has_its_position,
    subscription_without_a_stream_is_rejected,
    actor_and_request_id_are_logged,
];

const CREATE: &str = r#"{"query":"mutation { createOutreachDraft(input: { prospectId: 1, draftType: \"x\", content: \"c\" }) { outreachDraft { id } userErrors { code } } }"}"#;

async fn prospect(app: &App) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(address: std::net::SocketAddr, query: &str) -> Socket {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let init = json!({ "type": "connection_init", "payload": { "actor": "person/Grace" } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    assert_eq!(receive(&mut socket).await["type"], "connection_ack");
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": query } });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    socket
}

async fn receive(socket: &mut Socket) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
    let message = message.expect("a message should arrive within 10 seconds").unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn websocket_receives_a_new_draft_and_resumes_after_it(app: App) {
    prospect(&app).await;
    beside(Box::pin(async {
        let address = serve(&app).await;
        let mut socket =
            open(address, "subscription { outreachDraftCreated { cursor draft { id } } }").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        send(address, JSON, CREATE).await;
        let event = receive(&mut socket).await;
        assert_eq!((&event["type"], &event["id"]), (&json!("next"), &json!("1")));
        let event = &event["payload"]["data"]["outreachDraftCreated"];
        assert_eq!(event["draft"]["id"], "OutreachDraft:1");
        socket.close(None).await.unwrap();
        send(address, JSON, CREATE).await;
        let after = format!(
            "subscription {{ outreachDraftCreated(after: {}) {{ draft {{ id }} }} }}",
            event["cursor"]
        );
        let mut socket = open(address, &after).await;
        let event = receive(&mut socket).await;
        assert_eq!(
            event["payload"]["data"]["outreachDraftCreated"]["draft"]["id"],
            "OutreachDraft:2"
        );
        // The actor of the write is the one named in the `connection_init` message.
        let write = r#"mutation { createIndustry(input: { name: "Zoos" }) { industry { id } } }"#;
        let run = json!({ "id": "2", "type": "subscribe", "payload": { "query": write } });
        socket.send(Message::text(run.to_string())).await.unwrap();
        assert_eq!(receive(&mut socket).await["id"], "2");
        let log = app.data("{ changes(last: 1) { nodes { entity actorKind actorName } } }").await;
        let by_grace =
            json!([{ "entity": "INDUSTRY", "actorKind": "PERSON", "actorName": "Grace" }]);
        assert_eq!(log["changes"]["nodes"], by_grace);
    }))
    .await;
}

async fn event_stream_receives_a_new_draft(app: App) {
    prospect(&app).await;
    beside(async {
        let address = serve(&app).await;
        let body = json!({ "query": "subscription { outreachDraftCreated { draft { id } } }" }).to_string();
        let get = format!("GET /graphql?query=subscription%7BoutreachDraftCreated%7Bdraft%7Bid%7D%7D%7D HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
        let post = format!(
            "{JSON}\r\nHost: {address}\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        for (number, request) in [post, get].iter().enumerate() {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = head(&mut stream).await;
            send(address, JSON, CREATE).await;
            let expected = format!(r#"{{"data":{{"outreachDraftCreated":{{"draft":{{"id":"OutreachDraft:{}"}}}}}}}}"#, number + 1);
            while !text.contains(&expected) {
                let mut buffer = [0; 4_096];
                let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
                let read = read.expect("an event should arrive within 10 seconds").unwrap();
                assert!(read > 0, "{text}");
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            assert!(text.contains("content-type: text/event-stream"), "{text}");
            assert!(text.contains("x-accel-buffering: no"), "{text}");
            assert!(text.contains("event: next"), "{text}");
        }
        // A query produces one response; then the stream completes.
        let body = r#"{"query":"{ __typename }"}"#;
        let (status, _, answer) = send(address, &format!("{JSON}\r\nAccept: text/event-stream"), body).await;
        assert_eq!(status, 200);
        assert!(answer.contains("event: next") && answer.contains("event: complete"), "{answer}");
    })
    .await;
}

/// Reads the head of a response, and what arrives with it.
async fn head(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = String::new();
    while !text.contains("\r\n\r\n") {
        let mut buffer = [0; 4_096];
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    text
}

async fn event_stream_begins_when_the_subscription_has_its_position(app: App) {
    prospect(&app).await;
    beside(async {
        // The first subscription of a server takes the longest to begin.
        for number in 1..=10 {
            let address = serve(&app).await;
            let get = format!("GET /graphql?query=subscription%7BoutreachDraftCreated%7Bdraft%7Bid%7D%7D%7D HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(get.as_bytes()).await.unwrap();
            let mut text = head(&mut stream).await;
            app.done(r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "c" }) { userErrors { code } } }"#).await;
            let expected = format!(r#""id":"OutreachDraft:{number}""#);
            while !text.contains(&expected) {
                let mut buffer = [0; 4_096];
                let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
                let read = read.expect("an event should arrive within 10 seconds").unwrap();
                assert!(read > 0, "{text}");
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
    })
    .await;
}

async fn subscription_without_a_stream_is_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        let (status, _, answer) =
            send(address, JSON, r#"{"query":"subscription { changes { cursor } }"}"#).await;
        assert_eq!(status, 406, "{answer}");
        assert!(answer.contains("NOT_ACCEPTABLE"), "{answer}");
        let get = "GET /graphql?query=subscription%7Bchanges%7Bcursor%7D%7D HTTP/1.1";
        assert_eq!(send(address, get, "").await.0, 406);
    })
    .await;
}

async fn actor_and_request_id_are_logged(app: App) {
    prospect(&app).await;
    beside(async {
        let address = serve(&app).await;
        let named = format!("{JSON}\r\nSalesgraph-Actor: worker/writer\r\nX-Request-Id: abc-1");
        let (_, head, _) = send(address, &named, CREATE).await;
        let own = |head: &str| {
            head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().trim().to_owned()
        };
        // The response contains the request ID of the client in addition to the request ID of the server.
        assert!(head.contains("x-client-request-id: abc-1"), "{head}");
        let first = own(&head);
        let (_, head, _) = send(address, JSON, CREATE).await;
        assert!(!head.contains("x-client-request-id"), "{head}");
        let second = own(&head);
        assert_eq!((first.len(), second.len()), (36, 36), "{first} {second}");
        let log = app.data("{ changes { nodes { actorKind actorName requestId clientRequestId } } outreachDrafts { nodes { authorKind authorName } } }").await;
        assert_eq!(
            log["changes"]["nodes"],
            json!([{ "actorKind": "WORKER", "actorName": "writer", "requestId": first, "clientRequestId": "abc-1" },
                { "actorKind": "LOCAL_USER", "actorName": null, "requestId": second, "clientRequestId": null }])
        );
        assert_eq!(log["outreachDrafts"]["nodes"][0], json!({ "authorKind": "WORKER", "authorName": "writer" }));
        for wrong in ["worker", "robot/x", "worker/", "person/ "] {
            let head = format!("{JSON}\r\nSalesgraph-Actor: {wrong}");
            assert_eq!(send(address, &head, CREATE).await.0, 400, "{wrong}");
        }
    })
    .await;
}
