//! `salesgraph backup`, `restore`, `maintain`, `export`: operations on the whole database.

use std::{
    io::{self, BufWriter, Write as _},
    path::PathBuf,
};

use clap::{ArgGroup, Args, ValueEnum};
use engine::{Error, Result, Store, SystemClock, Value, change_log, record::Record};
use service::{
    identity::organization,
    operations::{backup, duplicates, export, maintenance, restore},
};

use super::{say, scope};
use crate::{catalog, progress::Bars};
use server::csv;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write, which must not exist. The backup is a SQLite database, even if the source is Postgres.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A file written by `backup`.
    file: PathBuf,
}

// Without `skip`, the flattened struct would be a group of its own, which the group of this struct would require, but
// no option could provide.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(
    ArgGroup::new("task").required(true).multiple(true).args(["check", "duplicates", "vacuum", "analyze", "recount"])
))]
pub(super) struct Maintain {
    #[command(flatten)]
    reports: Reports,
    /// Reclaims free space (VACUUM).
    #[arg(long)]
    vacuum: bool,
    /// Updates the statistics of the query planner (ANALYZE).
    #[arg(long)]
    analyze: bool,
    /// Counts the prospects of each company again, after another program has written to the database.
    #[arg(long)]
    recount: bool,
}

/// Read-only reports.
#[derive(Debug, Args)]
#[group(skip)]
struct Reports {
    /// Checks the integrity of the database and lists problems.
    #[arg(long)]
    check: bool,
    /// Lists rows that share an e-mail address, profile or name with other rows of their organization.
    #[arg(long)]
    duplicates: bool,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The entity, given by the name of its list field, e.g. `prospects` or `outreachDrafts`.
    #[arg(value_parser = entity)]
    entity: &'static graph::Entity,
    /// The format.
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// CSV with a header row (RFC 4180).
    Csv,
    /// A JSON object on each line.
    Json,
}

fn entity(name: &str) -> Result<&'static graph::Entity, String> {
    let entities = catalog::entities();
    let found = entities.iter().find(|entity| entity.plural == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = entities.iter().map(|entity| entity.plural).collect();
        format!("allowed: {}", names.join(", "))
    })
}

impl Backup {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect_existing(url).await?;
        let begun = std::time::Instant::now();
        let bytes = backup::backup(&store, &self.file, &Bars::new()).await?;
        store.close().await?;
        let seconds = begun.elapsed().as_secs_f64();
        say!("Verified backup written to {}: {bytes} bytes in {seconds:.1} s", self.file.display());
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let kept = restore::restore(url, &self.file, &SystemClock, &Bars::new()).await?;
        say!("The database was restored from {}.", self.file.display());
        say!(
            "API keys are restored too, including those revoked since; check them with: salesgraph keys list. Links of invitations and new passwords are invalid"
        );
        if let Some(kept) = kept {
            say!("The previous database is kept as {}.", kept.display());
        }
        Ok(())
    }
}

impl Maintain {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect_existing(url).await?;
        if self.reports.check {
            let problems = maintenance::check(&store).await?;
            for problem in &problems {
                say!("{problem}");
            }
            if !problems.is_empty() {
                let message = format!("the integrity check found {} problems", problems.len());
                return Err(Error::Conflict(engine::Reason::DatabaseConflict, message));
            }
            say!("The integrity check found no problems.");
        }
        if self.reports.duplicates {
            let same = duplicates::duplicates(&store).await?;
            for group in &same {
                let rows: Vec<_> = group.rows.iter().map(ToString::to_string).collect();
                say!(
                    "{} with the same {} (organization {}): {}",
                    group.table,
                    group.column,
                    group.organization,
                    rows.join(", ")
                );
            }
            say!("Groups of duplicates: {}.", same.len());
        }
        if self.recount {
            let corrected = maintenance::recount(&store).await?;
            say!("Corrected counters: {corrected}.");
        }
        if self.vacuum {
            maintenance::vacuum(&store).await?;
            say!("Free space was reclaimed.");
        }
        if self.analyze {
            maintenance::analyze(&store).await?;
            say!("Planner statistics were updated.");
        }
        store.close().await
    }
}

impl Export {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect_existing(url).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let organization = organization::find(&store, &self.organization).await?;
        let scope = scope(&store, organization);
        let table = self.entity.table;
        let mut out = BufWriter::new(io::stdout());
        let mut closed = false;
        let failed = |error: io::Error| {
            Error::invalid(
                engine::Reason::FileInvalid,
                "output",
                format!("failed to write the output: {error}"),
            )
        };
        if self.format == Form::Csv {
            let names = table.visible_columns().map(|(_, column)| quoted(column.name));
            write!(out, "{}\r\n", names.collect::<Vec<_>>().join(",")).map_err(failed)?;
        }
        let exported = export::export(&scope, table, |row| {
            match self.format {
                Form::Csv => write!(out, "{}\r\n", line(row)),
                Form::Json => writeln!(out, "{}", row.snapshot()),
            }
            .map_err(|error| {
                closed = error.kind() == io::ErrorKind::BrokenPipe;
                failed(error)
            })
        })
        .await;
        // A closed pipe ends the export without an error.
        if !closed {
            let rows = exported?;
            out.flush().map_err(failed)?;
            eprintln!("{rows} rows");
        }
        drop(out);
        store.close().await
    }
}

/// Encodes a row as a line of CSV.
fn line(row: &Record) -> String {
    let cells = row.table().visible_columns().map(|(place, _)| match row.at(place) {
        Value::Null => String::new(),
        Value::Text(text) => quoted(text),
        Value::Json(json) => quoted(&json.to_string()),
        other => quoted(other.json().to_string().trim_matches('"')),
    });
    cells.collect::<Vec<_>>().join(",")
}

/// A CSV cell. An empty text is quoted to distinguish it from null.
fn quoted(text: &str) -> String {
    let mut cell = String::new();
    csv::field(&mut cell, text);
    if cell.is_empty() { "\"\"".to_owned() } else { cell }
}
