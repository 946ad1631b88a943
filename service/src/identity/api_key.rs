//! API keys: `sg_PREFIX.SECRET`, shown once and stored as a hash.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Problem, Result},
    policy::{Permission, Role},
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        IdempotentRequest, Unit, idempotency,
        ownership::{InExport, OnErase, OnMerge, Ownership},
    },
};
pub use entity::identity::api_key::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{membership, organization, secret, user};

/// Prefix of every API key, which helps secret scanners detect leaked keys.
const MARK: &str = "sg_";

/// Number of random bytes in the key prefix, encoded as 12 characters.
const PREFIX_BYTES: usize = 9;

/// Number of random bytes in the secret, encoded as 43 characters.
const SECRET_BYTES: usize = 32;

/// API keys belong to their user.
static USER_OWNERSHIP: Ownership = Ownership {
    column: Column::UserId.name(),
    owner: "users",
    on_erase: OnErase::Delete,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("api_key")
            .described("An API key, without its secret.")
            .keeping_secret([Column::KeyHash])
            .confidential()
            .belongs_to(&USER_OWNERSHIP)
    });
    &TABLE
}

/// Input for a new API key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Purpose or location of the key: at most 100 characters.
    pub name: String,
    /// Role of the key.
    pub role: Role,
    /// Whether a program uses the key. Drafts written by a program need approval by a person.
    pub worker: bool,
    /// E-mail address of the responsible user, who is created if missing.
    pub user: String,
    /// Whether that user becomes owner of the organization, regardless of the role of the key.
    pub is_owner: bool,
    /// Expiry.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Primary key.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Prefix, which identifies the key and is used to revoke it.
    pub prefix: String,
    /// Role.
    pub role: String,
    /// `worker` or `person`.
    pub kind: String,
    /// E-mail address of the responsible user.
    pub user: String,
    /// Creation time.
    pub created_at: DateTime<Utc>,
    /// Time of last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Expiry.
    pub expires_at: Option<DateTime<Utc>>,
    /// Revocation time.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Input for an API key that acts for its creator.
#[derive(Clone, Debug)]
pub struct OwnKey {
    /// Purpose or location of the key: at most 100 characters.
    pub name: String,
    /// Role of the key.
    pub role: Role,
    /// Whether a program uses the key. Drafts written by a program need approval by a person.
    pub worker: bool,
    /// Expiry.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A created API key.
#[derive(Clone)]
pub struct CreatedKey {
    /// Prefix, which identifies the key.
    pub prefix: String,
    /// The full text, which can't be retrieved again; `None` for a repeated request.
    pub text: Option<String>,
}

impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the text.
        f.debug_struct("CreatedKey").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The responsible user of a new key.
enum Responsible {
    /// The user with this e-mail address, who is created with the role if missing.
    Email(String, Role),
    /// This active member.
    Member(i64),
}

/// Creates an API key and returns its full text, which can't be retrieved again.
///
/// # Errors
/// [`Error::Refused`] with all validation errors; [`Error::Forbidden`].
pub async fn create(scope: &Scope, new: NewKey) -> Result<String> {
    scope.demand(Permission::ManageApiKeys)?;
    let role = if new.is_owner { Role::Owner } else { new.role };
    let responsible = Responsible::Email(new.user, role);
    let NewKey { name, role, worker, expires_at, .. } = new;
    let own = OwnKey { name, role, worker, expires_at };
    let created = insert(scope, own, responsible, None).await?;
    created.text.ok_or_else(|| Error::internal("the key was not created"))
}

/// Creates an API key that acts for the actor of the scope. Its role, its kind and its expiry are limited by those of the
/// caller.
///
/// # Errors
/// [`Error::Refused`] with all validation errors; [`Error::Forbidden`].
pub async fn create_own(
    scope: &Scope,
    new: OwnKey,
    once: Option<IdempotentRequest>,
) -> Result<CreatedKey> {
    scope.demand(Permission::ManageApiKeys)?;
    if !new.role.is_within(scope.role()) {
        let message =
            format!("the role of the key exceeds yours; maximum: {}", scope.role().name());
        return Err(Problem::conflict(engine::Reason::UserNotAllowed, "role", message).into());
    }
    if scope.actor().is_worker() && !new.worker {
        let message = "a key of a program can't create a key of a person";
        return Err(Problem::conflict(engine::Reason::UserNotAllowed, "isWorker", message).into());
    }
    let expires_at = match (new.expires_at, scope.key_expires_at()) {
        (Some(own), Some(limit)) => Some(own.min(limit)),
        (own, limit) => own.or(limit),
    };
    let responsible = if let Some(user) = scope.user() {
        Responsible::Member(user)
    } else {
        // The local user and the command line have no account.
        let (_, slug) = organization::named(scope).await?;
        Responsible::Email(format!("owner@{slug}.invalid"), Role::Owner)
    };
    insert(scope, OwnKey { expires_at, ..new }, responsible, once).await
}

async fn insert(
    scope: &Scope,
    new: OwnKey,
    responsible: Responsible,
    once: Option<IdempotentRequest>,
) -> Result<CreatedKey> {
    let (prefix, own) = (secret::random::<PREFIX_BYTES>()?, secret::random::<SECRET_BYTES>()?);
    let text = format!("{MARK}{prefix}.{own}");
    let (hash, own_prefix) = (secret::hash(&text), prefix.clone());
    let stored = idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            check(&new, unit)?;
            let (person, most) = match &responsible {
                Responsible::Email(email, role) => membership::ensure(unit, email, *role).await?,
                Responsible::Member(user) => membership::active(unit, *user).await?,
            };
            if !new.role.is_within(most) {
                let message = format!(
                    "the role of the key exceeds the role of the user; maximum: {}",
                    most.name()
                );
                return Err(
                    Problem::conflict(engine::Reason::UserNotAllowed, "role", message).into()
                );
            }
            let mut key = Record::new(table());
            key.set(Column::UserId, Value::Int(person));
            for (column, text) in [
                (Column::Name, new.name.trim()),
                (Column::Kind, if new.worker { "worker" } else { "person" }),
                (Column::Role, new.role.name()),
                (Column::KeyPrefix, &own_prefix),
                (Column::KeyHash, &hash),
            ] {
                key.set(column, Value::Text(text.to_owned()));
            }
            key.set(Column::ExpiresAt, new.expires_at.map_or(Value::Null, Value::Time));
            unit.insert(key).await?;
            Ok(own_prefix)
        })
    })
    .await?;
    // The stored answer of a repeated request has only the prefix of the first key.
    let text = (stored == prefix).then_some(text);
    Ok(CreatedKey { prefix: stored, text })
}

