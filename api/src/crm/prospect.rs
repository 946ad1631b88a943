//! Prospects in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope,
    crm::{
        next_action,
        prospect::{SOURCES, STAGES, rules, table},
    },
    offer::recommendation,
    outreach::timeline,
    usage::cost,
};

use super::{company::Company, next_action::NextBestAction, prospect_research::ProspectResearch};
use crate::{
    error::Result,
    graph::{
        DateTime, EnumType, Many, Newest, Of, One, Picked, RowView, Vocabulary, computed::Forward,
    },
    ingest::field_provenance::FieldProvenance,
    offer::solution::Solution,
    outreach::{
        interaction::Interaction,
        outreach_draft::OutreachDraft,
        timeline::{TimelineConnection, timelines},
    },
    usage::costs,
};

/// A person we sell to: the only record of a person in the product.
#[derive(Entity)]
#[entity(table = table, plural = "prospects", writes = rules)]
pub struct Prospect {
    /// Full name.
    #[entity(sort)]
    pub full_name: String,
    /// First name, as a source has it; null when only the full name is known. A change of the full name alone removes it.
    pub first_name: Option<String>,
    /// Last name, as a source has it; null when only the full name is known. A change of the full name alone removes it.
    pub last_name: Option<String>,
    /// E-mail address.
    #[entity(sort)]
    pub email: String,
    /// Address of the profile at LinkedIn.
    pub linkedin_url: Option<String>,
    /// Where the person is.
    pub location: Option<String>,
    /// Phone number, with its country where that is known: `+493012345678`.
    pub phone: Option<String>,
    /// What the person does at the company.
    pub job_title: Option<String>,
    /// The company the person works for.
    pub company: One<Company>,
    /// When we last contacted the person; null when we never did.
    #[entity(sort)]
    pub last_contacted_at: Option<DateTime>,
    /// When the person last said something to us; null when they never did.
    pub last_engagement_date: Option<DateTime>,
    /// How far the prospect has come.
    pub lifecycle_stage: Of<LifecycleStage>,
    /// Since when the person wants to hear nothing more from us; null when they may be written to.
    pub unsubscribed_at: Option<DateTime>,
    /// Whole days since the last contact, by the server's clock; null when there was none.
    #[entity(computed = days_since_last_contact, needs("last_contacted_at"))]
    pub days_since_last_contact: Option<i32>,
    /// Whether the person is on the work lists.
    pub is_active: bool,
    /// Where the person came from; null for those that were there before this was kept.
    pub source: Option<Of<ProspectSource>>,
    /// When the person was deleted. Deleted prospects leave the lists, but what points to them
    /// still shows them.
    pub deleted_at: Option<DateTime>,
    /// The record that this one was merged into; null when it was merged into none.
    pub merged_into: Option<One<Prospect>>,
    /// Everything that happened between us and the person.
    pub interactions: Many<Interaction>,
    /// Messages to the person, sent or not.
    pub outreach_drafts: Many<OutreachDraft>,
    /// Where values came from that providers found, the newest last.
    pub field_provenances: Many<FieldProvenance>,
    /// Everything that AI found out about the person.
    pub research: Many<ProspectResearch>,
    /// The newest research, which is the one that counts; null when there is none.
    pub latest_research: Option<Newest<ProspectResearch>>,
    /// Everything that happened with the person, newest first: interactions, drafts, research, and what was changed.
    #[entity(paged = timeline, needs("id"))]
    pub timeline: TimelineConnection,
    /// What should be done next, by rules; null when nothing is: the person is deleted, not active, unsubscribed or
    /// disqualified, a message is on its way, or it is theirs to answer.
    #[entity(computed = next_best_action, needs("id"))]
    pub next_best_action: Option<NextBestAction>,
    /// The solutions to talk about, best first, at most 10: those that the newest research names; where it names none,
    /// those that suit the industry of the company, by name.
    #[entity(rows = recommended_solutions, needs("id"))]
    pub recommended_solutions: Picked<Solution>,
    /// What calls to language models have cost for the person's drafts and research so far, in US dollars;
    /// a call that made several things counts its share.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

/// `prospects.lifecycle_stage`.
pub enum LifecycleStage {}

impl Vocabulary for LifecycleStage {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "LifecycleStage", about: "How far a prospect has come.", words: STAGES }
    }
}

/// `prospects.source`.
pub enum ProspectSource {}

impl Vocabulary for ProspectSource {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ProspectSource", about: "Where a prospect came from.", words: SOURCES }
    }
}

async fn timeline(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
    page: Forward,
) -> Result<Vec<TimelineConnection>> {
    timelines(scope, timeline::Of::Prospects, rows, page).await
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
    costs(scope, cost::Of::Prospects, &rows).await
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
