//! Responses as server-sent events, for subscriptions without a WebSocket: the `graphql-sse` protocol in distinct
//! connections mode (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).

use std::{convert::Infallible, pin::Pin, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{StreamExt, stream};

use super::{
    Server,
    caller::Caller,
    connection::stopped,
    graphql,
    operation::{self, Operation, Outcome},
};

/// Interval of keep-alive comments on an idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// How long a response waits for the position of its subscription, while the database does not respond.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends every response of a subscription as a `next` event, then `complete`. The response begins when the subscription
/// has its position in the change log, so that it receives the writes of a client that has seen the response begin. On shutdown, or if an event can't be
/// delivered, the stream ends without `complete` so that the client reconnects.
pub(super) async fn follow(server: &Server, caller: &Caller, operation: Operation) -> Response {
    let mut closing = server.closing.subscribe();
    let sent_away = caller.clone().sent_away(server.clone());
    let stop = async move {
        tokio::select! {
            () = stopped(&mut closing) => {}
            () = sent_away => {}
        }
    };
    let (answers, begun) = operation.follow(server, caller);
    let mut answers = answers.peekable();
    // A subscription that fails to begin has a response with its errors.
    let first = Pin::new(&mut answers).peek();
    tokio::select! {
        () = begun.notified() => {}
        _ = first => {}
        () = tokio::time::sleep(BEGIN_TIMEOUT) => {}
    }
    let answers = answers.map(|answer| {
        let broken = operation::is_broken(&answer);
        let outcome = Outcome::of(answer);
        (next(&graphql::text(&outcome)), broken)
    });
    let mut broken = false;
    let sent = answers.chain(stream::once(async { (complete(), false) })).take_while(
        move |(_, breaks)| {
            let goes_on = !std::mem::replace(&mut broken, *breaks);
            async move { goes_on }
        },
    );
    events(sent.map(|(event, _)| event).take_until(Box::pin(stop)))
}

/// Sends the single response of a query or mutation.
pub(super) fn once(outcome: &Outcome) -> Response {
    events(stream::iter([next(&graphql::text(outcome)), complete()]))
}

fn next(json: &str) -> Event {
    Event::default().event("next").data(json)
}

fn complete() -> Event {
    Event::default().event("complete").data("")
}

fn events(events: impl stream::Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Otherwise nginx would buffer the response until the end of the stream.
    ([("x-accel-buffering", "no")], sse).into_response()
}
