//! Interactions, drafts and message templates.

pub mod actions;
pub mod draft_batches;
pub mod interaction;
pub mod message_template;
pub mod outreach_draft;
pub mod templates;
pub mod timeline;
