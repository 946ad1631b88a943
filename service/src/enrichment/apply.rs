//! Applies found values, and records their provenance.

use engine::{
    error::{Error, Result},
    normal_form::{phone, placeholder::is_placeholder, profile, text},
    record::Record,
    value::Value,
    write::{Input, Rules, Unit, row},
};
use serde_json::{Value as Json, json};

use super::{
    context::EnrichmentContext,
    field::{FIELDS, Field, completeness},
    lease::Lease,
    record_result::{Outcome, Sourced},
};
use crate::{
    crm::{company, prospect},
    ingest::field_provenance::{self, outcome},
    usage::service_usage_log::rounded,
};

/// Result of applying values.
pub(super) struct Applied {
    /// Per field: `value`, `source`, `confidence`, `fetchedAt`, `cost`, `outcome`.
    pub(super) told: Json,
    /// Data completeness, from 0 to 1.
    pub(super) completeness: f64,
    pub(super) person: Record,
    pub(super) company: Record,
}

/// The outcome of a value that a provider found.
struct Verdict<'o> {
    sourced: &'o Sourced,
    value: String,
    /// The exact current value of the field.
    held: String,
    outcome: &'static str,
}

/// Applies the found values to the prospect of a record. Returns `None` if the prospect no longer exists.
pub(super) async fn apply(
    unit: &mut Unit,
    context: &mut EnrichmentContext,
    claimed: &Lease,
    outcome: &Outcome,
) -> Result<Option<Applied>> {
    let person = unit.find(prospect::table(), claimed.prospect).await?;
    let Some(person) = person.filter(|person| !person.is_deleted()) else { return Ok(None) };
    let company = person.key(prospect::Column::CompanyId)?;
    let Some(company) = unit.find(company::table(), company).await? else { return Ok(None) };
    let own = company.key(company::Column::IndustryId)?;
    let current = context.known_values(&person, &company)?;
    let judge = |sourced: &'_ Sourced| {
        let field = sourced.found.field;
        let current = field.current(&current).to_owned();
        let found_before = context.found_before(person.id(), company.id(), field);
        let (value, outcome) = match normal(field, &sourced.found.value) {
            None => (sourced.found.value.clone(), outcome::REFUSED),
            Some(value) if value.to_lowercase() == current.to_lowercase() => {
                (value, outcome::CONFIRMED)
            }
            Some(value) if field == Field::Industry && context.industry(&value).is_none() => {
                (value, outcome::REFUSED)
            }
            Some(value) if claimed.plan.may_replace(&current, found_before) => {
                (value, outcome::APPLIED)
            }
            Some(value) => (value, outcome::KEPT),
        };
        let held = match field {
            Field::Industry => context.industry_name(own),
            field if field.is_of_company() => field.text_in(&company),
            field => field.text_in(&person),
        };
        (value, held.to_owned(), outcome)
    };
    let mut verdicts: Vec<Verdict<'_>> = Vec::new();
    for sourced in &outcome.values {
        let (value, held, outcome) = judge(sourced);
        verdicts.push(Verdict { sourced, value, held, outcome });
    }
    let person = write(unit, context, prospect::rules(), person, &mut verdicts).await?;
    let company = write(unit, context, company::rules(), company, &mut verdicts).await?;
    note(unit, claimed, &verdicts, &person, &company).await?;
    for verdict in verdicts.iter().filter(|verdict| verdict.outcome == outcome::APPLIED) {
        let field = verdict.sourced.found.field;
        context.note_found(person.id(), company.id(), field, &verdict.value);
    }
    let known = context.known_values(&person, &company)?;
    let fetched = unit.now();
    let told = verdicts.iter().map(|verdict| {
        let told = json!({
            "value": verdict.value,
            "source": verdict.sourced.source,
            "confidence": verdict.sourced.found.confidence,
            "fetchedAt": fetched,
            "cost": rounded(verdict.sourced.cost),
            "outcome": verdict.outcome,
        });
        (verdict.sourced.found.field.name().to_owned(), told)
    });
    let told = Json::Object(told.collect());
    Ok(Some(Applied { told, completeness: completeness(&known), person, company }))
}

