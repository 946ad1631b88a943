//! `WebSockets`: how one is opened, and how what is said on it is sent.

mod message;
mod session;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        FromRequestParts, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{
    sync::mpsc::{self, Receiver},
    time::timeout,
};

use self::session::Session;
use super::{Server, visitor::RequestId};

/// The one protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";

/// The largest message, in bytes.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// What a socket keeps to read and to write, in bytes, while little is said on it: most wait for something
/// to happen. The library's own measure is 128 KiB for each.
const SOCKET_BUFFER: usize = 4 * 1024;

/// How many messages wait for a client that reads slowly. What comes after them waits in the change log.
const WAITING: usize = 4;

/// How long the last message may take; to a client that has long been silent.
const LAST_WORD: Duration = Duration::from_secs(5);
const LAST_WORD_TO_NOBODY: Duration = Duration::from_secs(1);

/// Why a socket is closed: the codes of the protocol, and those of the WebSocket specification.
pub(super) mod code {
    /// The server stops; come again.
    pub(in crate::http) const GOING_AWAY: u16 = 1001;
    /// A message is too large.
    pub(in crate::http) const TOO_LARGE: u16 = 1009;
    /// The client doesn't read, or is not there; come again.
    pub(in crate::http) const TRY_AGAIN: u16 = 1013;
    /// A message that is none.
    pub(in crate::http) const BAD_MESSAGE: u16 = 4400;
    /// No operation before it is known who asks.
    pub(in crate::http) const UNAUTHORIZED: u16 = 4401;
    /// It was not said in time who asks.
    pub(in crate::http) const INIT_TIMEOUT: u16 = 4408;
    /// An id that is in use.
    pub(in crate::http) const DUPLICATE_ID: u16 = 4409;
    /// It was said twice who asks.
    pub(in crate::http) const DUPLICATE_INIT: u16 = 4429;
}

/// Opens a socket.
pub(super) async fn open(server: Server, parts: &mut Parts, id: RequestId) -> Response {
    if !server.accepts_origin(&parts.headers) {
        let text = "a page of another origin can't open a socket here";
        return server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text);
    }
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    if !offered.any(|offered| offered.trim() == PROTOCOL) {
        let text = "the subprotocol must be graphql-transport-ws";
        return server.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", text);
    }
    let Ok(place) = Arc::clone(&server.sockets).try_acquire_owned() else {
        let text = "too many sockets are open, try again";
        return server.refuse(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text);
    };
    let headers: HeaderMap = parts.headers.clone();
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    upgrade
        .read_buffer_size(SOCKET_BUFFER)
        .write_buffer_size(SOCKET_BUFFER)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .protocols([PROTOCOL])
        .on_upgrade(move |socket| async move {
            serve(server, socket, headers, id).await;
            drop(place);
        })
}

/// Serves a socket to its end. What is said on it is written beside what is read, so that a client which
/// doesn't read can still be heard.
async fn serve(server: Server, socket: WebSocket, headers: HeaderMap, id: RequestId) {
    let _counted = server.metrics.socket();
    let (sink, incoming) = socket.split();
    let (sender, messages) = mpsc::channel(WAITING);
    let patience = server.settings.socket_ping * super::settings::MISSED_PINGS;
    let mut writing = Box::pin(write(sink, messages, patience));
    let session = Session::new(server, headers, id, sender);
    let mut session = Box::pin(session.run(incoming));
    tokio::select! {
        () = &mut writing => {}
        (mut incoming, patience) = &mut session => {
            drop(session);
            // What is left unread would make the system cut the connection before the last word is heard.
            let last = async {
                writing.await;
                while let Some(Ok(_)) = incoming.next().await {}
            };
            let _ = timeout(patience, last).await;
        }
    }
}

/// Writes what waits, until nothing more can come or the client takes nothing for too long.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut messages: Receiver<Message>,
    patience: Duration,
) {
    while let Some(message) = messages.recv().await {
        let closes = matches!(message, Message::Close(_));
        match timeout(patience, sink.send(message)).await {
            Ok(Ok(())) if !closes => {}
            _ => break,
        }
    }
    // The answer to a client that closes waits to be sent.
    let _ = timeout(LAST_WORD, sink.flush()).await;
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}
