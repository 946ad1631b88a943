//! Undoes enrichments: restores the previous value of each field that was not modified since.

use engine::{
    error::{Error, Result},
    normal_form::person::folded,
    record::Record,
    value::Value,
    write::{Input, Unit, row},
};
use entity::ingest::import_record;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{apply::follow, field::Field};
use crate::{
    crm::{company, prospect},
    ingest::field_provenance::{self, outcome},
    offer::industry,
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
    let (mut undone, mut kept) = (0, 0);
    for provenance in found {
        let is_undone = restore(unit, provenance).await?;
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
    Ok((undone, kept))
}

/// Restores the previous value of a field. Returns whether it was restored.
async fn restore(unit: &mut Unit, provenance: &Record) -> Result<bool> {
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
    let industry = match field {
        Field::Industry => {
            let id = before.key(company::Column::IndustryId)?;
            unit.peek(industry::table(), id).await?
        }
        _ => None,
    };
    let name = industry.as_ref().map_or("", |industry| industry.text(industry::Column::Name));
    let now = match field {
        Field::Industry => name.to_owned(),
        other => other.text_in(&before).to_owned(),
    };
    if now != provenance.text(field_provenance::Column::Value) {
        return Ok(false);
    }
    let held = provenance.text(field_provenance::Column::ReplacedValue).to_owned();
    let value = match field {
        Field::Industry => match industry_of(unit, &held).await? {
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
                follow(unit, &before, &after).await?;
            }
            Ok(true)
        }
        // The previous value is no longer valid, e.g. because another row uses it by now.
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn industry_of(unit: &Unit, name: &str) -> Result<Option<i64>> {
    let names = industry::names(unit).await?;
    Ok(names.into_iter().find(|(_, known)| folded(known) == folded(name)).map(|(id, _)| id))
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
