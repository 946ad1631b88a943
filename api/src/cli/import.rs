//! `salesgraph import`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use engine::{Error, Result, Store, SystemClock, change_log};
use service::{
    identity::organization,
    systems::{
        enrichment,
        sales_assistant::{self, Finding, Options, Outcome, Report, Source, SourceWord, Stale},
    },
};

use super::{say, scope};
use crate::progress::Bars;

/// Imports the database of another system, or a file of people.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Imports a database created from the sales-assistant document: all rows, with their primary keys.
    ///
    /// Every row is checked first; rows that would be rejected are listed and nothing is written. Rows are written in
    /// chunks, and an interrupted run resumes.
    SalesAssistant(SalesAssistant),
    /// Imports a database created from the enrichment document: jobs, records, cache, templates, usage and settings.
    ///
    /// Every row is checked first; rows that would be rejected are listed and nothing is written. The
    /// import can be repeated: rows of earlier runs are recognized by their keys.
    Enrichment(Enrichment),
    /// Previews a file of people (CSV, TSV, XLSX or NDJSON), with a verdict for each row.
    ///
    /// Encoding, delimiter and columns are detected, or given as options. No prospect is written until the import is
    /// committed.
    Csv(super::import_csv::ImportCsv),
    /// Commits a previewed import, 1,000 rows in a transaction; an interrupted commit resumes.
    Commit(super::import_csv::Commit),
    /// Undoes an import, except for rows that were modified since.
    Undo(super::import_csv::Undo),
}

#[derive(Debug, Args)]
pub(super) struct SalesAssistant {
    /// The source, which is only read: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(long)]
    from: String,
    /// The organization, which must be empty or contain an earlier run of the same import.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
    /// What to do with duplicate e-mail addresses, domains and industry names.
    #[arg(long, value_enum, default_value_t = Duplicates::Reject)]
    duplicates: Duplicates,
    /// Skips and lists rejected rows and rows that depend on them, instead of rejecting the source.
    #[arg(long)]
    skip_rejected: bool,
    /// Treats the source as the database that this organization was imported from, even if its address differs.
    #[arg(long)]
    same_source: bool,
    /// Maps a value of the source: `outreach_drafts.status:archived=discarded`. Repeatable.
    #[arg(long = "map", value_name = "TABLE.COLUMN:WORD=WORD", value_parser = mapping)]
    words: Vec<(SourceWord, String)>,
}

