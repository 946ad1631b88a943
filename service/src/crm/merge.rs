//! Merges of duplicate prospects and companies.

use engine::{
    change_log::kind,
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    policy::Permission,
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{IdempotentRequest, Unit, idempotency, ownership::Tables, row::alive},
};
use futures_util::future::BoxFuture;
use sea_orm::ColumnTrait;
use serde::{Deserialize, Serialize};

use super::{
    assignment, company, opt_out,
    prospect::{self, STAGES},
};

/// How the value of a field of the result was chosen.
pub const RULES: &[EnumValue] = &[
    enum_value("kept", "The value of the row whose values take precedence."),
    enum_value("filled", "The value of the other row, because the first row has none."),
    enum_value("newest", "The later of both times."),
    enum_value("furthest", "The later of both lifecycle stages."),
    enum_value(
        "strictest",
        "An opt-out of either row, or the disqualification of the row whose values take precedence.",
    ),
];

/// The two rows of a merge.
#[derive(Clone, Copy, Debug)]
pub struct MergeRows {
    /// The row whose values take precedence.
    pub keep: i64,
    /// The row whose values fill in missing ones.
    pub drop: i64,
}

/// The result of a merge, or of its dry run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "StoredMerge")]
pub struct Merge {
    /// Primary key of the surviving row: the older one.
    pub survivor: i64,
    /// The fields in which the rows or the result differ. They are not part of a stored response, because they may be
    /// personal data.
    #[serde(skip)]
    pub fields: Vec<MergedField>,
    /// Numbers of related rows assigned to the surviving row, by table.
    pub moved: Vec<(String, usize)>,
}

/// A stored response. Earlier versions stored only the primary key of the surviving row.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredMerge {
    Survivor(i64),
    Complete { survivor: i64, moved: Vec<(String, usize)> },
}

impl From<StoredMerge> for Merge {
    fn from(stored: StoredMerge) -> Self {
        let (survivor, moved) = match stored {
            StoredMerge::Survivor(survivor) => (survivor, Vec::new()),
            StoredMerge::Complete { survivor, moved } => (survivor, moved),
        };
        Self { survivor, fields: Vec::new(), moved }
    }
}

/// A field of the result of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedField {
    /// The column.
    pub column: &'static str,
    /// The value of the row whose values take precedence.
    pub keep: Value,
    /// The value of the other row.
    pub drop: Value,
    /// The value of the result.
    pub result: Value,
    /// One of [`RULES`].
    pub rule: &'static str,
}

/// Merges two prospects. Values of `keep` take precedence, null values are filled from `drop`, and all related rows are
/// assigned to the surviving row. The row with the older id survives, because clients may have stored that id; the
/// other row is soft-deleted.
///
/// # Errors
/// [`engine::Error::Refused`] if both are the same row, or if one of them is missing or deleted.
pub async fn prospects(
    scope: &Scope,
    tables: Tables,
    rows: MergeRows,
    dry_run: bool,
    once: Option<IdempotentRequest>,
) -> Result<Merge> {
    scope.demand(Permission::WriteAll)?;
    run(scope, dry_run, once, move |unit| Box::pin(merge_prospects(unit, tables, rows))).await
}

/// Merges two companies, as [`prospects`].
///
/// # Errors
/// As [`prospects`].
pub async fn companies(
    scope: &Scope,
    tables: Tables,
    rows: MergeRows,
    dry_run: bool,
    once: Option<IdempotentRequest>,
) -> Result<Merge> {
    scope.demand(Permission::WriteAll)?;
    run(scope, dry_run, once, move |unit| Box::pin(merge_companies(unit, tables, rows))).await
}

/// Merges in a unit of work, which a dry run does not commit.
async fn run<W>(
    scope: &Scope,
    dry_run: bool,
    once: Option<IdempotentRequest>,
    work: W,
) -> Result<Merge>
where
    W: for<'u> FnOnce(&'u mut Unit) -> BoxFuture<'u, Result<Merge>>,
{
    if dry_run {
        let mut unit = Unit::begin(scope).await?;
        return work(&mut unit).await;
    }
    idempotency::run(scope, once, work).await
}

