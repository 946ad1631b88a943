//! Daily cost summaries. Database triggers update them on every write to the usage logs.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveTime, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::Result,
    store::Engine,
    table::Table,
    write::Unit,
};
pub use entity::usage::daily_cost_summary::{Column, Entity};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::of::<Entity>("daily_cost_summary").derived_by_triggers());
    &TABLE
}

/// Cost categories (`daily_cost_summaries.category`).
pub const CATEGORIES: &[EnumValue] = &[
    enum_value("llm", "Language-model calls."),
    enum_value("api", "API calls."),
    enum_value("browser", "Remote browser sessions."),
    enum_value("storage", "Object-storage operations."),
];

/// Start of a day in UTC.
#[must_use]
pub fn day_of(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// Subtracts language model calls that are about to be deleted from the summaries of their days. Triggers handle only
/// inserts; rows of usage logs are deleted only when demo data is removed.
pub(crate) async fn subtract_llm(unit: &Unit, ids: &[i64]) -> Result<()> {
    let engine = unit.scope().engine();
    let day = match engine {
        Engine::Postgres => {
            "date_trunc('day', r.\"created_at\" AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        }
        Engine::Sqlite => "substr(r.\"created_at\", 1, 10) || 'T00:00:00+00:00'",
    };
    let rounded = match engine {
        Engine::Postgres => "round((s.\"cost_usd\" - g.cost)::numeric, 10)::float8",
        Engine::Sqlite => "round(s.\"cost_usd\" - g.cost, 10)",
    };
    let mut binds = Vec::new();
    let among = engine.among(ids, &mut binds);
    let organization = unit.scope().organization();
    binds.extend([organization.into(), organization.into()]);
    let sql = format!(
        "UPDATE \"daily_cost_summaries\" AS s SET \"calls\" = s.\"calls\" - g.calls, \
         \"timed_calls\" = s.\"timed_calls\" - g.timed, \"input_tokens\" = s.\"input_tokens\" - g.input, \
         \"output_tokens\" = s.\"output_tokens\" - g.output, \
         \"latency_ms_total\" = s.\"latency_ms_total\" - g.latency, \"cost_usd\" = {rounded} \
         FROM (SELECT {day} AS day, COALESCE(r.\"provider\", '') AS provider, r.\"model\" AS model, count(*) AS calls, \
         count(r.\"latency_ms\") AS timed, sum(r.\"prompt_tokens\") AS input, sum(r.\"completion_tokens\") AS output, \
         sum(COALESCE(r.\"latency_ms\", 0)) AS latency, sum(r.\"cost\") AS cost FROM \"llm_usage_logs\" r \
         WHERE r.\"id\" {among} AND r.\"organization_id\" = {{}} GROUP BY 1, 2, 3) g \
         WHERE s.\"organization_id\" = {{}} AND s.\"category\" = 'llm' AND s.\"date\" = g.day \
         AND s.\"provider\" = g.provider AND s.\"model\" = g.model"
    );
    unit.execute(&sql, binds).await?;
    let sql = "DELETE FROM \"daily_cost_summaries\" WHERE \"organization_id\" = {} AND \"category\" = 'llm' \
               AND \"calls\" <= 0";
    unit.execute(sql, vec![organization.into()]).await?;
    Ok(())
}
