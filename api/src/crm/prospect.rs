//! Prospects in GraphQL.

use engine::Scope;
use salesgraph_macros::Entity;
use service::{
    crm::{
        next_action,
        prospect::{SOURCES, STAGES, rules, table},
    },
    offer::recommendation,
    outreach::timeline,
    usage::cost,
};

use super::{
    company::Company, next_action::NextBestAction, prospect_assignment::ProspectAssignment,
    prospect_note::ProspectNote, prospect_research::ProspectResearch,
};
use crate::{
    identity::{membership::Membership, team::Team},
    ingest::field_provenance::FieldProvenance,
    offer::solution::Solution,
    outreach::{
        interaction::Interaction,
        outreach_draft::OutreachDraft,
        timeline::{TimelineConnection, timelines},
    },
    usage::costs,
};
use graph::{
    DateTime, EnumColumn, EnumType, Many, Newest, One, RowView, RowsByKey, Vocabulary,
    computed_field::ForwardPage, error::Result,
};

/// A prospect: a person to sell to. Every person in the product is a prospect.
#[derive(Entity)]
#[entity(table = table, plural = "prospects", read = Read, writes = rules, write = Write)]
pub struct Prospect {
    /// Full name.
    #[entity(sort)]
    pub full_name: String,
    /// First name, if a source provides it; null if only the full name is known. An update of the full name alone removes it.
    pub first_name: Option<String>,
    /// Last name, if a source provides it; null if only the full name is known. An update of the full name alone removes it.
    pub last_name: Option<String>,
    /// E-mail address.
    #[entity(sort)]
    pub email: String,
    /// URL of the LinkedIn profile.
    pub linkedin_url: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Phone number, in E.164 form if the country is known: `+493012345678`.
    pub phone: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// The company that the person works for.
    pub company: One<Company>,
    /// The member who owns the prospect; null if there is none. `assignProspects` changes it.
    pub owner: Option<One<Membership>>,
    /// The team to which the prospect is assigned; null if there is none. `assignProspectsToTeam` changes it.
    pub team: Option<One<Team>>,
    /// Time of the last outbound contact; null if there was none.
    #[entity(sort)]
    pub last_contacted_at: Option<DateTime>,
    /// Time of the last inbound contact; null if there was none.
    #[entity(sort)]
    pub last_engagement_date: Option<DateTime>,
    /// Lifecycle stage. Lists are sorted by the order of the stages.
    #[entity(sort = "lifecycle_rank")]
    pub lifecycle_stage: EnumColumn<LifecycleStage>,
    /// Time of the opt-out; null if the person may be contacted.
    pub unsubscribed_at: Option<DateTime>,
    /// Whole days since `lastContactedAt`; null if there was no contact.
    #[entity(computed = days_since_last_contact, needs("last_contacted_at"))]
    pub days_since_last_contact: Option<i32>,
    /// Whether the prospect is active, that is, shown in work lists.
    pub is_active: bool,
    /// Origin of the row; null for rows older than this field.
    pub source: Option<EnumColumn<ProspectSource>>,
    /// Time of the soft delete; null if not deleted. Lists omit deleted prospects; references still resolve to them.
    pub deleted_at: Option<DateTime>,
    /// The prospect that this row was merged into; null if it was not merged.
    pub merged_into: Option<One<Prospect>>,
    /// The prospect with the same e-mail address, if this row is marked as its duplicate. Rows are marked if they had
    /// the value before it became unique, were imported with it, or got it in a merge.
    #[entity(via = "duplicate_of")]
    pub duplicate_of: Option<One<Prospect>>,
    /// Interactions with the prospect.
    pub interactions: Many<Interaction>,
    /// Outreach drafts for the prospect.
    pub outreach_drafts: Many<OutreachDraft>,
    /// Provenance of values that providers found, newest last.
    pub field_provenances: Many<FieldProvenance>,
    /// AI research about the prospect.
    pub research: Many<ProspectResearch>,
    /// Internal notes about the prospect.
    pub notes: Many<ProspectNote>,
    /// Assignments to owners, past and present.
    pub assignments: Many<ProspectAssignment>,
    /// Number of research results.
    pub research_count: i32,
    /// The newest research; null if there is none.
    pub latest_research: Option<Newest<ProspectResearch>>,
    /// Timeline, newest first: interactions, drafts, research and changes.
    #[entity(paged = timeline, needs("id"))]
    pub timeline: TimelineConnection,
    /// The next best action, by rules; null if there is none because the prospect is deleted, inactive, unsubscribed or
    /// disqualified, a message is being sent, or a reply of the prospect is awaited.
    #[entity(computed = next_best_action, needs("id"))]
    pub next_best_action: Option<NextBestAction>,
    /// Recommended solutions, best first. Maximum: 10. They are taken from the newest research or, if it names none, from
    /// the company's industry, sorted by name.
    #[entity(rows = recommended_solutions, needs("id"))]
    pub recommended_solutions: RowsByKey<Solution>,
    /// Cost of language-model calls for drafts and research of the prospect, in US dollars. The cost of a call for
    /// several rows is divided among the rows.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

/// `prospects.lifecycle_stage`.
pub enum LifecycleStage {}

impl Vocabulary for LifecycleStage {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "LifecycleStage", about: "Lifecycle stage of a prospect.", words: STAGES }
    }
}

/// `prospects.source`.
pub enum ProspectSource {}

impl Vocabulary for ProspectSource {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ProspectSource", about: "Source of a prospect.", words: SOURCES }
    }
}

async fn timeline(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
    page: ForwardPage,
) -> Result<Vec<TimelineConnection>> {
    timelines(scope, timeline::TimelineSubject::Prospects, rows, page).await
}

async fn next_best_action(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
) -> Result<Vec<Option<NextBestAction>>> {
    let keys = RowView::keys(&rows);
    let actions = next_action::of_prospects(scope, &keys).await?;
    let told = keys.iter().map(|key| NextBestAction::of(actions.get(key)?, *key, scope.now()));
    Ok(told.collect())
}

async fn recommended_solutions(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Vec<i64>>> {
    let keys = RowView::keys(&rows);
    let mut found = recommendation::of_prospects(scope, &keys).await?;
    Ok(keys.iter().map(|key| found.remove(key).unwrap_or_default()).collect())
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::CostSubject::Prospects, &rows).await
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
