//! The work list in GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use engine::{Scope, read::Page};
use salesgraph_macros::permissions;
use service::crm::work_list::{self, OwnerFilter, WorkFilter, WorkItem, WorkPage};

use super::{
    next_action::{NextBestAction, NextBestActionKind},
    prospect::Prospect,
};
use crate::{identity::membership::Membership, outreach::timeline::PageInfo};
use graph::{
    ItemRow, ItemRows, action, connection_selection,
    error::{Error, of_nested_rows},
    paging::Paging,
    scalar::{EnumValueOf, Moment},
};

/// The query field.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkLists;

#[permissions]
#[Object]
impl WorkLists {
    /// The next best actions of all prospects, most urgent first: kinds in the order of `NextBestActionKind` and, within
    /// a kind, the action that has waited longest. It contains each prospect whose `nextBestAction` is not null once.
    ///
    /// Pages are not a snapshot: an action that was performed or became due between two requests is missing from the
    /// other pages or only in them.
    #[permission(Read)]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn work_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these kinds. Default: all.")] kinds: Option<
            Vec<EnumValueOf<NextBestActionKind>>,
        >,
        #[graphql(
            desc = "Only actions that are due before this time; actions without `dueAt` are omitted."
        )]
        due_before: Option<Moment>,
        #[graphql(desc = "Only these prospects. Default: all.")] owner: Option<WorkListOwner>,
        #[graphql(
            desc = "Only the prospects of the member with this membership. Excludes `owner`."
        )]
        owner_id: Option<ID>,
        #[graphql(desc = "Page size, from 0 to 100. Default: 25.")] first: Option<i32>,
        #[graphql(
            desc = "Only actions after the action with this cursor, which must be from the same work list."
        )]
        after: Option<String>,
    ) -> async_graphql::Result<WorkListConnection> {
        let scope = ctx.data_unchecked::<Scope>();
        // An export of a work list without a page argument returns all actions, page by page.
        let paging = ctx.data_opt::<Arc<Paging>>().filter(|_| first.is_none() && after.is_none());
        let page = Page::new(first.map(i64::from), after, None, None).map_err(Error::from)?;
        let (size, after) = match paging {
            Some(paging) => (paging.size, paging.after.clone()),
            None => (page.size, page.after),
        };
        if kinds.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid(
                engine::Reason::ValueRequired,
                "kinds",
                "`kinds` must contain at least one kind",
            )
            .into());
        }
        let kinds = kinds.map(|kinds| kinds.iter().map(|kind| kind.name().to_owned()).collect());
        let filter = WorkFilter {
            kinds,
            due_before: due_before.map(|Moment(due)| due),
            owner: owner_filter(scope, owner, owner_id.as_ref())?,
        };
        let found = work_list::work_list(scope, &filter, size, after.as_deref());
        let found = found.await.map_err(Error::from)?;
        if let (Some(paging), Some(last), true) = (paging, found.items.last(), found.more) {
            paging.goes_on(last.cursor.clone());
        }
        let selection = connection_selection::of_connection(ctx, "WorkList")?;
        let keys: Vec<i64> = found.items.iter().map(|item| item.prospect).collect();
        let field = ("WorkListItem", "prospect");
        let prospects = ItemRows::read(ctx, &selection.nodes, field, &keys).await;
        let prospects = prospects.map_err(of_nested_rows)?;
        Ok(WorkListConnection::of(scope, &found, &prospects, after.is_some()))
    }
}

/// Whose prospects a work list contains.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkListOwner {
    /// Those that the caller owns.
    Me,
    /// Those of the teams of the caller.
    MyTeams,
    /// Those without an owner.
    Unassigned,
}

fn owner_filter(
    scope: &Scope,
    owner: Option<WorkListOwner>,
    member: Option<&ID>,
) -> Result<Option<OwnerFilter>, Error> {
    let own = || {
        scope.membership().ok_or_else(|| {
            let message = "`owner` ME and MY_TEAMS require a member: sign in, or use an API key";
            Error::invalid(engine::Reason::MemberRequired, "owner", message)
        })
    };
    match (owner, member) {
        (Some(_), Some(_)) => {
            let message = "`owner` and `ownerId` exclude each other";
            Err(Error::invalid(engine::Reason::ArgumentsExclusive, "owner", message))
        }
        (None, None) => Ok(None),
        (None, Some(member)) => {
            let member = action::key::<Membership>(member, "ownerId").map_err(|_| {
                let message = "`ownerId` must be the ID of a membership";
                Error::invalid(engine::Reason::IdInvalid, "ownerId", message)
            })?;
            Ok(Some(OwnerFilter::Member(member)))
        }
        (Some(WorkListOwner::Me), None) => Ok(Some(OwnerFilter::Member(own()?))),
        (Some(WorkListOwner::MyTeams), None) => Ok(Some(OwnerFilter::TeamsOf(own()?))),
        (Some(WorkListOwner::Unassigned), None) => Ok(Some(OwnerFilter::Unassigned)),
    }
}

/// A page of the work list, most urgent first.
#[derive(SimpleObject)]
pub struct WorkListConnection {
    /// The actions of this page.
    nodes: Vec<WorkListItem>,
    /// The actions of this page, each with its cursor.
    edges: Vec<WorkListEdge>,
    /// Information about the page.
    page_info: PageInfo,
}

/// An action of the work list, with its cursor.
#[derive(SimpleObject)]
pub struct WorkListEdge {
    /// Opaque position of the action, for `after`.
    cursor: String,
    /// The action.
    node: WorkListItem,
}

/// A prospect and its next best action.
#[derive(Clone, SimpleObject)]
pub struct WorkListItem {
    /// The prospect.
    prospect: ItemRow<Prospect>,
    /// The action.
    action: NextBestAction,
}

impl WorkListConnection {
    fn of(
        scope: &Scope,
        found: &WorkPage,
        prospects: &Arc<ItemRows<Prospect>>,
        has_previous: bool,
    ) -> Self {
        let mut edges = Vec::with_capacity(found.items.len());
        for (place, item) in found.items.iter().enumerate() {
            let action = NextBestAction::of(&item.action, item.prospect, scope.now());
            // A prospect that was erased meanwhile is omitted.
            let Some(action) = action.filter(|_| prospects.has(place)) else { continue };
            let node = WorkListItem { prospect: ItemRow::at(place, prospects), action };
            edges.push(WorkListEdge { cursor: item.cursor.clone(), node });
        }
        let at = |item: Option<&WorkItem>| item.map(|item| item.cursor.clone());
        Self {
            page_info: PageInfo {
                has_previous_page: has_previous,
                has_next_page: found.more,
                start_cursor: at(found.items.first()),
                end_cursor: at(found.items.last()),
            },
            nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
            edges,
        }
    }
}
