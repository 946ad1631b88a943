//! Keys of programs and people that call the API: `sg_PREFIX.SECRET`, shown once, stored as a hash.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::identity::api_key;
use sha2::{Digest, Sha256};

use super::{
    policy::{Permission, Role},
    user,
};
use crate::{
    error::{Error, Problem, Result},
    scope::Scope,
    table::Table,
    value::Value,
    write::{Record, once},
};

/// What every key begins with, so that one that leaks is recognised.
const MARK: &str = "sg_";

/// How many random bytes name a key: 12 characters.
const PREFIX_BYTES: usize = 9;

/// How many random bytes make its secret: 43 characters.
const SECRET_BYTES: usize = 32;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<api_key::Entity>("api_key")
            .holding([
                ("name", 100),
                ("kind", 20),
                ("role", 20),
                ("key_prefix", 12),
                ("key_hash", 64),
            ])
            .keeping_secret(["key_hash"])
            .confidential()
    });
    &TABLE
}

/// A key that is wanted.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for, or where it is kept: at most 100 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether a program uses it. What a program wrote, a person approves.
    pub worker: bool,
    /// The e-mail address of the person who answers for it, who is made when there is none.
    pub user: String,
    /// Whether that person is the owner of the organization, and not what the key is.
    pub is_owner: bool,
    /// From when on it is not accepted any more.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// What it is for.
    pub name: String,
    /// By which it is told from others, and revoked.
    pub prefix: String,
    /// What it may do.
    pub role: String,
    /// `worker` or `person`.
    pub kind: String,
    /// The e-mail address of the person who answers for it.
    pub user: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From when on it is not accepted any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Makes a key; gives its whole text, which nobody can tell again.
///
/// # Errors
/// [`Error::Refused`] with everything that is wrong; [`Error::Forbidden`].
pub async fn create(scope: &Scope, new: NewKey) -> Result<String> {
    scope.demand(Permission::ManageApiKeys)?;
    let (prefix, secret) = (random::<PREFIX_BYTES>()?, random::<SECRET_BYTES>()?);
    let text = format!("{MARK}{prefix}.{secret}");
    let hash = hash(&text);
    once::run(scope, None, move |unit| {
        Box::pin(async move {
            let length = new.name.trim().chars().count();
            if !(1..=100).contains(&length) || new.name.contains(char::is_control) {
                return Err(Problem::invalid(
                    crate::Reason::ValueInvalid,
                    "name",
                    "it has from 1 to 100 characters",
                )
                .into());
            }
            if new.expires_at.is_some_and(|end| end <= unit.now()) {
                return Err(Problem::invalid(
                    crate::Reason::TimeNotInFuture,
                    "expires_at",
                    "it must lie ahead",
                )
                .into());
            }
            let role = if new.is_owner { Role::Owner } else { new.role };
            let person = user::ensure(unit, &new.user, role).await?;
            if person.has("suspended_at") || person.has("deleted_at") {
                let message = "this user is suspended or deleted: no key of theirs is accepted";
                return Err(
                    Problem::conflict(crate::Reason::UserNotAllowed, "user", message).into()
                );
            }
            let most = Role::of(person.text("role")).unwrap_or(Role::Analyst);
            if new.role.weaker(most) != new.role {
                let message = format!("a key of this user is at most {}", most.name());
                return Err(
                    Problem::conflict(crate::Reason::UserNotAllowed, "role", message).into()
                );
            }
            let mut key = Record::new(table());
            key.set("user_id", Value::Int(person.id()));
            for (column, text) in [
                ("name", new.name.trim()),
                ("kind", if new.worker { "worker" } else { "person" }),
                ("role", new.role.name()),
                ("key_prefix", &prefix),
                ("key_hash", &hash),
            ] {
                key.set(column, Value::Text(text.to_owned()));
            }
            key.set("expires_at", new.expires_at.map_or(Value::Null, Value::Time));
            unit.insert(key).await?;
            Ok(())
        })
    })
    .await?;
    Ok(text)
}

/// The keys of the organization, oldest first.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn list(scope: &Scope) -> Result<Vec<ApiKey>> {
    scope.demand(Permission::ManageApiKeys)?;
    let sql = "SELECT k.\"name\", k.\"key_prefix\", k.\"role\", k.\"kind\", u.\"email\", \
               k.\"created_at\", k.\"last_used_at\", k.\"expires_at\", k.\"revoked_at\" \
               FROM \"api_keys\" k JOIN \"users\" u ON u.\"id\" = k.\"user_id\" \
               WHERE k.\"organization_id\" = {} ORDER BY k.\"id\"";
    let rows = scope.store().query(sql, vec![scope.organization().into()]).await?;
    let key = |row: &sea_orm::QueryResult| {
        Ok(ApiKey {
            name: row.try_get_by_index(0)?,
            prefix: row.try_get_by_index(1)?,
            role: row.try_get_by_index(2)?,
            kind: row.try_get_by_index(3)?,
            user: row.try_get_by_index(4)?,
            created_at: row.try_get_by_index(5)?,
            last_used_at: row.try_get_by_index(6)?,
            expires_at: row.try_get_by_index(7)?,
            revoked_at: row.try_get_by_index(8)?,
        })
    };
    rows.iter().map(key).collect()
}

/// Revokes the key with this prefix. One that is revoked stays so.
///
/// # Errors
/// [`Error::NotFound`] when the organization has none; [`Error::Forbidden`].
pub async fn revoke(scope: &Scope, prefix: &str) -> Result<()> {
    scope.demand(Permission::ManageApiKeys)?;
    let prefix = prefix.strip_prefix(MARK).unwrap_or(prefix);
    let prefix = prefix.split('.').next().unwrap_or(prefix).to_owned();
    once::run(scope, None, move |unit| {
        Box::pin(async move {
            let sql = "SELECT \"id\" FROM \"api_keys\" WHERE \"key_prefix\" = {} \
                       AND \"organization_id\" = {}";
            let binds = vec![prefix.clone().into(), unit.scope().organization().into()];
            let rows = unit.query(sql, binds).await?;
            let Some(row) = rows.first() else {
                return Err(Error::NotFound(format!("the key `{prefix}`")));
            };
            let before = unit.get(table(), row.try_get_by_index(0)?, "prefix").await?;
            if !before.has("revoked_at") {
                let mut after = before.clone();
                after.set("revoked_at", Value::Time(unit.now()));
                unit.update(&before, after).await?;
            }
            Ok(())
        })
    })
    .await
}

/// The part of a key by which it is looked up; `None` when the text can be no key.
pub(super) fn prefix(text: &str) -> Option<&str> {
    let (prefix, secret) = text.strip_prefix(MARK)?.split_once('.')?;
    let proper = |part: &str, bytes: usize| {
        part.len() == (bytes * 4).div_ceil(3)
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (proper(prefix, PREFIX_BYTES) && proper(secret, SECRET_BYTES)).then_some(prefix)
}

/// What is stored of a key: SHA-256 in hexadecimal. It is random throughout, so it needs no salt.
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
