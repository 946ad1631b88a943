//! Lists that come in: one job for each.

use std::sync::LazyLock;

use entity::ingest::import_job;
use futures_util::future::BoxFuture;

use crate::{
    error::{Problem, Result},
    table::Table,
    vocabulary::{Word, word},
    write::{Check, Delete, Hooks, Record, Rules, Unit, rules::field},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<import_job::Entity>("import_job").holding([
            ("name", 500),
            ("status", 20),
            ("candidate_decision", 20),
            ("committed_by", 300),
            ("file_name", 500),
        ])
    });
    &TABLE
}

/// States of a job (`import_jobs.status`).
pub mod status {
    /// Its rows are being looked at.
    pub const UPLOADING: &str = "uploading";
    /// It waits to be committed.
    pub const PENDING: &str = "pending";
    /// Its rows are being written.
    pub const PROCESSING: &str = "processing";
    /// It waits to be resumed.
    pub const PAUSED: &str = "paused";
    /// Its rows are written.
    pub const COMPLETED: &str = "completed";
    /// What is left of it is not written.
    pub const CANCELLED: &str = "cancelled";
    /// It was broken off.
    pub const FAILED: &str = "failed";
    /// What it wrote is being taken back.
    pub const UNDOING: &str = "undoing";
    /// What it wrote was taken back.
    pub const UNDONE: &str = "undone";
}

/// How far a job has come (`import_jobs.status`).
pub const STATUSES: &[Word] = &[
    word(status::UPLOADING, "Its rows are being looked at; nothing was written of them yet."),
    word(status::PENDING, "It was looked at, and waits to be committed."),
    word(status::PROCESSING, "Its rows are being written; what was broken off goes on by itself."),
    word(status::PAUSED, "It was paused; what was written stays."),
    word(status::COMPLETED, "Its rows are written, but for those that wait for a person."),
    word(
        status::CANCELLED,
        "What is left of it is not written, unless it is committed again; what was written stays.",
    ),
    word(status::FAILED, "It was broken off; `error` says why."),
    word(status::UNDOING, "What it wrote is being taken back."),
    word(status::UNDONE, "What it wrote was taken back, but for what was touched since."),
];

/// What is done with a job: the state it is in then, and those from which it may be done.
pub(crate) const LIFE: &[(&str, &str, &[&str])] = {
    use status::{CANCELLED, COMPLETED, FAILED, PAUSED, PENDING, PROCESSING, UNDOING};
    &[
        ("commit", PROCESSING, &[PENDING, PROCESSING, PAUSED, COMPLETED, FAILED, CANCELLED]),
        ("pause", PAUSED, &[PROCESSING]),
        ("resume", PROCESSING, &[PAUSED]),
        ("cancel", CANCELLED, &[PENDING, PROCESSING, PAUSED]),
        ("retry", PROCESSING, &[COMPLETED, FAILED]),
        ("undo", UNDOING, &[PROCESSING, PAUSED, COMPLETED, CANCELLED, FAILED]),
    ]
};

/// What becomes of rows that may be about somebody we know (`import_jobs.candidate_decision`).
pub const DECISIONS: &[Word] = &[
    word("wait", "They wait for a person."),
    word("create", "Somebody new is made of each."),
    word("merge", "Each fills in whom it is most likely about."),
    word("skip", "They are left out."),
];

/// What may be written.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: None,
        update: true,
        delete: Delete::Hard,
        identity: None,
        fields: &[field("name").checked(Check::Filled)],
        links: &[],
        hooks: &ImportJob,
    };
    &RULES
}

struct ImportJob;

impl Hooks for ImportJob {
    fn deleting<'u>(&'u self, _: &'u mut Unit, job: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            let state = job.text("status");
            if matches!(state, status::UPLOADING | status::PROCESSING | status::UNDOING) {
                let message = format!("it is {}; wait, or pause it", state.to_uppercase());
                return Err(Problem::conflict("id", message).into());
            }
            Ok(())
        })
    }
}
