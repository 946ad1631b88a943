//! What is done with drafts.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use service::outreach::{
    claim,
    draft_acts::{self, Act},
};

use super::outreach_draft::OutreachDraft;
use crate::{
    graph::{
        Rows,
        act::{act, key},
        payload::UserError,
        scalar::Moment,
    },
    payload,
};

/// The acts.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutreachDraftActs;

/// Which draft.
#[derive(InputObject)]
pub struct OutreachDraftActInput {
    /// The draft.
    pub id: ID,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft, as it was read.
#[derive(InputObject)]
pub struct ApproveOutreachDraftInput {
    /// The draft.
    pub id: ID,
    /// The `revision` that was read and is approved: when it was written since, it is refused.
    pub expected_revision: i32,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft is refused, and why.
#[derive(InputObject)]
pub struct RejectOutreachDraftInput {
    /// The draft.
    pub id: ID,
    /// Why, for whoever wrote it.
    pub note: Option<String>,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft is to be sent when.
#[derive(InputObject)]
pub struct ScheduleOutreachDraftInput {
    /// The draft.
    pub id: ID,
    /// When it is to be sent: a moment to come.
    pub scheduled_for: Moment,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// How many drafts are claimed, and for how long.
#[derive(InputObject)]
pub struct ClaimOutreachDraftsInput {
    /// The maximum number of drafts, from 1 to 100.
    #[graphql(default = 10)]
    pub limit: i32,
    /// How long the claim holds, in seconds, from 1 to 3,600.
    #[graphql(default = 300)]
    pub lease_seconds: i32,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which claim is returned.
#[derive(InputObject)]
pub struct ReleaseOutreachDraftInput {
    /// The draft.
    pub id: ID,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// What `claimOutreachDrafts` returns.
#[derive(SimpleObject)]
pub struct ClaimOutreachDraftsPayload {
    /// The drafts that are claimed now, the earliest first; null when the request was rejected.
    pub outreach_drafts: Option<Rows<OutreachDraft>>,
    /// Why it was rejected; empty when it was done.
    pub user_errors: Vec<UserError>,
}

/// Which draft was sent.
#[derive(InputObject)]
pub struct MarkOutreachDraftSentInput {
    /// The draft.
    pub id: ID,
    /// When it was sent. Now, when nothing is said.
    pub sent_at: Option<Moment>,
    /// What the provider calls the message, at most 255 characters.
    pub provider_message_id: Option<String>,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft could not be sent, and why.
#[derive(InputObject)]
pub struct MarkOutreachDraftFailedInput {
    /// The draft.
    pub id: ID,
    /// Why.
    pub error: String,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft was answered.
#[derive(InputObject)]
pub struct MarkOutreachDraftRepliedInput {
    /// The draft.
    pub id: ID,
    /// When. Now, when nothing is said.
    pub replied_at: Option<Moment>,
    /// What the person wrote; with it the answer is logged as an inbound interaction.
    pub content: Option<String>,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which draft came back, and why.
#[derive(InputObject)]
pub struct MarkOutreachDraftBouncedInput {
    /// The draft.
    pub id: ID,
    /// Why.
    pub error: Option<String>,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

payload!(
    /// What the acts on drafts give.
    OutreachDraftActPayload,
    /// As it is now; null when refused.
    outreach_draft: OutreachDraft
);

#[Object]
impl OutreachDraftActs {
    /// Hands a draft to a person to be read.
    async fn submit_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::Submit).await
    }

    /// Approves a draft as it was read: it may be sent, and its content is frozen. What a worker wrote is
    /// approved by a person.
    async fn approve_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ApproveOutreachDraftInput,
    ) -> Result<OutreachDraftActPayload> {
        run(ctx, &input.id, Some(input.expected_revision), Act::Approve).await
    }

    /// Refuses a draft: it may not be sent.
    async fn reject_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: RejectOutreachDraftInput,
    ) -> Result<OutreachDraftActPayload> {
        let act = Act::Reject { note: input.note };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Takes a rejected draft up again.
    async fn reopen_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::Reopen).await
    }