async fn merge_prospects(unit: &mut Unit, tables: Tables, rows: MergeRows) -> Result<Merge> {
    assignment::lock_owners(unit, [rows.keep, rows.drop]).await?;
    let pair = Pair::lock(unit, prospect::table(), rows).await?;
    let owner = assignment::merged_owner(unit, &pair.kept, &pair.dropped).await?;
    let owners = [prospect::Column::OwnerId, prospect::Column::TeamId];
    let merged_into = prospect::Column::MergedIntoId;
    let (old, moved) = pair.absorb(unit, tables, merged_into, &owners).await?;
    let mut merged = merged_prospect(&pair.kept, &pair.dropped, &old);
    merged.set(prospect::Column::OwnerId, owner.map_or(Value::Null, Value::Int));
    if merged.value(prospect::Column::Email) != old.value(prospect::Column::Email) {
        unit.mark_if_duplicate(&mut merged).await?;
    }
    let merged = unit.update(&old, merged).await?;
    opt_out::record_merged_addresses(unit, &merged).await?;
    Ok(pair.result(&merged, moved, prospect_rule))
}

async fn merge_companies(unit: &mut Unit, tables: Tables, rows: MergeRows) -> Result<Merge> {
    // In the order of other writers: prospects before the companies that count them.
    unit.below(prospect::table(), prospect::Column::CompanyId, rows.keep.max(rows.drop)).await?;
    let pair = Pair::lock(unit, company::table(), rows).await?;
    let merged_into = company::Column::MergedIntoId;
    let (old, moved) = pair.absorb(unit, tables, merged_into, &[]).await?;
    let own = [
        company::Column::Id,
        company::Column::OrganizationId,
        company::Column::Revision,
        company::Column::CreatedAt,
        company::Column::UpdatedAt,
        company::Column::DeletedAt,
        company::Column::MergedIntoId,
        company::Column::DuplicateOf,
        company::Column::ProspectCount,
    ];
    let mut merged = combined(&pair.kept, &pair.dropped, &old, own);
    merged.follow();
    if merged.value(company::Column::Domain) != old.value(company::Column::Domain) {
        unit.mark_if_duplicate(&mut merged).await?;
    }
    let merged = unit.update(&old, merged).await?;
    Ok(pair.result(&merged, moved, |_, _| None))
}

/// The rows of a merge, locked.
struct Pair {
    kept: Record,
    dropped: Record,
    survivor: i64,
}

impl Pair {
    async fn lock(unit: &mut Unit, table: &'static Table, rows: MergeRows) -> Result<Self> {
        let MergeRows { keep, drop } = rows;
        if keep == drop {
            let message = format!("a {} can't be merged into itself", table.called);
            let reason = engine::Reason::MergeWithItself;
            return Err(Problem::invalid(reason, "drop_id", message).into());
        }
        // Locked in a fixed order, to prevent deadlocks: values, then rows.
        unit.lock_unique_values(table, &[keep, drop]).await?;
        let (kept, dropped) = if keep < drop {
            let kept = unit.get(table, keep, "keep_id").await?;
            (kept, unit.get(table, drop, "drop_id").await?)
        } else {
            let dropped = unit.get(table, drop, "drop_id").await?;
            (unit.get(table, keep, "keep_id").await?, dropped)
        };
        alive(&kept, "keep_id")?;
        alive(&dropped, "drop_id")?;
        Ok(Self { kept, dropped, survivor: keep.min(drop) })
    }

