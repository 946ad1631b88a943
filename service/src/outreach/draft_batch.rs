//! Actions on many drafts in one transaction.

use engine::{
    error::{Problem, Result},
    scope::Scope,
    write::{Batch, IdempotentRequest, OnError, Unit, idempotency, operations::each},
};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    draft_actions::{DraftAction, act_in},
    outreach_draft::{self, Column, Entity},
};
use crate::crm::prospect;

/// An action on a draft of a batch.
#[derive(Clone, Debug)]
pub struct DraftBatchItem {
    /// The primary key of the draft; `None` if its ID is invalid.
    pub draft: Option<i64>,
    /// The action.
    pub action: DraftAction,
    /// The revision that the draft must have.
    pub expected_revision: Option<i64>,
}

/// Applies actions to drafts: all of them, or those that are not rejected.
///
/// # Errors
/// [`engine::Error::Refused`] if an action is rejected and `on_error` is [`OnError::RejectAll`]; then nothing is written.
pub async fn act_on_all(
    scope: &Scope,
    items: Vec<DraftBatchItem>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            lock(unit, items.iter().filter_map(|item| item.draft).collect()).await?;
            each(unit, items, on_error, act_on_one).await
        })
    })
    .await
}

fn act_on_one(unit: &mut Unit, item: DraftBatchItem) -> BoxFuture<'_, Result<(i64, bool)>> {
    Box::pin(async move {
        let called = outreach_draft::table().called;
        let id = item.draft.ok_or_else(|| Problem::not_found("id", called))?;
        act_in(unit, id, item.action, item.expected_revision).await?;
        Ok((id, false))
    })
}

/// Locks the prospects, then the drafts, each in the order of their primary keys, so that batches don't deadlock.
async fn lock(unit: &Unit, drafts: Vec<i64>) -> Result<()> {
    let prospects = unit.scope().select::<Entity>().filter(Column::Id.is_in(drafts.clone()));
    let prospects = unit.tuples(&prospects.select_only().column(Column::ProspectId)).await?;
    unit.lock_rows(prospect::table(), prospects).await?;
    unit.lock_rows(outreach_draft::table(), drafts).await
}
