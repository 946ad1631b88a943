//! LLM usage log: language model calls.

use std::sync::LazyLock;

use engine::{
    error::{Problem, Result},
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        Unit,
        join_table::JoinTable,
        ownership::{InExport, OnErase, OnMerge, Ownership},
        rules::{Check, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
pub use entity::usage::llm_usage_log::{Column, Entity};
use sea_orm::ColumnTrait;

/// Columns that may contain data of a person.
const PERSONAL: &[&str] = &[Column::Error.name()];

/// Erases the rows of `table` whose `column` references a prospect and are linked to calls by `links`. The calls keep their costs,
/// but lose their links and the columns with personal data. Returns the number of erased rows.
pub(crate) async fn erase_linked<C: ColumnTrait>(
    unit: &mut Unit,
    (table, column): (&'static Table, C),
    links: &JoinTable,
    person: &Record,
) -> Result<usize> {
    for row in unit.below(table, column, person.id()).await? {
        for call in unit.partners(links, row.id(), true).await? {
            unit.redact_below(self::table(), Column::Id.name(), call, PERSONAL).await?;
        }
        unit.unlink_all(links, row.id()).await?;
    }
    unit.erase_below(table, (column, person.id().into()), person.id()).await
}

/// A call keeps its costs when its import record is erased, but not the error message, which may quote the person.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: Column::ImportRecordId.name(),
    owner: "import_records",
    on_erase: OnErase::Redact(PERSONAL),
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("llm_usage_log")
            .described("A language-model call.")
            .belongs_to(&IMPORT_RECORD_OWNERSHIP)
    });
    &TABLE
}

/// Validation rules. The log is append-only.
pub fn rules() -> &'static Rules {
    const COUNT: Check = Check::Between(0.0, 2_147_483_647.0);
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: false,
        delete: Delete::Never,
        fields: &[
            field(Column::WorkflowName.name()).checked(Check::Filled),
            field(Column::NodeName.name()).checked(Check::Filled),
            field(Column::Model.name()).checked(Check::Filled),
            field(Column::PromptTokens.name()).checked(COUNT),
            field(Column::CompletionTokens.name()).checked(COUNT),
            field(Column::TotalTokens.name()).checked(COUNT).default_value(DefaultValue::Follows),
            field(Column::LatencyMs.name()).checked(COUNT),
            field(Column::Cost.name()).checked(Check::Between(0.0, 1_000_000.0)),
            field(Column::Provider.name()).checked(Check::Filled),
            field(Column::RequestId.name()).checked(Check::Filled),
            field(Column::Endpoint.name()).checked(Check::AtMost(2_000)),
            field(Column::StatusCode.name()).checked(Check::Between(0.0, 999.0)),
            field(Column::RequestSizeBytes.name()).checked(COUNT),
            field(Column::ResponseSizeBytes.name()).checked(COUNT),
            field(Column::PromptType.name()),
            field(Column::FinishReason.name()),
            field(Column::Error.name()).checked(Check::AtMost(10_000)),
            server_managed(Column::IsPaidByServer.name(), DefaultValue::Bool(false)),
        ],
        links: &[],
        hooks: &Usage,
    };
    &RULES
}

struct Usage;

impl Hooks for Usage {
    fn complete(
        &self,
        _: &Scope,
        _: Option<&Record>,
        usage: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        let parts = [usage.number(Column::PromptTokens), usage.number(Column::CompletionTokens)];
        let [Some(prompt), Some(completion)] = parts else { return };
        let sum = prompt + completion;
        match usage.number(Column::TotalTokens) {
            None => usage.set(Column::TotalTokens, Value::Int(sum)),
            Some(total) if total != sum => {
                let message = format!(
                    "`totalTokens` must be the sum of prompt and completion tokens ({sum})"
                );
                problems.push(Problem::invalid(
                    engine::Reason::SumMismatch,
                    "total_tokens",
                    message,
                ));
            }
            Some(_) => {}
        }
    }
}
