//! Business actions on drafts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use salesgraph_macros::permissions;
use service::outreach::{
    claim,
    draft_actions::{self, DraftAction},
};

use super::outreach_draft::OutreachDraft;
use graph::error::Result;
use graph::payload;
use graph::{
    Rows,
    action::{act, key},
    payload::UserError,
    scalar::Moment,
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutreachDraftActions;

/// Input of an action on a draft.
#[derive(InputObject)]
pub struct OutreachDraftActionInput {
    /// ID of the draft.
    pub id: ID,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `approveOutreachDraft`.
#[derive(InputObject)]
pub struct ApproveOutreachDraftInput {
    /// ID of the draft.
    pub id: ID,
    /// Expected `revision`, which is approved: the mutation fails with `REVISION_CONFLICT` if the draft has changed since.
    pub expected_revision: i32,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `rejectOutreachDraft`.
#[derive(InputObject)]
pub struct RejectOutreachDraftInput {
    /// ID of the draft.
    pub id: ID,
    /// Reason for the rejection, shown to the author.
    pub note: Option<String>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `scheduleOutreachDraft`.
#[derive(InputObject)]
pub struct ScheduleOutreachDraftInput {
    /// ID of the draft.
    pub id: ID,
    /// Time to send; it must be in the future.
    pub scheduled_for: Moment,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `claimOutreachDrafts`.
#[derive(InputObject)]
pub struct ClaimOutreachDraftsInput {
    /// The maximum number of drafts, from 1 to 100.
    #[graphql(default = 10)]
    pub limit: i32,
    /// Lease of the claim, in seconds, from 1 to 3,600.
    #[graphql(default = 300)]
    pub lease_seconds: i32,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `releaseOutreachDraft`.
#[derive(InputObject)]
pub struct ReleaseOutreachDraftInput {
    /// ID of the draft.
    pub id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `claimOutreachDrafts`.
#[derive(SimpleObject)]
pub struct ClaimOutreachDraftsPayload {
    /// Claimed drafts, earliest first; null after errors.
    pub outreach_drafts: Option<Rows<OutreachDraft>>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Input of `markOutreachDraftSent`.
#[derive(InputObject)]
pub struct MarkOutreachDraftSentInput {
    /// ID of the draft.
    pub id: ID,
    /// Time when the message was sent. Default: now.
    pub sent_at: Option<Moment>,
    /// Message ID of the provider. Maximum: 255 characters.
    pub provider_message_id: Option<String>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `markOutreachDraftFailed`.
#[derive(InputObject)]
pub struct MarkOutreachDraftFailedInput {
    /// ID of the draft.
    pub id: ID,
    /// Reason for the failure.
    pub error: String,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `markOutreachDraftReplied`.
#[derive(InputObject)]
pub struct MarkOutreachDraftRepliedInput {
    /// ID of the draft.
    pub id: ID,
    /// Date and time. Default: now.
    pub replied_at: Option<Moment>,
    /// Text of the reply; if given, the reply is logged as an inbound interaction.
    pub content: Option<String>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `markOutreachDraftBounced`.
#[derive(InputObject)]
pub struct MarkOutreachDraftBouncedInput {
    /// ID of the draft.
    pub id: ID,
    /// Reason for the bounce.
    pub error: Option<String>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of actions on a draft.
    OutreachDraftActionPayload,
    /// The current row, also returned after a `REVISION_CONFLICT`; null after other errors.
    outreach_draft: OutreachDraft
);

#[permissions]
#[Object]
impl OutreachDraftActions {
    /// Submits a draft for review.
    #[permission(Write)]
    async fn submit_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::Submit).await
    }

    /// Approves a draft at the expected revision: it may be sent, and its content is frozen. Drafts of workers need the
    /// approval of a person.
    #[permission(Write)]
    async fn approve_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ApproveOutreachDraftInput,
    ) -> Result<OutreachDraftActionPayload> {
        run(ctx, &input.id, Some(input.expected_revision), DraftAction::Approve).await
    }

    /// Rejects a draft: it can't be sent.
    #[permission(Write)]
    async fn reject_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RejectOutreachDraftInput,
    ) -> Result<OutreachDraftActionPayload> {
        let act = DraftAction::Reject { note: input.note };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Reopens a rejected draft.
    #[permission(Write)]
    async fn reopen_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::Reopen).await
    }

    /// Sets the time to send an approved draft.
    #[permission(Write)]
    async fn schedule_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ScheduleOutreachDraftInput,
    ) -> Result<OutreachDraftActionPayload> {
        let act = DraftAction::Schedule { at: input.scheduled_for.0 };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Unschedules a draft, which stays approved.
    #[permission(Write)]
    async fn unschedule_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::Unschedule).await
    }

    /// Claims drafts that are ready to be sent: approved ones, and scheduled ones that are due. No other sender gets
    /// them until the lease expires. A draft whose lease expires before sending begins can be claimed again; one whose
    /// lease expires while it is `SENDING` becomes `UNCERTAIN` and cannot.
    #[permission(WriteAll)]
    async fn claim_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ClaimOutreachDraftsInput,
    ) -> Result<ClaimOutreachDraftsPayload> {
        let (claimed, user_errors) = act(ctx, |scope, once| async move {
            claim::claim(scope, input.limit.into(), input.lease_seconds.into(), once).await
        })
        .await?;
        let rows = claimed.map(|keys| Rows::of(keys.into_iter().map(Some).collect()));
        Ok(ClaimOutreachDraftsPayload { outreach_drafts: rows, user_errors })
    }

    /// Releases a claim before sending begins: the draft can be claimed again at once.
    #[permission(Write)]
    async fn release_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ReleaseOutreachDraftInput,
    ) -> Result<OutreachDraftActionPayload> {
        let done = act(ctx, |scope, once| async move {
            claim::release(scope, key::<OutreachDraft>(&input.id, "id")?, once).await
        });
        Ok(done.await?.into())
    }

    /// Marks a claimed draft as `SENDING`: from now on it cannot be claimed again automatically.
    #[permission(Write)]
    async fn begin_sending_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::BeginSending).await
    }

    /// Marks an approved draft as sent and logs the interaction. The mutation is rejected if the prospect has
    /// unsubscribed.
    #[permission(Write)]
    async fn mark_outreach_draft_sent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MarkOutreachDraftSentInput,
    ) -> Result<OutreachDraftActionPayload> {
        let at = input.sent_at.map(|at| at.0);
        let act = DraftAction::MarkSent { at, provider_message_id: input.provider_message_id };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Marks a draft as failed.
    #[permission(Write)]
    async fn mark_outreach_draft_failed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MarkOutreachDraftFailedInput,
    ) -> Result<OutreachDraftActionPayload> {
        let act = DraftAction::MarkFailed { error: input.error };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Retries a failed draft.
    #[permission(Write)]
    async fn retry_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::Retry).await
    }

    /// Marks a sent draft as replied.
    #[permission(Write)]
    async fn mark_outreach_draft_replied(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MarkOutreachDraftRepliedInput,
    ) -> Result<OutreachDraftActionPayload> {
        let at = input.replied_at.map(|at| at.0);
        let act = DraftAction::MarkReplied { at, content: input.content };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Marks a sent draft as bounced.
    #[permission(Write)]
    async fn mark_outreach_draft_bounced(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MarkOutreachDraftBouncedInput,
    ) -> Result<OutreachDraftActionPayload> {
        let act = DraftAction::MarkBounced { error: input.error };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Discards a draft that has not been sent.
    #[permission(Write)]
    async fn discard_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: OutreachDraftActionInput,
    ) -> Result<OutreachDraftActionPayload> {
        plain(ctx, input, DraftAction::Discard).await
    }
}

async fn plain(
    ctx: &Context<'_>,
    input: OutreachDraftActionInput,
    what: DraftAction,
) -> Result<OutreachDraftActionPayload> {
    run(ctx, &input.id, input.expected_revision, what).await
}

async fn run(
    ctx: &Context<'_>,
    id: &ID,
    revision: Option<i32>,
    what: DraftAction,
) -> Result<OutreachDraftActionPayload> {
    let done = act(ctx, |scope, once| async move {
        let id = key::<OutreachDraft>(id, "id")?;
        draft_actions::act(scope, id, what, revision.map(Into::into), once).await
    });
    Ok(done.await?.into())
}
