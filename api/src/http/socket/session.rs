//! A session of graphql-transport-ws: who asks, and the operations that run.

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
    LAST_WORD, LAST_WORD_TO_NOBODY, close, code,
    message::{self, Said},
};
use crate::{
    document::Refusal,
    http::{
        Server,
        connection::stopped,
        detached::detached,
        operation::{Operation, Outcome, is_broken},
        settings::{MISSED_PINGS, RUNNING_OF_SOCKET, SOCKET_GRACE},
        visitor::{self, Claims, LOOKED_AT_EVERY, RequestId, Visitor},
    },
    text,
};

/// Something that an operation has come to.
enum Event {
    /// With the room that its answer takes, until it is on its way.
    Next(Box<Response>, Option<OwnedSemaphorePermit>),
    Refused(Vec<ServerError>),
    Complete,
}

/// An operation that runs.
struct Running {
    handle: AbortHandle,
    follows: bool,
}

/// Why a session ends: the frame that says so, or nothing when the client has left.
type End = Option<Message>;

/// See the module.
pub(super) struct Session {
    server: Server,
    headers: HeaderMap,
    id: RequestId,
    sender: Sender<Message>,
    visitor: Option<Visitor>,
    running: HashMap<String, Running>,
    /// How many answers may be made, or wait to be read.
    room: Arc<Semaphore>,
    answers: SelectAll<BoxStream<'static, (String, Event)>>,
    heard: Instant,
}

impl Session {
    pub(super) fn new(
        server: Server,
        headers: HeaderMap,
        id: RequestId,
        sender: Sender<Message>,
    ) -> Self {
        let answers = SelectAll::new();
        let (visitor, running, heard) = (None, HashMap::new(), Instant::now());
        let room = Arc::new(Semaphore::new(RUNNING_OF_SOCKET));
        Self { server, headers, id, sender, visitor, running, room, answers, heard }
    }

    /// Serves the client until one of both has enough; gives back what may still come from it, and how long
    /// that may take.
    pub(super) async fn run(
        mut self,
        mut incoming: SplitStream<WebSocket>,
    ) -> (SplitStream<WebSocket>, Duration) {
        let mut closing = self.server.closing.subscribe();
        let end = self.serve(&mut incoming, &mut closing).await;
        if let Some(frame) = end {
            if self.is_silent() {
                // There may be no room any more, and never will be.
                let _ = self.sender.try_send(frame);
                return (incoming, LAST_WORD_TO_NOBODY);
            }
            let _ = self.sender.send(frame).await;
        }
        (incoming, LAST_WORD)
    }

