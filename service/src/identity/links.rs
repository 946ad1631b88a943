//! Acceptance of invitations, new passwords, and the setup of the first account.

use engine::{
    change_log::kind,
    error::{Error, Problem, Result},
    policy::Role,
    reason::Reason,
    scope::{Actor, Scope},
    value::Value,
    write::Unit,
};
use entity::identity::user as stored;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select, UpdateMany, sea_query::Expr,
};

use super::{
    accounts::{Accounts, has_no_account},
    login_attempt::{self, Client},
    membership::{self, ACTIVE, INVITED},
    one_time_token::{self, Purpose},
    outgoing_mail, password,
    session::{self, NewSession, signed_in},
    user,
};

/// A user, found by primary key.
struct StoredUser {
    id: i64,
    home: i64,
    email: String,
    name: Option<String>,
    has_password: bool,
}

impl StoredUser {
    fn actor(&self) -> Actor {
        let name = self.name.as_deref().unwrap_or(&self.email);
        Actor::Person(name.chars().take(255).collect())
    }
}

impl Accounts {
    /// Accepts an invitation and signs in. The password becomes the password of a new account; of an account that has
    /// one, it is verified.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the link or the password is not valid; [`Error::RateLimited`].
    pub async fn accept_invitation(
        &self,
        token: &str,
        name: Option<&str>,
        password: String,
        client: &Client,
    ) -> Result<NewSession> {
        let now = self.clock.now();
        let token = one_time_token::find(&self.store, Purpose::Invitation, token, now).await?;
        let missing = || Error::internal("the invitation names no organization");
        let organization = token.organization.ok_or_else(missing)?;
        let mut user = self.user(token.user).await?;
        if user.has_password {
            let account = self.verify(&user.email, password, client).await?;
            let scope = self.scope(organization, account.actor.clone());
            let mut unit = Unit::begin(&scope).await?;
            one_time_token::consume(&mut unit, token).await?;
            one_time_token::invalidate_resets(&unit, user.id).await?;
            activate(&mut unit, user.id).await?;
            let new = self.begin_session(&unit, &account, organization, client).await?;
            unit.commit().await?;
            return Ok(new);
        }
        password::check(&password, &user.email)?;
        user.name = user::name(name)?.or(user.name);
        let hash = self.hasher.hash(password).await?;
        let mut unit = Unit::begin(&self.scope(organization, user.actor())).await?;
        one_time_token::consume(&mut unit, token).await?;
        one_time_token::invalidate_resets(&unit, user.id).await?;
        // The user of an API key has no password, but may have a role in the organization of the key.
        if user::has_access_elsewhere(&unit, user.id).await? {
            let message = "the user has access to other organizations, but no password; only the operator of the server \
                           can create a link for a password";
            return Err(Error::invalid(Reason::UserNotAllowed, "token", message));
        }
        activate(&mut unit, user.id).await?;
        set_first_password(&mut unit, &user, &hash).await?;
        let new = begin_first_session(&unit, &user, organization, client).await?;
        unit.commit().await?;
        Ok(new)
    }

    /// Sets a new password with a link, ends all sessions of the user, and signs in.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the link or the password is not valid; [`Error::RateLimited`].
    pub async fn reset_password(
        &self,
        token: &str,
        password: String,
        client: &Client,
    ) -> Result<NewSession> {
        let now = self.clock.now();
        let token = one_time_token::find(&self.store, Purpose::PasswordReset, token, now).await?;
        let user = self.user(token.user).await?;
        password::check(&password, &user.email)?;
        let organization = self.organization_of(user.id, user.home).await?;
        let hash = self.hasher.hash(password).await?;
        let mut unit = Unit::begin(&self.scope(organization, user.actor())).await?;
        one_time_token::consume(&mut unit, token).await?;
        replace_password(&mut unit, &user, &hash, None).await?;
        let new = begin_first_session(&unit, &user, organization, client).await?;
        unit.commit().await?;
        self.sessions.expect_changes();
        Ok(new)
    }

