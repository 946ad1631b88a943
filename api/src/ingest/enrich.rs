//! What is done to find out more about prospects.

use async_graphql::{Context, ID, InputObject, Object, Result};
use service::{
    Problem,
    ingest::enrichment::{self, POLICIES, PROVIDERS, Plan, Providers, Whom},
};

use super::{acts::ImportJobActPayload, import_job::ImportJob};
use crate::{
    crm::prospect::Prospect,
    graph::{
        EnumType, FilterOf, Vocabulary,
        act::{act, key},
        scalar::WordOf,
    },
};

/// The acts.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrichmentActs;

/// The people of which list, and how.
#[derive(InputObject)]
pub struct EnrichImportJobInput {
    /// The list; it was written already.
    pub id: ID,
    /// What the enrichment is called; as its list when nothing is said.
    pub name: Option<String>,
    /// Who is asked; RULES when nothing is said, which cost nothing.
    pub providers: Option<Vec<WordOf<EnrichmentProvider>>>,
    /// What becomes of values that are there already; `FILL_EMPTY` when nothing is said.
    pub policy: Option<WordOf<EnrichmentPolicy>>,
    /// How many drafts are written to each person, from 0 to 10: by LLM, where it is asked, else by the active
    /// templates. They wait to be read.
    pub variants: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

/// Which people, and how.
#[derive(InputObject)]
pub struct EnrichProspectsInput {
    /// The prospects, one by one, at most 10,000.
    pub ids: Option<Vec<ID>>,
    /// The prospects that pass this, at most 10,000.
    pub filter: Option<FilterOf<Prospect>>,
    /// What the enrichment is called.
    pub name: Option<String>,
    /// Who is asked; RULES when nothing is said, which cost nothing.
    pub providers: Option<Vec<WordOf<EnrichmentProvider>>>,
    /// What becomes of values that are there already; `FILL_EMPTY` when nothing is said.
    pub policy: Option<WordOf<EnrichmentPolicy>>,
    /// How many drafts are written to each person, from 0 to 10: by LLM, where it is asked, else by the active
    /// templates. They wait to be read.
    pub variants: Option<i32>,
    /// Names this request, for instance by a UUID; sent again with the same input it does nothing more.
    pub idempotency_key: Option<String>,
}

fn plan(
    providers: Option<Vec<WordOf<EnrichmentProvider>>>,
    policy: Option<WordOf<EnrichmentPolicy>>,
    variants: Option<i32>,
) -> service::Result<Plan> {
    let usual = Plan::default();
    let names = |words: Vec<WordOf<EnrichmentProvider>>| {
        words.iter().map(|word| word.name().to_owned()).collect()
    };
    let variants = u32::try_from(variants.unwrap_or_default()).map_err(|_| {
        Problem::invalid(service::Reason::ValueOutOfRange, "variants", "it must be from 0 to 10")
    })?;
    Ok(Plan {
        providers: providers.map_or(usual.providers, names),
        policy: policy.map_or(usual.policy, |word| word.name().to_owned()),
        variants,
    })
}

#[Object]
impl EnrichmentActs {
    /// Asks providers about the people of a list, in the background: what they find is filled in, and where it came from
    /// is kept. Follow `processedRecords`; `pauseImportJob`, `resumeImportJob`, `cancelImportJob`, `retryImportJob` and
    /// `undoImportJob` do with it what they do with lists.
    async fn enrich_import_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EnrichImportJobInput,
    ) -> Result<ImportJobActPayload> {
        let providers = ctx.data_unchecked::<Providers>();
        let done = act(ctx, |scope, once| async move {
            let list = key::<ImportJob>(&input.id, "id")?;
            let plan = plan(input.providers, input.policy, input.variants)?;
            enrichment::begin(scope, Whom::List(list), input.name, plan, providers, once).await
        });
        Ok(done.await?.into())
    }

    /// Asks providers about some prospects, named one by one or by a filter: as `enrichImportJob`.
    async fn enrich_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: EnrichProspectsInput,
    ) -> Result<ImportJobActPayload> {
        let providers = ctx.data_unchecked::<Providers>();
        let done = act(ctx, |scope, once| async move {
            let people = match (input.ids, input.filter) {
                (Some(ids), None) => {
                    let keys = ids.iter().map(|id| key::<Prospect>(id, "ids"));
                    keys.collect::<service::Result<Vec<i64>>>()?
                }
                (None, Some(filter)) => {
                    let filter = filter
                        .filter()
                        .map_err(|error| service::Error::Refused(error.into_problems("filter")))?;
                    enrichment::matching(scope, filter).await?
                }
                _ => {
                    return Err(Problem::invalid(
                        service::Reason::ArgumentsExclusive,
                        "ids",
                        "give `ids` or `filter`, and not both",
                    )
                    .into());
                }
            };
            let plan = plan(input.providers, input.policy, input.variants)?;
            enrichment::begin(scope, Whom::People(people), input.name, plan, providers, once).await
        });
        Ok(done.await?.into())
    }
}

/// Who can be asked.
pub enum EnrichmentProvider {}

impl Vocabulary for EnrichmentProvider {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "EnrichmentProvider",
            about: "Who can be asked about prospects.",
            words: PROVIDERS,
        }
    }
}

/// What becomes of values that are there already.
pub enum EnrichmentPolicy {}

impl Vocabulary for EnrichmentPolicy {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "EnrichmentPolicy",
            about: "What becomes of values that are there already, when providers find others.",
            words: POLICIES,
        }
    }
}
