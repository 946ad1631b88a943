//! Starts an enrichment: creates a job with one record per prospect.

use chrono::TimeDelta;
use engine::{
    change_log,
    error::{Problem, Result},
    policy::Permission,
    read::{self, Filter, List, Page},
    record::Record,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
    write::{IdempotentRequest, Unit, idempotency, row::refuse},
};
use entity::outreach::message_template;
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::{
    FIELDS, MAX_VARIANTS,
    plan::Plan,
    provider::{ProviderRequest, Providers},
};
use crate::{
    crm::prospect,
    governance::setting::{self, Settings},
    ingest::{
        import_job::{self, kind, status},
        import_record::{self, promotion, verdict},
    },
};

/// Maximum number of prospects in a list of IDs, or of prospects that match a filter.
pub const MAX_PEOPLE: usize = 10_000;

/// The prospects to enrich.
#[derive(Clone, Debug)]
pub enum EnrichmentTarget {
    /// The prospects that an import created or updated.
    List(i64),
    /// These prospects.
    People(Vec<i64>),
}

/// Starts an enrichment, which is then processed by a [`Worker`](super::Worker). Returns the primary key of the job.
///
/// # Errors
/// [`engine::Error::Refused`] if there are no prospects to enrich, or a provider is unavailable or misconfigured.
pub async fn begin(
    scope: &Scope,
    whom: EnrichmentTarget,
    name: Option<String>,
    plan: Plan,
    providers: &Providers,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    scope.demand(Permission::WriteAll)?;
    let providers = providers.clone();
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            if let EnrichmentTarget::People(people) = &whom
                && people.len() > MAX_PEOPLE
            {
                let message = format!("`ids` must have at most {MAX_PEOPLE} items");
                return Err(Problem::invalid(engine::Reason::TooManyItems, "ids", message).into());
            }
            let settings = Settings::within(unit).await?;
            check(unit, &plan, &providers, &settings).await?;
            let source = match whom {
                EnrichmentTarget::List(list) => Some(source(unit, list).await?),
                EnrichmentTarget::People(_) => None,
            };
            let job = unit.insert(job(unit, name, source.as_ref(), &plan)).await?;
            let rows = records(unit, job.id(), &whom).await?;
            if rows == 0 {
                let message = match whom {
                    EnrichmentTarget::List(_) => {
                        "the import has not created or updated any prospects; commit it first"
                    }
                    EnrichmentTarget::People(_) => "there are no prospects to enrich",
                };
                let field = if source.is_some() { "id" } else { "ids" };
                return Err(Problem::conflict(engine::Reason::NoProspects, field, message).into());
            }
            let mut counted = job.clone();
            counted.set(import_job::Column::TotalRecords, Value::Int(rows));
            let cost = estimate(unit, rows, &plan, &providers, &settings).await?;
            counted.set(import_job::Column::EstimatedCost, Value::Double(cost));
            unit.update(&job, counted).await?;
            Ok(job.id())
        })
    })
    .await
}

/// The prospects that match a filter.
///
/// # Errors
/// [`engine::Error::Refused`] if too many prospects match.
pub async fn matching(scope: &Scope, filter: Filter) -> Result<Vec<i64>> {
    let table = prospect::table();
    let mut list = List::new(table, "enrichProspects".to_owned());
    list.filter = filter;
    list.page = Page::first(u32::try_from(MAX_PEOPLE).unwrap_or(u32::MAX) + 1);
    list.rows = true;
    let id = list.cell(0, table.id());
    let loaded = read::list(scope, &list).await?;
    if loaded.rows.len() > MAX_PEOPLE {
        let message = format!("`filter` matches more than {MAX_PEOPLE} prospects; narrow it down");
        return Err(Problem::invalid(engine::Reason::TooManyItems, "filter", message).into());
    }
    Ok(loaded.rows.iter().filter_map(|row| row[id].key()).collect())
}

/// Rejects a plan that can't be executed.
async fn check(unit: &Unit, plan: &Plan, providers: &Providers, settings: &Settings) -> Result<()> {
    let mut problems = Vec::new();
    if plan.providers.is_empty() {
        problems.push(Problem::invalid(
            engine::Reason::ValueRequired,
            "providers",
            "`providers` must name at least one provider",
        ));
    }
    for name in &plan.providers {
        match providers.get(name) {
            None => {
                let option = if name == "http" { "--lookup-url" } else { "--llm-url" };
                let message =
                    format!("{} is not configured on this server ({option})", name.to_uppercase());
                problems.push(Problem::conflict(
                    engine::Reason::ProviderUnavailable,
                    "providers",
                    message,
                ));
            }
            Some(provider) => {
                problems.extend(provider.refuses(settings).map(|why| {
                    Problem::conflict(
                        engine::Reason::ProviderMisconfigured,
                        "providers",
                        why.message(),
                    )
                }));
            }
        }
    }
    if plan.variants > MAX_VARIANTS {
        let message = format!("`variants` must be between 0 and {MAX_VARIANTS}");
        problems.push(Problem::invalid(engine::Reason::ValueOutOfRange, "variants", message));
    }
    let written_by_model = plan.providers.iter().any(|name| name == "llm");
    if plan.variants > 0 && !written_by_model {
        let bodies = unit
            .scope()
            .select::<message_template::Entity>()
            .filter(message_template::Column::TemplateType.eq("body"))
            .filter(message_template::Column::IsActive.eq(true));
        if unit.count_of(bodies).await? == 0 {
            let message =
                "`variants` requires the provider LLM or an active message template of type BODY";
            problems.push(Problem::conflict(engine::Reason::TemplateMissing, "variants", message));
        }
    }
    refuse(problems)
}

