//! Answers as server-sent events, for subscriptions without a socket: the protocol `graphql-sse` in its
//! mode of distinct connections (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).

use std::{convert::Infallible, time::Duration};

use async_graphql::{Executor, Request};
use axum::{
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{StreamExt, stream};

use crate::execute::SchemaExecutor;

/// How often an idle stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Whether the client wants its answer as a stream of events.
pub(super) fn wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
    })
}

/// Runs a request and sends every answer as an event `next`, then `complete`.
pub(super) fn answer(executor: &SchemaExecutor, request: Request) -> Response {
    let answers = executor.execute_stream(request, None).map(|answer| {
        let json = serde_json::to_string(&answer).unwrap_or_default();
        Event::default().event("next").data(json)
    });
    let end = stream::once(async { Event::default().event("complete").data("") });
    let events = answers.chain(end).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
