//! Industries: the classification of companies and solutions.

use std::sync::LazyLock;

use engine::{
    change_log::kind,
    error::{Problem, Result},
    normal_form::text,
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    search::Searched,
    table::{Table, UniqueField},
    write::{
        IdempotentRequest, Unit, idempotency,
        join_table::JoinTable,
        ownership::Tables,
        row::current,
        rules::{Check, Delete, Hooks, Rules, field},
    },
};
pub use entity::offer::industry::{Column, Entity};
use futures_util::future::BoxFuture;
use sea_orm::{QueryOrder, QuerySelect};

use super::solution;

/// Industries are identified by their name.
static UNIQUE: UniqueField = UniqueField {
    column: Column::NameKey.name(),
    written_as: Column::Name.name(),
    upsert: false,
    reason: Reason::IndustryNameTaken,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 2,
    about: "Industries, searched by name.",
    called: &[Column::Name.name()],
    columns: &[Column::Name.name()],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("industry")
            .scoped(RowScope::Organization)
            .searched(&SEARCH)
            .comparing([(Column::NameKey, |text| text::name_key(text.text(Column::Name)))])
            .unique(&UNIQUE)
    });
    &TABLE
}

/// Name of the industry for companies without a known industry.
pub(crate) const UNKNOWN: &str = "Unknown";

/// The primary keys and names of all industries of the organization, oldest first.
pub(crate) async fn names(unit: &Unit) -> Result<Vec<(i64, String)>> {
    let industries = unit.scope().select::<Entity>().order_by_asc(Column::Id);
    unit.tuples(&industries.select_only().columns([Column::Id, Column::Name])).await
}

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[field(Column::Name.name()).checked(Check::Filled)],
        links: &[],
        hooks: &Industry,
    };
    &RULES
}

struct Industry;

impl Hooks for Industry {
    fn deleting<'u>(
        &'u self,
        unit: &'u mut Unit,
        industry: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            for solution in unit.partners(&solution::INDUSTRIES, industry.id(), false).await? {
                unit.unlink(&solution::INDUSTRIES, solution, industry.id()).await?;
            }
            Ok(())
        })
    }
}

/// Moves the companies, other referring rows and solutions of the industry `drop` to the industry `keep`, and deletes
/// `drop`. Returns `keep`.
///
/// # Errors
/// [`engine::Error::Refused`] if `keep` and `drop` are the same industry, or if one of them doesn't exist.
pub async fn merge(
    scope: &Scope,
    tables: Tables,
    keep: i64,
    drop: i64,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            if keep == drop {
                let message = "an industry can't be merged into itself";
                return Err(
                    Problem::invalid(engine::Reason::MergeWithItself, "drop_id", message).into()
                );
            }
            // Locked in a fixed order, to prevent deadlocks: companies before their industries.
            unit.lock_references(tables, table(), drop).await?;
            let (first, second) = (keep.min(drop), keep.max(drop));
            for id in [first, second] {
                let field = if id == keep { "keep_id" } else { "drop_id" };
                unit.get(table(), id, field).await?;
            }
            let gone = current(unit, rules(), drop, None).await?;
            unit.merge_references(tables, &gone, keep).await?;
            let pairs: &JoinTable = &solution::INDUSTRIES;
            for solution in unit.partners(pairs, drop, false).await? {
                // Locks the solution against deletion.
                unit.referred(solution::table(), solution).await?;
                unit.link(pairs, solution, keep).await?;
                unit.unlink(pairs, solution, drop).await?;
            }
            unit.delete_as(&gone, kind::MERGED).await?;
            Ok(keep)
        })
    })
    .await
}
