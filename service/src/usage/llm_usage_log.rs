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
use entity::usage::llm_usage_log;

/// Columns that may contain data of a person.
const PERSONAL: &[&str] = &["error"];

/// Erases the rows of `table` that belong to a prospect and are linked to calls by `links`. The calls keep their costs,
/// but lose their links and the columns with personal data. Returns the number of erased rows.
pub(crate) async fn erase_linked(
    unit: &mut Unit,
    table: &'static Table,
    links: &JoinTable,
    person: &Record,
) -> Result<usize> {
    for row in unit.below(table, "prospect_id", person.id()).await? {
        for call in unit.partners(links, row.id(), true).await? {
            unit.redact_below(self::table(), "id", call, PERSONAL).await?;
        }
        unit.unlink_all(links, row.id()).await?;
    }
    unit.erase_below(table, ("prospect_id", person.id().into()), person.id()).await
}

/// A call keeps its costs when its import record is erased, but not the error message, which may quote the person.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: "import_record_id",
    owner: "import_records",
    on_erase: OnErase::Redact(PERSONAL),
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<llm_usage_log::Entity>("llm_usage_log")
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
            field("workflow_name").checked(Check::Filled),
            field("node_name").checked(Check::Filled),
            field("model").checked(Check::Filled),
            field("prompt_tokens").checked(COUNT),
            field("completion_tokens").checked(COUNT),
            field("total_tokens").checked(COUNT).default_value(DefaultValue::Follows),
            field("latency_ms").checked(COUNT),
            field("cost").checked(Check::Between(0.0, 1_000_000.0)),
            field("provider").checked(Check::Filled),
            field("request_id").checked(Check::Filled),
            field("endpoint").checked(Check::AtMost(2_000)),
            field("status_code").checked(Check::Between(0.0, 999.0)),
            field("request_size_bytes").checked(COUNT),
            field("response_size_bytes").checked(COUNT),
            field("prompt_type"),
            field("finish_reason"),
            field("error").checked(Check::AtMost(10_000)),
            server_managed("is_paid_by_server", DefaultValue::Bool(false)),
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
        let parts = [usage.number("prompt_tokens"), usage.number("completion_tokens")];
        let [Some(prompt), Some(completion)] = parts else { return };
        let sum = prompt + completion;
        match usage.number("total_tokens") {
            None => usage.set("total_tokens", Value::Int(sum)),
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
