//! The preview (dry run) of an import: parses a file and stores a verdict per row.

use std::collections::HashMap;

use engine::{
    error::{Error, Result},
    normal_form::country,
    policy::Permission,
    progress::Progress,
    record::Record,
    scope::Scope,
    value::Value,
    write::Unit,
};
use rlibphonenumber::Region;
use serde_json::{Map, Value as Json, json};

use super::{
    CHUNK,
    companies::Companies,
    contact::{Contact, Read},
    file::{self, FileOptions, List},
    file_duplicates::PreviousRows,
    mapping::Mapping,
    matching::People,
    verdict::{Verdict, judge},
};
use crate::ingest::{
    import_job::{self, kind, status},
    import_record::{self, verdict},
    note::NoteCode,
};

/// Maximum number of characters that are stored of each cell.
const MAX_STORED_LENGTH: usize = 10_000;

/// Options of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name of the import. Default: the file name.
    pub name: Option<String>,
    /// Name of the file.
    pub file_name: String,
    /// Options for reading the file; omitted options are detected.
    pub file: FileOptions,
    /// Column mapping: pairs of column name and field.
    pub map: Vec<(String, String)>,
    /// Default country of phone numbers (ISO 3166-1, two letters).
    pub country: Option<String>,
}

/// The contents of a file and its column mapping; nothing is stored.
#[derive(Debug)]
pub struct InspectedFile {
    /// The contents of the file.
    pub list: List,
    /// The column mapping.
    pub mapping: Mapping,
}

/// A file that can be imported; nothing is stored yet.
#[derive(Debug)]
pub struct ParsedFile {
    /// The contents and the mapping.
    pub file: InspectedFile,
    options: Options,
    country: Option<Region>,
    size: usize,
}

/// Result of a preview.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Primary key of the job.
    pub job: i64,
    /// Number of rows per verdict, in the order of [`import_record::VERDICTS`].
    pub verdicts: Vec<(&'static str, u64)>,
}

/// Parses a file and maps its columns, which may have neither names nor e-mail addresses.
///
/// # Errors
/// [`Error::Invalid`] if the file can't be read.
pub fn inspect(bytes: &[u8], options: &Options) -> Result<InspectedFile> {
    let list = file::read(bytes, &options.file)?;
    let mapping = Mapping::guessed(&list.head).with_explicit(&list.head, &options.map)?;
    Ok(InspectedFile { list, mapping })
}

/// Parses a file and maps its columns.
///
/// # Errors
/// [`Error::Invalid`] if the file can't be read, or if it has no column with names or e-mail addresses.
pub fn open(bytes: &[u8], options: Options) -> Result<ParsedFile> {
    let file = inspect(bytes, &options)?;
    let InspectedFile { list, mapping } = &file;
    let told: Vec<_> = mapping.columns(&list.head).map(|(field, _)| field).collect();
    let has = |fields: &[&str]| fields.iter().any(|field| told.contains(field));
    let names = has(&["full_name", "first_name", "last_name"]);
    if !names || !has(&["email", "linkedin_url", "phone"]) {
        let shown: Vec<String> =
            list.head.iter().take(50).map(|name| name.chars().take(50).collect()).collect();
        let columns = shown.join(", ");
        let message = format!(
            "can't detect the columns with names and e-mail addresses among {columns}; map them explicitly, e.g. \
             `COLUMN=full_name`, `COLUMN=email`"
        );
        return Err(Error::invalid(engine::Reason::MappingInvalid, "map", message));
    }
    let country = country(options.country.as_deref())?;
    let options = Options { country: options.country.map(|code| code.to_uppercase()), ..options };
    Ok(ParsedFile { file, options, country, size: bytes.len() })
}

/// Parses the default country of phone numbers.
fn country(code: Option<&str>) -> Result<Option<Region>> {
    let Some(code) = code else { return Ok(None) };
    let message = "`country` must be a two-letter code, e.g. `DE` (ISO 3166-1)";
    country::of_code(code)
        .map(Some)
        .ok_or_else(|| Error::invalid(engine::Reason::CountryUnknown, "country", message))
}

