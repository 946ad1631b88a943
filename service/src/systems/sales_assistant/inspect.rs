//! Validates every row of the source before anything is written.

use std::collections::{BTreeMap, HashMap};

use engine::{error::Result, normal_form::domain, progress::Progress};
use entity::crm::company;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    CHUNK, Finding, Options,
    convert::{self, Refusal},
    findings::{EXAMPLES, display_example},
    source::{Raw, Source, Which},
    spec::{self, TableSpec},
    target::Target,
};

/// The reason to reject a row whose primary key is already in use.
pub(super) const TAKEN: &str = "is already used in this database; imports keep primary keys, so import the \
                                source into another database";

/// All reasons to reject rows.
pub(super) async fn all(
    source: &Source,
    target: &Target<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for spec in spec::tables() {
        let after = target.reached(spec.name);
        let odd = source.odd_keys(spec.name).await?;
        if odd > 0 {
            // A table with keys that are not integers can't be read in key order.
            let reason = "is not an integer".to_owned();
            findings.push(finding(spec.name, "id", reason, odd, Vec::new()));
            continue;
        }
        if options.skip_rejected {
            // Rows are validated when they are copied.
            continue;
        }
        let late = target.late(spec.name).len() as u64;
        let rows = late + source.count_after(spec.name, after).await?;
        progress.begin(&format!("validate {}", spec.name), Some(rows));
        findings.extend(rows_of(source, target, &spec, options, progress).await?);
        progress.finish();
        for (column, to) in spec.references {
            findings.extend(orphans(source, spec.name, "id", column, to).await?);
        }
    }
    if !options.skip_rejected {
        for (column, to) in [("industry_id", "industries"), ("solution_id", "solutions")] {
            let links = orphans(source, "industry_solutions", "industry_id", column, to).await?;
            findings.extend(links);
        }
        findings.extend(pairs(source).await?);
    }
    if !options.keep_duplicates {
        for (table, column) in [("prospects", "email"), ("industries", "name")] {
            let since =
                if target.late(table).is_empty() { target.reached(table) } else { i64::MIN };
            let (rows, first) = source.repeated(table, column, since).await?;
            findings.extend(duplicates(table, column, rows, &first));
        }
        findings.extend(repeated_domains(source, target.reached("companies")).await?);
    }
    Ok(findings)
}

fn finding(table: &str, column: &str, reason: String, rows: u64, examples: Vec<String>) -> Finding {
    Finding { table: table.to_owned(), column: column.to_owned(), reason, rows, examples }
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
    let mut late = target.late(spec.name).chunks(usize::try_from(CHUNK).unwrap_or(usize::MAX));
    loop {
        let which = late.next().map_or(Which::After(after), Which::Keys);
        let rows = source.rows(spec, which).await?;
        let Some(last) = rows.last() else { break };
        after = last.id.max(after);
        progress.advance(rows.len() as u64);
        let keys: Vec<i64> = rows.iter().map(|raw| raw.id).collect();
        for key in target.taken(spec.name, &keys).await? {
            let reason = TAKEN.to_owned();
            let (count, ids) = refused.entry(Refusal { column: "id", reason }).or_default();
            *count += 1;
            if ids.len() < EXAMPLES {
                ids.push(key.to_string());
            }
        }
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
    let told = refused.into_iter().map(|(refusal, (rows, examples))| {
        finding(spec.name, refusal.column, refusal.reason, rows, examples)
    });
    Ok(told.collect())
}

async fn orphans(
    source: &Source,
    table: &str,
    key: &str,
    column: &str,
    to: &str,
) -> Result<Option<Finding>> {
    let (rows, examples) = source.orphans(table, key, column, to).await?;
    Ok((rows > 0).then(|| {
        finding(table, column, format!("references a missing row of {to}"), rows, examples)
    }))
}

async fn pairs(source: &Source) -> Result<Option<Finding>> {
    let pairs = source.pairs().await?;
    let odd = |pair: &&[String; 4]| {
        pair[..2].iter().any(|key| key.parse::<i64>().is_err())
            || pair[2..].iter().any(|time| convert::moment(time).is_none())
    };
    let odd: Vec<_> = pairs.iter().filter(odd).collect();
    let examples = odd.iter().take(EXAMPLES).map(|pair| pair[..2].join("/")).collect();
    let reason = "has a key that is not an integer, or an invalid timestamp".to_owned();
    Ok((!odd.is_empty())
        .then(|| finding("industry_solutions", "*", reason, odd.len() as u64, examples)))
}

fn duplicates(table: &str, column: &str, rows: u64, first: &[(String, i64)]) -> Option<Finding> {
    let examples = first.iter().take(EXAMPLES);
    let examples = examples
        .map(|(text, count)| format!("{} ({count} times)", display_example(text)))
        .collect();
    let reason = "is a duplicate; use `--duplicates keep` to import such rows unchanged".to_owned();
    (rows > 0).then(|| finding(table, column, reason, rows, examples))
}

/// Finds duplicate domains. They are counted here, because domains are computed, and by their hashes, to save memory.
async fn repeated_domains(source: &Source, reached: i64) -> Result<Option<Finding>> {
    let tables = spec::tables();
    let Some(spec) = tables.iter().find(|spec| spec.name == "companies") else { return Ok(None) };
    if source.odd_keys(spec.name).await? > 0 {
        return Ok(None);
    }
    let [website, name] =
        [company::Column::Website, company::Column::Name].map(|column| spec.table.column(column));
    let mut seen: HashMap<u64, i64> = HashMap::new();
    let mut repeated: BTreeMap<String, i64> = BTreeMap::new();
    let mut after = i64::MIN;
    loop {
        let rows = source.rows(spec, Which::After(after)).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for raw in &rows {
            let Raw::Text(website) = &raw.cells[website] else { continue };
            let name = match &raw.cells[name] {
                Raw::Text(name) => name.as_str(),
                _ => "",
            };
            let Some(domain) = domain::own(website, name) else { continue };
            let count = seen.entry(xxh3_64(domain.as_bytes())).or_default();
            *count += 1;
            if *count > 1 && raw.id > reached {
                repeated.insert(domain, *count);
            }
        }
    }
    let rows = repeated.values().map(|count| count.unsigned_abs()).sum();
    let first: Vec<_> = repeated.into_iter().collect();
    Ok(duplicates("companies", "website (its domain)", rows, &first))
}
