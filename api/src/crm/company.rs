//! Companies in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope,
    crm::{
        company::{rules, table},
        engagement::{self, Engagement},
    },
    outreach::timeline,
    usage::cost,
};

use super::{engagement::CompanyEngagement, prospect::Prospect};
use crate::{
    error::{Error, Result},
    graph::{DateTime, Many, One, RowView, computed::Forward},
    ingest::field_provenance::FieldProvenance,
    offer::industry::Industry,
    outreach::timeline::{TimelineConnection, timelines},
    usage::costs,
};

/// An account: the organization that prospects belong to.
#[derive(Entity)]
#[entity(table = table, plural = "companies", writes = rules)]
pub struct Company {
    /// Name, as the company writes it.
    #[entity(sort)]
    pub name: String,
    /// The industry it is in.
    pub industry: One<Industry>,
    /// Size class, in words of your own: `11-50`, `enterprise`.
    pub size: String,
    /// Address of its website.
    pub website: Option<String>,
    /// Host of its website without `www.`: what tells one account from another.
    #[entity(sort)]
    pub domain: Option<String>,
    /// When it was deleted. Deleted companies leave the lists, but what points to them still shows
    /// them.
    pub deleted_at: Option<DateTime>,
    /// The people we know there.
    pub prospects: Many<Prospect>,
    /// Where values came from that providers found, the newest last.
    pub field_provenances: Many<FieldProvenance>,
    /// Everything that happened with its prospects, newest first: interactions, drafts, research, and what was changed.
    /// Deleted prospects are left out.
    #[entity(paged = timeline, needs("id"))]
    pub timeline: TimelineConnection,
    /// How close it is to us: hot when one of its prospects said something within the last 7 days, warm within 30,
    /// cold when they were contacted but said nothing since, untouched when nobody was.
    #[entity(computed = engagement, needs("id"))]
    pub engagement: CompanyEngagement,
    /// What calls to language models have cost for its prospects so far, in US dollars; deleted ones
    /// count, a call that made several things counts its share.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn timeline(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
    page: Forward,
) -> Result<Vec<TimelineConnection>> {
    timelines(scope, timeline::Of::Companies, rows, page).await
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
        CompanyEngagement::of(&engagement)
            .ok_or_else(|| Error::internal(format!("`{}` is no level", engagement.level)))
    });
    told.collect()
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::Of::Companies, &rows).await
}
