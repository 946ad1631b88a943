//! What a person may ask for: to be told all that is known about them, and to be forgotten.

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

/// What was erased.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Erased {
    /// The key of the person.
    pub prospect: i64,
    /// How many interactions, drafts, pieces of research, rows of lists, and values that providers found went with them.
    pub records: i64,
}

/// What belongs to a person, in the order in which it can be taken out.
fn belongings() -> [&'static Table; 5] {
    [
        interaction::table(),
        prospect_research::table(),
        outreach_draft::table(),
        field_provenance::table(),
        enrichment_cache_entry::table(),
    ]
}

/// Erases a person for good, with everything that belongs to them and every record that was merged into
/// theirs, and empties what the change log says of all that, also of what was deleted before. The ledger
/// of calls to language models stays. Also one that was deleted.
///
/// # Errors
/// [`crate::Error::Refused`] when there is no such prospect, or not at `expected_revision`;
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

/// A person, and all that were merged into them: older ones first.
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

/// Everything that is known about a person, as JSON: the row, its company, what belongs to it, and what
/// the change log says of all that. That it was handed out is noted.
///
/// # Errors
/// [`crate::Error::Refused`] when there is no such prospect; [`crate::Error::Forbidden`].
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

/// What the change log says of a person and of all that ever belonged to them.
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