#[derive(Debug, Args)]
pub(super) struct Enrichment {
    /// The source, which is only read: `sqlite:PATH`.
    #[arg(long)]
    from: String,
    /// The name of the source. Default: `enrichment`.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Skips and lists rejected rows and rows that depend on them, instead of rejecting the source.
    #[arg(long)]
    skip_rejected: bool,
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

impl Enrichment {
    async fn run(self, url: &str) -> Result<()> {
        // The source is opened first, so that a wrong address does not create a database.
        let source = enrichment::Source::open(&self.from).await?;
        let store = Store::connect(url).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let organization = organization::ensure(&store, &SystemClock, &self.organization).await?;
        let begun = std::time::Instant::now();
        let scope = scope(&store, organization);
        let (system, skips) = (self.system, self.skip_rejected);
        let outcome = enrichment::import(&scope, &source, system, skips, &Bars::new()).await?;
        store.close().await?;
        match outcome {
            enrichment::Outcome::Refused(findings) => {
                findings.iter().for_each(print_fault);
                Err(rejected())
            }
            enrichment::Outcome::Imported { tables, skipped, inexact, left } => {
                for imported in &tables {
                    let more = match (imported.changed, imported.kept) {
                        (0, 0) => String::new(),
                        (changed, 0) => format!(", {changed} updated"),
                        (changed, kept) => {
                            format!(", {changed} updated, {kept} skipped (modified here)")
                        }
                    };
                    say!("{:>10} {}{more}", imported.new, imported.table);
                    if imported.deleted > 0 {
                        say!(
                            "{:>10} {} of earlier runs no longer exist in the source; they are kept here",
                            imported.deleted,
                            imported.table
                        );
                    }
                }
                if !skipped.is_empty() {
                    say!("Skipped:");
                    skipped.iter().for_each(print_fault);
                }
                if !inexact.is_empty() {
                    say!("Differences from the source:");
                    inexact.iter().for_each(print_fault);
                }
                for (table, rows) in left {
                    say!("{rows:>10} {table} not imported: this table is not supported yet");
                }
                let rows: u64 = tables.iter().map(|imported| imported.new).sum();
                say!("{rows:>10} rows in {:.1} s", begun.elapsed().as_secs_f64());
                Ok(())
            }
        }
    }
}

fn print_fault(finding: &enrichment::Finding) {
    say!("{}: {}", finding.place, finding.reason);
    say!("    {}: {}", rows(finding.rows), finding.examples.join(", "));
}

/// A number of rows with its noun.
fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Duplicates {
    /// Lists the duplicates and writes nothing.
    #[value(alias = "refuse")]
    Reject,
    /// Imports the duplicates unchanged.
    Keep,
}

fn mapping(text: &str) -> Result<(SourceWord, String), String> {
    let (from, to) = text.rsplit_once('=').ok_or("must be TABLE.COLUMN:WORD=WORD")?;
    Ok((from.parse().map_err(|error: Error| error.to_string())?, to.to_owned()))
}

impl Import {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let arguments = match self {
            Self::SalesAssistant(arguments) => arguments,
            Self::Enrichment(enrichment) => return enrichment.run(url).await,
            Self::Csv(look) => return look.run(url).await,
            Self::Commit(commit) => return commit.run(url).await,
            Self::Undo(undo) => return undo.run(url).await,
        };
        // The source is opened first, so that a wrong address does not create a database.
        let source = Source::open(&arguments.from).await?;
        let store = Store::connect(url).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let organization =
            organization::ensure(&store, &SystemClock, &arguments.organization).await?;
        let options = Options {
            keep_duplicates: arguments.duplicates == Duplicates::Keep,
            skip_rejected: arguments.skip_rejected,
            same_source: arguments.same_source,
            words: arguments.words.into_iter().collect::<BTreeMap<_, _>>(),
        };
        let begun = std::time::Instant::now();
        let scope = scope(&store, organization);
        let outcome = sales_assistant::import(&scope, &source, &options, &Bars::new()).await?;
        store.close().await?;
        match outcome {
            Outcome::Refused(findings) => {
                findings.iter().for_each(print_finding);
                Err(rejected())
            }
            Outcome::Imported(report) => {
                let Report { tables, skipped, inexact, stale } = &report;
                for (table, rows) in tables {
                    say!("{rows:>10} {table}");
                }
                for Stale { table, changed, deleted } in stale {
                    say!(
                        "{changed:>10} {table} modified and {deleted} deleted in the source since the last run; the rows here are unchanged"
                    );
                }
                if !skipped.is_empty() {
                    say!("Skipped:");
                    skipped.iter().for_each(print_finding);
                }
                if !inexact.is_empty() {
                    say!("Differences from the source:");
                    inexact.iter().for_each(print_finding);
                }
                let rows: u64 = tables.iter().map(|(_, rows)| rows).sum();
                let seconds = begun.elapsed().as_secs_f64();
                say!("{rows:>10} rows in {seconds:.1} s");
                Ok(())
            }
        }
    }
}

fn print_finding(finding: &Finding) {
    let Finding { table, column, reason, rows, examples } = finding;
    say!("{table}.{column}: {reason}");
    say!("    {}: {}", self::rows(*rows), examples.join(", "));
}

/// The error that is returned after the findings of a rejected source have been printed.
fn rejected() -> Error {
    let message = "nothing was imported because of the rows listed above; correct them in the source, or skip them \
                   with --skip-rejected";
    Error::Conflict(engine::Reason::SourceInvalid, message.to_owned())
}
