//! Undoes imported rows, except rows whose prospect was modified since.

use std::collections::{HashMap, HashSet};

use engine::{
    change_log::kind,
    error::Result,
    normal_form::text,
    record::Record,
    table::Table,
    value::Value,
    write::{Input, Unit, row},
};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, Value as Bind};
use serde_json::Value as Json;

use super::rows::{self, Done};
use crate::{
    crm::{company, prospect},
    ingest::{
        import_record::{self, promotion},
        note::{Note, NoteCode},
    },
    offer::{industry, solution},
};

/// The next rows of a job to undo. The last row comes first, because a row may update a prospect that an earlier row
/// created.
pub(super) async fn next(unit: &Unit, job: i64) -> Result<Vec<Record>> {
    let condition = "(\"promotion_status\" = 'created' OR \"promotion_status\" = 'matched' \
                     AND \"replaced_data\" IS NOT NULL)";
    rows::next(unit, job, condition, "DESC").await
}

/// Undoes the given rows. Returns the numbers of undone and skipped rows.
///
/// Created prospects are soft deleted; the previous values of updated prospects are restored. Prospects that were
/// modified since are skipped, and so are created prospects that have interactions, drafts or research by now. Created
/// companies are deleted with their last prospect, and created industries with their last company.
pub(super) async fn take_back(unit: &mut Unit, records: &[Record]) -> Result<(i64, i64)> {
    let people: Vec<i64> =
        records.iter().filter_map(|row| row.number(import_record::Column::ProspectId)).collect();
    unit.preload(prospect::table(), &people).await?;
    let touched = touched(unit, &people).await?;
    unit.begin_batch();
    let mut done = Vec::with_capacity(records.len());
    let (mut companies, mut industries) = (Vec::new(), Vec::new());
    let mut kept = 0;
    // Maps the prospect and the revision that a row wrote to the revision that restores that state.
    let mut again: HashMap<(i64, i64), i64> = HashMap::new();
    let mut restored = Vec::new();
    for record in records {
        let made = record.text(import_record::Column::PromotionStatus) == promotion::CREATED;
        let person = match record.number(import_record::Column::ProspectId) {
            Some(id) => unit.find(prospect::table(), id).await?,
            None => None,
        };
        let own = |person: &Record| {
            // A merge clears the revision.
            let Some(left) = record.number(import_record::Column::WrittenRevision) else {
                return false;
            };
            let left = again.get(&(person.id(), left)).copied().unwrap_or(left);
            person.number(prospect::Column::Revision) == Some(left)
                && !person.is_deleted()
                && !(made && touched.contains(&person.id()))
        };
        let Some(person) = person.filter(own) else {
            let reason = Note::stored(&[NoteCode::ProspectModified.into()]);
            kept += 1;
            done.push(Done { reason, ..Done::of(record, promotion::KEPT) });
            continue;
        };
        let mut after = person.clone();
        if made {
            after.set(prospect::Column::DeletedAt, Value::Time(unit.now()));
            unit.update_as(&person, after, kind::DELETED).await?;
            let key = |column| replaced(record).and_then(|replaced| replaced[column].as_i64());
            companies.extend(key("company_id"));
            industries.extend(key("industry_id"));
        } else {
            for (column, value) in replaced(record).and_then(Json::as_object).into_iter().flatten()
            {
                let value = value.as_str().map_or(Value::Null, |text| Value::Text(text.to_owned()));
                after.set_at(after.table().column_named(column), value);
            }
            let after = unit.update(&person, after).await?;
            let before = record.number(import_record::Column::FoundRevision).unwrap_or_default();
            let now = after.number(prospect::Column::Revision).unwrap_or_default();
            again.insert((person.id(), before), now);
            restored.push((person.id(), before, now));
        }
        done.push(Done::of(record, promotion::UNDONE));
    }
    unit.write_batch().await?;
    import_record::assign_written_revisions(unit, &restored).await?;
    rows::keep(unit, &done).await?;
    delete_created_companies(unit, companies).await?;
    for industry in industries {
        industry_of(unit, industry).await?;
    }
    Ok((i64::try_from(done.len()).unwrap_or_default() - kept, kept))
}

