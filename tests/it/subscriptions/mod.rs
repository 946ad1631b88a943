//! Subscriptions: events are delivered once and in order, over WebSocket and server-sent events.

pub mod batches;
pub mod everything;
pub mod feed;
pub mod fragments;
pub mod matches;
pub mod wire;
