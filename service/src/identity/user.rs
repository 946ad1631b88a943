//! Users of the product. The row of a user belongs to the organization in which the user was created; the memberships
//! say in which organizations the user acts.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use engine::{
    change_log::kind,
    error::{Problem, Result},
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    value::Value,
    write::Unit,
};
pub use entity::identity::user::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select, sea_query::Expr};

/// Maximum length of an e-mail address in characters.
const MAX_EMAIL_LENGTH: usize = 320;

/// Maximum length of a name in characters.
const MAX_NAME_LENGTH: usize = 255;

type OptionalTime = Option<DateTime<Utc>>;

/// Time zone of new users.
const DEFAULT_TIME_ZONE: &str = "UTC";

/// Primary key, e-mail address, name, picture, time zone, time of the last sign-in, whether there is no password, the
/// organization in which the user was created, and the time at which the address was verified.
type ProfileRow =
    (i64, String, Option<String>, Option<String>, String, DateTime<Utc>, bool, i64, OptionalTime);

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("user")
            .described("A user.")
            .scoped(RowScope::Organization)
            .keeping_secret([Column::PasswordHash])
            .confidential()
    });
    &TABLE
}

/// A user who is looked up by e-mail address.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownUser {
    /// Primary key.
    pub(super) id: i64,
    /// Organization in which the user was created.
    pub(super) organization: i64,
    /// Whether the user is suspended or deleted.
    pub(super) is_blocked: bool,
}

/// The lower-case form in which e-mail addresses of users are stored and compared.
pub(super) fn normalized(email: &str) -> String {
    email.trim().chars().filter(|c| !c.is_control()).collect::<String>().to_lowercase()
}

/// The stored form of an e-mail address; `field` is the input with the address.
///
/// # Errors
/// [`Error::Refused`] if it is not an address.
pub(super) fn address(email: &str, field: &str) -> Result<String> {
    let email = normalized(email);
    let plain = email_address::Options::default().without_display_text().without_domain_literal();
    let is_proper = email_address::EmailAddress::parse_with_options(&email, plain).is_ok()
        && email.chars().count() <= MAX_EMAIL_LENGTH;
    if is_proper {
        return Ok(email);
    }
    let message = format!("`{field}` must be an e-mail address");
    Err(Problem::invalid(engine::Reason::EmailInvalid, field, message).into())
}

/// The stored form of the name of a person; `None` if it is empty.
///
/// # Errors
/// [`Error::Refused`] if it is too long or has a control character.
pub(super) fn name(name: Option<&str>) -> Result<Option<String>> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok(None) };
    if name.chars().count() > MAX_NAME_LENGTH || name.contains(char::is_control) {
        let message = format!(
            "`name` must have at most {MAX_NAME_LENGTH} characters and no control characters"
        );
        return Err(Problem::invalid(engine::Reason::ValueInvalid, "name", message).into());
    }
    Ok(Some(name.to_owned()))
}

/// The user with this normalized e-mail address, in any organization.
pub(super) async fn by_email(unit: &Unit, email: &str) -> Result<Option<KnownUser>> {
    let known = find_by_email(email).select_only().columns([Column::Id, Column::OrganizationId]);
    let known = known.columns([Column::SuspendedAt, Column::DeletedAt]);
    let known = unit.tuple::<(i64, i64, OptionalTime, OptionalTime), _>(known).await?;
    Ok(known.map(|(id, organization, suspended, deleted)| KnownUser {
        id,
        organization,
        is_blocked: suspended.is_some() || deleted.is_some(),
    }))
}

/// Whether a user has, or had, access to another organization than that of the unit.
#[expect(clippy::disallowed_methods, reason = "the question is about other organizations")]
pub(super) async fn has_access_elsewhere(unit: &Unit, user: i64) -> Result<bool> {
    use entity::identity::membership::{self, Column};
    let elsewhere = membership::Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::OrganizationId.ne(unit.scope().organization()))
        .filter(Column::Status.ne(super::membership::INVITED));
    let elsewhere = elsewhere.select_only().column(Column::Id);
    Ok(unit.tuple::<i64, _>(elsewhere).await?.is_some())
}

