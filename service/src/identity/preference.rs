//! Profile and preferences of a user, which the user edits.

use engine::{
    change_log::kind,
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    normal_form::domain,
    read::Zone,
    reason::Reason,
    scope::Scope,
    write::Unit,
};
use entity::identity::{
    user,
    user_preference::{ActiveModel, Column, Entity},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select, UpdateMany,
    sea_query::{Expr, OnConflict},
};
use serde_json::Value as Json;

use super::{
    accounts::Accounts,
    session::{self, signed_in},
};

/// Default theme of the page.
const DEFAULT_THEME: &str = "light";

/// Themes (`user_preferences.theme`).
pub const THEMES: &[EnumValue] = &[
    enum_value(DEFAULT_THEME, "Light."),
    enum_value("dark", "Dark."),
    enum_value("system", "As in the settings of the device."),
];

/// Maximum length of a JSON value, in bytes.
const MAX_JSON: usize = 16 * 1024;

/// Maximum length of a URL, in characters.
const MAX_URL: usize = 2_000;

/// Preferences of a user.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// Stored name of the theme.
    pub theme: String,
    /// Notification settings of clients.
    pub notifications: Option<Json>,
    /// Other settings of clients.
    pub values: Option<Json>,
}

/// A change of the profile and the preferences: each field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// New name; `Some(None)` removes it.
    pub name: Option<Option<String>>,
    /// New URL of a picture; `Some(None)` removes it.
    pub avatar_url: Option<Option<String>>,
    /// New time zone (IANA).
    pub time_zone: Option<String>,
    /// Stored name of the new theme.
    pub theme: Option<String>,
    /// New notification settings; `Some(None)` removes them.
    pub notifications: Option<Option<Json>>,
    /// Other new settings; `Some(None)` removes them.
    pub values: Option<Option<Json>>,
}

/// The preferences of the user of the scope; the default ones if the user has not changed them.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn of_viewer(scope: &Scope) -> Result<Option<Preferences>> {
    let Some(user) = scope.user() else { return Ok(None) };
    let own = find(user).select_only();
    let own = own.columns([Column::Theme, Column::Notifications, Column::Preferences]);
    let rows: Vec<(String, Option<Json>, Option<Json>)> = scope.store().tuples(&own).await?;
    let stored = rows.into_iter().next();
    let (theme, notifications, values) =
        stored.unwrap_or_else(|| (DEFAULT_THEME.to_owned(), None, None));
    Ok(Some(Preferences { theme, notifications, values }))
}

impl Accounts {
    /// Changes the profile and the preferences of the user of the scope.
    ///
    /// # Errors
    /// [`engine::Error::Refused`] if a value is not valid, or the caller is not signed in.
    pub async fn update_profile(&self, scope: &Scope, change: ProfileChange) -> Result<()> {
        let user = signed_in(scope)?;
        let change = checked(change)?;
        let mut unit =
            Unit::begin(&self.scope(scope.organization(), scope.actor().clone())).await?;
        update_user(&mut unit, user, &change).await?;
        update_preferences(&unit, user, change).await?;
        unit.commit().await?;
        self.sessions.expect_changes();
        Ok(())
    }
}

/// Checks the values of a change.
fn checked(mut change: ProfileChange) -> Result<ProfileChange> {
    if let Some(name) = &mut change.name {
        *name = super::user::name(name.as_deref())?;
    }
    if let Some(Some(url)) = &change.avatar_url {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || url.chars().count() > MAX_URL || domain::host(url).is_none() {
            let message = "`avatarUrl` must be a web address of at most 2,000 characters";
            return Err(Problem::invalid(Reason::UrlInvalid, "avatarUrl", message).into());
        }
    }
    if let Some(name) = &change.time_zone
        && Zone::named(name).is_none()
    {
        let message = "`timeZone` must be a time zone (IANA), such as Europe/Berlin";
        return Err(Problem::invalid(Reason::TimeZoneUnknown, "timeZone", message).into());
    }
    for (field, value) in
        [("notifications", &change.notifications), ("preferences", &change.values)]
    {
        if value.iter().flatten().any(|value| value.to_string().len() > MAX_JSON) {
            let message = format!("`{field}` must have at most {MAX_JSON} bytes");
            return Err(Problem::invalid(Reason::TextTooLong, field, message).into());
        }
    }
    Ok(change)
}

async fn update_user(unit: &mut Unit, user: i64, change: &ProfileChange) -> Result<()> {
    let now = unit.now();
    let mut update = of_user(user).col_expr(user::Column::UpdatedAt, Expr::value(now));
    let mut changes = false;
    for (column, value) in [
        (user::Column::Name, change.name.clone()),
        (user::Column::AvatarUrl, change.avatar_url.clone()),
        (user::Column::Timezone, change.time_zone.clone().map(Some)),
    ] {
        if let Some(value) = value {
            update = update.col_expr(column, Expr::value(value));
            changes = true;
        }
    }
    if changes {
        unit.run(&update).await?;
        unit.note(super::user::table(), Some(user), kind::UPDATED, None, None);
        // The name is part of the cached sessions.
        unit.run(&session::touch(session::open_sessions(user), now)).await?;
    }
    Ok(())
}

async fn update_preferences(unit: &Unit, user: i64, change: ProfileChange) -> Result<()> {
    let ProfileChange { theme, notifications, values, .. } = change;
    let mut written = vec![Column::UpdatedAt];
    written.extend(theme.is_some().then_some(Column::Theme));
    written.extend(notifications.is_some().then_some(Column::Notifications));
    written.extend(values.is_some().then_some(Column::Preferences));
    if written.len() == 1 {
        return Ok(());
    }
    let now = unit.now().fixed_offset();
    let row = ActiveModel {
        user_id: Set(user),
        theme: Set(theme.unwrap_or_else(|| DEFAULT_THEME.to_owned())),
        notifications: Set(notifications.flatten()),
        preferences: Set(values.flatten()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let conflict = OnConflict::column(Column::UserId).update_columns(written).to_owned();
    unit.run(&Entity::insert(row).on_conflict(conflict)).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the preferences of the signed-in user")]
fn find(user: i64) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(user))
}

#[expect(clippy::disallowed_methods, reason = "the signed-in user")]
fn of_user(user: i64) -> UpdateMany<user::Entity> {
    user::Entity::update_many().filter(user::Column::Id.eq(user))
}
