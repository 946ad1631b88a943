//! A session of graphql-transport-ws: the caller and the running operations.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::{Response, ServerError, parser::types::OperationType};
use axum::{
    extract::ws::{Message, WebSocket},
    http::HeaderMap,
};
use futures_util::{
    StreamExt,
    stream::{self, AbortHandle, BoxStream, SelectAll, SplitStream, abortable},
};
use serde_json::{Map, Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc::Sender, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    LAST_WORD, LAST_WORD_TO_NOBODY, close_message, code,
    message::{self, Said},
};
use crate::{
    document::Refusal,
    http::{
        Server,
        caller::{Caller, Claims, LOOKED_AT_EVERY, RequestId},
        client_address::ClientAddress,
        connection::stopped,
        operation::{Operation, Outcome, is_broken},
        settings::{MISSED_PINGS, RUNNING_OF_SOCKET, SOCKET_GRACE},
        stream_task::detached,
    },
};
use graph::json_text;

/// An event of a running operation.
enum Event {
    /// A response with its permit, which is held until the response is queued for sending.
    Next(Box<Response>, Option<OwnedSemaphorePermit>),
    Refused(Vec<ServerError>),
    Complete,
}

/// A running operation.
struct Running {
    handle: AbortHandle,
    follows: bool,
}

/// Reason for the end of a session: the close frame, or `None` if the client has disconnected.
type End = Option<Message>;

/// See the module documentation.
pub(super) struct Session {
    server: Server,
    headers: HeaderMap,
    address: Option<ClientAddress>,
    id: RequestId,
    sender: Sender<Message>,
    caller: Option<Caller>,
    running: HashMap<String, Running>,
    /// Permits for responses that are being produced or waiting to be read.
    room: Arc<Semaphore>,
    answers: SelectAll<BoxStream<'static, (String, Event)>>,
    heard: Instant,
}

impl Session {
    pub(super) fn new(
        server: Server,
        (headers, address): (HeaderMap, Option<ClientAddress>),
        id: RequestId,
        sender: Sender<Message>,
    ) -> Self {
        let answers = SelectAll::new();
        let (caller, running, heard) = (None, HashMap::new(), Instant::now());
        let room = Arc::new(Semaphore::new(RUNNING_OF_SOCKET));
        Self { server, headers, address, id, sender, caller, running, room, answers, heard }
    }

    /// Serves the client until either side ends the session. Returns the messages still to be sent, and their timeout.
    pub(super) async fn run(
        mut self,
        mut incoming: SplitStream<WebSocket>,
    ) -> (SplitStream<WebSocket>, Duration) {
        let mut closing = self.server.closing.subscribe();
        let end = self.serve(&mut incoming, &mut closing).await;
        if let Some(frame) = end {
            if self.is_silent() {
                // The queue may be full and may never drain.
                let _ = self.sender.try_send(frame);
                return (incoming, LAST_WORD_TO_NOBODY);
            }
            let _ = self.sender.send(frame).await;
        }
        (incoming, LAST_WORD)
    }

    /// Whether the client has been silent for too long.
    fn is_silent(&self) -> bool {
        self.heard.elapsed() >= self.server.settings.socket_ping * MISSED_PINGS
    }

