//! Enrichment reports: query fields.

use async_graphql::{Context, Object, SimpleObject};
use engine::Scope;
use salesgraph_macros::permissions;
use service::ingest::report;

use crate::usage::report::{count, part, time};
use graph::{
    error::{Error, Result},
    scalar::Moment,
};

/// The report fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrichmentReports;

#[permissions]
#[Object]
impl EnrichmentReports {
    /// Usage of each provider by UTC day, newest first, from both usage logs. Maximum: 1,000 rows.
    #[permission(Read)]
    async fn daily_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only days on or after the day of this time.")] since: Option<Moment>,
        #[graphql(desc = "Only days before this time.")] until: Option<Moment>,
    ) -> Result<Vec<DailyUsage>> {
        let scope = ctx.data_unchecked::<Scope>();
        let (since, until) = time(since, until)?;
        let since = since.map(service::usage::daily_cost_summary::day_of);
        let days = report::daily_usage(scope, since, until).await.map_err(Error::from)?;
        let told = days.into_iter().map(|day| DailyUsage {
            mean_latency_ms: (day.timed_calls > 0.0).then(|| day.latency_ms / day.timed_calls),
            date: day.date,
            provider: Some(day.provider).filter(|provider| !provider.is_empty()),
            calls: day.calls,
            tokens: day.tokens,
            cost: day.cost,
        });
        Ok(told.collect())
    }

    /// Outcome of enrichment records by UTC day of their creation, newest first. Maximum: 1,000 rows.
    #[permission(Read)]
    async fn enrichment_success_rate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only records from this time on.")] since: Option<Moment>,
        #[graphql(desc = "Only records before this time.")] until: Option<Moment>,
    ) -> Result<Vec<EnrichmentSuccess>> {
        let scope = ctx.data_unchecked::<Scope>();
        let (since, until) = time(since, until)?;
        let days = report::success_rate(scope, since, until).await.map_err(Error::from)?;
        let told = days.into_iter().map(|day| {
            let total = day.successful + day.failed;
            let rate = part(day.successful, total).unwrap_or_default();
            EnrichmentSuccess {
                date: day.date,
                total_records: count(total),
                successful: count(day.successful),
                failed: count(day.failed),
                success_rate: (rate * 10_000.0).round() / 100.0,
            }
        });
        Ok(told.collect())
    }

    /// Cost of completed enrichments by UTC day of completion, newest first. `dailyUsage` also includes enrichments that
    /// were cancelled, failed or undone.
    #[permission(Read)]
    async fn import_cost_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of days.", default = 30)] days: i32,
    ) -> Result<Vec<ImportCost>> {
        if !(1..=3_650).contains(&days) {
            return Err(Error::invalid(
                engine::Reason::ValueOutOfRange,
                "days",
                "`days` must be from 1 to 3650",
            ));
        }
        let scope = ctx.data_unchecked::<Scope>();
        let days = report::job_costs(scope, days.into()).await.map_err(Error::from)?;
        let told = days.into_iter().map(|day| ImportCost {
            date: day.date,
            daily_cost: day.cost,
            jobs_processed: count(day.jobs),
            records_processed: day.records,
        });
        Ok(told.collect())
    }
}

/// Usage of a provider on a day.
#[derive(SimpleObject)]
pub struct DailyUsage {
    /// The day: `2026-03-01`.
    pub date: String,
    /// Provider; null if unknown.
    pub provider: Option<String>,
    /// Number of calls.
    pub calls: f64,
    /// Tokens of prompts and completions.
    pub tokens: f64,
    /// Cost in US dollars.
    pub cost: f64,
    /// Mean duration of the calls with a known duration, in milliseconds; null if there are none.
    pub mean_latency_ms: Option<f64>,
}

/// Outcome of the enrichment records of a day.
#[derive(SimpleObject)]
pub struct EnrichmentSuccess {
    /// The day: `2026-03-01`.
    pub date: String,
    /// Number of records enriched or failed.
    pub total_records: i32,
    /// Number of records enriched.
    pub successful: i32,
    /// Number of records failed.
    pub failed: i32,
    /// `successful` divided by `totalRecords`, in percent with two decimal places.
    pub success_rate: f64,
}

/// Cost of the enrichments completed on a day.
#[derive(SimpleObject)]
pub struct ImportCost {
    /// The day: `2026-03-01`.
    pub date: String,
    /// Cost in US dollars.
    pub daily_cost: f64,
    /// Number of enrichments.
    pub jobs_processed: i32,
    /// Number of records in these enrichments.
    pub records_processed: f64,
}
