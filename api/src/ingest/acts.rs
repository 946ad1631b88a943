//! What is done with lists that come in.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use service::ingest::list::{self, Act};

use super::{
    import_job::{ImportCandidateDecision, ImportJob},
    import_record::{ImportDecision, ImportRecord},
};
use crate::{
    crm::prospect::Prospect,
    graph::{
        act::{act, key},
        payload::UserError,
        scalar::WordOf,
    },
    payload,
};

/// The acts.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportActs;

/// Which list, and what becomes of rows that may be about somebody we know.
#[derive(InputObject)]
pub struct CommitImportJobInput {
    /// The list.
    pub id: ID,
    /// What becomes of rows whose verdict is `MERGE_CANDIDATE`, where nobody has decided on them; they wait when nothing is
    /// said.
    pub candidates: Option<WordOf<ImportCandidateDecision>>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which list.
#[derive(InputObject)]
pub struct ImportJobActInput {
    /// The list.
    pub id: ID,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// What becomes of a row.
#[derive(InputObject)]
pub struct DecideImportRecordInput {
    /// The row.
    pub id: ID,
    /// What becomes of it.
    pub decision: WordOf<ImportDecision>,
    /// Whom it fills in, with MERGE; the likeliest of its `candidates` when nobody is named.
    pub prospect_id: Option<ID>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// What a row says in truth. What is left out stays as it was read, null takes a value out.
#[derive(InputObject)]
pub struct ImportRecordPatch {
    /// First and last name.
    pub full_name: MaybeUndefined<String>,
    /// E-mail address.
    pub email: MaybeUndefined<String>,
    /// Phone number.
    pub phone: MaybeUndefined<String>,
    /// What the person does.
    pub job_title: MaybeUndefined<String>,
    /// LinkedIn profile.
    pub linkedin_url: MaybeUndefined<String>,
    /// Where the person is.
    pub location: MaybeUndefined<String>,
    /// Name of the company.
    pub company: MaybeUndefined<String>,
    /// Website or domain of the company.
    pub website: MaybeUndefined<String>,
    /// Size class of the company.
    pub size: MaybeUndefined<String>,
    /// Industry of the company.
    pub industry: MaybeUndefined<String>,
}

impl ImportRecordPatch {
    fn values(self) -> Vec<(&'static str, Option<String>)> {
        let values = [
            ("full_name", self.full_name),
            ("email", self.email),
            ("phone", self.phone),
            ("job_title", self.job_title),
            ("linkedin_url", self.linkedin_url),
            ("location", self.location),
            ("company", self.company),
            ("website", self.website),
            ("size", self.size),
            ("industry", self.industry),
        ];
        let told = values.into_iter().filter(|(_, value)| !value.is_undefined());
        told.map(|(name, value)| (name, value.take())).collect()
    }
}

/// How a row is repaired.
#[derive(InputObject)]
pub struct RepairImportRecordInput {
    /// The row.
    pub id: ID,
    /// What it says in truth.
    pub patch: ImportRecordPatch,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

payload!(
    /// What the acts on lists give.
    ImportJobActPayload,
    /// As it is now; null when refused. What takes long has only begun: follow `processedRecords`.
    import_job: ImportJob
);

payload!(
    /// What the acts on rows of lists give.
    ImportRecordActPayload,
    /// As it is now; null when refused.
    import_record: ImportRecord
);

async fn with_job(ctx: &Context<'_>, id: ID, what: Act) -> Result<(Option<i64>, Vec<UserError>)> {
    let done = act(ctx, |scope, once| async move {
        list::act(scope, key::<ImportJob>(&id, "id")?, what, once).await
    });
    done.await
}

#[Object]
impl ImportActs {
    /// Lets the rows of a list be written, 500 in a transaction; each is looked at again first. A list that was written
    /// already is written again with the rows that are open.
    async fn commit_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: CommitImportJobInput,
    ) -> Result<ImportJobActPayload> {
        let candidates = input.candidates.map_or("wait", |word| word.name()).to_owned();
        Ok(with_job(ctx, input.id, Act::Commit(candidates)).await?.into())
    }

    /// Lets the writing of a list stand still; what was written stays.
    async fn pause_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ImportJobActInput,
    ) -> Result<ImportJobActPayload> {
        Ok(with_job(ctx, input.id, Act::Pause).await?.into())
    }

    /// Lets a list that stands still be written on.
    async fn resume_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ImportJobActInput,
    ) -> Result<ImportJobActPayload> {
        Ok(with_job(ctx, input.id, Act::Resume).await?.into())
    }

    /// Leaves out what is left of a list; what was written stays, and can be taken back.
    async fn cancel_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ImportJobActInput,
    ) -> Result<ImportJobActPayload> {
        Ok(with_job(ctx, input.id, Act::Cancel).await?.into())
    }

    /// Tries the rows again that could not be written. Those that could not be read are for `repairImportRecord`.
    async fn retry_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ImportJobActInput,
    ) -> Result<ImportJobActPayload> {
        Ok(with_job(ctx, input.id, Act::Retry).await?.into())
    }

    /// Takes back what was written of a list: prospects that it made are deleted and can be restored, those that it
    /// filled in get back what they had. Whoever was touched since is left alone: a prospect that was written, or that
    /// was made and has interactions, drafts or research.
    async fn undo_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: ImportJobActInput,
    ) -> Result<ImportJobActPayload> {
        Ok(with_job(ctx, input.id, Act::Undo).await?.into())
    }

    /// Decides on a row that may be about somebody we know. In a list that was written already it is written a moment later.
    async fn decide_import_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: DecideImportRecordInput,
    ) -> Result<ImportRecordActPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<ImportRecord>(&input.id, "id")?;
            let person = input.prospect_id.map(|id| key::<Prospect>(&id, "prospect_id"));
            let decision = input.decision.name().to_owned();
            list::decide(scope, id, decision, person.transpose()?, once).await
        });
        Ok(done.await?.into())
    }

    /// Repairs a row that is not written, and looks at it again. In a list that was written already it is written a
    /// moment later.
    async fn repair_import_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: RepairImportRecordInput,
    ) -> Result<ImportRecordActPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<ImportRecord>(&input.id, "id")?;
            list::repair(scope, id, input.patch.values(), once).await
        });
        Ok(done.await?.into())
    }
}