fn replaced(record: &Record) -> Option<&Json> {
    match record.value(import_record::Column::ReplacedData) {
        Value::Json(json) => Some(json),
        _ => None,
    }
}

/// Returns which of these prospects have interactions, drafts, research or notes.
async fn touched(unit: &Unit, people: &[i64]) -> Result<HashSet<i64>> {
    let mut touched = HashSet::new();
    if people.is_empty() {
        return Ok(touched);
    }
    let engine = unit.scope().store().engine();
    let mut binds: Vec<Bind> = Vec::new();
    let parts = ["interactions", "outreach_drafts", "prospect_research", "prospect_notes"].map(|table| {
        let among = engine.among(people, &mut binds);
        binds.push(unit.scope().organization().into());
        format!(
            "SELECT \"prospect_id\" FROM \"{table}\" WHERE \"prospect_id\" {among} AND {}\"organization_id\" = {{}}",
            engine.not_by()
        )
    });
    for row in &unit.query(&parts.join(" UNION "), binds).await? {
        touched.insert(row.try_get_by_index(0)?);
    }
    Ok(touched)
}

/// Deletes the companies that were created for the undone prospects, if they have no other prospects and were not
/// modified since.
async fn delete_created_companies(unit: &mut Unit, mut keys: Vec<i64>) -> Result<()> {
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(());
    }
    let table: &'static Table = company::table();
    unit.preload(table, &keys).await?;
    unit.begin_batch();
    let engine = unit.scope().store().engine();
    let mut binds: Vec<Bind> = Vec::new();
    let among = engine.among(&keys, &mut binds);
    binds.push(unit.scope().organization().into());
    let sql = format!(
        "SELECT DISTINCT \"company_id\" FROM \"prospects\" WHERE \"company_id\" {among} \
         AND {}\"organization_id\" = {{}} AND \"deleted_at\" IS NULL",
        engine.not_by()
    );
    let mut inhabited: HashSet<i64> = HashSet::new();
    for row in &unit.query(&sql, binds).await? {
        inhabited.insert(row.try_get_by_index(0)?);
    }
    for key in keys {
        let Some(company) = unit.find(table, key).await? else { continue };
        let is_own = company.number(company::Column::Revision) == Some(1) && !company.is_deleted();
        if is_own && !inhabited.contains(&key) {
            let mut after = company.clone();
            after.set(company::Column::DeletedAt, Value::Time(unit.now()));
            unit.update_as(&company, after, kind::DELETED).await?;
        }
    }
    unit.write_batch().await
}

/// Deletes an industry that was created for a company, if it was not modified since and only undone companies reference
/// it. These companies move to the unknown industry, in case they are restored.
async fn industry_of(unit: &mut Unit, key: i64) -> Result<()> {
    let Some(industry) = unit.find(industry::table(), key).await? else { return Ok(()) };
    let name = text::name_key(industry.text(industry::Column::Name));
    if industry.number(industry::Column::Revision) != Some(1)
        || name == text::name_key(industry::UNKNOWN)
    {
        return Ok(());
    }
    let others = unit
        .scope()
        .select_with_deleted::<company::Entity>()
        .filter(company::Column::IndustryId.eq(key))
        .filter(company::Column::DeletedAt.is_null().or(company::Column::Revision.ne(2)));
    let others = unit.count_of(others).await?;
    if others > 0 || !unit.partners(&solution::INDUSTRIES, key, false).await?.is_empty() {
        return Ok(());
    }
    let table = industry::table();
    let values =
        vec![(table.column(industry::Column::Name), Value::Text(industry::UNKNOWN.to_owned()))];
    let input = Input { values, ..Input::default() };
    let (unknown, _) = row::find_or_create(unit, industry::rules(), input).await?;
    unit.point(company::table(), company::Column::IndustryId, key, Some(unknown)).await?;
    unit.delete(&industry).await
}
