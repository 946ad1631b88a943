//! Actions of the operator of a server on accounts, in all organizations.

use chrono::{DateTime, Utc};
use engine::{
    change_log::kind,
    error::{Error, Result},
    scope::Actor,
    write::Unit,
};
use entity::{
    governance::change,
    identity::{login_attempt, membership, organization, user, user_preference},
    outreach::outreach_draft,
};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    UpdateMany,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use super::{
    accounts::Accounts,
    departure,
    membership::LEFT,
    one_time_token::{self, Purpose},
    outgoing_mail, secret, session,
    user::normalized,
};

/// Columns of drafts with names of users.
const NAME_COLUMNS: [&str; 2] =
    [outreach_draft::Column::AuthorName.name(), outreach_draft::Column::ApproverName.name()];

/// Name in place of that of an erased user.
const ERASED: &str = "erased user";

/// A user with a membership, as listed for the operator.
#[derive(Clone, Debug)]
pub struct ListedUser {
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: Option<String>,
    /// Short name of the organization.
    pub organization: String,
    /// Stored name of the role.
    pub role: String,
    /// Stored name of the status of the membership.
    pub status: String,
    /// Time at which the operator suspended the account.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Whether the account has a password.
    pub has_password: bool,
    /// Time of the last sign-in, or of the creation.
    pub last_signed_in: DateTime<Utc>,
}

