//! Prospects in GraphQL.

use salesgraph_macros::Entity;
use service::{Scope, crm::prospect::table};

use super::{company::Company, prospect_research::ProspectResearch};
use crate::{
    error::Result,
    graph::{DateTime, Many, Newest, One, RowView},
    outreach::{interaction::Interaction, outreach_draft::OutreachDraft},
};

/// A person we sell to: the only record of a person in the product.
#[derive(Entity)]
#[entity(table = table, plural = "prospects")]
pub struct Prospect {
    /// Full name.
    #[entity(sort)]
    pub full_name: String,
    /// E-mail address.
    #[entity(sort)]
    pub email: String,
    /// Address of the profile at LinkedIn.
    pub linkedin_url: Option<String>,
    /// Where the person is.
    pub location: Option<String>,
    /// The company the person works for.
    pub company: One<Company>,
    /// When we last contacted the person; null when we never did.
    #[entity(sort)]
    pub last_contacted_at: Option<DateTime>,
    /// Whole days since the last contact, by the server's clock; null when there was none.
    #[entity(computed = days_since_last_contact, needs("last_contacted_at"))]
    pub days_since_last_contact: Option<i32>,
    /// Whether the person is on the work lists.
    pub is_active: bool,
    /// When the person was deleted. Deleted prospects leave the lists, but what points to them
    /// still shows them.
    pub deleted_at: Option<DateTime>,
    /// Everything that happened between us and the person.
    pub interactions: Many<Interaction>,
    /// Messages to the person, sent or not.
    pub outreach_drafts: Many<OutreachDraft>,
    /// Everything that AI found out about the person.
    pub research: Many<ProspectResearch>,
    /// The newest research, which is the one that counts; null when there is none.
    pub latest_research: Option<Newest<ProspectResearch>>,
}

async fn days_since_last_contact(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
) -> Result<Vec<Option<i32>>> {
    let now = scope.now();
    let days =
        |row: RowView<'_>| row.time(0).and_then(|time| (now - time).num_days().try_into().ok());
    Ok(rows.into_iter().map(days).collect())
}
