//! Undoes enrichments: restores the previous value of each field that was not modified since.

use engine::{
    error::{Error, Result},
    record::Record,
    value::Value,
    write::{Input, Unit, row},
};
use entity::ingest::import_record;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{context::EnrichmentContext, field::Field};
use crate::{
    crm::{company, prospect},
    ingest::field_provenance::{self, outcome},
    outreach::outreach_draft,
};

/// The next values of a job to undo, newest first.
pub(crate) async fn next(unit: &Unit, job: i64, most: usize) -> Result<Vec<Record>> {
    let applied = unit
        .scope()
        .select::<field_provenance::Entity>()
        .filter(field_provenance::Column::ImportJobId.eq(job))
        .filter(field_provenance::Column::Outcome.eq(outcome::APPLIED))
        .order_by_desc(field_provenance::Column::Id)
        .limit(most as u64);
    unit.records(field_provenance::table(), &applied).await
}

/// Undoes values. Returns the number of undone values, and of values skipped because the field was modified since.
pub(crate) async fn take_back(unit: &mut Unit, found: &[Record]) -> Result<(i64, i64)> {
    use field_provenance::Column;
    let keys = |column| found.iter().filter_map(|row| row.number(column)).collect::<Vec<i64>>();
    unit.preload(prospect::table(), &keys(Column::ProspectId)).await?;
    unit.preload(company::table(), &keys(Column::CompanyId)).await?;
    let mut context = EnrichmentContext::read(unit).await?;
    unit.begin_batch();
    let (mut undone, mut kept) = (0, 0);
    for provenance in found {
        let is_undone = restore(unit, &mut context, provenance).await?;
        let mut after = provenance.clone();
        let state = if is_undone { outcome::UNDONE } else { outcome::KEPT };
        after.set(field_provenance::Column::Outcome, Value::Text(state.to_owned()));
        unit.update(provenance, after).await?;
        if is_undone {
            undone += 1;
        } else {
            kept += 1;
        }
    }
    context.write(unit).await?;
    Ok((undone, kept))
}

/// Restores the previous value of a field. Returns whether it was restored.
async fn restore(
    unit: &mut Unit,
    context: &mut EnrichmentContext,
    provenance: &Record,
) -> Result<bool> {
    let Some(field) = Field::of(provenance.text(field_provenance::Column::Field)) else {
        return Ok(false);
    };
    let (rules, key) = match provenance.number(field_provenance::Column::CompanyId) {
        Some(company) => (company::rules(), company),
        None => (prospect::rules(), provenance.key(field_provenance::Column::ProspectId)?),
    };
    let table = (rules.table)();
    let Some(before) = unit.find(table, key).await?.filter(|row| !row.is_deleted()) else {
        return Ok(false);
    };
    let now = match field {
        Field::Industry => context.industry_name(before.key(company::Column::IndustryId)?),
        other => other.text_in(&before),
    };
    if now != provenance.text(field_provenance::Column::Value) {
        return Ok(false);
    }
    let held = provenance.text(field_provenance::Column::ReplacedValue).to_owned();
    let value = match field {
        Field::Industry => match context.industry(&held) {
            Some(key) => Value::Int(key),
            None => return Ok(false),
        },
        _ if held.is_empty() => Value::Null,
        _ => Value::Text(held),
    };
    let input =
        Input { values: vec![(table.column_named(field.column()), value)], ..Input::default() };
    match row::patched(unit, rules, before.clone(), input, None).await {
        Ok(after) => {
            if !field.is_of_company() {
                context.follow_revision(&before, &after);
            }
            Ok(true)
        }
        // The previous value is no longer valid, e.g. because another row uses it by now.
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes the next drafts of a job that are pending review and unmodified. Returns the number of candidates.
pub(crate) async fn take_out(unit: &mut Unit, job: i64, most: usize) -> Result<usize> {
    let records = unit
        .scope()
        .select::<import_record::Entity>()
        .filter(import_record::Column::ImportJobId.eq(job))
        .select_only()
        .column(import_record::Column::Id);
    let drafts = unit
        .scope()
        .select::<outreach_draft::Entity>()
        .filter(outreach_draft::Column::ImportRecordId.in_subquery(records.into_query()))
        .filter(outreach_draft::Column::Status.eq("pending_review"))
        .filter(outreach_draft::Column::Revision.eq(2))
        .order_by_asc(outreach_draft::Column::Id)
        .limit(most as u64);
    let drafts: Vec<i64> =
        unit.tuples(&drafts.select_only().column(outreach_draft::Column::Id)).await?;
    let number = drafts.len();
    for id in drafts {
        let Some(draft) = unit.find(outreach_draft::table(), id).await? else { continue };
        if draft.text(outreach_draft::Column::Status) == "pending_review"
            && draft.number(outreach_draft::Column::Revision) == Some(2)
        {
            unit.unlink_all(&outreach_draft::USAGES, id).await?;
            unit.delete(&draft).await?;
        }
    }
    Ok(number)
}
