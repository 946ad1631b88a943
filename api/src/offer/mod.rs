//! Solutions, industries and events.

pub mod actions;
pub mod event;
pub mod industry;
pub mod solution;
