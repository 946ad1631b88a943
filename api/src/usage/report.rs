//! Reports: query fields for sales metrics.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use engine::{Scope, read::Filter};
use salesgraph_macros::permissions;
use service::{
    outreach::cost_report::{CostGroup, GROUPS, cost_report},
    outreach::{funnel, industry_performance},
};

use crate::outreach::outreach_draft::OutreachDraft;
use graph::{
    EnumType, FilterOf, Vocabulary,
    error::{Error, Result},
    input,
    scalar::{EnumValueOf, Moment},
};

/// The report fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reports;

#[permissions]
#[Object]
impl Reports {
    /// Funnel of outreach drafts: counts of drafts created, submitted, approved, sent and replied.
    #[permission(Read)]
    async fn draft_funnel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter of drafts.")] filter: Option<FilterOf<OutreachDraft>>,
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

    /// Cost of language-model calls by group: highest cost first, or newest day, week or month first. Maximum: 1,000 groups.
    /// The report also contains the cost per reply: the cost of all calls in the range, divided by the number of inbound
    /// interactions in the range.
    #[permission(Read)]
    async fn llm_cost_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Group key.")] group_by: EnumValueOf<LlmCostGroup>,
        #[graphql(desc = "Only calls from this time on.")] since: Option<Moment>,
        #[graphql(desc = "Only calls before this time.")] until: Option<Moment>,
        #[graphql(desc = "Time zone of days, weeks and months: an IANA name.", default = "UTC")]
        time_zone: String,
    ) -> Result<LlmCostReport> {
        let zone = input::time_zone(&time_zone, "timeZone")?;
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

    /// Reply rates by industry: the share of the prospects contacted in the range that also replied in the range. The
    /// highest rate is first; industries without contacts are last. Interactions without a direction count as outbound;
    /// deleted companies and prospects are excluded.
    #[permission(Read)]
    async fn industry_performance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only interactions from this time on.")] since: Option<Moment>,
        #[graphql(desc = "Only interactions before this time.")] until: Option<Moment>,
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
                replied: count(one.answered),
                reply_rate: part(one.answered, one.contacted),
                outbound: count(one.outbound),
                inbound: count(one.inbound),
            })
            .collect())
    }
}

/// Funnel of outreach drafts. Superseded and discarded drafts count in every step that they reached.
#[derive(SimpleObject)]
pub struct DraftFunnel {
    /// Number of drafts created.
    pub written: i32,
    /// Number of drafts submitted for review.
    pub submitted: i32,
    /// Number of drafts approved.
    pub approved: i32,
    /// Number of drafts sent.
    pub sent: i32,
    /// Number of drafts replied to.
    pub replied: i32,
    /// Number of drafts bounced.
    pub bounced: i32,
    /// Number of drafts rejected.
    pub rejected: i32,
    /// Number of drafts discarded.
    pub discarded: i32,
    /// `approved` divided by `submitted`; null if none was submitted.
    pub approval_rate: Option<f64>,
    /// `replied` divided by `sent`; null if none was sent.
    pub reply_rate: Option<f64>,
}

/// Report of the cost of language-model calls.
#[derive(SimpleObject)]
pub struct LlmCostReport {
    /// Groups.
    pub groups: Vec<LlmCost>,
    /// Total over all groups.
    pub total: LlmCost,
    /// Number of inbound interactions in the range, excluding those of deleted prospects.
    pub replies: i32,
    /// Total cost divided by the number of inbound interactions; null if there were none.
    pub cost_per_reply: Option<f64>,
}

/// Cost of a group of language-model calls.
#[derive(SimpleObject)]
pub struct LlmCost {
    /// Group key; null for the total.
    pub key: Option<String>,
    /// Number of calls.
    pub calls: i32,
    /// Tokens of prompts and completions.
    pub tokens: f64,
    /// Cost in US dollars.
    pub cost: f64,
    /// Mean cost of a call, in US dollars; null if there were no calls.
    pub cost_per_call: Option<f64>,
    /// `cost` divided by the total cost; null if the total cost is 0.
    pub share: Option<f64>,
    /// Mean duration, in milliseconds; null if unknown.
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

/// Reply rate of an industry.
#[derive(SimpleObject)]
pub struct IndustryPerformance {
    /// Global ID of the industry.
    pub industry_id: ID,
    /// Name.
    pub industry_name: String,
    /// Number of companies.
    pub companies: i32,
    /// Number of prospects.
    pub prospects: i32,
    /// Number of prospects contacted.
    pub contacted: i32,
    /// Number of contacted prospects who replied.
    pub replied: i32,
    /// `replied` divided by `contacted`; null if `contacted` is 0.
    pub reply_rate: Option<f64>,
    /// Number of outbound interactions.
    pub outbound: i32,
    /// Number of inbound interactions.
    pub inbound: i32,
}

/// `LlmCostGroup`.
pub enum LlmCostGroup {}

impl Vocabulary for LlmCostGroup {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "LlmCostGroup",
            about: "Group key of the language-model cost report.",
            words: GROUPS,
        }
    }
}

/// A half-open time range.
pub type Time = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The time range from `since` to before `until`.
///
/// # Errors
/// `INVALID` unless `until` is after `since`.
pub fn time(since: Option<Moment>, until: Option<Moment>) -> graph::error::Result<Time> {
    let (since, until) = (since.map(|moment| moment.0), until.map(|moment| moment.0));
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(Error::invalid(
            engine::Reason::TimeRangeInvalid,
            "until",
            "`until` must be after `since`",
        ));
    }
    Ok((since, until))
}

/// A count as a GraphQL number.
#[must_use]
pub fn count(count: i64) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

/// `some` divided by `all`; `None` if `all` is 0.
#[must_use]
pub fn part(some: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| f64::from(count(some)) / f64::from(count(all)))
}

fn by(cost: f64, number: i64) -> Option<f64> {
    (number > 0).then(|| cost / f64::from(count(number)))
}
