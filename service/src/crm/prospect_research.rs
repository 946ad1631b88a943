//! Prospect research by language models.

use std::sync::LazyLock;

use entity::crm::prospect_research;
use futures_util::future::BoxFuture;

use super::prospect;
use crate::{
    error::Result,
    table::Table,
    usage::llm_usage_log,
    write::{
        Record, Unit,
        pairs::Pairs,
        rules::{Check, Created, Delete, Hooks, LinkRule, NestedRows, Rules, field},
    },
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<prospect_research::Entity>("prospect_research")
            .hidden_with("prospect_id", prospect::table)
    });
    &TABLE
}

/// The language model calls that produced a research record.
pub(crate) static USAGES: Pairs = PAIRS;

const PAIRS: Pairs = Pairs {
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
        identity: None,
        fields: &[
            field("prospect_id").on_create().to_written(prospect::table).first(),
            field("research_summary").checked(Check::Filled),
            field("key_insights"),
            field("recommended_solutions").checked(Check::List),
            field("confidence_score").checked(Check::Between(0.0, 1.0)),
        ],
        links: &[LinkRule {
            keys: "llm_usage_log_ids",
            pairs: PAIRS,
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
                let id = research.number("prospect_id").unwrap_or_default();
                let before = unit.get(prospect::table(), id, "prospect_id").await?;
                let mut after = before.clone();
                prospect::forward(&mut after, "researched");
                unit.update(&before, after).await?;
                Ok(())
            })
        })
    }
}
