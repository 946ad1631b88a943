//! Cost report: language model costs, and cost per reply.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::Result,
    read::{
        self, Aggregate, Bucket, Direction, Filter, GroupBy, GroupKey, GroupSort, List, Measure,
        Nulls, Test, Zone,
    },
    scope::Scope,
    value::Value,
};

use super::interaction;
use crate::usage::llm_usage_log;

/// Group keys of the report.
pub const GROUPS: &[EnumValue] = &[
    enum_value("model", "Model."),
    enum_value("workflow", "Workflow."),
    enum_value("node", "Node of the workflow."),
    enum_value("day", "Day in `timeZone`."),
    enum_value("week", "ISO 8601 week."),
    enum_value("month", "Month."),
];

/// Costs of language model calls.
#[derive(Clone, Debug)]
pub struct CostReport {
    /// Groups, sorted by cost in descending order, or time buckets in chronological order.
    pub groups: Vec<CostGroup>,
    /// Totals of all calls in the time range.
    pub total: CostGroup,
    /// Inbound interactions in the time range, from prospects that are not deleted.
    pub replies: i64,
}

/// A group of calls.
#[derive(Clone, Debug, Default)]
pub struct CostGroup {
    /// Group key.
    pub key: String,
    /// Number of calls.
    pub calls: i64,
    /// Prompt and completion tokens.
    pub tokens: f64,
    /// Cost in US dollars.
    pub cost: f64,
    /// Mean latency in milliseconds.
    pub mean_latency: Option<f64>,
}

/// The cost report of a half-open time range, grouped by one of [`GROUPS`]. Three statements.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn cost_report(
    scope: &Scope,
    by: &str,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    zone: &Arc<Zone>,
) -> Result<CostReport> {
    let table = llm_usage_log::table();
    let list = || {
        let mut list = List::new(table, "Query.llmCostReport".to_owned());
        list.filter = Filter::within(table.column(llm_usage_log::Column::CreatedAt), since, until);
        list
    };
    let calls = list();
    let mut aggregate = Aggregate::new(Arc::clone(zone));
    aggregate.limit = read::MAX_GROUPS;
    let (column, bucket) = match by {
        "model" => (llm_usage_log::Column::Model, None),
        "workflow" => (llm_usage_log::Column::WorkflowName, None),
        "node" => (llm_usage_log::Column::NodeName, None),
        "day" => (llm_usage_log::Column::CreatedAt, Some(Bucket::Day)),
        "week" => (llm_usage_log::Column::CreatedAt, Some(Bucket::Week)),
        _ => (llm_usage_log::Column::CreatedAt, Some(Bucket::Month)),
    };
    aggregate.keys.push(GroupKey { of: 0, column: table.column(column), bucket });
    // If there are more groups than the maximum, only the most expensive or the newest groups are returned.
    let cost = Measure::Sum(table.column(llm_usage_log::Column::Cost));
    let by = if bucket.is_some() { GroupBy::Key(0) } else { GroupBy::Measure(cost) };
    aggregate.order = vec![GroupSort { by, direction: Direction::Descending, nulls: Nulls::Last }];
    let mut total = Aggregate::new(Arc::clone(zone));
    for aggregate in [&mut aggregate, &mut total] {
        for measure in [
            Measure::Count,
            Measure::Sum(table.column(llm_usage_log::Column::TotalTokens)),
            cost,
            Measure::Avg(table.column(llm_usage_log::Column::LatencyMs)),
        ] {
            aggregate.measure(measure);
        }
    }

    let said = interaction::table();
    let mut inbound_list = List::new(said, "Query.llmCostReport".to_owned());
    let inbound =
        Filter::Column(said.column(interaction::Column::Direction), Test::Exactly("inbound"));
    let within = Filter::within(said.column(interaction::Column::InteractionDate), since, until);
    inbound_list.filter = Filter::All(vec![inbound, within]);
    let mut replies = Aggregate::new(Arc::clone(zone));
    replies.measure(Measure::Count);

    let (found, total, replies) = futures_util::try_join!(
        read::aggregate(scope, &calls, &aggregate),
        read::aggregate(scope, &calls, &total),
        read::aggregate(scope, &inbound_list, &replies)
    )?;
    let told = |cells: &[Value], key: String| {
        let number = |place: usize| match cells[place] {
            Value::Double(number) => Some(number),
            _ => None,
        };
        CostGroup {
            key,
            calls: cells[0].key().unwrap_or_default(),
            tokens: number(1).unwrap_or_default(),
            cost: number(2).unwrap_or_default(),
            mean_latency: number(3),
        }
    };
    let mut groups: Vec<CostGroup> = found
        .groups(0)
        .iter()
        .map(|group| {
            let key = match (&group[0], bucket) {
                (Value::Text(text), _) => text.clone(),
                (Value::Time(begin), Some(bucket)) => zone.key_and_spans(*begin, bucket).0,
                _ => String::new(),
            };
            told(&group[1..], key)
        })
        .collect();
    if bucket.is_some() {
        groups.reverse();
    }
    let total = total.groups(0).first().map(|all| told(all, String::new())).unwrap_or_default();
    let replies = replies.groups(0).first().and_then(|all| all[0].key()).unwrap_or_default();
    Ok(CostReport { groups, total, replies })
}
