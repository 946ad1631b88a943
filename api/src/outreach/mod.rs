//! What was said to prospects, and what is about to be.

pub mod acts;
pub mod interaction;
pub mod outreach_draft;
pub mod timeline;
