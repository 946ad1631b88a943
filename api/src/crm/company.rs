//! Companies in GraphQL.

use engine::Scope;
use salesgraph_macros::Entity;
use service::{
    crm::{
        company::{rules, table},
        engagement::{self, Engagement},
    },
    outreach::timeline,
    usage::cost,
};

use super::{engagement::CompanyEngagement, prospect::Prospect};
use crate::{
    ingest::field_provenance::FieldProvenance,
    offer::industry::Industry,
    outreach::timeline::{TimelineConnection, timelines},
    usage::costs,
};
use graph::{
    DateTime, Many, One, RowView,
    computed_field::ForwardPage,
    error::{Error, Result},
};

/// A company: the account that prospects belong to.
#[derive(Entity)]
#[entity(table = table, plural = "companies", read = Read, writes = rules, write = WriteAll)]
pub struct Company {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Industry.
    pub industry: One<Industry>,
    /// Size class, as free text: `11-50`, `enterprise`. Lists are sorted by its first number; companies whose size has no
    /// number are last.
    #[entity(sort = "size_lower_bound")]
    pub size: String,
    /// URL of the website.
    pub website: Option<String>,
    /// Host of the website without `www.`; unique in the organization.
    #[entity(sort)]
    pub domain: Option<String>,
    /// Country as a code with two letters (ISO 3166-1). Names and codes with three letters are accepted.
    pub country: Option<String>,
    /// Number of employees.
    #[entity(sort)]
    pub employee_count: Option<i32>,
    /// Phone number.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Number of prospects that are not deleted.
    #[entity(sort)]
    pub prospect_count: i32,
    /// Time of the soft delete; null if not deleted. Lists omit deleted companies; references still resolve to them.
    pub deleted_at: Option<DateTime>,
    /// The company that this row was merged into; null if it was not merged.
    pub merged_into: Option<One<Company>>,
    /// The company with the same domain, if this row is marked as its duplicate. Rows are marked if they had
    /// the value before it became unique, were imported with it, or got it in a merge.
    #[entity(via = "duplicate_of")]
    pub duplicate_of: Option<One<Company>>,
    /// Prospects at the company.
    pub prospects: Many<Prospect>,
    /// Provenance of values that providers found, newest last.
    pub field_provenances: Many<FieldProvenance>,
    /// Timeline of the company's prospects, newest first: interactions, drafts, research and changes. Deleted prospects
    /// are omitted.
    #[entity(paged = timeline, needs("id"))]
    pub timeline: TimelineConnection,
    /// Engagement: HOT if a prospect replied within the last 7 days, WARM if one replied within the last 30 days, COLD if
    /// prospects were contacted without a reply since, UNTOUCHED if none was contacted.
    #[entity(computed = engagement, needs("id"))]
    pub engagement: CompanyEngagement,
    /// Cost of language-model calls for the company's prospects, including deleted prospects, in US dollars. The cost of
    /// a call for several rows is divided among the rows.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn timeline(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
    page: ForwardPage,
) -> Result<Vec<TimelineConnection>> {
    timelines(scope, timeline::TimelineSubject::Companies, rows, page).await
}

async fn engagement(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<CompanyEngagement>> {
    let keys = RowView::keys(&rows);
    let mut found = engagement::of_companies(scope, &keys).await?;
    let nobody = Engagement {
        level: "untouched",
        prospects: 0,
        contacted: 0,
        answered: 0,
        last_contacted_at: None,
        last_engagement_date: None,
    };
    let told = keys.iter().map(|key| {
        let engagement = found.remove(key).unwrap_or_else(|| nobody.clone());
        CompanyEngagement::of(&engagement).ok_or_else(|| {
            Error::internal(format!("unknown engagement level `{}`", engagement.level))
        })
    });
    told.collect()
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::CostSubject::Companies, &rows).await
}