impl Accounts {
    /// All users with their memberships, by e-mail address. Erased users are omitted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn list_users(&self) -> Result<Vec<ListedUser>> {
        use user::Column;
        let users = all_memberships().select_only().columns([Column::Email, Column::Name]);
        let users = users.column(organization::Column::Slug);
        let users = users.columns([membership::Column::Role, membership::Column::Status]);
        let users = users.column(Column::SuspendedAt);
        let has_password = Expr::col((user::Entity, Column::PasswordHash)).is_not_null();
        let users = users.expr(has_password).column(Column::LastSignedIn);
        let users = users.order_by_asc(Column::Email).order_by_asc(membership::Column::Id);
        let rows = self.store.tuples(&users).await?;
        let user = |row| {
            let (email, name, organization, role, status, suspended_at, has_password, last) = row;
            ListedUser {
                email,
                name,
                organization,
                role,
                status,
                suspended_at,
                has_password,
                last_signed_in: last,
            }
        };
        Ok(rows.into_iter().map(user).collect())
    }

    /// A link with which the user with this address sets a new password.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn password_reset_link(&self, email: &str) -> Result<String> {
        let (user, home) = self.found(email).await?;
        let token = secret::token()?;
        let unit = Unit::begin(&self.scope(home, Actor::CommandLine)).await?;
        one_time_token::issue(&unit, Purpose::PasswordReset, user, None, &token).await?;
        unit.commit().await?;
        Ok(self.link("reset", &token))
    }

    /// Suspends an account in all organizations: its sessions end within a second, its links become invalid, and its API
    /// keys are rejected.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn suspend_account(&self, email: &str, reason: Option<&str>) -> Result<()> {
        use user::Column;
        let (user, home) = self.found(email).await?;
        let mut unit = Unit::begin(&self.scope(home, Actor::CommandLine)).await?;
        let now = unit.now();
        let suspended = update_user(user, now)
            .col_expr(Column::SuspendedAt, Expr::value(now))
            .col_expr(Column::SuspensionReason, Expr::value(reason));
        unit.run(&suspended).await?;
        end_access(&mut unit, user).await?;
        unit.commit().await
    }

    /// Reinstates a suspended account. Its user signs in again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn reinstate_account(&self, email: &str) -> Result<()> {
        use user::Column;
        let (user, home) = self.found(email).await?;
        let mut unit = Unit::begin(&self.scope(home, Actor::CommandLine)).await?;
        let reinstated = update_user(user, unit.now())
            .col_expr(Column::SuspendedAt, Expr::value(None::<DateTime<Utc>>))
            .col_expr(Column::SuspensionReason, Expr::value(None::<String>));
        unit.run(&reinstated).await?;
        unit.note(super::user::table(), Some(user), kind::UPDATED, None, None);
        unit.commit().await
    }

    /// Erases an account: its personal data, sign-in attempts, links and preferences are removed, also from the change log
    /// and from drafts; its sessions and API keys end, and it leaves all organizations. The primary key remains, because other
    /// rows refer to it. A name that another user also has stays in the change log and in drafts, which do not tell the two
    /// apart.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn erase_account(&self, email: &str) -> Result<()> {
        use user::Column;
        let (user, home) = self.found(email).await?;
        let email = normalized(email);
        self.leave_organizations(user).await?;
        let names = self.names_of(user, &email).await?;
        let mut unit = Unit::begin(&self.scope(home, Actor::CommandLine)).await?;
        let now = unit.now();
        let erased = update_user(user, now)
            .col_expr(Column::Email, Expr::value(format!("deleted-{user}@invalid")))
            .col_expr(Column::Timezone, Expr::value("UTC"))
            .col_expr(Column::DeletedAt, Expr::value(now));
        let personal = [
            Column::Username,
            Column::AvatarUrl,
            Column::OpenId,
            Column::GoogleId,
            Column::PasswordHash,
            Column::Name,
            Column::SuspensionReason,
        ];
        let erased = personal
            .into_iter()
            .fold(erased, |erased, column| erased.col_expr(column, Expr::value(None::<String>)));
        unit.run(&erased).await?;
        end_access(&mut unit, user).await?;
        unit.run(&keys_without_names(user, now)).await?;
        unit.run(&actions_without_names(user, &names)).await?;
        for drafts in drafts_without_names(user, &names) {
            unit.run(&drafts).await?;
        }
        let organizations = memberships_of(user).select_only();
        let organizations = organizations.column(membership::Column::OrganizationId);
        for organization in unit.tuples::<i64>(&organizations).await? {
            for (name, column) in names.iter().flat_map(|name| NAME_COLUMNS.map(|it| (name, it))) {
                let place = ("outreach_draft", column);
                unit.replace_in_log(organization, place, name, ERASED).await?;
            }
        }
        unit.run(&memberships_in_log(user)).await?;
        unit.run(&attempts_of(&email)).await?;
        unit.run(&without_clients(user)).await?;
        unit.run(&preferences_of(user)).await?;
        unit.commit().await
    }

    /// Ends the memberships of a user, each in a transaction of its organization.
    async fn leave_organizations(&self, user: i64) -> Result<()> {
        use membership::Column;
        let own = memberships_of(user).filter(Column::Status.ne(LEFT)).select_only();
        let own = own.columns([Column::Id, Column::OrganizationId]);
        for (id, organization) in self.store.tuples::<(i64, i64)>(&own).await? {
            let mut unit = Unit::begin(&self.scope(organization, Actor::CommandLine)).await?;
            if let Some(before) = unit.find(super::membership::table(), id).await? {
                departure::leave(&mut unit, self.tables, &before, None).await?;
            }
            unit.commit().await?;
        }
        Ok(())
    }

    /// The names of a user that no other user has. The change log and drafts keep names only.
    async fn names_of(&self, user: i64, email: &str) -> Result<Vec<String>> {
        let own = find_users(email).select_only().column(user::Column::Name);
        let own: Vec<Option<String>> = self.store.tuples(&own).await?;
        let mut names = vec![email.to_owned()];
        for name in own.into_iter().flatten() {
            let others = others_called(user, &name).select_only().column(user::Column::Id);
            if self.store.tuples::<i64>(&others).await?.is_empty() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The primary key and the home organization of the user with this address.
    async fn found(&self, email: &str) -> Result<(i64, i64)> {
        use user::Column;
        let email = normalized(email);
        let found = find_users(&email).select_only().columns([Column::Id, Column::OrganizationId]);
        let found: Vec<(i64, i64)> = self.store.tuples(&found).await?;
        found.first().copied().ok_or_else(|| Error::NotFound(format!("user `{email}`")))
    }
}

/// Ends the sessions and links of a user, and notes the write.
async fn end_access(unit: &mut Unit, user: i64) -> Result<()> {
    unit.run(&session::revoke(session::open_sessions(user), unit.now())).await?;
    one_time_token::invalidate_all(unit, user).await?;
    unit.run(&outgoing_mail::of_user(user)).await?;
    unit.note(super::user::table(), Some(user), kind::UPDATED, None, None);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "for the operator of the server")]
fn all_memberships() -> Select<user::Entity> {
    let memberships = user::Entity::has_many(membership::Entity)
        .from(user::Column::Id)
        .to(membership::Column::UserId);
    let organizations = membership::Entity::belongs_to(organization::Entity)
        .from(membership::Column::OrganizationId)
        .to(organization::Column::Id);
    user::Entity::find()
        .join(JoinType::InnerJoin, memberships.into())
        .join(JoinType::InnerJoin, organizations.into())
        .filter(user::Column::DeletedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "for the operator of the server")]
