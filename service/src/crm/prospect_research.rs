//! Prospect research by language models.

use std::sync::LazyLock;

use engine::{
    error::Result,
    record::Record,
    row_scope::RowScope,
    search::Searched,
    table::Table,
    write::{
        Unit,
        counter::Counter,
        join_table::JoinTable,
        ownership::{InExport, OnErase, OnMerge, Ownership, Tables},
        rules::{Check, Created, Delete, Hooks, LinkRule, NestedRows, Rules, field},
    },
};
pub use entity::crm::prospect_research::{Column, Entity};
use entity::usage::prospect_research_usage;
use futures_util::future::BoxFuture;

use super::prospect;
use crate::usage::llm_usage_log;

/// Research belongs to its prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership {
    column: Column::ProspectId.name(),
    owner: "prospects",
    on_erase: OnErase::DeleteBy(erase),
    on_merge: OnMerge::Repoint,
    in_export: InExport::Rows,
};

/// Erases the research of a prospect, including the personal data of the language-model calls.
fn erase<'a>(unit: &'a mut Unit, _: Tables, person: &'a Record) -> BoxFuture<'a, Result<usize>> {
    Box::pin(llm_usage_log::erase_linked(unit, (table(), Column::ProspectId), &USAGES, person))
}

/// Prospects count their research, so that the work list finds those without any.
static PROSPECT_COUNTER: Counter = Counter {
    via: Column::ProspectId.name(),
    table: prospect::table,
    column: prospect::Column::ResearchCount.name(),
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 7,
    about: "Research, searched by summary and insights.",
    called: &[],
    columns: &[Column::ResearchSummary.name(), Column::KeyInsights.name()],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("prospect_research")
            .described("Prospect research.")
            .scoped(RowScope::Through(Column::ProspectId.name(), "prospects"))
            .searched(&SEARCH)
            .hidden_with(Column::ProspectId, prospect::table)
            .belongs_to(&PROSPECT_OWNERSHIP)
            .counted_in(&PROSPECT_COUNTER)
    });
    &TABLE
}

/// The language model calls that produced a research record.
pub(crate) static USAGES: JoinTable = USAGE_LINKS;

const USAGE_LINKS: JoinTable = JoinTable {
    table: "prospect_research_usages",
    near: prospect_research_usage::Column::ProspectResearchId.name(),
    far: prospect_research_usage::Column::LlmUsageLogId.name(),
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
            field(Column::ProspectId.name()).on_create().to_written(prospect::table).first(),
            field(Column::ResearchSummary.name()).checked(Check::Filled),
            field(Column::KeyInsights.name()),
            field(Column::RecommendedSolutions.name()).checked(Check::List),
            field(Column::ConfidenceScore.name()).checked(Check::Between(0.0, 1.0)),
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
                let id = research.key(Column::ProspectId)?;
                let before = unit.get(prospect::table(), id, "prospect_id").await?;
                let mut after = before.clone();
                prospect::forward(&mut after, "researched");
                unit.update(&before, after).await?;
                Ok(())
            })
        })
    }
}
