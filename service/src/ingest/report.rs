//! Daily aggregates of enrichments and lookups: the views of the enrichment document.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    read::{
        self, Aggregate, Aggregated, Bucket, Direction, Filter, GroupBy, GroupKey, GroupSort, List,
        Measure, Nulls, Test, Zone,
    },
    scope::Scope,
    table::Table,
    value::Value,
};

use super::{
    import_job::{self, kind, status as job_status},
    import_record::{self, status},
};
use crate::usage::daily_cost_summary;

/// Usage of a provider on a day (`daily_usage`).
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// The day, as `2026-03-01`.
    pub date: String,
    /// The provider.
    pub provider: String,
    /// Number of calls.
    pub calls: f64,
    /// Tokens of prompts and completions.
    pub tokens: f64,
    /// Cost of the calls, in US dollars.
    pub cost: f64,
    /// Number of calls with a known duration.
    pub timed_calls: f64,
    /// Total duration of those calls, in milliseconds.
    pub latency_ms: f64,
}

/// Enrichment results of a day (`enrichment_success_rate`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Success {
    /// The day, as `2026-03-01`.
    pub date: String,
    /// Number of enriched records.
    pub successful: i64,
    /// Number of failed records.
    pub failed: i64,
}

/// Cost of the enrichments completed on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct JobCost {
    /// The day, as `2026-03-01`.
    pub date: String,
    /// Cost, in US dollars.
    pub cost: f64,
    /// Number of enrichments.
    pub jobs: i64,
    /// Number of records of these enrichments.
    pub records: f64,
}

fn utc() -> Result<Arc<Zone>> {
    Zone::named("UTC").ok_or_else(|| Error::internal("the time zone UTC is missing"))
}

fn list(table: &'static Table, field: &str, filter: Vec<Filter>) -> List {
    let mut list = List::new(table, format!("Query.{field}"));
    list.filter = Filter::All(filter);
    list
}

/// Groups by the UTC day of `column`, newest first, and optionally by a second column.
async fn by_day(
    scope: &Scope,
    list: List,
    column: usize,
    and: Option<usize>,
    measures: Vec<Measure>,
) -> Result<(Aggregated, Arc<Zone>)> {
    let zone = utc()?;
    let mut aggregate = Aggregate::new(Arc::clone(&zone));
    aggregate.limit = read::MAX_GROUPS;
    aggregate.keys.push(GroupKey { of: 0, column, bucket: Some(Bucket::Day) });
    aggregate.keys.extend(and.map(|column| GroupKey { of: 0, column, bucket: None }));
    let newest =
        GroupSort { by: GroupBy::Key(0), direction: Direction::Descending, nulls: Nulls::Last };
    aggregate.order = vec![newest];
    aggregate.order.extend(and.map(|_| GroupSort {
        by: GroupBy::Key(1),
        direction: Direction::Ascending,
        nulls: Nulls::Last,
    }));
    for measure in measures {
        aggregate.measure(measure);
    }
    Ok((read::aggregate(scope, &list, &aggregate).await?, zone))
}

fn day(zone: &Zone, cell: &Value) -> String {
    cell.time().map(|begin| zone.key_and_spans(begin, Bucket::Day).0).unwrap_or_default()
}

fn number(cell: &Value) -> f64 {
    match cell {
        Value::Double(number) => *number,
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        Value::Int(number) => *number as f64,
        _ => 0.0,
    }
}

/// Usage per day and provider, newest first.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not respond.
pub async fn daily_usage(
    scope: &Scope,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Usage>> {
    let table = daily_cost_summary::table();
    let date = table.column(daily_cost_summary::Column::Date);
    let sums = [
        daily_cost_summary::Column::Calls,
        daily_cost_summary::Column::InputTokens,
        daily_cost_summary::Column::OutputTokens,
        daily_cost_summary::Column::CostUsd,
        daily_cost_summary::Column::LatencyMsTotal,
        daily_cost_summary::Column::TimedCalls,
    ];
    let measures = sums.map(|column| Measure::Sum(table.column(column))).to_vec();
    let list = list(table, "dailyUsage", vec![Filter::within(date, since, until)]);
    let provider = table.column(daily_cost_summary::Column::Provider);
    let (found, zone) = by_day(scope, list, date, Some(provider), measures).await?;
    let told = found.groups(0).iter().map(|group| Usage {
        date: day(&zone, &group[0]),
        provider: match &group[1] {
            Value::Text(provider) => provider.clone(),
            _ => String::new(),
        },
        calls: number(&group[2]),
        tokens: number(&group[3]) + number(&group[4]),
        cost: number(&group[5]),
        latency_ms: number(&group[6]),
        timed_calls: number(&group[7]),
    });
    Ok(told.collect())
}

/// Success rate of the records by the day on which they were created, newest first.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not respond.
pub async fn success_rate(
    scope: &Scope,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Success>> {
    let table = import_record::table();
    let (made, state) = (
        table.column(import_record::Column::CreatedAt),
        table.column(import_record::Column::Status),
    );
    let ended = [status::ENRICHED, status::FAILED];
    let ended = ended.map(|state_word| Filter::Column(state, Test::Exactly(state_word)));
    let filter = vec![Filter::Any(ended.to_vec()), Filter::within(made, since, until)];
    let list = list(table, "enrichmentSuccessRate", filter);
    let (found, zone) = by_day(scope, list, made, Some(state), vec![Measure::Count]).await?;
    let mut days: Vec<Success> = Vec::new();
    for group in found.groups(0) {
        let date = day(&zone, &group[0]);
        if days.last().is_none_or(|last| last.date != date) {
            days.push(Success { date, ..Success::default() });
        }
        let Some(newest) = days.last_mut() else { continue };
        let count = group[2].key().unwrap_or_default();
        match &group[1] {
            Value::Text(state) if state == status::ENRICHED => newest.successful += count,
            _ => newest.failed += count,
        }
    }
    Ok(days)
}

/// Cost of the enrichments that were completed in the last `days` days, by day of completion, newest first.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not respond.
pub async fn job_costs(scope: &Scope, days: i64) -> Result<Vec<JobCost>> {
    let table = import_job::table();
    let ended = table.column(import_job::Column::CompletedAt);
    let since = scope.now() - TimeDelta::days(days);
    let filter = vec![
        Filter::Column(table.column(import_job::Column::Kind), Test::Exactly(kind::ENRICHMENT)),
        Filter::Column(
            table.column(import_job::Column::Status),
            Test::Exactly(job_status::COMPLETED),
        ),
        Filter::within(ended, Some(since), None),
    ];
    let measures = vec![
        Measure::Sum(table.column(import_job::Column::ActualCost)),
        Measure::Count,
        Measure::Sum(table.column(import_job::Column::TotalRecords)),
    ];
    let list = list(table, "importCostReport", filter);
    let (found, zone) = by_day(scope, list, ended, None, measures).await?;
    let told = found.groups(0).iter().map(|group| JobCost {
        date: day(&zone, &group[0]),
        cost: number(&group[1]),
        jobs: group[2].key().unwrap_or_default(),
        records: number(&group[3]),
    });
    Ok(told.collect())
}
