//! Claims records with a lease, so that only one worker enriches a record at a time.

use chrono::TimeDelta;
use engine::{
    entity_statement::literal,
    error::Result,
    record::Record,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
    write::Unit,
};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, Value as Bind, sea_query::Expr};

use super::{
    ATTEMPTS, LEASE,
    cache::{self, About},
    context::EnrichmentContext,
    field::{FIELDS, Field},
    plan::Plan,
    provider::{ProviderRequest, ProviderResult, Providers},
    record_result::{close, conclude, noted},
};
use crate::{
    crm::{company, prospect},
    governance::setting::{self, Settings},
    ingest::{
        import_job::{self, status as job_status},
        import_record::{self, status},
        note::{Note, NoteCode},
    },
    usage::daily_cost_summary,
};

/// How long a job must be idle before a server on which a provider is not configured reports this on the job.
const MISSING_PROVIDER_REPORT_DELAY: TimeDelta = TimeDelta::minutes(1);

/// A claimed record.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) job: i64,
    pub(super) record: i64,
    pub(super) prospect: i64,
    pub(super) attempt: i64,
    pub(super) token: String,
    pub(super) plan: Plan,
    pub(super) ask: ProviderRequest,
    /// Cache hits by provider.
    pub(super) cached: Vec<(&'static str, ProviderResult)>,
    /// Whether more than one external provider may be called.
    pub(super) deep: bool,
    /// TTL of cache entries, in days.
    pub(super) cache_days: i64,
}

/// Result of claiming records.
#[derive(Debug, Default)]
pub(super) struct ClaimedBatch {
    pub(super) claimed: Vec<Lease>,
    /// Whether some records were completed without provider calls, so that more records can be claimed immediately.
    pub(super) moved: bool,
}

/// Claims the next records of a job, at most `most`, within the concurrency limit of the settings and the daily spend
/// limit.
pub(super) async fn claim(
    scope: &Scope,
    job: i64,
    providers: &Providers,
    token: &str,
    most: i64,
) -> Result<ClaimedBatch> {
    let mut unit = Unit::begin(scope).await?;
    // The advisory lock keeps the counts of running records and reserved costs consistent.
    unit.advisory_lock(import_job::table(), "enrichment").await?;
    let settings = Settings::within(&unit).await?;
    let Some(before) = unit.claim(import_job::table(), job).await? else {
        return Ok(ClaimedBatch::default());
    };
    let runs = is_due(&unit, &before);
    let running = running(&unit).await?;
    let free = Ord::min(settings.count(setting::CONCURRENCY) - running, most);
    if !runs || free <= 0 {
        return Ok(ClaimedBatch::default());
    }
    let mut after = before.clone();
    after.set(import_job::Column::Status, Value::Text(job_status::PROCESSING.to_owned()));
    after.set(import_job::Column::Error, Value::Null);
    let plan = Plan::of(&before);
    if let Some(unable) = unable(&plan, providers, &settings) {
        let why = match unable {
            // The provider may be configured on another server, so the error is reported only if the job has been idle
            // for a while.
            ClaimError::NotHere(_)
                if before.time(import_job::Column::UpdatedAt)
                    > Some(unit.now() - MISSING_PROVIDER_REPORT_DELAY) =>
            {
                return Ok(ClaimedBatch::default());
            }
            ClaimError::NotHere(why) => why,
            ClaimError::Refused(why) => {
                after.set(import_job::Column::Status, Value::Text(job_status::FAILED.to_owned()));
                why
            }
        };
        after.set(import_job::Column::Error, noted(why));
        unit.update(&before, after).await?;
        unit.commit().await?;
        return Ok(ClaimedBatch::default());
    }
    let mut round = ClaimedBatch::default();
    let mut context = EnrichmentContext::read(&unit).await?;
    for record in next(&unit, job, free).await? {
        let Some(subject) = subject_or_close(&mut unit, &mut after, &record).await? else {
            round.moved = true;
            continue;
        };
        let RecordSubject { person, company } = subject;
        context.read_found(&unit, &plan, &[person.id()], &[company.id()]).await?;
        let ask = ask(&context, &plan, &settings, &person, &company)?;
        let mut claimed = Lease {
            job,
            record: record.id(),
            prospect: person.id(),
            attempt: attempts(&record) + 1,
            token: token.to_owned(),
            plan: plan.clone(),
            ask,
            cached: Vec::new(),
            deep: settings.is(setting::DEEP_SEARCH),
            cache_days: settings.count(setting::CACHE_DAYS),
        };
        let cost = cost_at_most(&mut unit, &mut claimed, providers).await?;
        match payable(&unit, cost, providers, &settings).await? {
            Payable::Now => {}
            Payable::Later => break,
            Payable::Tomorrow(why) => {
                let tomorrow = daily_cost_summary::day_of(unit.now()) + TimeDelta::days(1);
                after.set(import_job::Column::Status, Value::Text(job_status::PENDING.to_owned()));
                after.set(import_job::Column::Error, noted(why));
                after.set(import_job::Column::ResumesAt, Value::Time(tomorrow));
                break;
            }
        }
        lease(&unit, &claimed, cost).await?;
        round.claimed.push(claimed);
    }
    conclude(&unit, &mut after);
    unit.update(&before, after).await?;
    unit.commit().await?;
    Ok(round)
}

