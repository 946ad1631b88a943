//! Organizations: whose rows they are.

use entity::identity::organization;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
};

use crate::{
    clock::Clock,
    crm::opt_out,
    error::{Error, Result},
    governance::setting,
    scope::Scope,
    store::{Engine, Store},
};

/// The organization of a server that has only one.
pub const DEFAULT: &str = "default";

/// The key of the organization called `slug`.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn find(store: &Store, slug: &str) -> Result<i64> {
    by_slug(store, slug).await?.ok_or_else(|| Error::NotFound(format!("organization `{slug}`")))
}

/// The key of the organization called `slug`, which is made when there is none.
///
/// # Errors
/// [`Error::Invalid`] when the slug is empty, longer than 100 characters or has other characters
/// than letters, digits and `-`.
pub async fn ensure(store: &Store, clock: &dyn Clock, slug: &str) -> Result<i64> {
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty() || slug.len() > 100 || !slug.chars().all(proper) {
        return Err(Error::invalid(
            crate::Reason::ValueInvalid,
            "organization",
            "an organization is named by 1 to 100 lower-case letters, digits and `-`",
        ));
    }
    if let Some(id) = by_slug(store, slug).await? {
        return Ok(id);
    }
    match insert(store.write(), store.engine(), clock, slug).await {
        Ok(id) => Ok(id),
        // Another server made it in between.
        Err(error) => by_slug(store, slug).await?.ok_or(error),
    }
}

/// Makes an organization and gives its key.
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
    opt_out::seed(connection, engine, id, clock.now()).await?;
    Ok(id)
}

/// What the organization of a scope is called, and by which slug it is named.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn named(scope: &Scope) -> Result<(String, String)> {
    let sql = "SELECT \"name\", \"slug\" FROM \"organizations\" WHERE \"id\" = {}";
    let rows = scope.store().query(sql, vec![scope.organization().into()]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("an organization that is gone"))?;
    Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
}

/// Whether there is any organization: a database without one is new.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
#[expect(clippy::disallowed_methods, reason = "organizations stand above the tenant door")]
pub async fn any(store: &Store) -> Result<bool> {
    Ok(organization::Entity::find().one(store.write()).await?.is_some())
}

#[expect(clippy::disallowed_methods, reason = "organizations stand above the tenant door")]
async fn by_slug(store: &Store, slug: &str) -> Result<Option<i64>> {
    let row = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .one(store.write())
        .await?;
    Ok(row.map(|row| row.id))
}
