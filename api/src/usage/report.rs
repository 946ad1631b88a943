//! Reports: fields of the query root that answer questions of sales.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use service::{
    Scope,
    outreach::{funnel, industry_performance},
    read::{Filter, Zone},
    usage::cost_report::{CostGroup, GROUPS, cost_report},
};

use crate::{
    error::Error,
    graph::{
        EnumType, FilterOf, Vocabulary,
        scalar::{Moment, WordOf},
    },
    outreach::outreach_draft::OutreachDraft,
};

/// The reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reports;

#[Object]
impl Reports {
    /// How far outreach drafts come: how many were written, read, approved, sent and answered.
    async fn draft_funnel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which drafts.")] filter: Option<FilterOf<OutreachDraft>>,
    ) -> Result<DraftFunnel> {
        let filter = filter.map_or(Ok(Filter::All(Vec::new())), |filter| filter.filter())?;
        let scope = ctx.data_unchecked::<Scope>();
        let found = funnel::funnel(scope, filter).await.map_err(Error::from)?;
        Ok(DraftFunnel {
            written: count(found.written),
            submitted: count(found.submitted),
            approved: count(found.approved),
            sent: count(found.sent),
            replied: count(found.replied),
            bounced: count(found.bounced),
            rejected: count(found.rejected),
            discarded: count(found.discarded),
            approval_rate: part(found.approved, found.submitted),
            reply_rate: part(found.replied, found.sent),
        })
    }

    /// What calls to language models cost, group by group: the dearest first, or the newest days, weeks or months in
    /// their order; at most 1,000 groups. And what an answer cost in them: all calls of the time by all that prospects said
    /// to us in it.
    async fn llm_cost_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What makes a group.")] group_by: WordOf<LlmCostGroup>,
        #[graphql(desc = "Only calls from this moment on.")] since: Option<Moment>,
        #[graphql(desc = "Only calls before this moment.")] until: Option<Moment>,
        #[graphql(
            desc = "By whose clocks time is cut: a name of the IANA database.",
            default = "UTC"
        )]
        time_zone: String,
    ) -> Result<LlmCostReport> {
        let zone = Zone::named(&time_zone).ok_or_else(|| {
            let message = "`timeZone` takes a name of the IANA database, like `Europe/Berlin`";
            Error::invalid(service::Reason::TimeZoneUnknown, "timeZone", message)
        })?;
        let scope = ctx.data_unchecked::<Scope>();
        let (since, until) = time(since, until)?;
        let report = cost_report(scope, group_by.name(), since, until, &zone).await;
        let report = report.map_err(Error::from)?;
        let all = report.total.cost;
        let groups = report.groups.into_iter().map(|group| LlmCost::of(group, all)).collect();
        let total = LlmCost::of(report.total, all);
        Ok(LlmCostReport {
            groups,
            total,
            replies: count(report.replies),
            cost_per_reply: by(all, report.replies),
        })
    }

    /// How industries answer us: of those that we said something to in a time, how many said something to us in it.
    /// The best first; those in which nobody was contacted come last. What has no direction counts as said by us;
    /// deleted companies and prospects don't count.
    async fn industry_performance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was said from this moment on.")] since: Option<Moment>,
        #[graphql(desc = "Only what was said before this moment.")] until: Option<Moment>,
    ) -> Result<Vec<IndustryPerformance>> {
        let scope = ctx.data_unchecked::<Scope>();
        let (since, until) = time(since, until)?;
        let all = industry_performance::industry_performance(scope, since, until).await;
        let all = all.map_err(Error::from)?.into_iter();
        Ok(all
            .map(|one| IndustryPerformance {
                industry_id: ID(format!("Industry:{}", one.industry)),
                industry_name: one.name,
                companies: count(one.companies),
                prospects: count(one.prospects),
                contacted: count(one.contacted),
                answered: count(one.answered),
                answer_rate: part(one.answered, one.contacted),
                outbound: count(one.outbound),
                inbound: count(one.inbound),
            })
            .collect())
    }
}

