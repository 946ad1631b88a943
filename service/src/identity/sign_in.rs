//! Signing in and out, and the active organization of a session.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{
    authentication::Credential,
    error::{Error, Result},
    reason::Reason,
    scope::{Actor, Scope},
    write::Unit,
};
use entity::identity::{membership, organization, user};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select, UpdateMany,
    sea_query::Expr,
};
use tokio::time::{Instant, sleep_until};

use super::{
    accounts::Accounts,
    login_attempt::{self, Client, Failure},
    membership::ACTIVE,
    session::{self, NewSession, signed_in},
    user::normalized,
};

/// Duration of a rejected attempt at least, so that it does not show which algorithm has hashed the password.
const REJECTED_AFTER: Duration = Duration::from_millis(500);

/// An account whose password has been verified.
pub(super) struct VerifiedAccount {
    /// Primary key of the user.
    pub(super) user: i64,
    /// Organization in which the user was created.
    pub(super) home: i64,
    /// The stored attempt.
    pub(super) attempt: i64,
    /// The user as an actor.
    pub(super) actor: Actor,
    /// The verified hash.
    hash: String,
    /// A current hash, if the verified one is outdated.
    new_hash: Option<String>,
}

impl Accounts {
    /// Signs in: verifies the password and begins a session in the organization in which the user was created, or in the
    /// first one of which the user is an active member.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the e-mail address or the password is wrong, or the account is suspended;
    /// [`Error::RateLimited`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        client: &Client,
    ) -> Result<NewSession> {
        let account = self.verify(email, password, client).await?;
        let organization = match self.organization_of(account.user, account.home).await {
            Ok(organization) => organization,
            Err(error) => {
                self.fail(account.attempt, Failure::Suspended).await?;
                return Err(error);
            }
        };
        let unit = Unit::begin(&self.scope(organization, account.actor.clone())).await?;
        let new = self.begin_session(&unit, &account, organization, client).await?;
        unit.commit().await?;
        Ok(new)
    }

    /// Verifies a password. The attempt is stored and counts as a failure until
    /// [`begin_session`](Self::begin_session).
    ///
    /// # Errors
    /// [`Error::Invalid`] with the same answer, after the same time, for a wrong password and an unknown e-mail address;
    /// [`Error::RateLimited`].
    pub(super) async fn verify(
        &self,
        email: &str,
        password: String,
        client: &Client,
    ) -> Result<VerifiedAccount> {
        let email = normalized(email);
        let attempt = login_attempt::begin(&self.store, &email, client, self.clock.now()).await?;
        let rejected_at = Instant::now() + REJECTED_AFTER;
        let account = self.account(&email).await?;
        let hash = account.as_ref().and_then(|account| account.hash.clone());
        let failure = if hash.is_some() { Failure::BadPassword } else { Failure::UnknownEmail };
        let verified = match self.hasher.verify(password.clone(), hash.clone()).await {
            Ok(verified) => verified,
            Err(error) => {
                // The attempt has not been verified, so it is not a failure.
                self.store.run(&login_attempt::removed(attempt)).await?;
                return Err(error);
            }
        };
        let (Some(verified), Some(account), Some(hash)) = (verified, account, hash) else {
            self.fail(attempt, failure).await?;
            sleep_until(rejected_at).await;
            return Err(rejected());
        };
        // Only who knows the password learns that the account is suspended.
        if account.is_suspended {
            self.fail(attempt, Failure::Suspended).await?;
            let message = "the account is suspended; ask an administrator";
            return Err(Error::invalid(Reason::AccountSuspended, "email", message));
        }
        let new_hash =
            if verified.is_outdated { Some(self.hasher.hash(password).await?) } else { None };
        let actor = Actor::Person(account.name.chars().take(255).collect());
        let (user, home) = (account.id, account.home);
        Ok(VerifiedAccount { user, home, attempt, actor, hash, new_hash })
    }

    /// Begins a session of a verified account, and stores that the attempt has succeeded.
    pub(super) async fn begin_session(
        &self,
        unit: &Unit,
        account: &VerifiedAccount,
        organization: i64,
        client: &Client,
    ) -> Result<NewSession> {
        let now = unit.now();
        // The password may have been changed, or the account suspended, since it was verified. The row stays locked, so that
        // a concurrent change also ends this session.
        if unit.run(&signed_in_at(account, now)).await? == 0 {
            return Err(rejected());
        }
        unit.run(&login_attempt::ended(account.attempt, None, now)).await?;
        let ends = now + session::DURATION;
        session::begin(unit, account.user, organization, client, ends).await
    }

    /// Ends the session of the scope.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn sign_out(&self, scope: &Scope) -> Result<()> {
        let Some(Credential::Session(own)) = scope.credential() else { return Ok(()) };
        let user = signed_in(scope)?;
        let own = session::open_sessions(user).add(session_is(own));
        self.store.run(&session::revoke(own, self.clock.now())).await?;
        self.sessions.expect_changes();
        Ok(())
    }

    /// Replaces the session of the scope by one in another organization of its user. The old session ends, and its
    /// sockets are closed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the user is not an active member of an organization with this slug.
    pub async fn switch_organization(
        &self,
        scope: &Scope,
        slug: &str,
        client: &Client,
    ) -> Result<NewSession> {
        let user = signed_in(scope)?;
        let chosen = organizations_of(user).filter(organization::Column::Slug.eq(slug));
        let chosen = chosen.select_only().column(membership::Column::OrganizationId).limit(1);
        let chosen: Vec<i64> = self.store.tuples(&chosen).await?;
        let chosen = *chosen.first().ok_or_else(membership_missing)?;
        let new = self.replace_session(scope, user, chosen, client).await?;
        Ok(new)
    }

    /// Replaces the session of the scope by a new one of the same user that ends at the same time.
    async fn replace_session(
        &self,
        scope: &Scope,
        user: i64,
        organization: i64,
        client: &Client,
    ) -> Result<NewSession> {
        let Some(Credential::Session(own)) = scope.credential() else {
            return Err(Error::internal("the caller has no session"));
        };
        let unit = Unit::begin(&self.scope(organization, scope.actor().clone())).await?;
        let ends = session::end_of(&unit, own).await?;
        let own = session::open_sessions(user).add(session_is(own));
        if unit.run(&session::revoke(own, unit.now())).await? == 0 {
            let message = "the session has ended; sign in again";
            return Err(Error::invalid(Reason::SessionRejected, "session", message));
        }
        let new = session::begin(&unit, user, organization, client, ends).await?;
        unit.commit().await?;
        self.sessions.expect_changes();
        Ok(new)
    }

    /// Stores the reason for which an attempt has failed.
    async fn fail(&self, attempt: i64, failure: Failure) -> Result<()> {
        let ended = login_attempt::ended(attempt, Some(failure), self.clock.now());
        self.store.run(&ended).await?;
        Ok(())
    }

    /// The account with this normalized e-mail address.
    async fn account(&self, email: &str) -> Result<Option<Account>> {
        use user::Column;
        let found =
            find_users().filter(Column::Email.eq(email)).filter(Column::DeletedAt.is_null());
        let found = found.select_only().columns([Column::Id, Column::OrganizationId]);
        let found = found.columns([Column::PasswordHash, Column::Name, Column::SuspendedAt]);
        let rows: Vec<AccountRow> = self.store.tuples(&found).await?;
        let account = |(id, home, hash, name, suspended_at): AccountRow| Account {
            id,
            home,
            hash,
            name: name.unwrap_or_else(|| email.to_owned()),
            is_suspended: suspended_at.is_some(),
        };
        Ok(rows.into_iter().next().map(account))
    }

    /// The organization in which a user signs in: the one in which the user was created, or the first other one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the user is not an active member of any.
    pub(super) async fn organization_of(&self, user: i64, home: i64) -> Result<i64> {
        use membership::Column;
        let own = organizations_of(user).select_only().column(Column::OrganizationId);
        let all: Vec<i64> = self.store.tuples(&own).await?;
        let own = all.iter().find(|organization| **organization == home).or(all.first());
        own.copied().ok_or_else(membership_missing)
    }
}

