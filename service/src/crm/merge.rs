//! Merges duplicate prospects.

use engine::{
    change_log::kind,
    error::{Problem, Result},
    record::Record,
    scope::Scope,
    value::Value,
    write::{IdempotentRequest, idempotency, ownership::Tables, row::alive},
};

use super::{
    opt_out,
    prospect::{self, table},
};

/// Merges the prospect `drop` into the prospect `keep`. Values of `keep` take precedence, null values are filled from
/// `drop`, and all related rows are assigned to the surviving row. The row with the older id survives, because
/// clients may have stored that id; the other row is soft-deleted. Returns the primary key of the surviving row.
///
/// # Errors
/// [`engine::Error::Refused`] if `keep` and `drop` are the same prospect, or if one of them is missing or deleted.
pub async fn prospects(
    scope: &Scope,
    tables: Tables,
    keep: i64,
    drop: i64,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            if keep == drop {
                let message = "a prospect can't be merged into itself";
                return Err(
                    Problem::invalid(engine::Reason::MergeWithItself, "drop_id", message).into()
                );
            }
            let (survivor, loser) = (keep.min(drop), keep.max(drop));
            // Locked in a fixed order, to prevent deadlocks.
            for id in [survivor, loser] {
                let field = if id == keep { "keep_id" } else { "drop_id" };
                unit.get(table(), id, field).await?;
            }
            let kept = unit.get(table(), keep, "keep_id").await?;
            let dropped = unit.get(table(), drop, "drop_id").await?;
            alive(&kept, "keep_id")?;
            alive(&dropped, "drop_id")?;
            let (mut old, gone) =
                if survivor == keep { (kept.clone(), &dropped) } else { (dropped.clone(), &kept) };

            let mut deleted = gone.clone();
            deleted.set(prospect::Column::DeletedAt, Value::Time(unit.now()));
            deleted.set(prospect::Column::MergedIntoId, Value::Int(survivor));
            unit.update_as(gone, deleted, kind::MERGED).await?;
            unit.merge_owned(tables, gone, survivor).await?;
            if old.has(prospect::Column::DuplicateOf) {
                // The merged row may have been the one that this row duplicated.
                old = unit.get(table(), survivor, "keep_id").await?;
            }
            let mut merged = merged(&kept, &dropped, &old);
            if merged.value(prospect::Column::Email) != old.value(prospect::Column::Email) {
                unit.mark_if_duplicate(&mut merged).await?;
            }
            let merged = unit.update(&old, merged).await?;
            opt_out::record_merged_addresses(unit, &merged).await?;
            Ok(survivor)
        })
    })
    .await
}

/// The combined values of both prospects, in the row of `old`.
fn merged(kept: &Record, dropped: &Record, old: &Record) -> Record {
    let mut merged = old.clone();
    let own = [
        prospect::Column::Id,
        prospect::Column::OrganizationId,
        prospect::Column::Revision,
        prospect::Column::CreatedAt,
        prospect::Column::UpdatedAt,
        prospect::Column::DeletedAt,
        prospect::Column::MergedIntoId,
        prospect::Column::DuplicateOf,
    ];
    let own = own.map(|column| table().column(column));
    for index in 0..table().columns.len() {
        if !own.contains(&index) {
            let value = if *kept.at(index) == Value::Null { dropped } else { kept };
            merged.set_at(index, value.at(index).clone());
        }
    }
    // First and last name come from the same row as the full name.
    for column in [prospect::Column::FirstName, prospect::Column::LastName] {
        merged.set(column, kept.value(column).clone());
    }
    for column in [prospect::Column::LastContactedAt, prospect::Column::LastEngagementDate] {
        let newest = kept.time(column).max(dropped.time(column));
        merged.set(column, newest.map_or(Value::Null, Value::Time));
    }
    if merged.text(prospect::Column::LifecycleStage) != "disqualified" {
        let stages = prospect::STAGES.iter().map(|stage| stage.name);
        let rank = |record: &Record| {
            let stage = record.text(prospect::Column::LifecycleStage);
            stages.clone().position(|known| known == stage && known != "disqualified")
        };
        let further = if rank(dropped) > rank(kept) { dropped } else { kept };
        merged.set(
            prospect::Column::LifecycleStage,
            further.value(prospect::Column::LifecycleStage).clone(),
        );
    }
    merged
}