    /// Changes the password of the user of the scope, ends all sessions of the user, and begins a new one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a password is not valid; [`Error::RateLimited`].
    pub async fn change_password(
        &self,
        scope: &Scope,
        current: String,
        new: String,
        client: &Client,
    ) -> Result<NewSession> {
        let user = self.user(signed_in(scope)?).await?;
        password::check(&new, &user.email)?;
        let account = self.verify(&user.email, current, client).await?;
        let hash = self.hasher.hash(new).await?;
        let organization = scope.organization();
        let mut unit = Unit::begin(&self.scope(organization, user.actor())).await?;
        let session = self.begin_session(&unit, &account, organization, client).await?;
        replace_password(&mut unit, &user, &hash, Some(&session)).await?;
        unit.commit().await?;
        self.sessions.expect_changes();
        Ok(session)
    }

    /// Creates the first account, as owner of `organization`, with the setup code.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code, the address or the password is not valid, or there is an account.
    pub async fn set_up(
        &self,
        organization: i64,
        new: FirstAccount,
        client: &Client,
    ) -> Result<NewSession> {
        self.setup.check(&new.code, self.clock.now())?;
        let email = user::address(&new.email, "email")?;
        let name = user::name(new.name.as_deref())?;
        password::check(&new.password, &email)?;
        let exists = || {
            let message = "there already is an account; ask its owner for an invitation";
            Error::invalid(Reason::SetupCodeRejected, "code", message)
        };
        if !has_no_account(&self.store).await? {
            return Err(exists());
        }
        let hash = self.hasher.hash(new.password).await?;
        let actor = Actor::Person(name.clone().unwrap_or_else(|| email.clone()));
        let mut unit = Unit::begin(&self.scope(organization, actor)).await?;
        unit.advisory_lock(user::table(), "first account").await?;
        if unit
            .tuple::<i64, _>(with_password().select_only().column(stored::Column::Id))
            .await?
            .is_some()
        {
            return Err(exists());
        }
        let id = own_first_user(&mut unit, &email).await?;
        let user = StoredUser { id, home: organization, email, name, has_password: false };
        set_first_password(&mut unit, &user, &hash).await?;
        let session = begin_first_session(&unit, &user, organization, client).await?;
        if self.sends_mail() {
            outgoing_mail::enqueue(&unit, Purpose::EmailVerification, user.id, None).await?;
        }
        unit.commit().await?;
        self.setup.consume();
        Ok(session)
    }

    /// The user with this primary key, who is neither suspended nor deleted.
    async fn user(&self, id: i64) -> Result<StoredUser> {
        use stored::Column;
        let found = find_user(id).select_only();
        let found = found.columns([Column::OrganizationId, Column::Email, Column::Name]);
        let found =
            found.expr(sea_orm::sea_query::ExprTrait::is_not_null(Expr::col(Column::PasswordHash)));
        let rows: Vec<(i64, String, Option<String>, bool)> = self.store.tuples(&found).await?;
        let Some((home, email, name, has_password)) = rows.into_iter().next() else {
            let message = "the account is suspended; ask an administrator";
            return Err(Error::invalid(Reason::AccountSuspended, "email", message));
        };
        Ok(StoredUser { id, home, email, name, has_password })
    }
}

/// The first account of a server.
pub struct FirstAccount {
    /// The setup code that the server has printed.
    pub code: String,
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: Option<String>,
    /// Password.
    pub password: String,
}

/// Changes the membership of a user from invited to active.
async fn activate(unit: &mut Unit, user: i64) -> Result<()> {
    let membership = membership::of_user(unit, user).await?;
    let invited = membership.filter(|row| row.text(membership::Column::Status) == INVITED);
    let Some(before) = invited else {
        let message = "the invitation was withdrawn; ask for a new one";
        return Err(Error::invalid(Reason::LinkInvalid, "token", message));
    };
    let mut after = before.clone();
    after.set(membership::Column::Status, Value::Text(ACTIVE.to_owned()));
    unit.update(&before, after).await?;
    Ok(())
}

