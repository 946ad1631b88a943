//! Solutions: the products and services for sale.

use std::sync::LazyLock;

use engine::{
    error::Result,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    search::Searched,
    table::Table,
    write::{
        IdempotentRequest, Unit, idempotency,
        join_table::JoinTable,
        rules::{Check, Delete, Hooks, LinkRule, Rules, field},
    },
};
use entity::offer::industry_solution;
pub use entity::offer::solution::{Column, Entity};
use futures_util::future::BoxFuture;

use super::industry;

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 3,
    about: "Solutions, searched by name and category first, then by description, keywords and use cases.",
    called: &[Column::Name.name()],
    columns: &[
        Column::Name.name(),
        Column::Category.name(),
        Column::Description.name(),
        Column::Keywords.name(),
        Column::UseCases.name(),
    ],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("solution").searched(&SEARCH).scoped(RowScope::Organization)
    });
    &TABLE
}

/// Join table of solutions and the industries they suit.
pub(crate) static INDUSTRIES: JoinTable = PAIRS;

const PAIRS: JoinTable = JoinTable {
    table: "industry_solutions",
    near: industry_solution::Column::SolutionId.name(),
    far: industry_solution::Column::IndustryId.name(),
    near_table: table,
    far_table: industry::table,
};

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::Name.name()).checked(Check::Filled),
            field(Column::Category.name()).checked(Check::Filled),
            field(Column::Description.name()).checked(Check::Filled),
            field(Column::UseCases.name()).checked(Check::List),
            field(Column::Keywords.name()).checked(Check::List),
            field(Column::PricingModel.name()).checked(Check::Filled),
        ],
        links: &[LinkRule { keys: "industry_ids", pairs: PAIRS, rows: None }],
        hooks: &Solution,
    };
    &RULES
}

struct Solution;

impl Hooks for Solution {
    fn deleting<'u>(
        &'u self,
        unit: &'u mut Unit,
        solution: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            for industry in unit.partners(&INDUSTRIES, solution.id(), true).await? {
                unit.unlink(&INDUSTRIES, solution.id(), industry).await?;
            }
            Ok(())
        })
    }
}

/// Links or unlinks a solution and an industry. Returns both primary keys. Has no effect if the link already has the
/// requested state.
///
/// # Errors
/// [`engine::Error::Refused`] if the solution or the industry doesn't exist.
pub async fn suit(
    scope: &Scope,
    industry: i64,
    solution: i64,
    suits: bool,
    once: Option<IdempotentRequest>,
) -> Result<(i64, i64)> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            unit.get(industry::table(), industry, "industry_id").await?;
            unit.get(table(), solution, "solution_id").await?;
            if suits {
                unit.link(&INDUSTRIES, solution, industry).await?;
            } else {
                unit.unlink(&INDUSTRIES, solution, industry).await?;
            }
            Ok((industry, solution))
        })
    })
    .await
}
