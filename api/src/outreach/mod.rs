//! What was said to prospects, and what is about to be.

pub mod interaction;
pub mod outreach_draft;