/// Whether a job is to be processed now.
pub(super) fn is_due(unit: &Unit, job: &Record) -> bool {
    let is_open = matches!(
        job.text(import_job::Column::Status),
        job_status::PROCESSING | job_status::PENDING
    );
    is_open && job.time(import_job::Column::ResumesAt).is_some_and(|moment| moment <= unit.now())
}

/// Why a plan can't be executed now.
enum ClaimError {
    /// The provider is not configured on this server.
    NotHere(Note),
    /// The settings prevent calls to the provider.
    Refused(Note),
}

fn unable(plan: &Plan, providers: &Providers, settings: &Settings) -> Option<ClaimError> {
    plan.providers.iter().find_map(|name| match providers.get(name) {
        None => Some(ClaimError::NotHere(Note::new(
            NoteCode::ProviderNotConfigured,
            [&name.to_uppercase()],
        ))),
        Some(provider) => provider.refuses(settings).map(ClaimError::Refused),
    })
}

/// Number of records of the organization that are being enriched now.
async fn running(unit: &Unit) -> Result<i64> {
    // A literal, because the index covers only such records.
    let running = unit
        .scope()
        .select::<import_record::Entity>()
        .filter(import_record::Column::Status.into_expr().eq(literal(status::PROCESSING)))
        .filter(import_record::Column::LeaseUntil.gte(unit.now()));
    unit.count_of(running).await
}

/// The SQL condition for open records that are due: pending records, and records with an expired lease. Both bind
/// parameters are the current time.
const DUE: &str = "(\"status\" = 'processing' OR \"next_attempt_at\" IS NULL OR \"next_attempt_at\" <= {}) \
     AND (\"status\" = 'pending' OR \"lease_until\" IS NULL OR \"lease_until\" < {})";

/// The next records of a job: due pending records, and records with an expired lease.
pub(super) async fn next(unit: &Unit, job: i64, most: i64) -> Result<Vec<Record>> {
    let lock = match unit.scope().store().engine() {
        Engine::Postgres => " FOR NO KEY UPDATE SKIP LOCKED",
        Engine::Sqlite => "",
    };
    let table = import_record::table();
    let sql = format!(
        "SELECT {} FROM \"import_records\" WHERE \"import_job_id\" = {{}} AND \"organization_id\" = {{}} \
         AND \"status\" IN ('pending', 'processing') AND {DUE} ORDER BY \"record_index\" LIMIT {most}{lock}",
        table.column_list()
    );
    let now = || Value::Time(unit.now()).bind(Kind::Time);
    let binds: Vec<Bind> = vec![job.into(), unit.scope().organization().into(), now(), now()];
    let rows = unit.query(&sql, binds).await?;
    rows.iter().map(|row| Record::read(table, row, 0)).collect()
}

