//! `WebSockets`: opening, reading and writing.

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
use super::{Server, caller::RequestId, client_address::ClientAddress};

/// The only supported subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";

/// Maximum size of a message, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Read and write buffer size of a WebSocket, in bytes. Most sockets are idle; the library's default is 128 KiB
/// each.
const SOCKET_BUFFER: usize = 4 * 1024;

/// Maximum number of messages queued for a slow client. Later messages stay in the change log.
const WAITING: usize = 4;

/// Timeout for the last message, in case the client no longer reads.
const LAST_WORD: Duration = Duration::from_secs(5);
const LAST_WORD_TO_NOBODY: Duration = Duration::from_secs(1);

/// Close codes of the protocol and of the WebSocket specification.
pub(super) mod code {
    /// The server is shutting down; reconnect.
    pub(in crate::http) const GOING_AWAY: u16 = 1001;
    /// A message is too large.
    pub(in crate::http) const TOO_LARGE: u16 = 1009;
    /// The client doesn't read or doesn't respond; reconnect.
    pub(in crate::http) const TRY_AGAIN: u16 = 1013;
    /// Invalid message.
    pub(in crate::http) const BAD_MESSAGE: u16 = 4400;
    /// An operation before authentication.
    pub(in crate::http) const UNAUTHORIZED: u16 = 4401;
    /// A session that a page of another origin has sent.
    pub(in crate::http) const FORBIDDEN: u16 = 4403;
    /// No `connection_init` in time.
    pub(in crate::http) const INIT_TIMEOUT: u16 = 4408;
    /// The operation ID is in use.
    pub(in crate::http) const DUPLICATE_ID: u16 = 4409;
    /// A second `connection_init`.
    pub(in crate::http) const DUPLICATE_INIT: u16 = 4429;
}

/// Opens a WebSocket.
pub(super) async fn open(server: Server, parts: &mut Parts, id: RequestId) -> Response {
    if !server.accepts_origin(&parts.headers) {
        let text = "origin not allowed; add it with --allow-origin";
        return server.refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text);
    }
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    if !offered.any(|offered| offered.trim() == PROTOCOL) {
        let text = "the subprotocol must be graphql-transport-ws";
        return server.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", text);
    }
    let Ok(place) = Arc::clone(&server.sockets).try_acquire_owned() else {
        let text = "too many open WebSocket connections; retry later";
        return server.refuse(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text);
    };
    let client = (parts.headers.clone(), parts.extensions.get().copied());
    let upgrade = match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    upgrade
        .read_buffer_size(SOCKET_BUFFER)
        .write_buffer_size(SOCKET_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .protocols([PROTOCOL])
        .on_upgrade(move |socket| async move {
            serve(server, socket, client, id).await;
            drop(place);
        })
}

/// Serves a WebSocket until it closes. Writing and reading are concurrent, so that messages of a client that doesn't
/// read are still received.
async fn serve(
    server: Server,
    socket: WebSocket,
    client: (HeaderMap, Option<ClientAddress>),
    id: RequestId,
) {
    let _counted = server.metrics.socket();
    let (sink, incoming) = socket.split();
    let (sender, messages) = mpsc::channel(WAITING);
    let patience = server.settings.socket_ping * super::settings::MISSED_PINGS;
    let mut writing = Box::pin(write(sink, messages, patience));
    let session = Session::new(server, client, id, sender);
    let mut session = Box::pin(session.run(incoming));
    tokio::select! {
        () = &mut writing => {}
        (mut incoming, patience) = &mut session => {
            drop(session);
            // If data remained unread, the system would reset the connection before the client gets the close message.
            let last = async {
                writing.await;
                while let Some(Ok(_)) = incoming.next().await {}
            };
            let _ = timeout(patience, last).await;
        }
    }
}

/// Writes queued messages until the channel is closed or the client stalls for too long.
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
    // The reply to the client's close frame is still buffered.
    let _ = timeout(LAST_WORD, sink.flush()).await;
}

fn close_message(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}
