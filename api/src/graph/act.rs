//! What acts of business share: ids of their inputs, and payloads of one row.

use async_graphql::{Context, ID};
use service::{Problem, Scope, write::Once};

use super::{Declared, id, input, payload::UserError};
use crate::error::{Error, Result};

/// The key that `id` names; `field` says where it stands.
///
/// # Errors
/// [`service::Error::Refused`] when it can't be the id of any.
pub fn key<E: Declared>(id: &ID, field: &str) -> service::Result<i64> {
    let entity = E::entity();
    id::key(entity, id).ok_or_else(|| Problem::not_found(field, entity.table.called).into())
}

/// Does an act: gives what it gives, or why it was refused.
///
/// # Errors
/// Those that are not about the input.
pub async fn act<'c, T, W>(
    context: &'c Context<'_>,
    work: impl FnOnce(&'c Scope, Option<Once>) -> W,
) -> async_graphql::Result<(Option<T>, Vec<UserError>)>
where
    W: Future<Output = service::Result<T>>,
{
    let once = input::once(context)?;
    let done = work(context.data_unchecked::<Scope>(), once).await;
    let outcome: Result<_> = super::payload::outcome(done);
    outcome.map_err(<async_graphql::Error as From<Error>>::from)
}

/// A payload with one row, and why it was refused.
#[macro_export]
macro_rules! payload {
    ($(#[doc = $about:literal])* $name:ident, $(#[doc = $row_about:literal])* $row:ident: $entity:ty) => {
        $(#[doc = $about])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[doc = $row_about])*
            pub $row: Option<$crate::graph::Row<$entity>>,
            /// Errors of the input; empty on success.
            pub user_errors: Vec<$crate::graph::payload::UserError>,
        }

        impl From<(Option<i64>, Vec<$crate::graph::payload::UserError>)> for $name {
            fn from(
                (key, user_errors): (Option<i64>, Vec<$crate::graph::payload::UserError>),
            ) -> Self {
                let key = $crate::graph::payload::shown(key, &user_errors);
                Self { $row: key.map($crate::graph::Row::of), user_errors }
            }
        }
    };
}