/// The people of the next records of a job, without locks.
pub(super) async fn next_people(unit: &Unit, job: i64, most: i64) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT \"prospect_id\" FROM \"import_records\" WHERE \"import_job_id\" = {{}} \
         AND \"organization_id\" = {{}} AND \"status\" IN ('pending', 'processing') AND {DUE} \
         AND \"prospect_id\" IS NOT NULL ORDER BY \"record_index\" LIMIT {most}"
    );
    let now = || Value::Time(unit.now()).bind(Kind::Time);
    let binds: Vec<Bind> = vec![job.into(), unit.scope().organization().into(), now(), now()];
    let rows = unit.query(&sql, binds).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
}

/// The person that a record is about, and the company of the person.
pub(super) struct RecordSubject {
    pub(super) person: Record,
    pub(super) company: Record,
}

/// The number of attempts to enrich a record.
pub(super) fn attempts(record: &Record) -> i64 {
    record.number(import_record::Column::ProcessingAttempts).unwrap_or_default()
}

/// The person that a record is about. A record without a person, or with too many attempts, is completed instead.
pub(super) async fn subject_or_close(
    unit: &mut Unit,
    job: &mut Record,
    record: &Record,
) -> Result<Option<RecordSubject>> {
    if attempts(record) >= ATTEMPTS {
        close(unit, job, record, status::FAILED, NoteCode::AttemptsInterrupted).await?;
        return Ok(None);
    }
    let subject = about_whom(unit, record).await?;
    if subject.is_none() {
        close(unit, job, record, status::SKIPPED, NoteCode::ProspectMissing).await?;
    }
    Ok(subject)
}

/// The prospect of a record, and the company of the prospect.
async fn about_whom(unit: &mut Unit, record: &Record) -> Result<Option<RecordSubject>> {
    let Some(person) = record.number(import_record::Column::ProspectId) else { return Ok(None) };
    let person = unit.peek(prospect::table(), person).await?;
    let Some(person) = person.filter(|person| !person.is_deleted()) else { return Ok(None) };
    let company = unit.peek(company::table(), person.key(prospect::Column::CompanyId)?).await?;
    Ok(company.map(|company| RecordSubject { person, company }))
}

/// The provider request for a person and their company.
pub(super) fn ask(
    context: &EnrichmentContext,
    plan: &Plan,
    settings: &Settings,
    person: &Record,
    company: &Record,
) -> Result<ProviderRequest> {
    let known = context.known_values(person, company)?;
    let is_wanted = |field: &Field| {
        let before = context.found_before(person.id(), company.id(), *field);
        plan.may_replace(field.current(&known), before)
    };
    let wanted = FIELDS.into_iter().filter(is_wanted).collect();
    let model = settings.text(setting::LLM_MODEL);
    Ok(ProviderRequest {
        known,
        wanted,
        industries: context.industry_names(),
        variants: if person.has(prospect::Column::UnsubscribedAt) { 0 } else { plan.variants },
        price: settings.price(&model).unwrap_or_default(),
        llm_provider: settings.text(setting::LLM_PROVIDER),
        model,
    })
}