/// The user with this address as active owner of the organization of the unit.
async fn own_first_user(unit: &mut Unit, email: &str) -> Result<i64> {
    let Some(known) = user::by_email(unit, email).await? else {
        let id = user::insert(unit, email, None).await?.id();
        membership::insert(unit, id, Role::Owner, ACTIVE).await?;
        return Ok(id);
    };
    if known.is_blocked || known.organization != unit.scope().organization() {
        let message = "the user is suspended, deleted or belongs to another organization";
        return Err(Problem::conflict(Reason::UserNotAllowed, "email", message).into());
    }
    let Some(before) = membership::of_user(unit, known.id).await? else {
        membership::insert(unit, known.id, Role::Owner, ACTIVE).await?;
        return Ok(known.id);
    };
    let mut after = before.clone();
    after.set(membership::Column::Role, Value::Text(Role::Owner.name().to_owned()));
    after.set(membership::Column::Status, Value::Text(ACTIVE.to_owned()));
    unit.update(&before, after).await?;
    Ok(known.id)
}

/// Stores the hash of the first password of a user. Of concurrent requests with different links, one succeeds.
async fn set_first_password(unit: &mut Unit, user: &StoredUser, hash: &str) -> Result<()> {
    let first = with_hash(user, hash, unit.now()).filter(stored::Column::PasswordHash.is_null());
    if unit.run(&first).await? == 0 {
        let message = "the account already has a password; use the link again and enter it";
        return Err(Error::invalid(Reason::LinkInvalid, "token", message));
    }
    unit.note(user::table(), Some(user.id), kind::UPDATED, None, None);
    Ok(())
}

/// Sets the password of a user, invalidates the links, and ends all sessions, or all but one.
async fn replace_password(
    unit: &mut Unit,
    user: &StoredUser,
    hash: &str,
    kept: Option<&NewSession>,
) -> Result<()> {
    set_password(unit, user, hash).await?;
    one_time_token::invalidate_all(unit, user.id).await?;
    let mut ended = session::open_sessions(user.id);
    if let Some(kept) = kept {
        ended = ended.add(session::is_not(kept));
    }
    unit.run(&session::revoke(ended, unit.now())).await?;
    Ok(())
}

/// Stores the hash of a password, and the name. The change log records only that the user was written.
async fn set_password(unit: &mut Unit, user: &StoredUser, hash: &str) -> Result<()> {
    unit.run(&with_hash(user, hash, unit.now())).await?;
    unit.note(user::table(), Some(user.id), kind::UPDATED, None, None);
    Ok(())
}

/// Begins a session without the verification of a password, and stores that the user has signed in, which also ends a
/// lock-out.
async fn begin_first_session(
    unit: &Unit,
    user: &StoredUser,
    organization: i64,
    client: &Client,
) -> Result<NewSession> {
    unit.run(&login_attempt::succeeded(&user.email, client, unit.now())).await?;
    let ends = unit.now() + session::DURATION;
    session::begin(unit, user.id, organization, client, ends).await
}

#[expect(clippy::disallowed_methods, reason = "the link or the session identifies the user")]
fn with_hash(
    user: &StoredUser,
    hash: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> UpdateMany<stored::Entity> {
    use stored::Column;
    stored::Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(hash))
        .col_expr(Column::Name, Expr::value(user.name.clone()))
        .col_expr(Column::LastSignedIn, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(user.id))
}

/// The user with this primary key, if neither suspended nor deleted.
#[expect(
    clippy::disallowed_methods,
    reason = "the link, the session or the mail identifies the user"
)]
pub(super) fn find_user(id: i64) -> Select<stored::Entity> {
    use stored::Column;
    stored::Entity::find()
        .filter(Column::Id.eq(id))
        .filter(Column::DeletedAt.is_null())
        .filter(Column::SuspendedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "the question is about the whole server")]
fn with_password() -> Select<stored::Entity> {
    stored::Entity::find().filter(stored::Column::PasswordHash.is_not_null())
}
