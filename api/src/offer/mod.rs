//! Solutions, industries and events.

pub mod acts;
pub mod event;
pub mod industry;
pub mod solution;
