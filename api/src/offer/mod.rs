//! What we sell, to which industries, and at which events we meet buyers.

pub mod acts;
pub mod event;
pub mod industry;
pub mod solution;