/// Checks the name and the expiry of a new key.
fn check(new: &OwnKey, unit: &Unit) -> Result<()> {
    let length = new.name.trim().chars().count();
    if !(1..=100).contains(&length) || new.name.contains(char::is_control) {
        return Err(Problem::invalid(
            engine::Reason::ValueInvalid,
            "name",
            "`name` must have 1 to 100 characters and no control characters",
        )
        .into());
    }
    if new.expires_at.is_some_and(|end| end <= unit.now()) {
        return Err(Problem::invalid(
            engine::Reason::TimeNotInFuture,
            "expires_at",
            "the expiry must be in the future",
        )
        .into());
    }
    Ok(())
}

/// The API key with this prefix.
///
/// # Errors
/// [`Error::Refused`] if the organization has no such key; [`Error::Forbidden`].
pub async fn get(scope: &Scope, prefix: &str) -> Result<ApiKey> {
    let key = list(scope).await?.into_iter().find(|key| key.prefix == prefix);
    key.ok_or_else(|| Problem::not_found("keyId", table().called).into())
}

/// Revokes the API key with this primary key, and returns it. Revoking a revoked key has no effect.
///
/// # Errors
/// [`Error::Refused`] if the organization has no such key; [`Error::Forbidden`].
pub async fn revoke_by_id(scope: &Scope, id: i64) -> Result<ApiKey> {
    let key = list(scope).await?.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| Problem::not_found("keyId", table().called))?;
    revoke(scope, &key.prefix).await?;
    get(scope, &key.prefix).await
}

/// API keys of the organization, oldest first.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn list(scope: &Scope) -> Result<Vec<ApiKey>> {
    scope.demand(Permission::ManageApiKeys)?;
    let keys = scope
        .select::<Entity>()
        .inner_join(user::Entity)
        .order_by_asc(Column::Id)
        .select_only()
        .columns([Column::Id, Column::Name, Column::KeyPrefix, Column::Role, Column::Kind])
        .column(user::Column::Email)
        .columns([Column::CreatedAt, Column::LastUsedAt, Column::ExpiresAt, Column::RevokedAt]);
    let keys = scope.store().tuples(&keys).await?;
    let key =
        |(id, name, prefix, role, kind, user, created_at, last_used_at, expires_at, revoked_at)| {
            ApiKey {
                id,
                name,
                prefix,
                role,
                kind,
                user,
                created_at,
                last_used_at,
                expires_at,
                revoked_at,
            }
        };
    Ok(keys.into_iter().map(key).collect())
}

/// Revokes the API key with this prefix. Revoking a revoked key has no effect.
///
/// # Errors
/// [`Error::NotFound`] if the organization has no such key; [`Error::Forbidden`].
pub async fn revoke(scope: &Scope, prefix: &str) -> Result<()> {
    scope.demand(Permission::ManageApiKeys)?;
    let prefix = prefix.strip_prefix(MARK).unwrap_or(prefix);
    let prefix = prefix.split('.').next().unwrap_or(prefix).to_owned();
    idempotency::run(scope, None, move |unit| {
        Box::pin(async move {
            let key = unit.scope().select::<Entity>().filter(Column::KeyPrefix.eq(&*prefix));
            let key = key.select_only().column(Column::Id);
            let Some(key) = unit.tuple::<i64, _>(key).await? else {
                return Err(Error::NotFound(format!("API key `{prefix}`")));
            };
            let before = unit.get(table(), key, "prefix").await?;
            if !before.has(Column::RevokedAt) {
                let mut after = before.clone();
                after.set(Column::RevokedAt, Value::Time(unit.now()));
                unit.update(&before, after).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Revokes all API keys of a user in the organization of the unit.
pub(super) async fn revoke_all(unit: &mut Unit, user: i64) -> Result<()> {
    let keys = unit.scope().select::<Entity>().filter(Column::UserId.eq(user));
    let keys = keys.filter(Column::RevokedAt.is_null()).order_by_asc(Column::Id);
    let keys: Vec<i64> = unit.tuples(&keys.select_only().column(Column::Id)).await?;
    for key in keys {
        let before = unit.get(table(), key, "id").await?;
        let mut after = before.clone();
        after.set(Column::RevokedAt, Value::Time(unit.now()));
        unit.update(&before, after).await?;
    }
    Ok(())
}

/// The prefix used for lookup; `None` if the text can't be an API key.
pub(super) fn prefix(text: &str) -> Option<&str> {
    let (prefix, own) = text.strip_prefix(MARK)?.split_once('.')?;
    let is_proper =
        secret::is_encoded(prefix, PREFIX_BYTES) && secret::is_encoded(own, SECRET_BYTES);
    is_proper.then_some(prefix)
}
