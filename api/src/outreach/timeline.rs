//! Timelines in GraphQL.

use async_graphql::{ID, SimpleObject};
use engine::Scope;
use service::outreach::timeline::{Entry, KINDS, Timeline, TimelineSubject, cursor, timeline};

use crate::identity::actor_kind::ActorKind;
use graph::{
    EnumType, RowView, Vocabulary,
    computed_field::ForwardPage,
    error::Result,
    scalar::{EnumValueOf, Moment},
};

/// A page of a timeline, newest first.
#[derive(SimpleObject)]
pub struct TimelineConnection {
    /// The entries of this page.
    pub nodes: Vec<TimelineEntry>,
    /// The entries of this page, each with its cursor.
    pub edges: Vec<TimelineEdge>,
    /// Information about the page.
    pub page_info: PageInfo,
}

/// An entry of a timeline, with its cursor.
#[derive(SimpleObject)]
pub struct TimelineEdge {
    /// Opaque position of the entry, for `after`.
    pub cursor: String,
    /// The entry.
    pub node: TimelineEntry,
}

/// Information about a page of a list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there are rows before this page.
    pub has_previous_page: bool,
    /// Whether there are rows after this page.
    pub has_next_page: bool,
    /// The cursor of the first row; null on an empty page.
    pub start_cursor: Option<String>,
    /// The cursor of the last row; null on an empty page.
    pub end_cursor: Option<String>,
}

/// A timeline entry: an interaction, a draft, research or a change.
#[derive(Clone, SimpleObject)]
pub struct TimelineEntry {
    /// Date and time.
    pub at: Moment,
    /// Kind of entry.
    pub kind: EnumValueOf<TimelineKind>,
    /// Global ID of the interaction, draft, research or change, for `node(id:)`.
    pub subject_id: ID,
    /// Global ID of the prospect.
    pub prospect_id: ID,
    /// Title: a subject, the type of a draft or the changed fields.
    pub title: Option<String>,
    /// Content.
    pub text: Option<String>,
    /// Detail: the direction of an interaction, the status of a draft or the kind of change.
    pub detail: Option<String>,
    /// Kind of the author; null if unknown.
    pub actor_kind: Option<EnumValueOf<ActorKind>>,
    /// Name of the author.
    pub actor_name: Option<String>,
}

/// `TimelineKind`.
pub enum TimelineKind {}

impl Vocabulary for TimelineKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "TimelineKind", about: "Kind of timeline entry.", words: KINDS }
    }
}

/// The timelines of these rows.
///
/// # Errors
/// `BAD_CURSOR`; `UNAVAILABLE` if the database does not respond.
pub async fn timelines(
    scope: &Scope,
    of: TimelineSubject,
    rows: Vec<RowView<'_>>,
    page: ForwardPage,
) -> Result<Vec<TimelineConnection>> {
    let keys = RowView::keys(&rows);
    let mut found = timeline(scope, of, &keys, page.first, page.after.as_deref()).await?;
    let after = page.after.is_some();
    Ok(keys
        .iter()
        .map(|key| connection(of, &found.remove(key).unwrap_or_default(), after))
        .collect())
}

fn connection(of: TimelineSubject, timeline: &Timeline, after: bool) -> TimelineConnection {
    let edges: Vec<TimelineEdge> = timeline
        .entries
        .iter()
        .filter_map(|one| Some(TimelineEdge { cursor: cursor(of, one), node: entry(one)? }))
        .collect();
    let at = |edge: Option<&TimelineEdge>| edge.map(|edge| edge.cursor.clone());
    TimelineConnection {
        page_info: PageInfo {
            has_previous_page: after,
            has_next_page: timeline.more,
            start_cursor: at(edges.first()),
            end_cursor: at(edges.last()),
        },
        nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
        edges,
    }
}

fn entry(entry: &Entry) -> Option<TimelineEntry> {
    let ty = ["Interaction", "OutreachDraft", "ProspectResearch", "Change"].get(entry.kind)?;
    Some(TimelineEntry {
        at: Moment(entry.at),
        kind: EnumValueOf::stored(KINDS.get(entry.kind)?.name)?,
        subject_id: ID(format!("{ty}:{}", entry.id)),
        prospect_id: ID(format!("Prospect:{}", entry.prospect)),
        title: entry.title.clone(),
        text: entry.text.clone(),
        detail: entry.detail.clone(),
        actor_kind: entry.actor_kind.as_deref().and_then(EnumValueOf::stored),
        actor_name: entry.actor_name.clone(),
    })
}