    async fn serve(
        &mut self,
        incoming: &mut SplitStream<WebSocket>,
        closing: &mut watch::Receiver<bool>,
    ) -> End {
        let introduced_by = Instant::now() + self.server.settings.socket_init_timeout;
        let every = self.server.settings.socket_ping;
        let (mut pings, mut looks) = (interval(every), interval(LOOKED_AT_EVERY));
        for ticks in [&mut pings, &mut looks] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.reset();
        }
        let mut stops_by = None;
        loop {
            if stops_by.is_some() && self.running.is_empty() {
                return Some(close_message(code::GOING_AWAY, "the server is shutting down"));
            }
            tokio::select! {
                biased;
                // Subscriptions end without `complete`, which a client would interpret as a regular end.
                () = stopped(closing), if stops_by.is_none() => {
                    stops_by = Some(Instant::now() + SOCKET_GRACE);
                    self.running.retain(|_, running| {
                        if running.follows {
                            running.handle.abort();
                        }
                        !running.follows
                    });
                }
                () = sleep_until(stops_by.unwrap_or(introduced_by)), if stops_by.is_some() => {
                    return Some(close_message(code::GOING_AWAY, "the server is shutting down"));
                }
                () = sleep_until(introduced_by), if self.caller.is_none() => {
                    return Some(close_message(code::INIT_TIMEOUT, "Connection initialisation timeout"));
                }
                _ = pings.tick() => {
                    if self.is_silent() {
                        return Some(close_message(code::TRY_AGAIN, "no response from the client"));
                    }
                    // If the queue is full, the write timeout of the queued messages detects a dead client.
                    let _ = self.sender.try_send(Message::Ping(Default::default()));
                }
                _ = looks.tick(), if self.caller.is_some() => {
                    if let Err(end) = self.look_again().await {
                        return end;
                    }
                }
                message = incoming.next() => {
                    self.heard = Instant::now();
                    let end = match message {
                        Some(Ok(Message::Text(_))) if stops_by.is_some() => Ok(()),
                        Some(Ok(Message::Text(text))) => self.hear(&text).await,
                        Some(Ok(Message::Binary(_))) => {
                            Err(Some(close_message(code::BAD_MESSAGE, "messages must be text")))
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Close(_))) | None => Err(None),
                        Some(Err(_)) => {
                            Err(Some(close_message(code::TOO_LARGE, "the message is invalid or too large")))
                        }
                    };
                    if let Err(end) = end {
                        return end;
                    }
                }
                told = next(&self.sender, &mut self.answers), if !self.answers.is_empty() => {
                    if let Some(text) = self.message(told) && self.sender.send(text).await.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    /// Revalidates the credential, which may have been revoked or lost permissions.
    async fn look_again(&mut self) -> Result<(), End> {
        let Some(caller) = &self.caller else { return Ok(()) };
        match caller.again(&self.server).await {
            Some(now) if now.has_access_of(caller) => {
                self.caller = Some(now);
                Ok(())
            }
            Some(_) => {
                let reason = "the role of the caller has changed; reconnect";
                Err(Some(close_message(code::TRY_AGAIN, reason)))
            }
            None => {
                let reason = "the API key or the session is no longer valid";
                Err(Some(close_message(code::UNAUTHORIZED, reason)))
            }
        }
    }

    /// The message for an event.
    fn message(&mut self, event: Option<(String, Event)>) -> Option<Message> {
        // The client has completed all operations.
        let (id, event) = event?;
        // The event belongs to an operation that the client has completed meanwhile.
        if !self.running.contains_key(&id) {
            return None;
        }
        let text = match event {
            Event::Next(response, room) => {
                let text = message::with_payload("next", &id, &json_text::response(&response));
                drop(room);
                text
            }
            Event::Refused(errors) => {
                self.forget(&id);
                message::with_payload("error", &id, &json!(errors).to_string())
            }
            Event::Complete => {
                self.forget(&id);
                message::complete(&id)
            }
        };
        Some(Message::text(text))
    }

    fn forget(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.handle.abort();
        }
    }

    async fn hear(&mut self, text: &str) -> Result<(), End> {
        let said =
            message::read(text).map_err(|reason| Some(close_message(code::BAD_MESSAGE, reason)))?;
        match said {
            Said::Ping(payload) => self.say(message::pong(payload)).await,
            Said::Pong => Ok(()),
            Said::Init(fields) => self.greet(&fields).await,
            Said::Complete(id) => {
                self.forget(&id);
                Ok(())
            }
            Said::Subscribe(id, fields) => self.begin(id, &fields).await,
        }
    }

    async fn say(&mut self, text: String) -> Result<(), End> {
        self.sender.send(Message::text(text)).await.map_err(|_| None)
    }

    /// Browsers can't send headers with a WebSocket, so `connection_init` may contain the credentials.
    async fn greet(&mut self, fields: &Map<String, Value>) -> Result<(), End> {
        if self.caller.is_some() {
            let reason = "Too many initialisation requests";
            return Err(Some(close_message(code::DUPLICATE_INIT, reason)));
        }
        let text = |names: [&str; 2]| {
            names.into_iter().find_map(|name| fields.get(name)).and_then(Value::as_str)
        };
        let headers = Claims::of(&self.headers).from(self.address);
        let claims = Claims {
            authorization: text(["authorization", "Authorization"]).or(headers.authorization),
            actor: text(["actor", "Salesgraph-Actor"]).or(headers.actor),
            ..headers
        };
        match self.server.identify(claims, &self.id).await {
            Ok(caller) if caller.scope.is_none() => {
                return Err(Some(close_message(
                    code::UNAUTHORIZED,
                    "authentication required: send an API key as `authorization`, or sign in",
                )));
            }
            Ok(caller) => self.caller = Some(caller),
            Err(refusal) => {
                self.server.metrics.refused(refusal.code);
                return Err(Some(match refusal.code {
                    "UNAUTHENTICATED" => {
                        close_message(code::UNAUTHORIZED, "the API key or the session is invalid")
                    }
                    "FORBIDDEN" => close_message(code::FORBIDDEN, "origin not allowed"),
                    "UNAVAILABLE" => close_message(code::TRY_AGAIN, "the database is unavailable"),
                    "RATE_LIMITED" => close_message(code::TRY_AGAIN, "too many requests"),
                    _ => close_message(
                        code::BAD_MESSAGE,
                        "the actor must be worker/NAME or person/NAME",
                    ),
                }));
            }
        }
        self.say(r#"{"type":"connection_ack"}"#.to_owned()).await
    }

    async fn begin(&mut self, id: String, fields: &Map<String, Value>) -> Result<(), End> {
        self.look_again().await?;
        let Some(caller) = self.caller.clone() else {
            return Err(Some(close_message(
                code::UNAUTHORIZED,
                "Unauthorized: connection_init is required first",
            )));
        };
        if self.running.contains_key(&id) {
            return Err(Some(close_message(
                code::DUPLICATE_ID,
                "Subscriber for this id already exists",
            )));
        }
        let admitted = if self.running.len() >= self.server.settings.max_subscriptions {
            let most = self.server.settings.max_subscriptions;
            let text =
                format!("the limit of {most} concurrent operations per WebSocket is exceeded");
            self.server.metrics.refused("SUBSCRIPTIONS");
            Err(Refusal::new("TOO_COMPLEX", text, None).because(engine::Reason::TooManyOperations))
        } else {
            match self.server.count_request(&caller) {
                Ok(_) => Operation::admit(&self.server, &caller, &self.id, fields).await,
                Err(refusal) => {
                    self.server.metrics.refused(refusal.code);
                    Err(refusal)
                }
            }
        };
        let operation = match admitted {
            Ok(operation) => operation,
            Err(refusal) => {
                return self
                    .say(message::with_payload("error", &id, &json!(refusal.errors).to_string()))
                    .await;
            }
        };
        let follows = operation.kind() == OperationType::Subscription;
        let room = Arc::clone(&self.room);
        let (events, handle) = abortable(events(self.server.clone(), caller, operation, room));
        let named = id.clone();
        self.answers.push(events.map(move |event| (named.clone(), event)).boxed());
        self.running.insert(id, Running { handle, follows });
        Ok(())
    }
}

/// The next event, once a permit is available: operations of a client that reads slowly wait.
async fn next(
    sender: &Sender<Message>,
    answers: &mut SelectAll<BoxStream<'static, (String, Event)>>,
) -> Option<(String, Event)> {
    let _room = sender.reserve().await.ok()?;
    answers.next().await
}

/// The events of an operation.
fn events(
    server: Server,
    caller: Caller,
    operation: Operation,
    room: Arc<Semaphore>,
) -> BoxStream<'static, Event> {
    let end = stream::once(async { Event::Complete });
    if operation.kind() != OperationType::Subscription {
        let once = stream::once(async move {
            // Unread responses stay in memory, so their number is limited.
            let room = room.acquire_owned().await.ok();
            match operation.run(&server, &caller).await {
                Outcome::Answer(response) => Event::Next(Box::new(response), room),
                Outcome::Refused(refusal) => Event::Refused(refusal.errors),
            }
        });
        return detached(once).chain(end).boxed();
    }
    let answers = operation.follow(&server, &caller).0.map(|response| {
        let has_nothing = response.data == async_graphql::Value::Null && response.is_err();
        if has_nothing || is_broken(&response) {
            Event::Refused(response.errors)
        } else {
            Event::Next(Box::new(response), None)
        }
    });
    answers.chain(end).boxed()
}
