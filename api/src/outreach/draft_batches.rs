//! Actions on many drafts in one mutation.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    Rows,
    action::{act_on_many, key},
    error::Result,
    payload::UserError,
    scalar::EnumValueOf,
    write_types::OnErrorChoice,
};
use salesgraph_macros::permissions;
use service::outreach::{
    draft_actions::DraftAction,
    draft_batch::{DraftBatchItem, act_on_all},
};

use super::outreach_draft::OutreachDraft;

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutreachDraftBatches;

/// A draft in a batch.
#[derive(InputObject)]
pub struct OutreachDraftBatchItem {
    /// ID of the draft.
    pub id: ID,
    /// Expected `revision`: the item is rejected with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
}

/// A draft to be approved.
#[derive(InputObject)]
pub struct ApproveOutreachDraftItem {
    /// ID of the draft.
    pub id: ID,
    /// Expected `revision`, which is approved: the item is rejected with `REVISION_CONFLICT` if the draft has changed
    /// since.
    pub expected_revision: i32,
}

/// A draft to be rejected.
#[derive(InputObject)]
pub struct RejectOutreachDraftItem {
    /// ID of the draft.
    pub id: ID,
    /// Reason for the rejection, shown to the author.
    pub note: Option<String>,
    /// Expected `revision`: the item is rejected with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
}

/// Input of `submitOutreachDrafts` and `discardOutreachDrafts`.
#[derive(InputObject)]
pub struct OutreachDraftBatchInput {
    /// Drafts. Maximum: 100.
    pub drafts: Vec<OutreachDraftBatchItem>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `approveOutreachDrafts`.
#[derive(InputObject)]
pub struct ApproveOutreachDraftsInput {
    /// Drafts. Maximum: 100.
    pub drafts: Vec<ApproveOutreachDraftItem>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `rejectOutreachDrafts`.
#[derive(InputObject)]
pub struct RejectOutreachDraftsInput {
    /// Drafts. Maximum: 100.
    pub drafts: Vec<RejectOutreachDraftItem>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of actions on many drafts.
#[derive(SimpleObject)]
pub struct OutreachDraftBatchPayload {
    /// The drafts, in the order of the input; null where rejected. Null if nothing was written.
    pub outreach_drafts: Option<Rows<OutreachDraft>>,
    /// Errors of the input, each with the index of its item; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl OutreachDraftBatches {
    /// Submits drafts for review.
    #[permission(Write)]
    async fn submit_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftBatchInput,
    ) -> Result<OutreachDraftBatchPayload> {
        let items = input.drafts.into_iter();
        let items = items.map(|item| (item.id, DraftAction::Submit, item.expected_revision));
        run(ctx, items.collect(), input.on_error).await
    }

    /// Approves drafts at their expected revisions: they may be sent, and their content is frozen. Drafts of workers need
    /// the approval of a person.
    #[permission(Write)]
    async fn approve_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ApproveOutreachDraftsInput,
    ) -> Result<OutreachDraftBatchPayload> {
        let items = input.drafts.into_iter();
        let items = items.map(|item| (item.id, DraftAction::Approve, Some(item.expected_revision)));
        run(ctx, items.collect(), input.on_error).await
    }

    /// Rejects drafts: they can't be sent.
    #[permission(Write)]
    async fn reject_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RejectOutreachDraftsInput,
    ) -> Result<OutreachDraftBatchPayload> {
        let items = input
            .drafts
            .into_iter()
            .map(|item| (item.id, DraftAction::Reject { note: item.note }, item.expected_revision));
        run(ctx, items.collect(), input.on_error).await
    }

    /// Discards drafts that have not been sent.
    #[permission(Write)]
    async fn discard_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftBatchInput,
    ) -> Result<OutreachDraftBatchPayload> {
        let items = input.drafts.into_iter();
        let items = items.map(|item| (item.id, DraftAction::Discard, item.expected_revision));
        run(ctx, items.collect(), input.on_error).await
    }
}

async fn run(
    ctx: &Context<'_>,
    items: Vec<(ID, DraftAction, Option<i32>)>,
    on_error: Option<EnumValueOf<OnErrorChoice>>,
) -> Result<OutreachDraftBatchPayload> {
    let items = items.into_iter().map(|(id, action, revision)| DraftBatchItem {
        draft: key::<OutreachDraft>(&id, "id").ok(),
        action,
        expected_revision: revision.map(Into::into),
    });
    let done = act_on_many(ctx, "drafts", items.collect(), on_error, act_on_all).await?;
    let (outreach_drafts, user_errors) = done;
    Ok(OutreachDraftBatchPayload { outreach_drafts, user_errors })
}