    /// Sets the time to send an approved draft.
    async fn schedule_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ScheduleOutreachDraftInput,
    ) -> Result<OutreachDraftActPayload> {
        let act = Act::Schedule { at: input.scheduled_for.0 };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Takes the time to send a draft back: it is approved, and no more.
    async fn unschedule_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::Unschedule).await
    }

    /// Claims drafts that are ready to be sent: approved ones, and scheduled ones that are due. No other sender gets
    /// them until the lease ends. A draft whose lease ends before sending begins is offered again; one whose lease ends
    /// while it is `SENDING` becomes `UNCERTAIN` and is not.
    async fn claim_outreach_drafts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ClaimOutreachDraftsInput,
    ) -> Result<ClaimOutreachDraftsPayload> {
        let (claimed, user_errors) = act(ctx, |scope, once| async move {
            claim::claim(scope, input.limit.into(), input.lease_seconds.into(), once).await
        })
        .await?;
        let rows = claimed.map(|keys| Rows::of(keys.into_iter().map(Some).collect()));
        Ok(ClaimOutreachDraftsPayload { outreach_drafts: rows, user_errors })
    }

    /// Returns a claim before sending begins: the draft is offered again at once.
    async fn release_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ReleaseOutreachDraftInput,
    ) -> Result<OutreachDraftActPayload> {
        let done = act(ctx, |scope, once| async move {
            claim::release(scope, key::<OutreachDraft>(&input.id, "id")?, once).await
        });
        Ok(done.await?.into())
    }

    /// Marks a claimed draft as `SENDING`: from now on it is never offered again by itself.
    async fn begin_sending_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::BeginSending).await
    }

    /// Notes that an approved draft was sent, and logs the interaction that tells of it. Refused when the
    /// person has unsubscribed.
    async fn mark_outreach_draft_sent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MarkOutreachDraftSentInput,
    ) -> Result<OutreachDraftActPayload> {
        let at = input.sent_at.map(|at| at.0);
        let act = Act::MarkSent { at, provider_message_id: input.provider_message_id };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Notes that an approved draft could not be sent.
    async fn mark_outreach_draft_failed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MarkOutreachDraftFailedInput,
    ) -> Result<OutreachDraftActPayload> {
        let act = Act::MarkFailed { error: input.error };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Makes a draft that could not be sent ready to be sent once more.
    async fn retry_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::Retry).await
    }

    /// Notes that a sent draft was answered.
    async fn mark_outreach_draft_replied(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MarkOutreachDraftRepliedInput,
    ) -> Result<OutreachDraftActPayload> {
        let at = input.replied_at.map(|at| at.0);
        let act = Act::MarkReplied { at, content: input.content };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Notes that a sent draft came back.
    async fn mark_outreach_draft_bounced(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MarkOutreachDraftBouncedInput,
    ) -> Result<OutreachDraftActPayload> {
        let act = Act::MarkBounced { error: input.error };
        run(ctx, &input.id, input.expected_revision, act).await
    }

    /// Gives a draft up, before it is sent.
    async fn discard_outreach_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: OutreachDraftActInput,
    ) -> Result<OutreachDraftActPayload> {
        plain(ctx, input, Act::Discard).await
    }
}

async fn plain(
    ctx: &Context<'_>,
    input: OutreachDraftActInput,
    what: Act,
) -> Result<OutreachDraftActPayload> {
    run(ctx, &input.id, input.expected_revision, what).await
}

async fn run(
    ctx: &Context<'_>,
    id: &ID,
    revision: Option<i32>,
    what: Act,
) -> Result<OutreachDraftActPayload> {
    let done = act(ctx, |scope, once| async move {
        let id = key::<OutreachDraft>(id, "id")?;
        draft_acts::act(scope, id, what, revision.map(Into::into), once).await
    });
    Ok(done.await?.into())
}
