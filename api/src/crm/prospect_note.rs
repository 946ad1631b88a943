//! Notes about prospects in GraphQL.

use async_graphql::{Context, ID, InputObject, Object};
use graph::{
    Many, One,
    action::{act, key},
    error::Result,
    payload,
};
use salesgraph_macros::{Entity, permissions};
use service::crm::prospect_note::{self, NewNote, NotePatch, rules, table};

use super::prospect::Prospect;
use crate::identity::membership::Membership;

/// An internal note about a prospect. Only the author changes it; the author, owners and admins delete it. Notes are not part
/// of the timeline.
#[derive(Entity)]
#[entity(table = table, plural = "prospectNotes", read = Read, writes = rules, write = Write)]
pub struct ProspectNote {
    /// The prospect.
    pub prospect: One<Prospect>,
    /// The author; null if it was the local user or the command line.
    pub author: Option<One<Membership>>,
    /// Text. Maximum: 10,000 characters.
    pub content: String,
    /// The members whom the note mentions.
    #[entity(pairs("prospect_note_mentions", "prospect_note_id", "membership_id"))]
    pub mentions: Many<Membership>,
}

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProspectNoteActions;

/// Input of `createProspectNote`.
#[derive(InputObject)]
pub struct CreateProspectNoteInput {
    /// The prospect.
    pub prospect_id: ID,
    /// Text. Maximum: 10,000 characters.
    pub content: String,
    /// Memberships of the members to mention. They are notified, except the author. Maximum: 50.
    pub mention_ids: Option<Vec<ID>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `updateProspectNote`.
#[derive(InputObject)]
pub struct UpdateProspectNoteInput {
    /// The note.
    pub id: ID,
    /// New text; null to keep it. Maximum: 10,000 characters.
    pub content: Option<String>,
    /// Memberships of all members to mention; null to keep them. Members whom the note did not mention before are notified.
    /// Maximum: 50.
    pub mention_ids: Option<Vec<ID>>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of actions on a note.
    ProspectNoteActionPayload,
    /// The note, also returned after a `REVISION_CONFLICT`; null after other errors.
    prospect_note: ProspectNote
);

#[permissions]
#[Object]
impl ProspectNoteActions {
    /// Adds a note to a prospect.
    #[permission(Write)]
    async fn create_prospect_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: CreateProspectNoteInput,
    ) -> Result<ProspectNoteActionPayload> {
        let done = act(ctx, |scope, once| async move {
            let prospect = key::<Prospect>(&input.prospect_id, "prospect_id")?;
            let mentions = members(&input.mention_ids.unwrap_or_default())?;
            let new = NewNote { prospect, content: input.content, mentions };
            prospect_note::create(scope, new, once).await
        });
        Ok(done.await?.into())
    }

    /// Changes a note. Only its author can do this.
    #[permission(Write)]
    async fn update_prospect_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: UpdateProspectNoteInput,
    ) -> Result<ProspectNoteActionPayload> {
        let done = act(ctx, |scope, once| async move {
            let note = key::<ProspectNote>(&input.id, "id")?;
            let patch = NotePatch {
                content: input.content,
                mentions: input.mention_ids.as_deref().map(members).transpose()?,
                expected_revision: input.expected_revision.map(Into::into),
            };
            prospect_note::edit(scope, note, patch, once).await
        });
        Ok(done.await?.into())
    }
}

fn members(ids: &[ID]) -> engine::Result<Vec<i64>> {
    ids.iter().map(|id| key::<Membership>(id, "mention_ids")).collect()
}