/// Primary key, home organization, password hash, name, and time of the suspension.
type AccountRow = (i64, i64, Option<String>, Option<String>, Option<DateTime<Utc>>);

/// An account, before its password has been verified.
struct Account {
    id: i64,
    home: i64,
    hash: Option<String>,
    name: String,
    is_suspended: bool,
}

/// An organization of which the user of a scope is an active member.
#[derive(Clone, Debug)]
pub struct OwnOrganization {
    /// Name.
    pub name: String,
    /// Short name.
    pub slug: String,
    /// Stored name of the role of the user.
    pub role: String,
    /// Whether the session acts in this organization.
    pub is_current: bool,
}

/// The organizations of which the user of the scope is an active member, in the order of joining.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn own_organizations(scope: &Scope) -> Result<Vec<OwnOrganization>> {
    use organization::Column;
    let Some(user) = scope.user() else { return Ok(Vec::new()) };
    let own = organizations_of(user).select_only();
    let own =
        own.columns([Column::Name, Column::Slug, Column::Id]).column(membership::Column::Role);
    let rows: Vec<(String, String, i64, String)> = scope.store().tuples(&own).await?;
    let one = |(name, slug, id, role)| OwnOrganization {
        name,
        slug,
        role,
        is_current: id == scope.organization(),
    };
    Ok(rows.into_iter().map(one).collect())
}

