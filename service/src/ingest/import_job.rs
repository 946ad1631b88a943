//! Import and enrichment jobs.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value, enum_value_published_as},
    error::{Problem, Result},
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{Check, Delete, Hooks, Rules, Unit, rules::field},
};
pub use entity::ingest::import_job::{Column, Entity};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

use super::note::{Note, NoteCode};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of::<Entity>("import_job"));
    &TABLE
}

/// Kind of a job (`import_jobs.kind`).
pub mod kind {
    /// An import of people from a file.
    pub const LIST: &str = "list";
    /// An enrichment of prospects by providers.
    pub const ENRICHMENT: &str = "enrichment";
}

/// Kinds of jobs (`import_jobs.kind`).
pub const KINDS: &[EnumValue] = &[
    enum_value_published_as(kind::LIST, "import", "An import of people from a file."),
    enum_value(kind::ENRICHMENT, "An enrichment of prospects by providers."),
];

/// Status of a job (`import_jobs.status`).
pub mod status {
    /// The preview is running.
    pub const UPLOADING: &str = "uploading";
    /// Waiting for a commit.
    pub const PENDING: &str = "pending";
    /// Rows are being written.
    pub const PROCESSING: &str = "processing";
    /// Paused until it is resumed.
    pub const PAUSED: &str = "paused";
    /// Prospects are being created from the records.
    pub const PROMOTING: &str = "promoting";
    /// All rows are written.
    pub const COMPLETED: &str = "completed";
    /// The remaining rows are not written.
    pub const CANCELLED: &str = "cancelled";
    /// Failed.
    pub const FAILED: &str = "failed";
    /// The undo is running.
    pub const UNDOING: &str = "undoing";
    /// Undone.
    pub const UNDONE: &str = "undone";
}

/// Statuses of a job (`import_jobs.status`).
pub const STATUSES: &[EnumValue] = &[
    enum_value(status::UPLOADING, "The preview is running; no row is written yet."),
    enum_value(
        status::PENDING,
        "An import whose preview is complete and that waits for a commit, or an enrichment that waits for the \
         reason in `error`.",
    ),
    enum_value(
        status::PROCESSING,
        "Rows are being written or enriched; interrupted work resumes automatically.",
    ),
    enum_value(status::PROMOTING, "Prospects are being created from the records of an enrichment."),
    enum_value(status::PAUSED, "Paused; rows already written remain."),
    enum_value(
        status::COMPLETED,
        "All rows have been written except rows that wait for a decision, or all records have been enriched except \
         failed records.",
    ),
    enum_value(
        status::CANCELLED,
        "The remaining rows are not written unless the job is committed again; rows already written remain.",
    ),
    enum_value(status::FAILED, "Failed; `error` has the reason."),
    enum_value(status::UNDOING, "The undo is running."),
    enum_value(status::UNDONE, "Undone, except for rows that were modified since."),
];

/// Transitions of an import job: action, new status, and the statuses that allow the action.
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

/// Transitions of an enrichment job, in the format of [`LIFE`].
pub(crate) const LIFE_OF_ENRICHMENT: &[(&str, &str, &[&str])] = {
    use status::{CANCELLED, COMPLETED, FAILED, PAUSED, PENDING, PROCESSING, PROMOTING, UNDOING};
    &[
        // Migrated from another system; no prospects were created from the records.
        ("commit", PROMOTING, &[PENDING, PAUSED, COMPLETED, FAILED, CANCELLED]),
        ("pause", PAUSED, &[PROCESSING, PENDING]),
        ("resume", PROCESSING, &[PAUSED, PENDING]),
        ("cancel", CANCELLED, &[PENDING, PROCESSING, PAUSED]),
        ("retry", PROCESSING, &[COMPLETED, FAILED, CANCELLED]),
        ("undo", UNDOING, &[PENDING, PAUSED, COMPLETED, CANCELLED, FAILED]),
    ]
};

/// The key in `metadata` for the status before prospects were created from the records.
const BEFORE: &str = "status_before";

/// Saves the status of a job before prospects are created from its records, because creating prospects does not change
/// the outcome of the enrichment.
pub(crate) fn promoting(job: &mut Record, before: &str) {
    let mut metadata = match job.value(Column::Metadata) {
        Value::Json(Json::Object(metadata)) => metadata.clone(),
        _ => Map::new(),
    };
    metadata.insert(BEFORE.to_owned(), before.into());
    job.set(Column::Metadata, Value::Json(Json::Object(metadata)));
}

