//! Companies in GraphQL.

use salesgraph_macros::Entity;
use service::crm::company::table;

use super::prospect::Prospect;
use crate::{
    graph::{DateTime, Many, One},
    offer::industry::Industry,
};

/// An account: the organization that prospects belong to.
#[derive(Entity)]
#[entity(table = table, plural = "companies")]
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
}
