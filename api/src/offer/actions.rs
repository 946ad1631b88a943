//! Business actions on industries, solutions and events.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use salesgraph_macros::permissions;
use service::{
    catalog::tables,
    offer::{event, industry, solution},
};

use super::{event::Event, industry::Industry, solution::Solution};
use graph::error::Result;
use graph::payload;
use graph::{
    Row,
    action::{act, key},
    payload::UserError,
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfferActions;

/// Input of `mergeIndustries`.
#[derive(InputObject)]
pub struct MergeIndustriesInput {
    /// The industry to keep.
    pub keep_id: ID,
    /// The industry to merge into the other and delete.
    pub drop_id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of `mergeIndustries`.
    MergeIndustriesPayload,
    /// The industry that was kept; null after errors.
    industry: Industry
);

/// Input of `linkIndustrySolution` and `unlinkIndustrySolution`.
#[derive(InputObject)]
pub struct IndustrySolutionInput {
    /// The industry.
    pub industry_id: ID,
    /// The solution.
    pub solution_id: ID,
}

/// Payload of `linkIndustrySolution` and `unlinkIndustrySolution`.
#[derive(SimpleObject)]
pub struct IndustrySolutionPayload {
    /// The industry; null after errors.
    pub industry: Option<Row<Industry>>,
    /// The solution; null after errors.
    pub solution: Option<Row<Solution>>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Input of an action on an event.
#[derive(InputObject)]
pub struct EventActionInput {
    /// ID of the event.
    pub id: ID,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of actions on an event.
    EventActionPayload,
    /// The current row, also returned after a `REVISION_CONFLICT`; null after other errors.
    event: Event
);

#[permissions]
#[Object]
impl OfferActions {
    /// Merges an industry into another: moves its companies and solutions to the other industry, then deletes it.
    #[permission(WriteAll)]
    async fn merge_industries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MergeIndustriesInput,
    ) -> Result<MergeIndustriesPayload> {
        let done = act(ctx, |scope, once| async move {
            let keep = key::<Industry>(&input.keep_id, "keep_id")?;
            let drop = key::<Industry>(&input.drop_id, "drop_id")?;
            industry::merge(scope, tables(), keep, drop, once).await
        });
        Ok(done.await?.into())
    }

    /// Links a solution to an industry; does nothing if they are already linked.
    #[permission(WriteAll)]
    async fn link_industry_solution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: IndustrySolutionInput,
    ) -> Result<IndustrySolutionPayload> {
        suit(ctx, input, true).await
    }

    /// Unlinks a solution from an industry; does nothing if they are not linked.
    #[permission(WriteAll)]
    async fn unlink_industry_solution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: IndustrySolutionInput,
    ) -> Result<IndustrySolutionPayload> {
        suit(ctx, input, false).await
    }

    /// Opens a planned event for invitations.
    #[permission(WriteAll)]
    async fn open_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EventActionInput,
    ) -> Result<EventActionPayload> {
        advance(ctx, input, "open").await
    }

    /// Completes an open event.
    #[permission(WriteAll)]
    async fn complete_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EventActionInput,
    ) -> Result<EventActionPayload> {
        advance(ctx, input, "completed").await
    }

    /// Cancels a planned or open event.
    #[permission(WriteAll)]
    async fn cancel_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EventActionInput,
    ) -> Result<EventActionPayload> {
        advance(ctx, input, "cancelled").await
    }
}

async fn suit(
    ctx: &Context<'_>,
    input: IndustrySolutionInput,
    suits: bool,
) -> Result<IndustrySolutionPayload> {
    let done = act(ctx, |scope, once| async move {
        let industry = key::<Industry>(&input.industry_id, "industry_id")?;
        let solution = key::<Solution>(&input.solution_id, "solution_id")?;
        solution::suit(scope, industry, solution, suits, once).await
    });
    let (done, user_errors) = done.await?;
    Ok(IndustrySolutionPayload {
        industry: done.map(|(industry, _)| Row::of(industry)),
        solution: done.map(|(_, solution)| Row::of(solution)),
        user_errors,
    })
}

async fn advance(
    ctx: &Context<'_>,
    input: EventActionInput,
    status: &'static str,
) -> Result<EventActionPayload> {
    let done = act(ctx, |scope, once| async move {
        let id = key::<Event>(&input.id, "id")?;
        event::advance(scope, id, status, input.expected_revision.map(Into::into), once).await
    });
    Ok(done.await?.into())
}