/// Maximum cost of the provider calls. Cache hits cost nothing and are added to `claimed`.
async fn cost_at_most(unit: &mut Unit, claimed: &mut Lease, providers: &Providers) -> Result<f64> {
    let mut cost = 0.0;
    for provider in providers.named(&claimed.plan.providers) {
        if !provider.is_outside() {
            continue;
        }
        let most = provider.most(&claimed.ask);
        let wants = |about: About| claimed.ask.wanted.iter().any(|field| about.has(*field));
        let mut found = ProviderResult::default();
        let mut complete = true;
        for about in [About::Company, About::Person] {
            let writes =
                about == About::Person && claimed.ask.variants > 0 && provider.name() == "llm";
            if !wants(about) && !writes {
                continue;
            }
            match cache::find(unit, about, provider.name(), &claimed.ask.known).await? {
                Some(known) => {
                    let wanted = claimed.ask.wanted.iter().filter(|field| about.has(**field));
                    complete &= wanted.into_iter().all(|field| known.wanted.contains(field));
                    complete &=
                        !writes || known.found.variants.len() >= claimed.ask.variants as usize;
                    found.values.extend(known.found.values);
                    found.variants.extend(known.found.variants);
                }
                None => complete = false,
            }
        }
        if complete {
            claimed.cached.push((provider.name(), found));
        } else {
            cost += most;
        }
    }
    Ok(cost)
}

enum Payable {
    Now,
    /// Payable once the reservations of other records are released.
    Later,
    /// Not payable before tomorrow, with the reason.
    Tomorrow(Note),
}

/// Whether the daily spend limit allows this additional cost. A single statement reads both the spent and the reserved
/// amount, because a reservation could become spending between two statements.
async fn payable(
    unit: &Unit,
    cost: f64,
    providers: &Providers,
    settings: &Settings,
) -> Result<Payable> {
    if cost == 0.0 {
        return Ok(Payable::Now);
    }
    let setting = settings.number(setting::SPEND_LIMIT);
    let limit = providers.spend_limit(setting);
    // A setting can't raise the limit of the server.
    let code =
        if limit < setting { NoteCode::SpendLimitReached } else { NoteCode::SettingLimitReached };
    let sql = "SELECT (SELECT COALESCE(SUM(\"server_cost_usd\"), 0) FROM \"daily_cost_summaries\" \
               WHERE \"organization_id\" = {} AND \"date\" = {}) + 0.0e0, \
               (SELECT COALESCE(SUM(\"reserved_cost\"), 0) FROM \"import_records\" \
               WHERE \"organization_id\" = {} AND \"status\" = 'processing') + 0.0e0";
    let organization = unit.scope().organization();
    let day = Value::Time(daily_cost_summary::day_of(unit.now())).bind(Kind::Time);
    let rows = unit.query(sql, vec![organization.into(), day, organization.into()]).await?;
    let Some(row) = rows.first() else { return Ok(Payable::Now) };
    let (spent, held): (f64, f64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    // Tolerance for floating-point sums.
    let limit = limit + 1e-9;
    if spent + held + cost <= limit {
        return Ok(Payable::Now);
    }
    if spent + cost <= limit {
        return Ok(Payable::Later);
    }
    let [spent, limit, cost] = [spent, limit - 1e-9, cost].map(|amount| format!("{amount:.4}"));
    Ok(Payable::Tomorrow(Note::new(code, [&spent, &limit, &cost])))
}

/// Leases a record and reserves its maximum cost, without a change log entry: only the result gets one.
async fn lease(unit: &Unit, claimed: &Lease, cost: f64) -> Result<()> {
    use import_record::Column;
    let record = unit
        .scope()
        .update::<import_record::Entity>()
        .col_expr(Column::Status, Expr::value(status::PROCESSING))
        .col_expr(Column::ProcessingAttempts, Expr::value(claimed.attempt))
        .col_expr(Column::LeaseUntil, Expr::value(unit.now() + LEASE))
        .col_expr(Column::LeaseToken, Expr::value(claimed.token.clone()))
        .col_expr(Column::ReservedCost, Expr::value(cost))
        .col_expr(Column::UpdatedAt, Expr::value(unit.now()))
        .filter(Column::Id.eq(claimed.record));
    unit.run(&record).await?;
    Ok(())
}
