//! `salesgraph import csv`, `commit` and `undo`: imports of people.

use std::{fs, path::PathBuf, time::Instant};

use clap::{Args, ValueEnum};
use engine::{Error, Result, Scope, Store, SystemClock, change_log};
use service::{
    identity::organization,
    imports::{self, JobAction, Options, ParsedFile, Preview, file::FileOptions},
    ingest::import_job::{self, kind},
};

use super::{say, scope};
use crate::progress::Bars;

/// Maximum number of rows shown per verdict.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
pub(super) struct ImportCsv {
    /// The file.
    file: PathBuf,
    /// The name of the import job. Default: the file name.
    #[arg(long)]
    name: Option<String>,
    /// Maps a column to a field: `"Work mail=email"`; `"Notes="` ignores the column. Repeatable.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = column)]
    map: Vec<(String, String)>,
    /// The encoding of the file, like `windows-1252`. Default: detected.
    #[arg(long)]
    encoding: Option<String>,
    /// The delimiter: `,`, `;`, `|` or `tab`. Default: detected.
    #[arg(long, value_parser = imports::file::delimiter_of)]
    delimiter: Option<char>,
    /// The name of the sheet of a workbook. Default: the first visible sheet with known columns.
    #[arg(long)]
    sheet: Option<String>,
    /// The country of phone numbers without a calling code, as a two-letter country code, e.g. `DE`.
    #[arg(long)]
    country: Option<String>,
    /// Commits the import after the preview.
    #[arg(long)]
    commit: bool,
    /// The decision for rows that may match an existing prospect.
    #[arg(long, value_enum, default_value_t = Candidates::Wait)]
    candidates: Candidates,
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Debug, Args)]
pub(super) struct Commit {
    /// The import job: its primary key, or its global ID `ImportJob:3`.
    #[arg(value_parser = job)]
    job: i64,
    /// The decision for rows that may match an existing prospect.
    #[arg(long, value_enum, default_value_t = Candidates::Wait)]
    candidates: Candidates,
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Debug, Args)]
pub(super) struct Undo {
    /// The import job: its primary key, or its global ID `ImportJob:3`.
    #[arg(value_parser = job)]
    job: i64,
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Candidates {
    /// The rows wait for a decision.
    Wait,
    /// Each row creates a new prospect.
    Create,
    /// Each row updates its most likely match.
    Merge,
    /// The rows are skipped.
    Skip,
}

impl Candidates {
    fn word(self) -> String {
        self.to_possible_value().map(|word| word.get_name().to_owned()).unwrap_or_default()
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    let (column, field) = text.rsplit_once('=').ok_or("must be COLUMN=FIELD")?;
    Ok((column.to_owned(), field.to_owned()))
}

fn job(text: &str) -> Result<i64, String> {
    let number = text.strip_prefix("ImportJob:").unwrap_or(text);
    number
        .parse()
        .map_err(|_| "must be a primary key or a global ID such as `ImportJob:3`".to_owned())
}

async fn open(url: &str, organization: &str) -> Result<(Store, Scope)> {
    let store = Store::connect(url).await?;
    service::operations::migrate(&store).await?;
    change_log::open(&store).await?;
    let organization = organization::ensure(&store, &SystemClock, organization).await?;
    let scope = scope(&store, organization);
    Ok((store, scope))
}

impl ImportCsv {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let bytes = fs::read(&self.file).map_err(|error| {
            Error::invalid(
                engine::Reason::FileInvalid,
                "file",
                format!("failed to read {}: {error}", self.file.display()),
            )
        })?;
        let file_name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let options = Options {
            name: self.name,
            file_name,
            file: FileOptions {
                encoding: self.encoding,
                delimiter: self.delimiter,
                sheet: self.sheet,
            },
            map: self.map,
            country: self.country,
        };
        let begun = Instant::now();
        let opened = imports::open(&bytes, options)?;
        drop(bytes);
        tell_file(&opened);
        let (store, scope) = open(url, &self.organization).await?;
        let looked = opened.preview(&scope, &Bars::new()).await?;
        tell_verdicts(&scope, &looked).await?;
        say!("Previewed in {:.1} s as ImportJob:{}.", begun.elapsed().as_secs_f64(), looked.job);
        if self.commit {
            write(&scope, looked.job, self.candidates).await?;
        } else {
            say!("To commit: salesgraph import commit {}", looked.job);
        }
        store.close().await
    }
}

/// Prints how a file was parsed, and its column mapping.
fn tell_file(opened: &ParsedFile) {
    let list = &opened.file.list;
    let delimiter =
        list.delimiter.map_or_else(String::new, |delimiter| format!(", delimiter {delimiter:?}"));
    let (format, encoding, rows) = (list.format.name(), &list.encoding, list.rows.len());
    say!("{format}, encoding {encoding}{delimiter}: {rows} rows");
    let mapped: Vec<_> = opened.file.mapping.columns(&list.head).collect();
    for (field, column) in &mapped {
        say!("    {field:<14} {column}");
    }
    let is_mapped = |name: &str| mapped.iter().any(|(_, column)| *column == name);
    let left = list.head.iter().map(String::as_str).filter(|name| !is_mapped(name));
    let left: Vec<_> = left.collect();
    if !left.is_empty() {
        say!("    {:<14} {}", "(ignored)", left.join(", "));
    }
}

async fn tell_verdicts(scope: &Scope, looked: &Preview) -> Result<()> {
    for (verdict, rows) in &looked.verdicts {
        say!("{rows:>10} {}", verdict.replace('_', " "));
        if *rows > 0 {
            let told = imports::examples(scope, looked.job, verdict, SHOWN).await?;
            for (row, reason) in told.into_iter().filter(|(_, reason)| !reason.is_empty()) {
                say!("           {row}: {reason}");
            }
        }
    }
    Ok(())
}

async fn write(scope: &Scope, job: i64, candidates: Candidates) -> Result<()> {
    let begun = Instant::now();
    imports::act(scope, job, JobAction::Commit(candidates.word()), None).await?;
    let job = imports::run(scope, job, &Bars::new()).await?;
    let number = |column: import_job::Column| job.number(column).unwrap_or_default();
    let waiting =
        number(import_job::Column::TotalRecords) - number(import_job::Column::ProcessedRecords);
    // The other counters of an enrichment count records, not prospects.
    let is_list = job.text(import_job::Column::Kind) == kind::LIST;
    let counted = if is_list { 5 } else { 2 };
    let counts = [
        (number(import_job::Column::CreatedRecords), "created"),
        (number(import_job::Column::UpdatedRecords), "updated"),
        (number(import_job::Column::SkippedRecords), "skipped"),
        (number(import_job::Column::FailedRecords), "failed"),
        (waiting, "pending a decision (--candidates)"),
    ];
    for (rows, what) in &counts[..counted] {
        say!("{rows:>10} {what}");
    }
    if !is_list {
        say!("For the reasons of the other rows, query `importRecords`.");
    }
    let seconds = begun.elapsed().as_secs_f64();
    say!("{} after {seconds:.1} s.", job.text(import_job::Column::Status).to_uppercase());
    let is_due = job.time(import_job::Column::ResumesAt).is_some();
    if let Some(note) = import_job::note(
        job.text(import_job::Column::Kind),
        job.text(import_job::Column::Status),
        waiting,
        is_due,
    ) {
        say!("{note}");
    }
    say!("To undo: salesgraph import undo {}", job.id());
    Ok(())
}

impl Commit {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let (store, scope) = open(url, &self.organization).await?;
        write(&scope, self.job, self.candidates).await?;
        store.close().await
    }
}

impl Undo {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let (store, scope) = open(url, &self.organization).await?;
        imports::act(&scope, self.job, JobAction::Undo, None).await?;
        let job = imports::run(&scope, self.job, &Bars::new()).await?;
        let number = |column: import_job::Column| job.number(column).unwrap_or_default();
        say!("{:>10} rows undone", number(import_job::Column::UndoneRecords));
        say!(
            "{:>10} skipped: their prospects were modified since",
            number(import_job::Column::KeptRecords)
        );
        store.close().await
    }
}
