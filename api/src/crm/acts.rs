//! What is done with prospects.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use service::crm::{merge, privacy, prospect};

use super::{
    company::Company,
    prospect::{LifecycleStage, Prospect},
};
use crate::{
    graph::{
        act::{act, key},
        payload::UserError,
        scalar::{JsonText, WordOf},
    },
    payload,
};

/// The acts.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProspectActs;

/// Where a prospect goes.
#[derive(InputObject)]
pub struct MoveProspectInput {
    /// The prospect.
    pub id: ID,
    /// The company the person works for now.
    pub company_id: ID,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// How far a prospect has come.
#[derive(InputObject)]
pub struct AdvanceProspectInput {
    /// The prospect.
    pub id: ID,
    /// The stage it is to be in.
    pub lifecycle_stage: WordOf<LifecycleStage>,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which prospects become one.
#[derive(InputObject)]
pub struct MergeProspectsInput {
    /// The prospect whose values count.
    pub keep_id: ID,
    /// The prospect that fills in what the other doesn't say.
    pub drop_id: ID,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which prospect.
#[derive(InputObject)]
pub struct ProspectActInput {
    /// The prospect.
    pub id: ID,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Who is to be forgotten.
#[derive(InputObject)]
pub struct EraseProspectInput {
    /// The prospect; also one that was deleted.
    pub id: ID,
    /// The `revision` that was read: when it was written since, it is refused.
    pub expected_revision: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Who wants to be told what is known.
#[derive(InputObject)]
pub struct ExportProspectInput {
    /// The prospect; also one that was deleted.
    pub id: ID,
}

payload!(
    /// What the acts on prospects give.
    ProspectActPayload,
    /// As it is now; null when refused.
    prospect: Prospect
);

/// What `eraseProspect` gives.
#[derive(SimpleObject)]
pub struct EraseProspectPayload {
    /// The id that the person had; null when refused.
    pub erased_id: Option<ID>,
    /// How many interactions, drafts, pieces of research, rows of lists, and values that providers found went with the person; null when refused.
    pub erased_records: Option<i64>,
    /// Why it was refused; empty when it was done.
    pub user_errors: Vec<UserError>,
}

/// What `exportProspect` gives.
#[derive(SimpleObject)]
pub struct ExportProspectPayload {
    /// Everything that is known: the row and its company, interactions, drafts and research, and what the
    /// change log says of them, by the names of tables and columns; null when refused.
    pub export: Option<JsonText>,
    /// Why it was refused; empty when it was done.
    pub user_errors: Vec<UserError>,
}

#[Object]
impl ProspectActs {
    /// Lets a prospect work for another company.
    async fn move_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MoveProspectInput,
    ) -> Result<ProspectActPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<Prospect>(&input.id, "id")?;
            let company = key::<Company>(&input.company_id, "company_id")?;
            let revision = input.expected_revision.map(Into::into);
            prospect::move_to(scope, id, company, revision, once).await
        });
        Ok(done.await?.into())
    }

    /// Brings a prospect into another stage by hand. Some stages come by themselves: research makes it
    /// researched, something said to the person contacted, something said to us engaged.
    async fn advance_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: AdvanceProspectInput,
    ) -> Result<ProspectActPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<Prospect>(&input.id, "id")?;
            let stage = input.lifecycle_stage.name().to_owned();
            prospect::advance(scope, id, stage, input.expected_revision.map(Into::into), once).await
        });
        Ok(done.await?.into())
    }

    /// Notes that a person wants to hear nothing more from us: from then on nothing is sent.
    async fn unsubscribe_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ProspectActInput,
    ) -> Result<ProspectActPayload> {
        let done = act(ctx, |scope, once| async move {
            prospect::unsubscribe(scope, key::<Prospect>(&input.id, "id")?, true, once).await
        });
        Ok(done.await?.into())
    }

    /// Notes that a person wants to hear from us again.
    async fn resubscribe_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ProspectActInput,
    ) -> Result<ProspectActPayload> {
        let done = act(ctx, |scope, once| async move {
            prospect::unsubscribe(scope, key::<Prospect>(&input.id, "id")?, false, once).await
        });
        Ok(done.await?.into())
    }

    /// Makes one prospect of two records of one person. Everything that belongs to either belongs to the one
    /// that is left; it keeps the older id, and the other is deleted.
    async fn merge_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: MergeProspectsInput,
    ) -> Result<ProspectActPayload> {
        let done = act(ctx, |scope, once| async move {
            let keep = key::<Prospect>(&input.keep_id, "keep_id")?;
            let drop = key::<Prospect>(&input.drop_id, "drop_id")?;
            merge::prospects(scope, keep, drop, once).await
        });
        Ok(done.await?.into())
    }

    /// Erases a person for good, with interactions, drafts, research, rows of lists and what providers found, and
    /// empties what the change log says of them. What calls to language models have cost for the person stays in the ledger.
    async fn erase_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EraseProspectInput,
    ) -> Result<EraseProspectPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<Prospect>(&input.id, "id")?;
            privacy::erase(scope, id, input.expected_revision.map(Into::into), once).await
        });
        let (erased, user_errors) = done.await?;
        Ok(EraseProspectPayload {
            erased_id: erased.map(|erased| ID(format!("Prospect:{}", erased.prospect))),
            erased_records: erased.map(|erased| erased.records),
            user_errors,
        })
    }

    /// Hands out everything that is known about a person, and notes that it did.
    async fn export_prospect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ExportProspectInput,
    ) -> Result<ExportProspectPayload> {
        let done = act(ctx, |scope, _| async move {
            privacy::export(scope, key::<Prospect>(&input.id, "id")?).await
        });
        let (export, user_errors) = done.await?;
        Ok(ExportProspectPayload { export: export.map(JsonText), user_errors })
    }
}
