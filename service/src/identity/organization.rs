//! Organizations: tenants that own rows.

use engine::{
    clock::Clock,
    error::{Error, Result},
    scope::Scope,
    store::{Engine, Store},
};
use entity::identity::organization;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::organization_secret;
use crate::governance::setting;

/// Slug of the organization on a server with a single organization.
pub const DEFAULT: &str = "default";

/// The primary key of the organization with this `slug`.
///
/// # Errors
/// [`Error::NotFound`] if there is no such organization.
pub async fn find(store: &Store, slug: &str) -> Result<i64> {
    by_slug(store, slug).await?.ok_or_else(|| Error::NotFound(format!("organization `{slug}`")))
}

/// The primary key of the organization with this `slug`, which is created if missing.
///
/// # Errors
/// [`Error::Invalid`] if the slug is empty, longer than 100 characters, or has characters other than letters, digits
/// and `-`.
pub async fn ensure(store: &Store, clock: &dyn Clock, slug: &str) -> Result<i64> {
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty() || slug.len() > 100 || !slug.chars().all(proper) {
        return Err(Error::invalid(
            engine::Reason::ValueInvalid,
            "organization",
            "`organization` must have 1 to 100 lowercase letters, digits or `-`",
        ));
    }
    if let Some(id) = by_slug(store, slug).await? {
        return Ok(id);
    }
    match insert(store.write(), store.engine(), clock, slug).await {
        Ok(id) => Ok(id),
        // Another server may have created the organization concurrently.
        Err(error) => by_slug(store, slug).await?.ok_or(error),
    }
}

/// Creates an organization and returns its primary key.
pub(crate) async fn insert<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    clock: &dyn Clock,
    slug: &str,
) -> Result<i64> {
    let now = clock.now().fixed_offset();
    let row = organization::ActiveModel {
        name: Set(slug.to_owned()),
        slug: Set(slug.to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let id = row.insert(connection).await?.id;
    setting::seed(connection, engine, clock, id).await?;
    organization_secret::seed(connection, engine, id, clock.now()).await?;
    Ok(id)
}

/// Name and slug of the organization of a scope.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "the row is the organization of the scope")]
pub async fn named(scope: &Scope) -> Result<(String, String)> {
    use organization::Column;
    let own = organization::Entity::find_by_id(scope.organization());
    let own = own.select_only().columns([Column::Name, Column::Slug]);
    let found = scope.store().tuples(&own).await?.into_iter().next();
    found.ok_or_else(|| Error::internal("organization was deleted"))
}

/// Short names and names of all organizations, for the operator of the server.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "organizations are not subject to tenant isolation")]
pub async fn list(store: &Store) -> Result<Vec<(String, String)>> {
    use organization::Column;
    let all = organization::Entity::find().filter(Column::DeletedAt.is_null());
    let all = all.order_by_asc(Column::Slug).select_only().columns([Column::Slug, Column::Name]);
    store.tuples(&all).await
}

/// Whether there is any organization. A database without organizations is new.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "organizations are not subject to tenant isolation")]
pub async fn any(store: &Store) -> Result<bool> {
    Ok(organization::Entity::find().one(store.write()).await?.is_some())
}

#[expect(clippy::disallowed_methods, reason = "organizations are not subject to tenant isolation")]
async fn by_slug(store: &Store, slug: &str) -> Result<Option<i64>> {
    let row = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .one(store.write())
        .await?;
    Ok(row.map(|row| row.id))
}
