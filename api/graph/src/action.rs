//! Code shared by the business actions: the IDs in their inputs, and payloads with one row.

use async_graphql::{Context, ID};
use engine::{
    Problem, Reason, Scope,
    write::{Batch, IdempotentRequest, OnError},
};

use super::{
    Declared, id, input, mutations::MAX_ITEMS, payload::UserError, row::Rows, scalar::EnumValueOf,
    write_types::OnErrorChoice,
};
use crate::error::Result;

/// The primary key in `id`; `field` is the argument name for error messages.
///
/// # Errors
/// [`engine::Error::Refused`] if `id` is not a valid ID of this entity.
pub fn key<E: Declared>(id: &ID, field: &str) -> engine::Result<i64> {
    let entity = E::entity();
    id::key(entity, id).ok_or_else(|| Problem::not_found(field, entity.table.called).into())
}

/// Runs a business action and returns its result, or the errors of the input.
///
/// # Errors
/// Errors other than input errors.
pub async fn act<'c, T, W>(
    context: &'c Context<'_>,
    work: impl FnOnce(&'c Scope, Option<IdempotentRequest>) -> W,
) -> Result<(Option<T>, Vec<UserError>)>
where
    W: Future<Output = engine::Result<T>>,
{
    let once = input::once(context)?;
    let done = work(context.data_unchecked::<Scope>(), once).await;
    super::payload::outcome(done)
}

/// Runs a business action on each item of the input field `list`. Returns the rows, in the order of the input, or `None`
/// if nothing was written.
///
/// # Errors
/// Errors other than input errors.
pub async fn act_on_many<'c, E, T, W>(
    context: &'c Context<'_>,
    list: &str,
    items: Vec<T>,
    on_error: Option<EnumValueOf<OnErrorChoice>>,
    work: impl FnOnce(&'c Scope, Vec<T>, OnError, Option<IdempotentRequest>) -> W,
) -> Result<(Option<Rows<E>>, Vec<UserError>)>
where
    W: Future<Output = engine::Result<Batch>>,
{
    let on_error = on_error.map_or(OnError::RejectAll, |choice| OnErrorChoice::of(&choice));
    let (batch, mut user_errors) = act(context, |scope, once| async move {
        if items.len() > MAX_ITEMS {
            let message = format!("a batch must have at most {MAX_ITEMS} items");
            return Err(Problem::invalid(Reason::TooManyItems, list, message).into());
        }
        work(scope, items, on_error, once).await
    })
    .await?;
    let rows = batch.map(|batch| {
        user_errors.extend(batch.problems.into_iter().map(UserError::from));
        Rows::of(batch.keys)
    });
    Ok((rows, user_errors))
}

/// A payload with one row and the errors of the input.
#[macro_export]
macro_rules! payload {
    ($(#[doc = $about:literal])* $name:ident, $(#[doc = $row_about:literal])* $row:ident: $entity:ty) => {
        $(#[doc = $about])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[doc = $row_about])*
            pub $row: Option<$crate::Row<$entity>>,
            /// Errors of the input; empty on success.
            pub user_errors: Vec<$crate::payload::UserError>,
        }

        impl From<(Option<i64>, Vec<$crate::payload::UserError>)> for $name {
            fn from(
                (key, user_errors): (Option<i64>, Vec<$crate::payload::UserError>),
            ) -> Self {
                let key = $crate::payload::row_to_read(key, &user_errors);
                Self { $row: key.map($crate::Row::of), user_errors }
            }
        }
    };
}
