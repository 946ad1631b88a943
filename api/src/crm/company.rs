//! Companies in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope,
    crm::company::{rules, table},
    usage::cost,
};

use super::prospect::Prospect;
use crate::{
    error::Result,
    graph::{DateTime, Many, One, RowView},
    offer::industry::Industry,
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
    /// What calls to language models have cost for its prospects so far, in US dollars; deleted ones
    /// count, a call that made several things counts its share.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::Of::Companies, &rows).await
}
