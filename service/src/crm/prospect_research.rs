//! Prospect research by language models.

use std::sync::LazyLock;

use engine::{
    error::Result,
    record::Record,
    search::Searched,
    table::Table,
    write::{
        Unit,
        join_table::JoinTable,
        ownership::{InExport, OnErase, OnMerge, Ownership, Tables},
        rules::{Check, Created, Delete, Hooks, LinkRule, NestedRows, Rules, field},
    },
};
use entity::crm::prospect_research;
use futures_util::future::BoxFuture;

use super::prospect;
use crate::usage::llm_usage_log;

/// Research belongs to its prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership {
    column: "prospect_id",
    owner: "prospects",
    on_erase: OnErase::DeleteBy(erase),
    on_merge: OnMerge::Repoint,
    in_export: InExport::Rows,
};

/// Erases the research of a prospect, including the personal data of the language-model calls.
fn erase<'a>(unit: &'a mut Unit, _: Tables, person: &'a Record) -> BoxFuture<'a, Result<usize>> {
    Box::pin(llm_usage_log::erase_linked(unit, table(), &USAGES, person))
}

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 7,
    about: "Research, searched by summary and insights.",
    called: &[],
    columns: &["research_summary", "key_insights"],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<prospect_research::Entity>("prospect_research")
            .described("Prospect research.")
            .searched(&SEARCH)
            .hidden_with("prospect_id", prospect::table)
            .belongs_to(&PROSPECT_OWNERSHIP)
    });
    &TABLE
}

/// The language model calls that produced a research record.
pub(crate) static USAGES: JoinTable = USAGE_LINKS;

const USAGE_LINKS: JoinTable = JoinTable {
    table: "prospect_research_usages",
    near: "prospect_research_id",
    far: "llm_usage_log_id",
    near_table: table,
    far_table: llm_usage_log::table,
};

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("save"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field("prospect_id").on_create().to_written(prospect::table).first(),
            field("research_summary").checked(Check::Filled),
            field("key_insights"),
            field("recommended_solutions").checked(Check::List),
            field("confidence_score").checked(Check::Between(0.0, 1.0)),
        ],
        links: &[LinkRule {
            keys: "llm_usage_log_ids",
            pairs: USAGE_LINKS,
            rows: Some(NestedRows { name: "llm_usage_logs", rules: llm_usage_log::rules }),
        }],
        hooks: &Research,
    };
    &RULES
}

struct Research;

impl Hooks for Research {
    fn deleting<'u>(
        &'u self,
        unit: &'u mut Unit,
        research: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move { unit.unlink_all(&USAGES, research.id()).await })
    }

    fn created(&self) -> Option<Created> {
        Some(|unit, research| {
            Box::pin(async move {
                let id = research.key("prospect_id")?;
                let before = unit.get(prospect::table(), id, "prospect_id").await?;
                let mut after = before.clone();
                prospect::forward(&mut after, "researched");
                unit.update(&before, after).await?;
                Ok(())
            })
        })
    }
}
