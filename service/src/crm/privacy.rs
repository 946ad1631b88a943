//! Data subject requests (GDPR): export and erasure of personal data.

use sea_orm::Value as Bind;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{company, prospect, prospect_research};
use crate::{
    error::Result,
    governance::change_log::{self, kind},
    identity::policy::Permission,
    ingest::{enrichment_cache_entry, field_provenance, import_record, list},
    outreach::{interaction, outreach_draft},
    scope::Scope,
    table::Table,
    write::{Once, Record, Unit, once, row::at_revision},
};

/// The result of an erasure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Erased {
    /// Primary key of the prospect.
    pub prospect: i64,
    /// Number of erased interactions, drafts, research records, import records and provenance values.
    pub records: i64,
}

/// Tables with rows of a prospect, in the order in which they can be deleted.
fn belongings() -> [&'static Table; 5] {
    [
        interaction::table(),
        prospect_research::table(),
        outreach_draft::table(),
        field_provenance::table(),
        enrichment_cache_entry::table(),
    ]
}

/// Erases a prospect with all related rows and all rows merged into it, and clears the values of all these rows in the
/// change log, including the values of rows deleted earlier. The LLM usage log is kept. Deleted prospects can be
/// erased too.
///
/// # Errors
/// [`crate::Error::Refused`] if the prospect doesn't exist or is not at `expected_revision`;
/// [`crate::Error::Forbidden`].
pub async fn erase(
    scope: &Scope,
    id: i64,
    expected_revision: Option<i64>,
    once: Option<Once>,
) -> Result<Erased> {
    scope.demand(Permission::ManagePersonalData)?;
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            let person = unit.get(prospect::table(), id, "id").await?;
            at_revision(&person, expected_revision)?;
            let mut records = 0;
            for person in all_records(unit, person).await?.iter().rev() {
                for (pairs, table) in [
                    (&outreach_draft::USAGES, outreach_draft::table()),
                    (&prospect_research::USAGES, prospect_research::table()),
                ] {
                    for row in unit.below(table, "prospect_id", person.id()).await? {
                        unit.unlink_all(pairs, row.id()).await?;
                    }
                }
                for table in belongings() {
                    let own = ("prospect_id", person.id().into());
                    records += unit.erase_below(table, own, person.id()).await?;
                }
                for row in list::rows_of(unit, person).await? {
                    list::leave(unit, &row).await?;
                    let own = ("id", row.id().into());
                    records += unit.erase_below(import_record::table(), own, person.id()).await?;
                }
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
        records.extend(unit.below(prospect::table(), "merged_into_id", id).await?);
        next += 1;
    }
    Ok(records)
}

/// All data about a prospect, as JSON: its row, company, related rows and change log entries. The export itself is
/// logged.
///
/// # Errors
/// [`crate::Error::Refused`] if the prospect doesn't exist; [`crate::Error::Forbidden`].
pub async fn export(scope: &Scope, id: i64) -> Result<Json> {
    scope.demand(Permission::ManagePersonalData)?;
    once::run(scope, None, move |unit| {
        Box::pin(async move {
            let person = unit.get(prospect::table(), id, "id").await?;
            let company = person.number("company_id").unwrap_or_default();
            let company = unit.referred(company::table(), company).await?;
            let mut export = json!({
                "exportedAt": unit.now(),
                "prospect": person.snapshot(),
                "company": company.map(|company| company.snapshot()),
            });
            let persons = all_records(unit, person).await?;
            let merged: Vec<_> = persons[1..].iter().map(Record::snapshot).collect();
            export["merged"] = Json::Array(merged);
            for table in belongings() {
                let mut rows = Vec::new();
                for person in &persons {
                    let below = unit.below(table, "prospect_id", person.id()).await?;
                    rows.extend(below.iter().map(Record::snapshot));
                }
                export[table.name] = Json::Array(rows);
            }
            let mut rows = Vec::new();
            for person in &persons {
                rows.extend(list::rows_of(unit, person).await?.iter().map(import_record::readable));
            }
            export[import_record::table().name] = Json::Array(rows);
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
    let sql = format!(
        "SELECT {} FROM \"changes\" WHERE \"prospect_id\" = {{}} AND \"organization_id\" = {{}} \
         ORDER BY \"id\"",
        table.column_list()
    );
    let binds: Vec<Bind> = vec![prospect.into(), unit.scope().organization().into()];
    let rows = unit.query(&sql, binds).await?;
    rows.iter().map(|row| Ok(Record::read(table, row, 0)?.snapshot())).collect()
}
