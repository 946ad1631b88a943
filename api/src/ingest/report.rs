//! Reports on enrichment: fields of the query root.

use async_graphql::{Context, Object, Result, SimpleObject};
use service::{Scope, ingest::report};

use crate::{
    error::Error,
    graph::scalar::Moment,
    usage::report::{count, part, time},
};

/// The reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrichmentReports;

#[Object]
impl EnrichmentReports {
    /// What was used of each provider on each day of UTC, the newest first: both ledgers together. At most 1,000 lines.
    async fn daily_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only days from the one of this moment on.")] since: Option<Moment>,
        #[graphql(desc = "Only days before this moment.")] until: Option<Moment>,
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

    /// How the records of enrichments came out, by the day of UTC on which they were made, the newest first. At most
    /// 1,000 lines.
    async fn enrichment_success_rate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only records from this moment on.")] since: Option<Moment>,
        #[graphql(desc = "Only records before this moment.")] until: Option<Moment>,
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

    /// What the enrichments cost that were completed in the last days, by the day of UTC on which they were, the newest first.
    /// Those that were cancelled, failed or taken back are in `dailyUsage`.
    async fn import_cost_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many days.", default = 30)] days: i32,
    ) -> Result<Vec<ImportCost>> {
        if !(1..=3_650).contains(&days) {
            return Err(Error::invalid(
                service::Reason::ValueOutOfRange,
                "days",
                "`days` must be from 1 to 3650",
            )
            .into());
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

/// What was used of a provider on a day.
#[derive(SimpleObject)]
pub struct DailyUsage {
    /// The day: `2026-03-01`.
    pub date: String,
    /// Who was paid; null where that is not known.
    pub provider: Option<String>,
    /// How many calls.
    pub calls: f64,
    /// Tokens of prompts and answers.
    pub tokens: f64,
    /// What they cost, in US dollars.
    pub cost: f64,
    /// Mean duration of the calls whose duration is known, in milliseconds; null when there is none.
    pub mean_latency_ms: Option<f64>,
}

/// How the records of a day came out.
#[derive(SimpleObject)]
pub struct EnrichmentSuccess {
    /// The day: `2026-03-01`.
    pub date: String,
    /// How many were enriched or failed.
    pub total_records: i32,
    /// How many were enriched.
    pub successful: i32,
    /// How many failed.
    pub failed: i32,
    /// `successful` as a part of `totalRecords`, in percent with two places.
    pub success_rate: f64,
}

/// What the enrichments cost that ended on a day.
#[derive(SimpleObject)]
pub struct ImportCost {
    /// The day: `2026-03-01`.
    pub date: String,
    /// What they cost, in US dollars.
    pub daily_cost: f64,
    /// How many there were.
    pub jobs_processed: i32,
    /// How many records they had.
    pub records_processed: f64,
}