fn rejected() -> Error {
    let message = "the e-mail address or the password is wrong";
    Error::invalid(Reason::SignInRejected, "password", message)
}

fn session_is(id: i64) -> sea_orm::sea_query::Expr {
    entity::identity::user_session::Column::Id.eq(id)
}

fn membership_missing() -> Error {
    let message = "the account is not an active member of the organization, or of any; ask an \
                   administrator for an invitation";
    Error::invalid(Reason::MembershipMissing, "organization", message)
}

#[expect(clippy::disallowed_methods, reason = "accounts are unique among all organizations")]
fn find_users() -> Select<user::Entity> {
    user::Entity::find()
}

/// The active memberships of a user with their organizations, in the order of joining.
#[expect(clippy::disallowed_methods, reason = "the memberships of one user")]
fn organizations_of(user: i64) -> Select<membership::Entity> {
    use membership::Column;
    membership::Entity::find()
        .join(
            JoinType::InnerJoin,
            membership::Entity::belongs_to(organization::Entity)
                .from(Column::OrganizationId)
                .to(organization::Column::Id)
                .into(),
        )
        .filter(Column::UserId.eq(user))
        .filter(Column::Status.eq(ACTIVE))
        .filter(organization::Column::DeletedAt.is_null())
        .order_by_asc(Column::Id)
}

/// The statement that stores the time of a sign-in, and a current hash, if the account still has the verified hash and is
/// not suspended.
#[expect(clippy::disallowed_methods, reason = "the user has been authenticated")]
fn signed_in_at(account: &VerifiedAccount, now: DateTime<Utc>) -> UpdateMany<user::Entity> {
    use user::Column;
    let hash = account.new_hash.as_ref().unwrap_or(&account.hash);
    user::Entity::update_many()
        .col_expr(Column::LastSignedIn, Expr::value(now))
        .col_expr(Column::PasswordHash, Expr::value(hash.as_str()))
        .filter(Column::Id.eq(account.user))
        .filter(Column::PasswordHash.eq(account.hash.as_str()))
        .filter(Column::SuspendedAt.is_null())
        .filter(Column::DeletedAt.is_null())
}
