//! Enrichment mutations.

use async_graphql::{Context, ID, InputObject, Object};
use engine::Problem;
use salesgraph_macros::permissions;
use service::enrichment::{self, EnrichmentTarget, POLICIES, PROVIDERS, Plan, Providers};

use super::{actions::ImportJobActionPayload, import_job::ImportJob};
use crate::crm::prospect::Prospect;
use graph::error::Result;
use graph::{
    EnumType, FilterOf, Vocabulary,
    action::{act, key},
    scalar::EnumValueOf,
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrichmentActions;

/// Input of `enrichImportJob`.
#[derive(InputObject)]
pub struct EnrichImportJobInput {
    /// The import job, which must be committed.
    pub id: ID,
    /// Name of the enrichment job. Default: the name of the import.
    pub name: Option<String>,
    /// Providers. Default: RULES, which is free of charge.
    pub providers: Option<Vec<EnumValueOf<EnrichmentProvider>>>,
    /// Policy for fields that already have a value. Default: `FILL_EMPTY`.
    pub policy: Option<EnumValueOf<EnrichmentPolicy>>,
    /// Number of drafts for each prospect, from 0 to 10, written by the provider LLM if selected, otherwise created
    /// from the active templates.
    pub variants: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `enrichProspects`.
#[derive(InputObject)]
pub struct EnrichProspectsInput {
    /// IDs of prospects. Maximum: 10,000.
    pub ids: Option<Vec<ID>>,
    /// Filter of prospects. Maximum: 10,000 matches.
    pub filter: Option<FilterOf<Prospect>>,
    /// Name of the enrichment job.
    pub name: Option<String>,
    /// Providers. Default: RULES, which is free of charge.
    pub providers: Option<Vec<EnumValueOf<EnrichmentProvider>>>,
    /// Policy for fields that already have a value. Default: `FILL_EMPTY`.
    pub policy: Option<EnumValueOf<EnrichmentPolicy>>,
    /// Number of drafts for each prospect, from 0 to 10, written by the provider LLM if selected, otherwise created
    /// from the active templates.
    pub variants: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

fn plan(
    providers: Option<Vec<EnumValueOf<EnrichmentProvider>>>,
    policy: Option<EnumValueOf<EnrichmentPolicy>>,
    variants: Option<i32>,
) -> engine::Result<Plan> {
    let usual = Plan::default();
    let names = |words: Vec<EnumValueOf<EnrichmentProvider>>| {
        words.iter().map(|word| word.name().to_owned()).collect()
    };
    let variants = u32::try_from(variants.unwrap_or_default()).map_err(|_| {
        Problem::invalid(
            engine::Reason::ValueOutOfRange,
            "variants",
            "`variants` must be from 0 to 10",
        )
    })?;
    Ok(Plan {
        providers: providers.map_or(usual.providers, names),
        policy: policy.map_or(usual.policy, |word| word.name().to_owned()),
        variants,
    })
}

#[permissions]
#[Object]
impl EnrichmentActions {
    /// Enriches the prospects of an import in the background, with provenance for each value. `processedRecords` shows the
    /// progress; `pauseImportJob`, `resumeImportJob`, `cancelImportJob`, `retryImportJob` and `undoImportJob` work as with
    /// imports.
    #[permission(WriteAll)]
    async fn enrich_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EnrichImportJobInput,
    ) -> Result<ImportJobActionPayload> {
        let providers = ctx.data_unchecked::<Providers>();
        let done = act(ctx, |scope, once| async move {
            let list = key::<ImportJob>(&input.id, "id")?;
            let plan = plan(input.providers, input.policy, input.variants)?;
            enrichment::begin(
                scope,
                EnrichmentTarget::List(list),
                input.name,
                plan,
                providers,
                once,
            )
            .await
        });
        Ok(done.await?.into())
    }

    /// Enriches prospects, given by IDs or by a filter, as `enrichImportJob` does.
    #[permission(WriteAll)]
    async fn enrich_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: EnrichProspectsInput,
    ) -> Result<ImportJobActionPayload> {
        let providers = ctx.data_unchecked::<Providers>();
        let done = act(ctx, |scope, once| async move {
            let people = match (input.ids, input.filter) {
                (Some(ids), None) => {
                    let keys = ids.iter().map(|id| key::<Prospect>(id, "ids"));
                    keys.collect::<engine::Result<Vec<i64>>>()?
                }
                (None, Some(filter)) => {
                    let filter = filter
                        .filter()
                        .map_err(|error| engine::Error::Refused(error.into_problems("filter")))?;
                    enrichment::matching(scope, filter).await?
                }
                _ => {
                    return Err(Problem::invalid(
                        engine::Reason::ArgumentsExclusive,
                        "ids",
                        "exactly one of `ids` and `filter` is required",
                    )
                    .into());
                }
            };
            let plan = plan(input.providers, input.policy, input.variants)?;
            enrichment::begin(
                scope,
                EnrichmentTarget::People(people),
                input.name,
                plan,
                providers,
                once,
            )
            .await
        });
        Ok(done.await?.into())
    }
}

/// `EnrichmentProvider`.
pub enum EnrichmentProvider {}

impl Vocabulary for EnrichmentProvider {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "EnrichmentProvider", about: "Enrichment provider.", words: PROVIDERS }
    }
}

/// `EnrichmentPolicy`.
pub enum EnrichmentPolicy {}

impl Vocabulary for EnrichmentPolicy {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "EnrichmentPolicy",
            about: "Policy for fields that already have a value when a provider finds another.",
            words: POLICIES,
        }
    }
}
