//! Data subject requests (GDPR): export and erasure of personal data.

use engine::{
    change_log::{self, kind},
    error::Result,
    policy::Permission,
    record::Record,
    scope::Scope,
    write::{IdempotentRequest, Unit, idempotency, ownership::Tables, row::at_revision},
};
use entity::governance::change;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{company, prospect};

/// The result of an erasure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Erased {
    /// Primary key of the prospect.
    pub prospect: i64,
    /// Number of erased interactions, drafts, research records, import records and provenance values.
    pub records: i64,
}

/// Erases a prospect with all related rows and all rows merged into it, and clears the values of all these rows in the
/// change log, including the values of rows deleted earlier. Which rows belong to a prospect is declared by `tables`
/// ([`engine::write::ownership`]). Deleted prospects can be erased too.
///
/// # Errors
/// [`engine::Error::Refused`] if the prospect doesn't exist or is not at `expected_revision`;
/// [`engine::Error::Forbidden`].
pub async fn erase(
    scope: &Scope,
    tables: Tables,
    id: i64,
    expected_revision: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<Erased> {
    scope.demand(Permission::ManagePersonalData)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let person = unit.get(prospect::table(), id, "id").await?;
            at_revision(&person, expected_revision)?;
            let mut records = 0;
            for person in all_records(unit, person).await?.iter().rev() {
                records += unit.erase_owned(tables, person, person.id()).await?;
                unit.erase(person).await?;
            }
            Ok(Erased { prospect: id, records: i64::try_from(records).unwrap_or(i64::MAX) })
        })
    })
    .await
}

/// A prospect and all rows merged into it, oldest first.
async fn all_records(unit: &mut Unit, person: Record) -> Result<Vec<Record>> {
    let mut records = vec![person];
    let mut next = 0;
    while let Some(record) = records.get(next) {
        let id = record.id();
        records.extend(unit.below(prospect::table(), prospect::Column::MergedIntoId, id).await?);
        next += 1;
    }
    Ok(records)
}

/// All data about a prospect, as JSON: its row, company, related rows and change log entries. The export itself is
/// logged.
///
/// # Errors
/// [`engine::Error::Refused`] if the prospect doesn't exist; [`engine::Error::Forbidden`].
pub async fn export(scope: &Scope, tables: Tables, id: i64) -> Result<Json> {
    scope.demand(Permission::ManagePersonalData)?;
    idempotency::run(scope, None, move |unit| {
        Box::pin(async move {
            let person = unit.get(prospect::table(), id, "id").await?;
            let company = person.key(prospect::Column::CompanyId)?;
            let company = unit.referred(company::table(), company).await?;
            let mut export = json!({
                "exportedAt": unit.now(),
                "prospect": person.snapshot(),
                "company": company.map(|company| company.snapshot()),
            });
            let persons = all_records(unit, person).await?;
            let merged: Vec<_> = persons[1..].iter().map(Record::snapshot).collect();
            export["merged"] = Json::Array(merged);
            let owned = unit.export_owned(tables, &persons).await?;
            export.as_object_mut().into_iter().for_each(|export| export.extend(owned.clone()));
            let mut history = Vec::new();
            for person in &persons {
                history.extend(self::history(unit, person.id()).await?);
            }
            export["changes"] = Json::Array(history);
            unit.note(prospect::table(), Some(id), kind::EXPORTED, None, None);
            Ok(export)
        })
    })
    .await
}

/// Change log entries of a prospect and all of its related rows.
async fn history(unit: &Unit, prospect: i64) -> Result<Vec<Json>> {
    let table = change_log::table();
    let changes = unit
        .scope()
        .select::<change::Entity>()
        .filter(change::Column::ProspectId.eq(prospect))
        .order_by_asc(change::Column::Id);
    Ok(unit.records(table, &changes).await?.iter().map(Record::snapshot).collect())
}
