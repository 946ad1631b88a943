//! Moves of prospects to other companies.

use engine::{
    error::{Problem, Result},
    scope::Scope,
    value::Value,
    write::{
        Batch, IdempotentRequest, OnError, Unit, idempotency,
        operations::each,
        row::{alive, current},
    },
};
use futures_util::future::BoxFuture;

use super::{
    company,
    prospect::{self, Column},
};

/// A move of a prospect to another company.
#[derive(Clone, Copy, Debug)]
pub struct ProspectMove {
    /// The primary key of the prospect; `None` if its ID is invalid.
    pub prospect: Option<i64>,
    /// The primary key of the company; `None` if its ID is invalid.
    pub company: Option<i64>,
    /// The revision that the prospect must have.
    pub expected_revision: Option<i64>,
}

/// Moves a prospect to another company. Returns its primary key.
///
/// # Errors
/// [`engine::Error::Refused`] if the prospect or the company is missing or deleted.
pub async fn move_to(
    scope: &Scope,
    request: ProspectMove,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move { Ok(move_one(unit, request).await?.0) })
    })
    .await
}

/// Moves prospects to other companies: all of them, or those that are not rejected.
///
/// # Errors
/// [`engine::Error::Refused`] if a move is rejected and `on_error` is [`OnError::RejectAll`]; then nothing is written.
pub async fn move_all(
    scope: &Scope,
    moves: Vec<ProspectMove>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let prospects = moves.iter().filter_map(|request| request.prospect).collect();
            unit.lock_rows(prospect::table(), prospects).await?;
            each(unit, moves, on_error, move_one).await
        })
    })
    .await
}

fn move_one(unit: &mut Unit, request: ProspectMove) -> BoxFuture<'_, Result<(i64, bool)>> {
    Box::pin(async move {
        let missing = || Problem::not_found("id", prospect::table().called);
        let id = request.prospect.ok_or_else(missing)?;
        let before = current(unit, prospect::rules(), id, request.expected_revision).await?;
        let missing = || Problem::not_found("company_id", company::table().called);
        let key = request.company.ok_or_else(missing)?;
        let company = unit.referred(company::table(), key).await?.ok_or_else(missing)?;
        alive(&company, "company_id")?;
        let mut after = before.clone();
        after.set(Column::CompanyId, Value::Int(key));
        unit.update(&before, after).await?;
        Ok((id, false))
    })
}