    /// Deletes the younger row, clears some of its columns, and assigns its related rows to the older one. Returns the older row, and the number of
    /// assigned rows by table.
    async fn absorb<C: ColumnTrait>(
        &self,
        unit: &mut Unit,
        tables: Tables,
        merged_into: C,
        cleared: &[C],
    ) -> Result<(Record, Vec<(String, usize)>)> {
        let (old, gone) = if self.survivor == self.kept.id() {
            (&self.kept, &self.dropped)
        } else {
            (&self.dropped, &self.kept)
        };
        let mut deleted = gone.clone();
        deleted.delete(unit.now());
        deleted.set(merged_into, Value::Int(self.survivor));
        for column in cleared {
            deleted.set(*column, Value::Null);
        }
        unit.update_as(gone, deleted, kind::MERGED).await?;
        let moved = unit.merge_owned(tables, gone, self.survivor).await?;
        // The merged row may have been the one that this row duplicated.
        let old = unit.get(old.table(), self.survivor, "keep_id").await?;
        let moved = moved.into_iter().map(|(table, rows)| (table.to_owned(), rows));
        Ok((old, moved.collect()))
    }

    /// The result, with the rule of each field that has a rule of its own.
    fn result(
        &self,
        merged: &Record,
        moved: Vec<(String, usize)>,
        rule: fn(&'static str, [&Value; 3]) -> Option<&'static str>,
    ) -> Merge {
        let mut fields = Vec::new();
        for (place, column) in merged.table().visible_columns() {
            let cells = [&self.kept, &self.dropped, merged].map(|row| row.at(place));
            let is_own = matches!(
                column.name,
                "id" | "revision" | "created_at" | "updated_at" | "merged_into_id" | "duplicate_of"
            );
            if is_own || (cells[0] == cells[1] && cells[1] == cells[2]) {
                continue;
            }
            let by_default = || if cells[0] == cells[2] { "kept" } else { "filled" };
            fields.push(MergedField {
                column: column.name,
                keep: cells[0].clone(),
                drop: cells[1].clone(),
                result: cells[2].clone(),
                rule: rule(column.name, cells).unwrap_or_else(by_default),
            });
        }
        Merge { survivor: self.survivor, fields, moved }
    }
}

/// The rule of a field of prospects.
fn prospect_rule(column: &'static str, [_, dropped, result]: [&Value; 3]) -> Option<&'static str> {
    match column {
        "unsubscribed_at" => Some("strictest"),
        "lifecycle_stage" if result.text() == "disqualified" => Some("strictest"),
        "lifecycle_stage" if dropped.text() == "disqualified" => Some("kept"),
        "lifecycle_stage" => Some("furthest"),
        "last_contacted_at" | "last_engagement_date" => Some("newest"),
        _ => None,
    }
}

/// The combined values of both rows, in the row of `old`, whose columns `own` are unchanged.
fn combined<C: ColumnTrait, const N: usize>(
    kept: &Record,
    dropped: &Record,
    old: &Record,
    own: [C; N],
) -> Record {
    let mut merged = old.clone();
    let own = own.map(|column| old.table().column(column));
    for index in 0..old.table().columns.len() {
        if !own.contains(&index) {
            let value = if *kept.at(index) == Value::Null { dropped } else { kept };
            merged.set_at(index, value.at(index).clone());
        }
    }
    merged
}

/// The combined values of both prospects, in the row of `old`.
fn merged_prospect(kept: &Record, dropped: &Record, old: &Record) -> Record {
    let own = [
        prospect::Column::Id,
        prospect::Column::OrganizationId,
        prospect::Column::Revision,
        prospect::Column::CreatedAt,
        prospect::Column::UpdatedAt,
        prospect::Column::DeletedAt,
        prospect::Column::MergedIntoId,
        prospect::Column::DuplicateOf,
        prospect::Column::ResearchCount,
    ];
    let mut merged = combined(kept, dropped, old, own);
    // First and last name come from the same row as the full name.
    for column in [prospect::Column::FirstName, prospect::Column::LastName] {
        merged.set(column, kept.value(column).clone());
    }
    for column in [prospect::Column::LastContactedAt, prospect::Column::LastEngagementDate] {
        let newest = kept.time(column).max(dropped.time(column));
        merged.set(column, newest.map_or(Value::Null, Value::Time));
    }
    if merged.text(prospect::Column::LifecycleStage) != "disqualified" {
        let stages = STAGES.iter().map(|stage| stage.name);
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
