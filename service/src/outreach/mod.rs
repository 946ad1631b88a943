//! What was said to prospects, and what is about to be.

pub mod draft_acts;
pub mod draft_life;
pub mod interaction;
pub mod outreach_draft;
