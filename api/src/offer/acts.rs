//! What is done with industries, solutions and events.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use service::offer::{event, industry, solution};

use super::{event::Event, industry::Industry, solution::Solution};
use crate::{
    graph::{
        Row,
        act::{act, key},
        payload::UserError,
    },
    payload,
};

/// The acts.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfferActs;

/// Which industries become one.
#[derive(InputObject)]
pub struct MergeIndustriesInput {
    /// The industry that stays.
    pub keep_id: ID,
    /// The industry whose companies and solutions go to the other, and which is deleted.
    pub drop_id: ID,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

payload!(
    /// What `mergeIndustries` gives.
    MergeIndustriesPayload,
    /// The industry that stayed; null when refused.
    industry: Industry
);

/// An industry and a solution.
#[derive(InputObject)]
pub struct IndustrySolutionInput {
    /// The industry.
    pub industry_id: ID,
    /// The solution.
    pub solution_id: ID,
}

/// What `linkIndustrySolution` and `unlinkIndustrySolution` give.
#[derive(SimpleObject)]
pub struct IndustrySolutionPayload {
    /// The industry; null when refused.
    pub industry: Option<Row<Industry>>,
    /// The solution; null when refused.
    pub solution: Option<Row<Solution>>,
    /// Why it was refused; empty when it was done.
    pub user_errors: Vec<UserError>,
}

/// Which event.
#[derive(InputObject)]
pub struct EventActInput {
    /// The event.
    pub id: ID,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

payload!(
    /// What the acts on events give.
    EventActPayload,
    /// As it is now; null when refused.
    event: Event
);

#[Object]
impl OfferActs {
    /// Merges an industry into another: its companies and solutions go there, and it is deleted.
    async fn merge_industries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MergeIndustriesInput,
    ) -> Result<MergeIndustriesPayload> {
        let done = act(ctx, |scope, once| async move {
            let keep = key::<Industry>(&input.keep_id, "keep_id")?;
            let drop = key::<Industry>(&input.drop_id, "drop_id")?;
            industry::merge(scope, keep, drop, once).await
        });
        Ok(done.await?.into())
    }

    /// Notes that a solution suits an industry; when it is so already, nothing happens.
    async fn link_industry_solution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: IndustrySolutionInput,
    ) -> Result<IndustrySolutionPayload> {
        suit(ctx, input, true).await
    }

    /// Notes that a solution does not suit an industry any more; when it is so already, nothing happens.
    async fn unlink_industry_solution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: IndustrySolutionInput,
    ) -> Result<IndustrySolutionPayload> {
        suit(ctx, input, false).await
    }

    /// Opens a planned event: people can be invited.
    async fn open_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EventActInput,
    ) -> Result<EventActPayload> {
        advance(ctx, input, "open").await
    }

    /// Completes an open event: it is over.
    async fn complete_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EventActInput,
    ) -> Result<EventActPayload> {
        advance(ctx, input, "completed").await
    }

    /// Cancels a planned or open event.
    async fn cancel_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EventActInput,
    ) -> Result<EventActPayload> {
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
    input: EventActInput,
    status: &'static str,
) -> Result<EventActPayload> {
    let done = act(ctx, |scope, once| async move {
        let id = key::<Event>(&input.id, "id")?;
        event::advance(scope, id, status, input.expected_revision.map(Into::into), once).await
    });
    Ok(done.await?.into())
}
