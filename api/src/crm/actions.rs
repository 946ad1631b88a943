//! Business actions on prospects.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use salesgraph_macros::permissions;
use service::{
    catalog::tables,
    crm::{privacy, prospect},
};

use super::prospect::{LifecycleStage, Prospect};
use graph::error::Result;
use graph::payload;
use graph::{
    action::{act, key},
    payload::UserError,
    scalar::{EnumValueOf, JsonText},
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProspectActions;

/// Input of `advanceProspect`.
#[derive(InputObject)]
pub struct AdvanceProspectInput {
    /// The prospect.
    pub id: ID,
    /// New lifecycle stage.
    pub lifecycle_stage: EnumValueOf<LifecycleStage>,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of an action on a prospect.
#[derive(InputObject)]
pub struct ProspectActionInput {
    /// The prospect.
    pub id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `eraseProspect`.
#[derive(InputObject)]
pub struct EraseProspectInput {
    /// The prospect; it may be soft-deleted.
    pub id: ID,
    /// Expected `revision`: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `exportProspect`.
#[derive(InputObject)]
pub struct ExportProspectInput {
    /// The prospect; it may be soft-deleted.
    pub id: ID,
}

payload!(
    /// Payload of actions on a prospect.
    ProspectActionPayload,
    /// The current row, also returned after a `REVISION_CONFLICT`; null after other errors.
    prospect: Prospect
);

/// Payload of `eraseProspect`.
#[derive(SimpleObject)]
pub struct EraseProspectPayload {
    /// Former ID of the prospect; null after errors.
    pub erased_id: Option<ID>,
    /// Number of interactions, drafts, research, import records and provenance rows erased with the prospect; null after
    /// errors.
    pub erased_records: Option<i64>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Payload of `exportProspect`.
#[derive(SimpleObject)]
pub struct ExportProspectPayload {
    /// Personal data by table and column: the row and its company, interactions, drafts, research, and their changes; null
    /// after errors.
    pub export: Option<JsonText>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl ProspectActions {
    /// Sets the lifecycle stage of a prospect. Some stages are set automatically: RESEARCHED by research, CONTACTED by an
    /// outbound interaction, ENGAGED by an inbound one.
    #[permission(Write)]
    async fn advance_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: AdvanceProspectInput,
    ) -> Result<ProspectActionPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<Prospect>(&input.id, "id")?;
            let stage = input.lifecycle_stage.name().to_owned();
            prospect::advance(scope, id, stage, input.expected_revision.map(Into::into), once).await
        });
        Ok(done.await?.into())
    }

    /// Unsubscribes a prospect: no more messages are sent.
    #[permission(Write)]
    async fn unsubscribe_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ProspectActionInput,
    ) -> Result<ProspectActionPayload> {
        let done = act(ctx, |scope, once| async move {
            prospect::unsubscribe(scope, key::<Prospect>(&input.id, "id")?, true, once).await
        });
        Ok(done.await?.into())
    }

    /// Reverts the opt-out of a prospect.
    #[permission(Write)]
    async fn resubscribe_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ProspectActionInput,
    ) -> Result<ProspectActionPayload> {
        let done = act(ctx, |scope, once| async move {
            prospect::unsubscribe(scope, key::<Prospect>(&input.id, "id")?, false, once).await
        });
        Ok(done.await?.into())
    }

    /// Erases a prospect permanently (GDPR), with interactions, drafts, research, import records and provenance, and empties
    /// the change-log entries about them. Paid calls keep their cost in the usage logs,
    /// but not their error message and address.
    #[permission(ManagePersonalData)]
    async fn erase_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EraseProspectInput,
    ) -> Result<EraseProspectPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<Prospect>(&input.id, "id")?;
            privacy::erase(scope, tables(), id, input.expected_revision.map(Into::into), once).await
        });
        let (erased, user_errors) = done.await?;
        Ok(EraseProspectPayload {
            erased_id: erased.map(|erased| ID(format!("Prospect:{}", erased.prospect))),
            erased_records: erased.map(|erased| erased.records),
            user_errors,
        })
    }

    /// Exports all personal data of a prospect (GDPR), and logs the export.
    #[permission(ManagePersonalData)]
    async fn export_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ExportProspectInput,
    ) -> Result<ExportProspectPayload> {
        let done = act(ctx, |scope, _| async move {
            privacy::export(scope, tables(), key::<Prospect>(&input.id, "id")?).await
        });
        let (export, user_errors) = done.await?;
        Ok(ExportProspectPayload { export: export.map(JsonText), user_errors })
    }
}
