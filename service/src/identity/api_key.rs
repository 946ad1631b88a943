//! API keys: `sg_PREFIX.SECRET`, shown once and stored as a hash.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Problem, Result},
    policy::{Permission, Role},
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        idempotency,
        ownership::{InExport, OnErase, OnMerge, Ownership},
    },
};
pub use entity::identity::api_key::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};

use super::user;

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

/// Creates an API key and returns its full text, which can't be retrieved again.
///
/// # Errors
/// [`Error::Refused`] with all validation errors; [`Error::Forbidden`].
pub async fn create(scope: &Scope, new: NewKey) -> Result<String> {
    scope.demand(Permission::ManageApiKeys)?;
    let (prefix, secret) = (random::<PREFIX_BYTES>()?, random::<SECRET_BYTES>()?);
    let text = format!("{MARK}{prefix}.{secret}");
    let hash = hash(&text);
    idempotency::run(scope, None, move |unit| {
        Box::pin(async move {
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
            let role = if new.is_owner { Role::Owner } else { new.role };
            let person = user::ensure(unit, &new.user, role).await?;
            if person.has(user::Column::SuspendedAt) || person.has(user::Column::DeletedAt) {
                let message = "the user is suspended or deleted, so their API keys are rejected";
                return Err(
                    Problem::conflict(engine::Reason::UserNotAllowed, "user", message).into()
                );
            }
            let most = Role::of(person.text(user::Column::Role)).unwrap_or(Role::Analyst);
            if new.role.weaker(most) != new.role {
                let message = format!(
                    "the role of the key exceeds the role of the user; maximum: {}",
                    most.name()
                );
                return Err(
                    Problem::conflict(engine::Reason::UserNotAllowed, "role", message).into()
                );
            }
            let mut key = Record::new(table());
            key.set(Column::UserId, Value::Int(person.id()));
            for (column, text) in [
                (Column::Name, new.name.trim()),
                (Column::Kind, if new.worker { "worker" } else { "person" }),
                (Column::Role, new.role.name()),
                (Column::KeyPrefix, &prefix),
                (Column::KeyHash, &hash),
            ] {
                key.set(column, Value::Text(text.to_owned()));
            }
            key.set(Column::ExpiresAt, new.expires_at.map_or(Value::Null, Value::Time));
            unit.insert(key).await?;
            Ok(())
        })
    })
    .await?;
    Ok(text)
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
        .columns([Column::Name, Column::KeyPrefix, Column::Role, Column::Kind])
        .column(user::Column::Email)
        .columns([Column::CreatedAt, Column::LastUsedAt, Column::ExpiresAt, Column::RevokedAt]);
    let keys = scope.store().tuples(&keys).await?;
    let key =
        |(name, prefix, role, kind, user, created_at, last_used_at, expires_at, revoked_at)| {
            ApiKey {
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

/// The prefix used for lookup; `None` if the text can't be an API key.
pub(super) fn prefix(text: &str) -> Option<&str> {
    let (prefix, secret) = text.strip_prefix(MARK)?.split_once('.')?;
    let proper = |part: &str, bytes: usize| {
        part.len() == (bytes * 4).div_ceil(3)
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (proper(prefix, PREFIX_BYTES) && proper(secret, SECRET_BYTES)).then_some(prefix)
}

/// Stored hash of a key: SHA-256 in hexadecimal. A salt is not needed because the key is random.
pub(super) fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn random<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