/// Normalizes a value for its field. Returns `None` if the value is invalid.
fn normal(field: Field, value: &str) -> Option<String> {
    let value = text::one_line(&value.replace('\0', ""));
    if is_placeholder(&value) {
        return None;
    }
    match field {
        Field::Phone => phone::read(&value, None).map(|phone| phone.number),
        Field::LinkedinUrl => profile::read(&value).map(|(address, _)| address),
        _ => Some(value),
    }
}

/// Writes the applied values to one row, subject to its write rules. Values that the rules reject are left out and
/// marked as rejected. Returns the updated row.
async fn write(
    unit: &mut Unit,
    context: &mut EnrichmentContext,
    rules: &'static Rules,
    row: Record,
    verdicts: &mut [Verdict<'_>],
) -> Result<Record> {
    let table = (rules.table)();
    let of_company = table.name == company::table().name;
    loop {
        let applied = verdicts.iter().filter(|verdict| {
            verdict.outcome == outcome::APPLIED
                && verdict.sourced.found.field.is_of_company() == of_company
        });
        let values = applied.map(|verdict| {
            let field = verdict.sourced.found.field;
            let value = match field {
                Field::Industry => context.industry(&verdict.value).map_or(Value::Null, Value::Int),
                _ => Value::Text(verdict.value.clone()),
            };
            (table.column_named(field.column()), value)
        });
        let values: Vec<_> = values.collect();
        if values.is_empty() {
            return Ok(row);
        }
        let input = Input { values, ..Input::default() };
        let refused = match row::patched(unit, rules, row.clone(), input, None).await {
            Ok(written) => {
                if !of_company {
                    context.follow_revision(&row, &written);
                }
                return Ok(written);
            }
            Err(Error::Refused(problems)) => problems,
            Err(error) => return Err(error),
        };
        let mut told = false;
        for verdict in verdicts.iter_mut() {
            let column = verdict.sourced.found.field.column();
            let field = verdict.sourced.found.field;
            let is_it = refused.iter().any(|problem| problem.field.as_deref() == Some(column));
            if verdict.outcome == outcome::APPLIED && field.is_of_company() == of_company && is_it {
                verdict.outcome = outcome::REFUSED;
                told = true;
            }
        }
        if !told {
            return Err(Error::Refused(refused));
        }
    }
}

/// Records the provenance of the values.
async fn note(
    unit: &mut Unit,
    claimed: &Lease,
    verdicts: &[Verdict<'_>],
    person: &Record,
    company: &Record,
) -> Result<()> {
    let mut rows = Vec::new();
    for verdict in verdicts {
        let found = &verdict.sourced.found;
        let mut row = Record::new(field_provenance::table());
        let short = |text: &str, most| Value::Text(text.chars().take(most).collect());
        if found.field.is_of_company() {
            row.set(field_provenance::Column::CompanyId, Value::Int(company.id()));
        } else {
            row.set(field_provenance::Column::ProspectId, Value::Int(person.id()));
        }
        row.set(field_provenance::Column::ImportJobId, Value::Int(claimed.job));
        row.set(field_provenance::Column::ImportRecordId, Value::Int(claimed.record));
        row.set(field_provenance::Column::Field, short(found.field.name(), 50));
        row.set(field_provenance::Column::Value, short(&verdict.value.replace('\0', ""), 10_000));
        let replaced = (verdict.outcome == outcome::APPLIED && !verdict.held.is_empty())
            .then(|| Value::Text(verdict.held.clone()));
        row.set(field_provenance::Column::ReplacedValue, replaced.unwrap_or(Value::Null));
        row.set(field_provenance::Column::Outcome, short(verdict.outcome, 20));
        row.set(field_provenance::Column::Source, short(&verdict.sourced.source, 50));
        row.set(field_provenance::Column::Confidence, Value::Double(found.confidence));
        row.set(field_provenance::Column::Cost, Value::Double(rounded(verdict.sourced.cost)));
        row.set(field_provenance::Column::FetchedAt, Value::Time(unit.now()));
        row.set(field_provenance::Column::Revision, Value::Int(1));
        rows.push(row);
    }
    if rows.is_empty() { Ok(()) } else { unit.insert_all(rows).await }
}

/// The position of a field in [`FIELDS`].
#[must_use]
pub(super) fn place(field: Field) -> usize {
    FIELDS.iter().position(|known| *known == field).unwrap_or_default()
}
