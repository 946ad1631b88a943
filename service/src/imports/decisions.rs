//! Decisions on rows with match candidates.

use engine::{
    error::{Problem, Result},
    policy::Permission,
    scope::Scope,
    value::Value,
    write::{Batch, IdempotentRequest, OnError, Unit, idempotency, operations::each, row::alive},
};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    contact::Contact,
    job_actions::{job_of, write_on},
};
use crate::{
    crm::prospect,
    ingest::{
        import_job,
        import_record::{self, Column, Entity, promotion, verdict},
    },
};

/// A decision on a row.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The primary key of the row; `None` if its ID is invalid.
    pub record: Option<i64>,
    /// One of [`import_record::DECISIONS`].
    pub decision: String,
    /// The prospect to merge into: its primary key, or `Some(None)` if its ID is invalid.
    pub prospect: Option<Option<i64>>,
}

/// Stores a decision on a row. If the import is completed, the row is written in the background. Returns the primary key
/// of the row.
///
/// # Errors
/// [`engine::Error::Refused`] if the row does not need a decision.
pub async fn decide(
    scope: &Scope,
    decision: Decision,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move { Ok(decide_one(unit, decision).await?.0) })
    })
    .await
}

/// Stores decisions on rows: all of them, or those that are not rejected.
///
/// # Errors
/// [`engine::Error::Refused`] if a decision is rejected and `on_error` is [`OnError::RejectAll`]; then nothing is
/// written.
pub async fn decide_all(
    scope: &Scope,
    decisions: Vec<Decision>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let records: Vec<i64> = decisions.iter().filter_map(|one| one.record).collect();
            // Jobs are locked before prospects, and prospects before rows, as by a commit.
            let jobs = unit.scope().select::<Entity>().filter(Column::Id.is_in(records.clone()));
            let jobs = unit.tuples(&jobs.select_only().column(Column::ImportJobId)).await?;
            unit.lock_rows(import_job::table(), jobs).await?;
            let prospects = decisions.iter().filter_map(|one| one.prospect.flatten());
            unit.lock_rows(prospect::table(), prospects.collect()).await?;
            unit.lock_rows(import_record::table(), records).await?;
            each(unit, decisions, on_error, decide_one).await
        })
    })
    .await
}

fn decide_one(unit: &mut Unit, one: Decision) -> BoxFuture<'_, Result<(i64, bool)>> {
    Box::pin(async move {
        let Decision { record, decision, prospect } = one;
        let record =
            record.ok_or_else(|| Problem::not_found("id", import_record::table().called))?;
        let job = job_of(unit, record).await?;
        let before = unit.get(import_record::table(), record, "id").await?;
        let reason = engine::Reason::DecisionInvalid;
        let is_open = before.text(Column::Verdict) == verdict::MERGE_CANDIDATE
            && before.text(Column::PromotionStatus) == promotion::NONE;
        if !is_open {
            let message = "the row needs no decision: it is not an open MERGE_CANDIDATE";
            return Err(Problem::conflict(reason, "id", message).into());
        }
        if decision == "create" && Contact::of(&before)?.email.is_none() {
            let message =
                "the row has no e-mail address; correct the row first, or use MERGE or SKIP";
            return Err(Problem::invalid(reason, "decision", message).into());
        }
        if prospect.is_some() && decision != "merge" {
            let message = "`prospectId` is allowed only with MERGE";
            return Err(Problem::invalid(reason, "prospect_id", message).into());
        }
        if let Some(prospect) = prospect {
            let missing = || Problem::not_found("prospect_id", prospect::table().called);
            let prospect = prospect.ok_or_else(missing)?;
            let person = unit.referred(prospect::table(), prospect).await?;
            alive(&person.ok_or_else(missing)?, "prospect_id")?;
        }
        let mut after = before.clone();
        after.set(Column::Decision, Value::Text(decision));
        after.set(Column::ProspectId, prospect.flatten().map_or(Value::Null, Value::Int));
        unit.update(&before, after).await?;
        write_on(unit, &job, job.clone()).await?;
        Ok((record, false))
    })
}
