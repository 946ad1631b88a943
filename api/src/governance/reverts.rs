//! Reverts of changes in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use engine::{
    Problem, Reason, Scope,
    write::revert::{Revert, entity_of_change, revert},
};
use graph::{
    Entity, NodeRow,
    action::{act, key},
    error::Result,
    payload::{UserError, outcome, row_to_read},
};
use salesgraph_macros::permissions;

use super::change::{Change, column_of_field};
use crate::catalog;

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reverts;

/// Input of `revertChange`.
#[derive(InputObject)]
pub struct RevertChangeInput {
    /// The change.
    pub change_id: ID,
    /// Names of the fields to revert, as in `Change.fields`. Default: all fields of the change that can be updated.
    pub fields: Option<Vec<String>>,
    /// Expected `revision` of the row: the mutation fails with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `revertChange`.
#[derive(SimpleObject)]
pub struct RevertChangePayload {
    /// The row of the change as it is now, also after a `REVISION_CONFLICT`; null after other errors.
    pub node: Option<NodeRow>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl Reverts {
    /// Reverts an update: its fields get their values before the change again, as a new update, which is validated and
    /// logged like any other. It requires the permission to update the row. Later changes of other fields are not affected.
    #[permission(Write)]
    async fn revert_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RevertChangeInput,
    ) -> Result<RevertChangePayload> {
        let scope = ctx.data_unchecked::<Scope>();
        let (target, user_errors) = outcome(target(scope, input).await)?;
        let Some((entity, request)) = target else {
            return Ok(RevertChangePayload { node: None, user_errors });
        };
        let done = act(ctx, |scope, once| async move {
            let (Some(rules), Some(permission)) = (entity.rules, entity.write) else {
                let message = "rows of this entity can't be updated";
                let reason = Reason::ChangeNotRevertible;
                return Err(Problem::invalid(reason, "change_id", message).into());
            };
            scope.demand(permission)?;
            revert(scope, rules, request, once).await
        });
        let (row, user_errors) = done.await?;
        let row = row_to_read(row, &user_errors);
        Ok(RevertChangePayload { node: row.map(|row| NodeRow::of(entity, row)), user_errors })
    }
}

/// The entity of the change, and the change with the columns to revert.
async fn target(
    scope: &Scope,
    input: RevertChangeInput,
) -> engine::Result<(&'static Entity, Revert)> {
    let change = key::<Change>(&input.change_id, "change_id")?;
    let missing = || Problem::not_found("change_id", "change");
    let entity = entity_of_change(scope, change).await?;
    let entity = catalog::called(&entity).ok_or_else(missing)?;
    let columns = input.fields.map(|fields| {
        let columns = fields.iter().enumerate().map(|(index, field)| {
            column_of_field(entity, field).ok_or_else(|| {
                let message = format!("`{field}` is not a field of {} with a column", entity.name);
                Problem::invalid(Reason::ValueUnknown, &format!("fields.{index}"), message)
            })
        });
        columns.collect::<std::result::Result<Vec<_>, _>>()
    });
    let expected_revision = input.expected_revision.map(Into::into);
    Ok((entity, Revert { change, columns: columns.transpose()?, expected_revision }))
}
