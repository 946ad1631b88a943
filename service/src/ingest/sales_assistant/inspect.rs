//! Looks at every row of the source before anything is written.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    Finding, Options,
    convert::{self, Refusal},
    copy::Target,
    source::{Raw, Source},
    spec::{self, TableSpec},
};
use crate::{error::Result, progress::Progress};

/// The most examples of a finding.
const EXAMPLES: usize = 5;

/// Everything that we would refuse.
pub(super) async fn all(
    source: &Source,
    target: &Target<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for spec in spec::tables() {
        let after = target.reached(spec.name);
        if let Some(finding) = target.taken_keys(source, spec.name, after).await? {
            findings.push(finding);
        }
        let rows = source.count(spec.name, after).await?;
        progress.begin(&format!("look at {}", spec.name), Some(rows));
        findings.extend(rows_of(source, target, &spec, options, progress).await?);
        progress.finish();
        for (column, to) in spec.references {
            findings.extend(orphans(source, spec.name, "id", column, to).await?);
        }
    }
    for (column, to) in [("industry_id", "industries"), ("solution_id", "solutions")] {
        findings.extend(orphans(source, "industry_solutions", "industry_id", column, to).await?);
    }
    findings.extend(pairs(source).await?);
    if !options.keep_duplicates {
        findings.extend(repeated(source, "prospects", "email").await?);
        findings.extend(repeated(source, "industries", "name").await?);
        findings.extend(repeated_domains(source).await?);
    }
    Ok(findings)
}

async fn rows_of(
    source: &Source,
    target: &Target<'_>,
    spec: &TableSpec,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Finding>> {
    let mut refused: BTreeMap<Refusal, (u64, Vec<String>)> = BTreeMap::new();
    let mut after = target.reached(spec.name);
    loop {
        let rows = source.rows(spec, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        progress.advance(rows.len() as u64);
        for raw in &rows {
            let Err(refusals) = convert::row(spec, target.organization(), raw, options) else {
                continue;
            };
            for refusal in refusals {
                let (count, ids) = refused.entry(refusal).or_default();
                *count += 1;
                if ids.len() < EXAMPLES {
                    ids.push(raw.id.to_string());
                }
            }
        }
    }
    let finding = |(refusal, (rows, examples)): (Refusal, (u64, Vec<String>))| Finding {
        table: spec.name.to_owned(),
        column: refusal.column.to_owned(),
        reason: refusal.reason,
        rows,
        examples,
    };
    Ok(refused.into_iter().map(finding).collect())
}

async fn orphans(
    source: &Source,
    table: &str,
    key: &str,
    column: &str,
    to: &str,
) -> Result<Option<Finding>> {
    let (rows, examples) = source.orphans(table, key, column, to).await?;
    Ok((rows > 0).then(|| Finding {
        table: table.to_owned(),
        column: column.to_owned(),
        reason: format!("points to no row of {to}"),
        rows,
        examples,
    }))
}

async fn pairs(source: &Source) -> Result<Option<Finding>> {
    let pairs = source.pairs().await?;
    let odd = |pair: &&[String; 4]| pair[2..].iter().any(|time| convert::moment(time).is_none());
    let odd: Vec<_> = pairs.iter().filter(odd).collect();
    Ok((!odd.is_empty()).then(|| Finding {
        table: "industry_solutions".to_owned(),
        column: "created_at, updated_at".to_owned(),
        reason: "is not a moment".to_owned(),
        rows: odd.len() as u64,
        examples: odd.iter().take(EXAMPLES).map(|pair| pair[..2].join("/")).collect(),
    }))
}

fn duplicates(table: &str, column: &str, repeated: &[(String, i64)]) -> Option<Finding> {
    let rows = repeated.iter().map(|(_, count)| count.unsigned_abs()).sum();
    let examples = repeated.iter().take(EXAMPLES);
    let examples = examples.map(|(text, count)| format!("{text} ({count} times)")).collect();
    (!repeated.is_empty()).then(|| Finding {
        table: table.to_owned(),
        column: column.to_owned(),
        reason: "repeats; --duplicates keep brings such rows over as they are".to_owned(),
        rows,
        examples,
    })
}

async fn repeated(source: &Source, table: &str, column: &str) -> Result<Option<Finding>> {
    Ok(duplicates(table, column, &source.repeated(table, column).await?))
}

/// Domains are worked out here, so they are counted here: by hash, to stay small.
async fn repeated_domains(source: &Source) -> Result<Option<Finding>> {
    let tables = spec::tables();
    let Some(spec) = tables.iter().find(|spec| spec.name == "companies") else { return Ok(None) };
    let website = spec.table.column("website");
    let mut seen: HashMap<u64, i64> = HashMap::new();
    let mut repeated: BTreeMap<String, i64> = BTreeMap::new();
    let mut after = i64::MIN;
    loop {
        let rows = source.rows(spec, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for raw in &rows {
            let Raw::Text(website) = &raw.cells[website] else { continue };
            let Some(domain) = convert::domain(website) else { continue };
            let count = seen.entry(xxh3_64(domain.as_bytes())).or_default();
            *count += 1;
            if *count > 1 {
                repeated.insert(domain, *count);
            }
        }
    }
    Ok(duplicates("companies", "website (its domain)", &repeated.into_iter().collect::<Vec<_>>()))
}