async fn source(unit: &mut Unit, list: i64) -> Result<Record> {
    let list = unit.get(import_job::table(), list, "id").await?;
    if list.text(import_job::Column::Kind) == kind::LIST {
        return Ok(list);
    }
    let message = "the job is an enrichment; use enrichProspects to enrich its prospects";
    Err(Problem::conflict(engine::Reason::ImportStatusConflict, "id", message).into())
}

fn job(unit: &Unit, name: Option<String>, source: Option<&Record>, plan: &Plan) -> Record {
    let mut job = Record::new(import_job::table());
    let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| {
        source.map_or_else(
            || "Enrichment".to_owned(),
            |list| format!("Enrichment of {}", list.text(import_job::Column::Name)),
        )
    });
    let short = |text: &str, most| Value::Text(text.replace('\0', "").chars().take(most).collect());
    job.set(import_job::Column::Name, short(&name, 500));
    job.set(import_job::Column::Kind, short(kind::ENRICHMENT, 20));
    job.set(import_job::Column::Status, short(status::PROCESSING, 20));
    job.set(import_job::Column::CandidateDecision, short("wait", 20));
    job.set(import_job::Column::CommittedBy, short(&unit.scope().actor().label(), 300));
    job.set(import_job::Column::Options, Value::Json(plan.json()));
    job.set(
        import_job::Column::SourceJobId,
        source.map_or(Value::Null, |list| Value::Int(list.id())),
    );
    job.set(import_job::Column::StartedAt, Value::Time(unit.now()));
    job.set(import_job::Column::ResumesAt, Value::Time(unit.now()));
    import_job::nothing_counted(&mut job);
    job
}

/// Inserts a record per prospect, with its current values. Returns the number of records.
async fn records(unit: &mut Unit, job: i64, whom: &EnrichmentTarget) -> Result<i64> {
    let engine = unit.scope().store().engine();
    let now = || Value::Time(unit.now()).bind(Kind::Time);
    let object = match engine {
        Engine::Postgres => "jsonb_build_object",
        Engine::Sqlite => "json_object",
    };
    let organization = unit.scope().organization();
    let mut binds = vec![job.into(), now(), now(), organization.into()];
    let those = match whom {
        EnrichmentTarget::List(list) => {
            binds.extend([(*list).into(), organization.into()]);
            "IN (SELECT \"prospect_id\" FROM \"import_records\" WHERE \"import_job_id\" = {} \
             AND \"organization_id\" = {} AND \"promotion_status\" IN ('created', 'matched'))"
        }
        EnrichmentTarget::People(keys) => engine.among(keys, &mut binds),
    };
    let sql = format!(
        "INSERT INTO \"import_records\" (\"organization_id\", \"import_job_id\", \"record_index\", \
         \"promotion_status\", \"verdict\", \"match_reason\", \"status\", \"email\", \"original_data\", \
         \"prospect_id\", \"company_id\", \"revision\", \"created_at\", \"updated_at\") \
         SELECT p.\"organization_id\", {{}}, row_number() OVER (ORDER BY p.\"id\") - 1, '{}', '{}', \
         'prospect', '{}', p.\"email_key\", {object}('full_name', p.\"full_name\", 'email', p.\"email\", \
         'phone', p.\"phone\", 'job_title', p.\"job_title\", 'linkedin_url', p.\"linkedin_url\", \
         'location', p.\"location\", 'company', c.\"name\", 'website', c.\"website\", 'size', c.\"size\"), \
         p.\"id\", p.\"company_id\", 1, {{}}, {{}} FROM \"prospects\" p \
         JOIN \"companies\" c ON c.\"id\" = p.\"company_id\" WHERE p.\"organization_id\" = {{}} \
         AND p.\"deleted_at\" IS NULL AND p.\"id\" {those}",
        promotion::MATCHED,
        verdict::UPDATE,
        import_record::status::PENDING
    );
    let rows = unit.execute(&sql, binds).await?;
    let told = Some(json!({ "rows": rows }));
    unit.note(import_record::table(), None, change_log::kind::IMPORTED, None, told);
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// Estimated cost of the records: the mean cost of the paid records that were processed with the same plan in the last
/// 30 days. If there are none, the maximum cost is used.
async fn estimate(
    unit: &Unit,
    rows: i64,
    plan: &Plan,
    providers: &Providers,
    settings: &Settings,
) -> Result<f64> {
    let model = settings.text(setting::LLM_MODEL);
    let ask = ProviderRequest {
        wanted: FIELDS.to_vec(),
        variants: plan.variants,
        price: settings.price(&model).unwrap_or_default(),
        model,
        ..ProviderRequest::default()
    };
    let most: f64 = providers.named(&plan.providers).map(|one| one.most(&ask)).sum();
    if most == 0.0 {
        return Ok(0.0);
    }
    let sql = "SELECT AVG(r.\"cost\") FROM \"import_records\" r JOIN \"import_jobs\" j \
               ON j.\"id\" = r.\"import_job_id\" WHERE r.\"organization_id\" = {} AND r.\"status\" = 'enriched' \
               AND r.\"processed_at\" >= {} AND r.\"cost\" > 0 AND j.\"options\" = {}";
    let since = Value::Time(unit.now() - TimeDelta::days(30)).bind(Kind::Time);
    let same = Value::Json(plan.json()).bind(Kind::Json);
    let found = unit.query(sql, vec![unit.scope().organization().into(), since, same]).await?;
    let mean: Option<f64> = found.first().map(|row| row.try_get_by_index(0)).transpose()?.flatten();
    #[expect(clippy::cast_precision_loss, reason = "the number of records is far below 2^53")]
    let rows = rows as f64;
    Ok(crate::usage::service_usage_log::rounded(rows * mean.unwrap_or(most)))
}