fn find_users(email: &str) -> Select<user::Entity> {
    user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .filter(user::Column::DeletedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "for the operator of the server")]
fn update_user(user: i64, now: DateTime<Utc>) -> UpdateMany<user::Entity> {
    user::Entity::update_many()
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(user))
}

#[expect(clippy::disallowed_methods, reason = "names of one user")]
fn others_called(user: i64, name: &str) -> Select<user::Entity> {
    user::Entity::find()
        .filter(user::Column::Name.eq(name))
        .filter(user::Column::Id.ne(user))
        .limit(1)
}

/// The organizations of which a user is, or was, a member.
fn organizations_of(user: i64) -> SelectStatement {
    let own = memberships_of(user).select_only();
    own.column(membership::Column::OrganizationId).into_query()
}

#[expect(clippy::disallowed_methods, reason = "the memberships of one user")]
fn memberships_of(user: i64) -> Select<membership::Entity> {
    membership::Entity::find().filter(membership::Column::UserId.eq(user))
}

/// The statement that revokes the API keys of a user in all organizations, and removes their names.
#[expect(clippy::disallowed_methods, reason = "the API keys of one user")]
fn keys_without_names(
    user: i64,
    now: DateTime<Utc>,
) -> UpdateMany<entity::identity::api_key::Entity> {
    use entity::identity::api_key::{Column, Entity};
    let revoked_at = Expr::col(Column::RevokedAt).if_null(now);
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(ERASED))
        .col_expr(Column::RevokedAt, revoked_at)
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::UserId.eq(user))
}

/// The statement that removes the names of a user from the change log.
#[expect(clippy::disallowed_methods, reason = "the actions of one user")]
fn actions_without_names(user: i64, names: &[String]) -> UpdateMany<change::Entity> {
    use change::Column;
    change::Entity::update_many()
        .col_expr(Column::ActorName, Expr::value(ERASED))
        .filter(Column::OrganizationId.in_subquery(organizations_of(user)))
        .filter(Column::ActorKind.eq("person"))
        .filter(Column::ActorName.is_in(names.iter().map(String::as_str)))
}

/// The statements that remove the names of a user from drafts.
#[expect(clippy::disallowed_methods, reason = "the drafts of one user")]
fn drafts_without_names(user: i64, names: &[String]) -> [UpdateMany<outreach_draft::Entity>; 2] {
    use outreach_draft::Column;
    let drafts = |kind: Column, name: Column| {
        outreach_draft::Entity::update_many()
            .col_expr(name, Expr::value(ERASED))
            .filter(Column::OrganizationId.in_subquery(organizations_of(user)))
            .filter(kind.eq("person"))
            .filter(name.is_in(names.iter().map(String::as_str)))
    };
    [
        drafts(Column::AuthorKind, Column::AuthorName),
        drafts(Column::ApproverKind, Column::ApproverName),
    ]
}

/// The statement that removes the values of the memberships of a user, such as reasons of suspensions, from the change log.
#[expect(clippy::disallowed_methods, reason = "the memberships of one user")]
fn memberships_in_log(user: i64) -> UpdateMany<change::Entity> {
    use change::Column;
    let own = memberships_of(user).select_only().column(membership::Column::Id).into_query();
    change::Entity::update_many()
        .col_expr(Column::Before, Expr::value(None::<serde_json::Value>))
        .col_expr(Column::After, Expr::value(None::<serde_json::Value>))
        .filter(Column::Entity.eq(super::membership::table().called))
        .filter(Column::RecordId.in_subquery(own))
}

#[expect(clippy::disallowed_methods, reason = "attempts belong to no organization")]
fn attempts_of(email: &str) -> sea_orm::DeleteMany<login_attempt::Entity> {
    login_attempt::Entity::delete_many().filter(login_attempt::Column::Email.eq(email))
}

#[expect(clippy::disallowed_methods, reason = "the preferences of one user")]
fn preferences_of(user: i64) -> sea_orm::DeleteMany<user_preference::Entity> {
    user_preference::Entity::delete_many().filter(user_preference::Column::UserId.eq(user))
}

/// The statement that removes the addresses and programs of the clients of a user.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
fn without_clients(user: i64) -> UpdateMany<entity::identity::user_session::Entity> {
    use entity::identity::user_session::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::IpAddress, Expr::value(None::<String>))
        .col_expr(Column::UserAgent, Expr::value(None::<String>))
        .filter(Column::UserId.eq(user))
}
