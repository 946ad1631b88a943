//! Outreach drafts: messages before they are sent.

use std::sync::LazyLock;

use entity::outreach::outreach_draft;

use crate::{
    table::Table,
    vocabulary::{Word, word},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<outreach_draft::Entity>()
            .hidden_with("prospect_id", crate::crm::prospect::table)
    });
    &TABLE
}

/// The states of a draft (`outreach_drafts.status`).
pub const STATUSES: &[Word] = &[
    word("draft", "Being written."),
    word("pending_review", "Waits for a person to read it."),
    word("approved", "A person has read and approved it; its content is frozen."),
    word("rejected", "A person has read and refused it."),
    word("scheduled", "Approved, and to be sent at a set time."),
    word("sending", "On its way out."),
    word("sent", "Handed to the prospect's side."),
    word("failed", "Could not be sent."),
    word("replied", "The prospect has answered."),
    word("bounced", "The prospect's side has returned it."),
    word("superseded", "A newer version has taken its place."),
    word("discarded", "Given up before it was sent."),
];
