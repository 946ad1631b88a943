//! Batches of records whose providers are part of this server, such as the built-in rules: records are read, enriched and
//! written in one transaction, without a lease. An interrupted transaction leaves the records as they were.

use engine::{
    error::Result, normal_form::domain, record::Record, scope::Scope, value::Value, write::Unit,
};

use super::{
    context::EnrichmentContext,
    lease::{self, Lease, RecordSubject},
    plan::Plan,
    provider::Providers,
    provider_calls,
    record_result::{conclude, settle},
};
use crate::{
    crm::{company, prospect},
    governance::setting::{self, Settings},
    ingest::{
        import_job::{self, status as job_status},
        import_record,
    },
};

/// The maximum number of records in a transaction.
pub(super) const CHUNK: i64 = 500;

/// Enriches the next records of a job with a [local](Plan::is_local) plan. Returns their number.
pub(super) async fn enrich_next(scope: &Scope, job: i64, providers: &Providers) -> Result<usize> {
    let mut unit = Unit::begin(scope).await?;
    // Another worker would wait for the rows of the same records.
    unit.advisory_lock(import_job::table(), &format!("enrichment/{job}")).await?;
    let (people, companies) = lock_people(&mut unit, job).await?;
    let settings = Settings::within(&unit).await?;
    let Some(before) = unit.claim(import_job::table(), job).await? else { return Ok(0) };
    let plan = Plan::of(&before);
    if !lease::is_due(&unit, &before) || !plan.is_local(providers) {
        return Ok(0);
    }
    let mut after = before.clone();
    after.set(import_job::Column::Status, Value::Text(job_status::PROCESSING.to_owned()));
    after.set(import_job::Column::Error, Value::Null);
    let records = lease::next(&unit, job, CHUNK).await?;
    let mut context = EnrichmentContext::read(&unit).await?;
    context.read_found(&unit, &plan, &people, &companies).await?;
    unit.begin_batch();
    for record in &records {
        let subject = lease::subject_or_close(&mut unit, &mut after, record).await?;
        let Some(RecordSubject { person, company }) = subject else { continue };
        let claimed = Lease {
            job,
            record: record.id(),
            prospect: person.id(),
            attempt: lease::attempts(record) + 1,
            token: String::new(),
            plan: plan.clone(),
            ask: lease::ask(&context, &plan, &settings, &person, &company)?,
            cached: Vec::new(),
            deep: settings.is(setting::DEEP_SEARCH),
            cache_days: 0,
        };
        let outcome = provider_calls::ask(&claimed, providers).await;
        let mut enriched = record.clone();
        enriched.set(import_record::Column::ProcessingAttempts, Value::Int(claimed.attempt));
        let both = (&mut enriched, &mut after);
        settle(&mut unit, &mut context, &claimed, &outcome, &[], both).await?;
        unit.update(record, enriched).await?;
    }
    context.write(&mut unit).await?;
    conclude(&unit, &mut after);
    unit.update(&before, after).await?;
    unit.commit().await?;
    Ok(records.len())
}

/// Locks the people of the next records and their companies, before the job and the records. All writers lock rows in
/// this order. Returns their primary keys.
async fn lock_people(unit: &mut Unit, job: i64) -> Result<(Vec<i64>, Vec<i64>)> {
    let people = lease::next_people(unit, job, CHUNK).await?;
    unit.preload(prospect::table(), &people).await?;
    let (mut companies, mut domains) = (Vec::new(), Vec::new());
    for person in &people {
        let person: Option<Record> = unit.find(prospect::table(), *person).await?;
        let Some(person) = person else { continue };
        companies.extend(person.number(prospect::Column::CompanyId));
        domains.extend(domain::business(person.text(prospect::Column::Email)));
    }
    // A company may get one of these domains, which an import locks before companies.
    unit.advisory_locks(company::table(), domains).await?;
    unit.preload(company::table(), &companies).await?;
    Ok((people, companies))
}
