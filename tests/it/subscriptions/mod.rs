//! Subscriptions: what comes, once and in order, on sockets and as events.

pub mod batches;
pub mod everything;
pub mod feed;
pub mod fragments;
pub mod matches;
pub mod wire;
