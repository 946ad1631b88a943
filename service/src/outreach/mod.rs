//! Outreach: interactions with prospects, and drafts.

pub mod claim;
pub mod cost_report;
pub mod draft_actions;
pub mod draft_batch;
pub mod draft_state;
pub mod funnel;
pub mod industry_performance;
pub mod interaction;
pub mod message_template;
pub mod outreach_draft;
pub mod template_text;
pub mod timeline;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 3] {
    [interaction::table(), outreach_draft::table(), message_template::table()]
}