impl ParsedFile {
    /// Stores a job with the rows of the file and a verdict per row; no prospect is written. The rows are written in
    /// transactions of 1,000 rows.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond. The stored rows are unusable in this case.
    pub async fn preview(&self, scope: &Scope, progress: &dyn Progress) -> Result<Preview> {
        scope.demand(Permission::WriteAll)?;
        let job = self.begin(scope).await?;
        match self.rows(scope, &job, progress).await {
            Ok(looked) => Ok(looked),
            Err(error) => {
                let why = NoteCode::PreviewInterrupted;
                if let Err(again) =
                    import_job::fail(scope, job.id(), why, &[status::UPLOADING]).await
                {
                    tracing::warn!(job = job.id(), error = %again, "a failed preview could not be marked as failed");
                }
                Err(error)
            }
        }
    }

    async fn rows(&self, scope: &Scope, job: &Record, progress: &dyn Progress) -> Result<Preview> {
        let list = &self.file.list;
        let mut verdicts: HashMap<&'static str, u64> = HashMap::new();
        let mut duplicates = 0;
        let (mut seen, mut companies) = (PreviousRows::default(), Companies::default());
        progress.begin("previewing", Some(list.rows.len() as u64));
        for (number, rows) in list.rows.chunks(CHUNK).enumerate() {
            let first = number * CHUNK;
            let mut unit = Unit::begin(scope).await?;
            if number == 0 {
                companies.refresh(&unit).await?;
            }
            let leads: Vec<_> = (rows.iter().enumerate())
                .map(|(place, row)| self.read(first + place, row))
                .collect();
            let readable = leads.iter().filter(|read| read.outcome.is_ok());
            let readable = readable.map(|read| (&read.lead, companies.of(&read.lead)));
            let people = People::load(&unit, readable).await?;
            let mut records = Vec::with_capacity(rows.len());
            for (place, (row, Read { lead, outcome })) in rows.iter().zip(&leads).enumerate() {
                let index = first + place;
                let verdict = match outcome {
                    Err(reason) => Verdict::error(reason),
                    Ok(remarks) => {
                        let verdict = judge(lead, remarks, &people, &companies, &seen);
                        let line = list.lines.get(index).copied().unwrap_or_default();
                        seen.note((index, line), lead, companies.of(lead), &verdict);
                        verdict
                    }
                };
                *verdicts.entry(verdict.word).or_default() += 1;
                duplicates += u64::from(verdict.is_duplicate);
                records.push(self.record(job.id(), index, row, lead, verdict)?);
            }
            unit.insert_all(records).await?;
            looked(&mut unit, job.id(), first + rows.len()).await?;
            unit.commit().await?;
            progress.advance(rows.len() as u64);
        }
        progress.finish();
        let count = |word: &str| verdicts.get(word).copied().unwrap_or_default();
        let rows = list.rows.len() as u64;
        let id = job.id();
        end(scope, id, [rows, duplicates, count(verdict::SKIP), count(verdict::ERROR)]).await?;
        let verdicts = import_record::VERDICTS.iter().map(|word| (word.name, count(word.name)));
        Ok(Preview { job: id, verdicts: verdicts.collect() })
    }

    /// Parses a row. A row with a file error is invalid.
    fn read(&self, index: usize, row: &[String]) -> Read {
        let read = Contact::read(&self.file.mapping, row, self.country);
        if let Some(fault) = self.file.list.faults.get(&index) {
            return Read { outcome: Err(fault.clone()), ..read };
        }
        read
    }