/// Whether a user was created in the organization of the unit and has no membership elsewhere.
#[expect(clippy::disallowed_methods, reason = "the question is about other organizations")]
pub(super) async fn belongs_only_to(unit: &Unit, user: i64) -> Result<bool> {
    use entity::identity::membership;
    let own = unit.scope().organization();
    let elsewhere = membership::Entity::find()
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::OrganizationId.ne(own));
    let elsewhere = elsewhere.select_only().column(membership::Column::Id);
    let created_here = unit.scope().select::<Entity>().filter(Column::Id.eq(user));
    let created_here = created_here.select_only().column(Column::Id);
    Ok(unit.tuple::<i64, _>(elsewhere).await?.is_none()
        && unit.tuple::<i64, _>(created_here).await?.is_some())
}

/// Inserts a user, in the organization of the unit.
pub(super) async fn insert(unit: &mut Unit, email: &str, name: Option<String>) -> Result<Record> {
    let mut person = Record::new(table());
    person.set(Column::Email, Value::Text(email.to_owned()));
    person.set(Column::Name, name.map_or(Value::Null, Value::Text));
    person.set(Column::Timezone, Value::Text(DEFAULT_TIME_ZONE.to_owned()));
    person.set(Column::LoginMethod, Value::Text("email".to_owned()));
    person.set(Column::OnboardingCompleted, Value::Bool(false));
    person.set(Column::LastSignedIn, Value::Time(unit.now()));
    unit.insert(person).await
}

/// Stores that the address of a user is verified, if it is not yet.
#[expect(clippy::disallowed_methods, reason = "the link identifies the user")]
pub(super) async fn verify_address(unit: &mut Unit, user: i64) -> Result<()> {
    let verified = Entity::update_many()
        .col_expr(Column::EmailVerifiedAt, Expr::value(unit.now()))
        .col_expr(Column::UpdatedAt, Expr::value(unit.now()))
        .filter(Column::Id.eq(user))
        .filter(Column::EmailVerifiedAt.is_null());
    if unit.run(&verified).await? == 1 {
        unit.note(table(), Some(user), kind::UPDATED, None, None);
    }
    Ok(())
}

/// What other members see of a user.
#[derive(Clone, Debug, Default)]
pub struct UserProfile {
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: Option<String>,
    /// URL of a picture.
    pub avatar_url: Option<String>,
    /// Time zone.
    pub timezone: String,
    /// Time of the last sign-in; `None` before the first.
    pub last_signed_in_at: Option<DateTime<Utc>>,
    /// Time at which the user proved to receive mail at the address.
    pub email_verified_at: Option<DateTime<Utc>>,
}

/// A user whose profile is read.
#[derive(Clone, Copy, Debug)]
pub struct ProfileOf {
    /// Primary key.
    pub user: i64,
    /// Whether the user was invited and has not accepted. Another organization then sees the e-mail address only.
    pub is_invited: bool,
}

/// The profiles of these users, in the same order. The caller has checked that their memberships are visible.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
#[expect(
    clippy::disallowed_methods,
    reason = "the users are members of the organization of the scope"
)]
pub async fn profiles(scope: &Scope, users: &[ProfileOf]) -> Result<Vec<UserProfile>> {
    let keys = users.iter().map(|one| one.user);
    let rows = Entity::find().filter(Column::Id.is_in(keys)).select_only();
    let rows = rows.columns([Column::Id, Column::Email, Column::Name, Column::AvatarUrl]);
    let rows = rows.columns([Column::Timezone, Column::LastSignedIn]).expr(
        sea_orm::sea_query::ExprTrait::is_null(sea_orm::sea_query::Expr::col(Column::PasswordHash)),
    );
    let rows = rows.columns([Column::OrganizationId, Column::EmailVerifiedAt]);
    let rows: Vec<ProfileRow> = scope.store().tuples(&rows).await?;
    let profile = |one: &ProfileOf| {
        let row = rows.iter().find(|row| row.0 == one.user)?;
        let (_, email, name, avatar_url, timezone, signed_in, is_new, home, verified_at) = row;
        if one.is_invited && *home != scope.organization() {
            let timezone = DEFAULT_TIME_ZONE.to_owned();
            return Some(UserProfile { email: email.clone(), timezone, ..UserProfile::default() });
        }
        Some(UserProfile {
            email: email.clone(),
            name: name.clone(),
            avatar_url: avatar_url.clone(),
            timezone: timezone.clone(),
            last_signed_in_at: (!is_new).then_some(*signed_in),
            email_verified_at: *verified_at,
        })
    };
    Ok(users.iter().map(|one| profile(one).unwrap_or_default()).collect())
}

#[expect(
    clippy::disallowed_methods,
    reason = "e-mail addresses are unique among all organizations"
)]
fn find_by_email(email: &str) -> Select<Entity> {
    Entity::find().filter(Column::Email.eq(email))
}