/// How many outreach drafts came how far. One that was superseded or discarded came as far as it did.
#[derive(SimpleObject)]
pub struct DraftFunnel {
    /// How many were written.
    pub written: i32,
    /// How many were handed to a person to be read.
    pub submitted: i32,
    /// How many were approved.
    pub approved: i32,
    /// How many were sent.
    pub sent: i32,
    /// How many were answered.
    pub replied: i32,
    /// How many came back.
    pub bounced: i32,
    /// How many are rejected.
    pub rejected: i32,
    /// How many were discarded.
    pub discarded: i32,
    /// `approved` as a part of `submitted`; null when none was submitted.
    pub approval_rate: Option<f64>,
    /// `replied` as a part of `sent`; null when none was sent.
    pub reply_rate: Option<f64>,
}

/// What calls to language models cost.
#[derive(SimpleObject)]
pub struct LlmCostReport {
    /// Group by group.
    pub groups: Vec<LlmCost>,
    /// All of them together.
    pub total: LlmCost,
    /// How often prospects said something to us in the time; deleted ones don't count.
    pub replies: i32,
    /// What all calls of the time cost, for each of these; null when there was none.
    pub cost_per_reply: Option<f64>,
}

/// What some calls to language models cost.
#[derive(SimpleObject)]
pub struct LlmCost {
    /// What they have in common; null for all of them.
    pub key: Option<String>,
    /// How many calls.
    pub calls: i32,
    /// Tokens of prompts and answers.
    pub tokens: f64,
    /// What they cost, in US dollars.
    pub cost: f64,
    /// What one cost, in US dollars; null when there was none.
    pub cost_per_call: Option<f64>,
    /// `cost` as a part of the cost of all; null when that is nothing.
    pub share: Option<f64>,
    /// How long one took on the average, in milliseconds; null when there was none.
    pub mean_latency_ms: Option<f64>,
}

impl LlmCost {
    fn of(group: CostGroup, all: f64) -> Self {
        Self {
            calls: count(group.calls),
            tokens: group.tokens,
            cost: group.cost,
            cost_per_call: by(group.cost, group.calls),
            share: (all > 0.0).then(|| group.cost / all),
            mean_latency_ms: group.mean_latency,
            key: Some(group.key).filter(|key| !key.is_empty()),
        }
    }
}

/// How an industry answers us.
#[derive(SimpleObject)]
pub struct IndustryPerformance {
    /// Global id of the industry.
    pub industry_id: ID,
    /// Its name.
    pub industry_name: String,
    /// How many companies we know there.
    pub companies: i32,
    /// How many prospects.
    pub prospects: i32,
    /// To how many of them we said something.
    pub contacted: i32,
    /// How many of those said something to us.
    pub answered: i32,
    /// `answered` as a part of `contacted`; null when nobody was contacted.
    pub answer_rate: Option<f64>,
    /// How often we said something.
    pub outbound: i32,
    /// How often they did.
    pub inbound: i32,
}

/// What the report of the cost of language models can be grouped by.
pub enum LlmCostGroup {}

impl Vocabulary for LlmCostGroup {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "LlmCostGroup",
            about: "What the report of the cost of language models can be grouped by.",
            words: GROUPS,
        }
    }
}

/// From a moment to before another.
pub type Time = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The time that two moments name.
///
/// # Errors
/// `INVALID` when the second does not come after the first.
pub fn time(since: Option<Moment>, until: Option<Moment>) -> crate::error::Result<Time> {
    let (since, until) = (since.map(|moment| moment.0), until.map(|moment| moment.0));
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(Error::invalid(
            service::Reason::TimeRangeInvalid,
            "until",
            "`until` must come after `since`",
        ));
    }
    Ok((since, until))
}

/// A count as GraphQL tells it.
#[must_use]
pub fn count(count: i64) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

/// `some` as a part of `all`, if there is any.
#[must_use]
pub fn part(some: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| f64::from(count(some)) / f64::from(count(all)))
}

fn by(cost: f64, number: i64) -> Option<f64> {
    (number > 0).then(|| cost / f64::from(count(number)))
}
