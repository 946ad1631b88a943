//! Business actions on imports.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use salesgraph_macros::permissions;
use service::imports::{self, JobAction};

use super::{
    import_job::{ImportCandidateDecision, ImportJob},
    import_record::ImportRecord,
};
use graph::error::Result;
use graph::payload;
use graph::{
    action::{act, key},
    payload::UserError,
    scalar::EnumValueOf,
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportActions;

/// Input of `commitImportJob`.
#[derive(InputObject)]
pub struct CommitImportJobInput {
    /// The import job.
    pub id: ID,
    /// Decision for undecided rows with the verdict `MERGE_CANDIDATE`. Default: the rows wait.
    pub candidates: Option<EnumValueOf<ImportCandidateDecision>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of an action on an import job.
#[derive(InputObject)]
pub struct ImportJobActionInput {
    /// The import job.
    pub id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Corrected values of a row: omitted fields keep the values that were read; null clears a field.
#[derive(InputObject)]
pub struct ImportRecordPatch {
    /// First and last name.
    pub full_name: MaybeUndefined<String>,
    /// E-mail address.
    pub email: MaybeUndefined<String>,
    /// Phone number.
    pub phone: MaybeUndefined<String>,
    /// Job title.
    pub job_title: MaybeUndefined<String>,
    /// LinkedIn profile.
    pub linkedin_url: MaybeUndefined<String>,
    /// Location.
    pub location: MaybeUndefined<String>,
    /// Name of the company.
    pub company: MaybeUndefined<String>,
    /// Website or domain of the company.
    pub website: MaybeUndefined<String>,
    /// Size class of the company.
    pub size: MaybeUndefined<String>,
    /// Industry of the company.
    pub industry: MaybeUndefined<String>,
    /// Country of the company: a code or a name.
    pub company_country: MaybeUndefined<String>,
    /// Number of employees of the company.
    pub employee_count: MaybeUndefined<i32>,
    /// Phone number of the company.
    pub company_phone: MaybeUndefined<String>,
    /// Address of the company.
    pub company_address: MaybeUndefined<String>,
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
            ("company_country", self.company_country),
            ("employee_count", self.employee_count.map_value(|count| count.to_string())),
            ("company_phone", self.company_phone),
            ("company_address", self.company_address),
        ];
        let told = values.into_iter().filter(|(_, value)| !value.is_undefined());
        told.map(|(name, value)| (name, value.take())).collect()
    }
}

/// Input of `repairImportRecord`.
#[derive(InputObject)]
pub struct RepairImportRecordInput {
    /// The import record.
    pub id: ID,
    /// Corrected values.
    pub patch: ImportRecordPatch,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of actions on an import job.
    ImportJobActionPayload,
    /// The import job as it is now; null after errors. Long work continues in the background: see `processedRecords`.
    import_job: ImportJob
);

payload!(
    /// Payload of actions on an import record.
    ImportRecordActionPayload,
    /// The current row, also returned after a `REVISION_CONFLICT`; null after other errors.
    import_record: ImportRecord
);

async fn with_job(
    ctx: &Context<'_>,
    id: ID,
    what: JobAction,
) -> Result<(Option<i64>, Vec<UserError>)> {
    let done = act(ctx, |scope, once| async move {
        imports::act(scope, key::<ImportJob>(&id, "id")?, what, once).await
    });
    done.await
}

#[permissions]
#[Object]
impl ImportActions {
    /// Commits an import in the background, 1,000 rows per transaction; each row is checked again first. Committing again
    /// writes the rows that are still pending.
    #[permission(WriteAll)]
    async fn commit_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: CommitImportJobInput,
    ) -> Result<ImportJobActionPayload> {
        let candidates = input.candidates.map_or("wait", |word| word.name()).to_owned();
        Ok(with_job(ctx, input.id, JobAction::Commit(candidates)).await?.into())
    }

    /// Pauses an import; rows already written stay.
    #[permission(WriteAll)]
    async fn pause_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ImportJobActionInput,
    ) -> Result<ImportJobActionPayload> {
        Ok(with_job(ctx, input.id, JobAction::Pause).await?.into())
    }

    /// Resumes a paused import.
    #[permission(WriteAll)]
    async fn resume_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ImportJobActionInput,
    ) -> Result<ImportJobActionPayload> {
        Ok(with_job(ctx, input.id, JobAction::Resume).await?.into())
    }

    /// Cancels the rest of an import; rows already written stay and can be undone.
    #[permission(WriteAll)]
    async fn cancel_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ImportJobActionInput,
    ) -> Result<ImportJobActionPayload> {
        Ok(with_job(ctx, input.id, JobAction::Cancel).await?.into())
    }

    /// Retries failed rows. Rows that could not be read need `repairImportRecord`.
    #[permission(WriteAll)]
    async fn retry_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ImportJobActionInput,
    ) -> Result<ImportJobActionPayload> {
        Ok(with_job(ctx, input.id, JobAction::Retry).await?.into())
    }

    /// Undoes an import: prospects that it created are soft-deleted, fields that it filled in get their former values.
    /// Prospects that were modified since, or were created by the import and have interactions, drafts or research, are
    /// skipped.
    #[permission(WriteAll)]
    async fn undo_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ImportJobActionInput,
    ) -> Result<ImportJobActionPayload> {
        Ok(with_job(ctx, input.id, JobAction::Undo).await?.into())
    }

    /// Corrects a row that is not written yet, and checks it again. If the import is already committed, the row is
    /// written shortly afterwards.
    #[permission(WriteAll)]
    async fn repair_import_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RepairImportRecordInput,
    ) -> Result<ImportRecordActionPayload> {
        let done = act(ctx, |scope, once| async move {
            let id = key::<ImportRecord>(&input.id, "id")?;
            imports::repair(scope, id, input.patch.values(), once).await
        });
        Ok(done.await?.into())
    }
}