/// Restores the status that a job had before prospects were created from its records.
pub(crate) fn promoted(job: &mut Record) {
    let mut state = status::COMPLETED.to_owned();
    if let Value::Json(Json::Object(metadata)) = job.value(Column::Metadata) {
        let mut metadata = metadata.clone();
        if let Some(Json::String(before)) = metadata.remove(BEFORE) {
            state = before;
        }
        let is_empty = metadata.is_empty();
        job.set(
            Column::Metadata,
            if is_empty { Value::Null } else { Value::Json(Json::Object(metadata)) },
        );
    }
    job.set(Column::Status, Value::Text(state));
}

/// Sets all counters of a new job to zero.
pub(crate) fn nothing_counted(job: &mut Record) {
    for count in [
        Column::TotalRecords,
        Column::ProcessedRecords,
        Column::CreatedRecords,
        Column::UpdatedRecords,
        Column::DuplicateRecords,
        Column::SkippedRecords,
        Column::FailedRecords,
        Column::UndoneRecords,
        Column::KeptRecords,
        Column::EnrichedRecords,
    ] {
        job.set(count, Value::Int(0));
    }
    for cost in [Column::EstimatedCost, Column::ActualCost] {
        job.set(cost, Value::Double(0.0));
    }
}

/// Decisions on rows that possibly match an existing prospect (`import_jobs.candidate_decision`).
pub const DECISIONS: &[EnumValue] = &[
    enum_value("wait", "Wait for the decision of a user on each row."),
    enum_value("create", "Create a prospect for each row."),
    enum_value("merge", "Fill in the empty fields of the most likely prospect."),
    enum_value("skip", "Skip the rows."),
];

/// Write rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: None,
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::Name.name()).checked(Check::Filled),
            field(Column::Description.name()).checked(Check::AtMost(10_000)),
        ],
        links: &[],
        hooks: &ImportJob,
    };
    &RULES
}

struct ImportJob;

impl Hooks for ImportJob {
    fn deleting<'u>(&'u self, _: &'u mut Unit, job: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            let state = job.text(Column::Status);
            let busy = [status::UPLOADING, status::PROCESSING, status::PROMOTING, status::UNDOING];
            if busy.contains(&state) {
                let message = format!(
                    "the import job is {}; wait until it is done, or pause it",
                    state.to_uppercase()
                );
                return Err(
                    Problem::conflict(engine::Reason::ImportStatusConflict, "id", message).into()
                );
            }
            Ok(())
        })
    }
}

/// The remaining work that the status of a job does not show: rows of a completed import may wait for a decision, and
/// an enrichment that was migrated from another system may have a running status although no server works on it.
#[must_use]
pub fn note(of_kind: &str, state: &str, waiting: i64, is_due: bool) -> Option<String> {
    match (of_kind, state) {
        (kind::LIST, status::COMPLETED) if waiting > 0 => {
            let rows = if waiting == 1 { "1 row waits".to_owned() } else { format!("{waiting} rows wait") };
            Some(format!(
                "{rows} for a decision: use decideImportRecord or decideImportRecords, or commitImportJob with candidates \
                 CREATE, MERGE or SKIP for all rows"
            ))
        }
        (kind::ENRICHMENT, status::PROCESSING | status::PENDING) if !is_due => Some(
            "the job was migrated from another system and is not running here; use resumeImportJob to enrich its \
             pending records"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Marks a job as failed if it has one of these statuses.
pub(crate) async fn fail(scope: &Scope, job: i64, why: NoteCode, states: &[&str]) -> Result<()> {
    let mut unit = Unit::begin(scope).await?;
    let Some(before) = unit.find(table(), job).await? else { return Ok(()) };
    if !states.contains(&before.text(Column::Status)) {
        return Ok(());
    }
    let mut after = before.clone();
    if before.text(Column::Status) == status::UPLOADING {
        // During the preview, this counter was the number of previewed rows.
        after.set(Column::ProcessedRecords, Value::Int(0));
    }
    after.set(Column::Status, Value::Text(status::FAILED.to_owned()));
    after.set(Column::Error, Note::stored(&[why.into()]).map_or(Value::Null, Value::Text));
    unit.update(&before, after).await?;
    unit.commit().await
}
