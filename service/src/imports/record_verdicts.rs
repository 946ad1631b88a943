//! Assigns verdicts to rows that were not imported from a file.

use std::collections::HashMap;

use engine::{error::Result, record::Record, value::Value, write::Unit};
use entity::ingest::import_record;
use serde_json::{Map, Value as Json};

use super::{
    companies::Companies,
    contact::{Contact, Read},
    file_duplicates::PreviousRows,
    mapping::Mapping,
    matching::People,
    verdict::{Verdict, judge},
};

/// State for assigning verdicts to the rows of jobs, chunk by chunk.
#[derive(Default)]
pub(crate) struct VerdictContext {
    companies: Option<Companies>,
    seen: HashMap<i64, PreviousRows>,
}

impl VerdictContext {
    /// Discards the rows of a job that has no more rows.
    pub(crate) fn forget(&mut self, job: i64) {
        self.seen.remove(&job);
    }

    /// Assigns a verdict to each row. Values of the row take precedence over values that enrichment found.
    pub(crate) async fn judge(&mut self, unit: &Unit, records: &mut [Record]) -> Result<()> {
        if self.companies.is_none() {
            let mut companies = Companies::default();
            companies.refresh(unit).await?;
            self.companies = Some(companies);
        }
        let Some(companies) = &self.companies else { return Ok(()) };
        let leads: Vec<Read> = records.iter().map(read).collect();
        let readable = leads.iter().filter(|read| read.outcome.is_ok());
        let readable = readable.map(|read| (&read.lead, companies.of(&read.lead)));
        let people = People::load(unit, readable).await?;
        for (record, Read { lead, outcome }) in records.iter_mut().zip(&leads) {
            let job = record.key(import_record::Column::ImportJobId)?;
            let index = record.number(import_record::Column::RecordIndex).unwrap_or_default();
            let verdict = match outcome {
                Err(reason) => Verdict::error(reason),
                Ok(remarks) => {
                    let seen = self.seen.entry(job).or_default();
                    let verdict = judge(lead, remarks, &people, companies, seen);
                    let index = usize::try_from(index).unwrap_or_default();
                    let line = record
                        .number(import_record::Column::LineNumber)
                        .unwrap_or_default()
                        .unsigned_abs();
                    seen.note((index, line), lead, companies.of(lead), &verdict);
                    verdict
                }
            };
            lead.put(record)?;
            verdict.put(record);
        }
        Ok(())
    }
}

/// Reads the values of a row by column name.
fn read(record: &Record) -> Read {
    let mut head: Vec<String> = Vec::new();
    let mut row: Vec<String> = Vec::new();
    for column in [import_record::Column::OriginalData, import_record::Column::EnrichedData] {
        let Value::Json(Json::Object(told)) = record.value(column) else { continue };
        for (name, cell) in cells(told) {
            // In the enrichment document, this column is the name of the person; in CRM exports, it is the owner of the
            // lead.
            let name =
                if name.eq_ignore_ascii_case("owner_name") { "full_name".to_owned() } else { name };
            if !head.contains(&name) {
                head.push(name);
                row.push(cell);
            }
        }
    }
    Contact::read(&Mapping::guessed(&head), &row, None)
}

/// The non-empty cells of a row.
fn cells(told: &Map<String, Json>) -> impl Iterator<Item = (String, String)> {
    told.iter().filter_map(|(name, cell)| {
        let text = match cell {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            // The format of native enrichment jobs.
            Json::Object(found) => found.get("value")?.as_str()?.to_owned(),
            _ => return None,
        };
        (!text.trim().is_empty()).then(|| (name.clone(), text))
    })
}