    fn record(
        &self,
        job: i64,
        index: usize,
        row: &[String],
        lead: &Contact,
        verdict: Verdict,
    ) -> Result<Record> {
        let mut record = Record::new(import_record::table());
        let cells = self.file.list.head.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let original: Map<String, Json> =
            cells.map(|(name, cell)| (name.clone(), Json::String(stored(cell)))).collect();
        record.set(import_record::Column::ImportJobId, Value::Int(job));
        record.set(import_record::Column::RecordIndex, number(index as u64));
        let line = self.file.list.lines.get(index).filter(|line| **line > 0);
        record
            .set(import_record::Column::LineNumber, line.map_or(Value::Null, |line| number(*line)));
        record.set(import_record::Column::OriginalData, Value::Json(Json::Object(original)));
        record.set(import_record::Column::Revision, Value::Int(1));
        import_record::nothing_asked(&mut record);
        lead.put(&mut record)?;
        verdict.put(&mut record);
        Ok(record)
    }

    async fn begin(&self, scope: &Scope) -> Result<Record> {
        let (list, options) = (&self.file.list, &self.options);
        let mut job = Record::new(import_job::table());
        let name = options.name.as_ref().filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or(&options.file_name);
        let columns = self.file.mapping.json(&list.head);
        let mut told = json!({
            "format": list.format.name(),
            "encoding": list.encoding,
            "delimiter": list.delimiter,
            "country": options.country,
            "columns": list.head,
            "mapping": columns,
        });
        if let Some(sheets) = &list.sheets {
            told["sheet"] = json!(sheets.read);
            told["otherSheets"] = json!(sheets.others);
        }
        let text =
            |text: &str, most| Value::Text(text.replace('\0', "").chars().take(most).collect());
        job.set(import_job::Column::Name, text(name, 500));
        job.set(import_job::Column::Status, text(status::UPLOADING, 20));
        job.set(import_job::Column::CandidateDecision, text("wait", 20));
        job.set(import_job::Column::FileName, text(&options.file_name, 500));
        job.set(import_job::Column::FileSize, number(self.size as u64));
        job.set(import_job::Column::Options, Value::Json(told));
        job.set(import_job::Column::Kind, text(kind::LIST, 20));
        import_job::nothing_counted(&mut job);
        job.set(import_job::Column::TotalRecords, number(list.rows.len() as u64));
        let mut unit = Unit::begin(scope).await?;
        let job = unit.insert(job).await?;
        unit.commit().await?;
        Ok(job)
    }
}

/// The stored form of a cell; a long cell is truncated.
fn stored(cell: &str) -> String {
    let end = cell.char_indices().nth(MAX_STORED_LENGTH).map(|(place, _)| place);
    end.map_or_else(|| cell.to_owned(), |end| format!("{}…", &cell[..end]))
}

fn number(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The job of a running preview, which may have been marked as failed in the meantime.
async fn uploading(unit: &mut Unit, job: i64) -> Result<Record> {
    let job = unit.get(import_job::table(), job, "id").await?;
    if job.text(import_job::Column::Status) == status::UPLOADING {
        return Ok(job);
    }
    Err(Error::Conflict(
        engine::Reason::ImportStatusConflict,
        "the upload was interrupted during the preview".to_owned(),
    ))
}

/// Records the number of previewed rows.
async fn looked(unit: &mut Unit, job: i64, rows: usize) -> Result<()> {
    let job = uploading(unit, job).await?;
    let mut after = job.clone();
    after.set(import_job::Column::ProcessedRecords, number(rows as u64));
    unit.update(&job, after).await?;
    Ok(())
}

/// Ends a preview and stores its counters: total, duplicate, skipped and failed rows.
async fn end(scope: &Scope, job: i64, counts: [u64; 4]) -> Result<()> {
    let [total, duplicates, skipped, failed] = counts;
    let mut unit = Unit::begin(scope).await?;
    let job = uploading(&mut unit, job).await?;
    let mut after = job.clone();
    after.set(import_job::Column::Status, Value::Text(status::PENDING.to_owned()));
    after.set(import_job::Column::TotalRecords, number(total));
    after.set(import_job::Column::DuplicateRecords, number(duplicates));
    after.set(import_job::Column::SkippedRecords, number(skipped));
    after.set(import_job::Column::FailedRecords, number(failed));
    after.set(import_job::Column::ProcessedRecords, number(skipped + failed));
    unit.update(&job, after).await?;
    unit.commit().await
}