    /// Whether nothing was heard of the client for too long.
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
                return Some(close(code::GOING_AWAY, "the server stops"));
            }
            tokio::select! {
                biased;
                // Subscriptions are cut, and not completed: a client would take that for their end.
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
                    return Some(close(code::GOING_AWAY, "the server stops"));
                }
                () = sleep_until(introduced_by), if self.visitor.is_none() => {
                    return Some(close(code::INIT_TIMEOUT, "Connection initialisation timeout"));
                }
                _ = pings.tick() => {
                    if self.is_silent() {
                        return Some(close(code::TRY_AGAIN, "nothing was heard of the client"));
                    }
                    // When the client takes nothing, the messages that wait say so soon enough.
                    let _ = self.sender.try_send(Message::Ping(Default::default()));
                }
                _ = looks.tick(), if self.visitor.as_ref().is_some_and(Visitor::has_key) => {
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
                            Err(Some(close(code::BAD_MESSAGE, "a message is a text")))
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Close(_))) | None => Err(None),
                        Some(Err(_)) => {
                            Err(Some(close(code::TOO_LARGE, "it can't be read, or is too large")))
                        }
                    };
                    if let Err(end) = end {
                        return end;
                    }
                }
                told = next(&self.sender, &mut self.answers), if !self.answers.is_empty() => {
                    if let Some(text) = self.told(told) && self.sender.send(text).await.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    /// The key that was shown may have been taken back, or may less than before.
    async fn look_again(&mut self) -> Result<(), End> {
        let Some(visitor) = &self.visitor else { return Ok(()) };
        match visitor.again(&self.server).await {
            Some(visitor) => {
                self.visitor = Some(visitor);
                Ok(())
            }
            None => Err(Some(close(code::UNAUTHORIZED, "the key is not accepted any more"))),
        }
    }

    /// What is sent of an event.
    fn told(&mut self, event: Option<(String, Event)>) -> Option<Message> {
        // All that ran has been taken back by the client.
        let (id, event) = event?;
        // What was taken back may have come to something before.
        if !self.running.contains_key(&id) {
            return None;
        }
        let text = match event {
            Event::Next(response, room) => {
                let text = message::with_payload("next", &id, &text::response(&response));
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
        let said = message::read(text).map_err(|reason| Some(close(code::BAD_MESSAGE, reason)))?;
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

    /// Browsers can't send headers with a socket: the first message may say who it is.
    async fn greet(&mut self, fields: &Map<String, Value>) -> Result<(), End> {
        if self.visitor.is_some() {
            let reason = "Too many initialisation requests";
            return Err(Some(close(code::DUPLICATE_INIT, reason)));
        }
        let text = |names: [&str; 2]| {
            names.into_iter().find_map(|name| fields.get(name)).and_then(Value::as_str)
        };
        let headers = Claims::of(&self.headers);
        let claims = Claims {
            authorization: text(["authorization", "Authorization"]).or(headers.authorization),
            actor: text(["actor", "Salesgraph-Actor"]).or(headers.actor),
        };
        match visitor::meet(&self.server, claims, &self.id).await {
            Ok(visitor) if visitor.scope.is_none() => {
                return Err(Some(close(code::UNAUTHORIZED, "show a key as `authorization`")));
            }
            Ok(visitor) => self.visitor = Some(visitor),
            Err(refusal) => {
                self.server.metrics.refused(refusal.code);
                return Err(Some(match refusal.code {
                    "UNAUTHENTICATED" => close(code::UNAUTHORIZED, "the key is not accepted"),
                    "UNAVAILABLE" => close(code::TRY_AGAIN, "the database can't answer"),
                    _ => close(code::BAD_MESSAGE, "the actor must be worker/NAME or person/NAME"),
                }));
            }
        }
        self.say(r#"{"type":"connection_ack"}"#.to_owned()).await
    }

    async fn begin(&mut self, id: String, fields: &Map<String, Value>) -> Result<(), End> {
        self.look_again().await?;
        let Some(visitor) = self.visitor.clone() else {
            return Err(Some(close(
                code::UNAUTHORIZED,
                "Unauthorized: connection_init comes first",
            )));
        };
        if self.running.contains_key(&id) {
            return Err(Some(close(code::DUPLICATE_ID, "Subscriber for this id already exists")));
        }
        let admitted = if self.running.len() >= self.server.settings.max_subscriptions {
            let most = self.server.settings.max_subscriptions;
            let text = format!("a socket runs at most {most} operations at a time");
            self.server.metrics.refused("SUBSCRIPTIONS");
            Err(Refusal::new("TOO_COMPLEX", text, None).because(service::Reason::TooManyOperations))
        } else {
            Operation::admit(&self.server, &visitor, &self.id, fields).await
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
        let (events, handle) = abortable(events(self.server.clone(), visitor, operation, room));
        let named = id.clone();
        self.answers.push(events.map(move |event| (named.clone(), event)).boxed());
        self.running.insert(id, Running { handle, follows });
        Ok(())
    }
}

/// The next event, when there is room for it: a client that reads slowly lets its operations wait.
async fn next(
    sender: &Sender<Message>,
    answers: &mut SelectAll<BoxStream<'static, (String, Event)>>,
) -> Option<(String, Event)> {
    let _room = sender.reserve().await.ok()?;
    answers.next().await
}

/// What an operation comes to.
fn events(
    server: Server,
    visitor: Visitor,
    operation: Operation,
    room: Arc<Semaphore>,
) -> BoxStream<'static, Event> {
    let end = stream::once(async { Event::Complete });
    if operation.kind() != OperationType::Subscription {
        let once = stream::once(async move {
            // An answer that is not read waits in memory: there are not many of them.
            let room = room.acquire_owned().await.ok();
            match operation.run(&server, &visitor).await {
                Outcome::Answer(response) => Event::Next(Box::new(response), room),
                Outcome::Refused(refusal) => Event::Refused(refusal.errors),
            }
        });
        return detached(once).chain(end).boxed();
    }
    let answers = operation.follow(&server, &visitor).map(|response| {
        let has_nothing = response.data == async_graphql::Value::Null && response.is_err();
        if has_nothing || is_broken(&response) {
            Event::Refused(response.errors)
        } else {
            Event::Next(Box::new(response), None)
        }
    });
    answers.chain(end).boxed()
}
