//! Moves of prospects to other companies in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    Rows,
    action::{act, act_on_many, key},
    error::Result,
    payload::UserError,
    scalar::EnumValueOf,
    write_types::OnErrorChoice,
};
use salesgraph_macros::permissions;
use service::crm::prospect_moves::{self, ProspectMove};

use super::{actions::ProspectActionPayload, company::Company, prospect::Prospect};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProspectMoves;

/// Input of `moveProspect`.
#[derive(InputObject)]
pub struct MoveProspectInput {
    /// The prospect.
    pub id: ID,
    /// The company the person works for now.
    pub company_id: ID,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// A prospect in `moveProspects`.
#[derive(InputObject)]
pub struct MoveProspectItem {
    /// The prospect.
    pub id: ID,
    /// The company the person works for now.
    pub company_id: ID,
    /// Expected `revision`: the item is rejected with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
}

/// Input of `moveProspects`.
#[derive(InputObject)]
pub struct MoveProspectsInput {
    /// Prospects with their new companies. Maximum: 100.
    pub prospects: Vec<MoveProspectItem>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `moveProspects`.
#[derive(SimpleObject)]
pub struct MoveProspectsPayload {
    /// The prospects, in the order of the input; null where rejected. Null if nothing was written.
    pub prospects: Option<Rows<Prospect>>,
    /// Errors of the input, each with the index of its item; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl ProspectMoves {
    /// Moves a prospect to another company.
    #[permission(Write)]
    async fn move_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MoveProspectInput,
    ) -> Result<ProspectActionPayload> {
        let one = of_ids(&input.id, &input.company_id, input.expected_revision);
        let done = act(ctx, |scope, once| prospect_moves::move_to(scope, one, once));
        Ok(done.await?.into())
    }

    /// Moves prospects to other companies.
    #[permission(Write)]
    async fn move_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MoveProspectsInput,
    ) -> Result<MoveProspectsPayload> {
        let moves = input.prospects.iter();
        let moves = moves.map(|one| of_ids(&one.id, &one.company_id, one.expected_revision));
        let done = act_on_many(
            ctx,
            "prospects",
            moves.collect(),
            input.on_error,
            prospect_moves::move_all,
        );
        let (prospects, user_errors) = done.await?;
        Ok(MoveProspectsPayload { prospects, user_errors })
    }
}

fn of_ids(prospect: &ID, company: &ID, expected_revision: Option<i32>) -> ProspectMove {
    ProspectMove {
        prospect: key::<Prospect>(prospect, "id").ok(),
        company: key::<Company>(company, "company_id").ok(),
        expected_revision: expected_revision.map(Into::into),
    }
}
