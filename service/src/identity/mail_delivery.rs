//! Delivery of queued mails.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};
use engine::{
    error::{Error, Result},
    scope::{Actor, Scope},
    write::Unit,
};
use entity::identity::{membership, organization, user};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::{
    accounts::Accounts,
    links::find_user,
    mail_text::{self, Mail, Recipient},
    membership::{ACTIVE, INVITED},
    one_time_token::{self, Purpose},
    outgoing_mail::{self, ClaimedMail, MAX_REQUESTED, MailOutcome, RETRY_AFTER},
    secret,
    session::signed_in,
};

/// Age after which a mail is not sent any more. The last attempt is about a day after the first.
const OUTDATED_AFTER: TimeDelta = TimeDelta::days(2);

/// Number of requested password resets that are looked up per round.
const RESETS_PER_ROUND: usize = 20;

/// Name of the actor that issues the tokens of links.
const ACTOR: &str = "mail";

/// Home organization, e-mail address, name, and the time at which the address was verified.
type FoundRecipient = (i64, String, Option<String>, Option<DateTime<FixedOffset>>);

/// Why a mail was not accepted. The description must not contain the text of the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailFailure {
    /// A later attempt may succeed.
    Temporary(String),
    /// No attempt will succeed.
    Permanent(String),
}

/// Sends mails.
pub trait MailTransport: Send + Sync {
    /// Sends a mail; completes when a mail server has accepted it, or within a limited time.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailFailure>>;
}

impl Accounts {
    /// Sends all mails that are due, one after another. Returns the number of attempts.
    ///
    /// # Errors
    /// As [`send_next_mail`](Self::send_next_mail).
    pub async fn send_due_mails(&self, transport: &Arc<dyn MailTransport>) -> Result<usize> {
        self.queue_password_resets().await?;
        let mut attempts = 0;
        while self.send_next_mail(transport).await? {
            attempts += 1;
        }
        Ok(attempts)
    }

    /// Sends the next mail that is due. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond. The mail that was being sent is sent again later.
    pub async fn send_next_mail(&self, transport: &Arc<dyn MailTransport>) -> Result<bool> {
        // Without mails, no write.
        if !outgoing_mail::is_any_due(&self.store, self.clock.now()).await? {
            return Ok(false);
        }
        let Some(claimed) = outgoing_mail::claim(&self.store, self.clock.now()).await? else {
            return Ok(false);
        };
        let outcome = self.attempt(&claimed, transport.as_ref()).await?;
        match &outcome {
            MailOutcome::Postponed(wait, error) => {
                let minutes = wait.num_minutes();
                tracing::warn!(
                    mail = claimed.id,
                    error,
                    minutes,
                    "a mail was not accepted; retrying"
                );
            }
            MailOutcome::Failed(error) => {
                tracing::error!(mail = claimed.id, error, "a mail could not be sent");
            }
            MailOutcome::Sent | MailOutcome::Cancelled => {}
        }
        outgoing_mail::finish(&self.store, &claimed, outcome, self.clock.now()).await?;
        Ok(true)
    }

    async fn attempt(
        &self,
        claimed: &ClaimedMail,
        transport: &dyn MailTransport,
    ) -> Result<MailOutcome> {
        let failed = usize::try_from(claimed.attempts - 1).unwrap_or_default();
        if failed > RETRY_AFTER.len() {
            return Ok(MailOutcome::Failed("there were too many attempts".to_owned()));
        }
        let Some(mail) = self.prepared(claimed).await? else { return Ok(MailOutcome::Cancelled) };
        Ok(match transport.send(mail).await {
            Ok(()) => MailOutcome::Sent,
            Err(MailFailure::Permanent(error)) => MailOutcome::Failed(error),
            Err(MailFailure::Temporary(error)) => match RETRY_AFTER.get(failed) {
                Some(wait) => MailOutcome::Postponed(*wait, error),
                None => MailOutcome::Failed(error),
            },
        })
    }

    /// The mail, with a new link, which invalidates the link of an earlier attempt. `None` if the link is no longer needed.
    async fn prepared(&self, claimed: &ClaimedMail) -> Result<Option<Mail>> {
        let found = find_user(claimed.user).select_only();
        let found = found.columns([
            user::Column::OrganizationId,
            user::Column::Email,
            user::Column::Name,
            user::Column::EmailVerifiedAt,
        ]);
        let found: Vec<FoundRecipient> = self.store.tuples(&found).await?;
        let Some((home, address, name, verified_at)) = found.into_iter().next() else {
            return Ok(None);
        };
        let organization = claimed.organization.unwrap_or(home);
        // A server that was off for long, or a restored database, does not send what is no longer expected.
        let is_recent = self.clock.now() - claimed.created_at < OUTDATED_AFTER;
        // The name of an invited person comes from the administrator, not from the person.
        let name = name.filter(|_| claimed.purpose != Purpose::Invitation);
        let is_needed = is_recent
            && match claimed.purpose {
                Purpose::Invitation => self.has_status(claimed, INVITED).await?,
                Purpose::PasswordReset => self.has_status(claimed, ACTIVE).await?,
                Purpose::EmailVerification => verified_at.is_none(),
            };
        let names =
            find_organization(organization).select_only().column(organization::Column::Name);
        let names: Vec<String> = self.store.tuples(&names).await?;
        let Some(called) = names.first().filter(|_| is_needed) else { return Ok(None) };
        let token = secret::token()?;
        let scope = self.scope(organization, Actor::Worker(ACTOR.to_owned()));
        let unit = Unit::begin(&scope).await?;
        let (purpose, user) = (claimed.purpose, claimed.user);
        one_time_token::issue_mailed(&unit, purpose, user, claimed.organization, &token).await?;
        unit.commit().await?;
        let link = self.link(purpose.link_name(), &token);
        mail_text::mail(purpose, Recipient { address, name }, called, &link).map(Some)
    }

    /// Whether the user has a membership with this status: in the organization of an invitation, or in any.
    async fn has_status(&self, claimed: &ClaimedMail, status: &str) -> Result<bool> {
        let memberships = memberships_with(claimed, status).select_only();
        let memberships = memberships.column(membership::Column::Id).limit(1);
        Ok(!self.store.tuples::<i64>(&memberships).await?.is_empty())
    }

    /// Requests a password reset for the account with this address, if there is one. The address is looked up later, at a
    /// limited rate, so that neither the result nor the load shows whether there is an account.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the server sends no mail; [`Error::RateLimited`] if too many requests are waiting.
    pub fn begin_password_reset(&self, email: &str) -> Result<()> {
        self.check_mail()?;
        if self.resets.add(super::user::normalized(email)) {
            return Ok(());
        }
        let message = "too many passwords are being reset; retry in a minute";
        let reason = engine::Reason::ServerBusy;
        Err(Error::RateLimited { reason, message: message.to_owned(), retry_after: 60 })
    }

    /// Queues the mails of the next requested password resets.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn queue_password_resets(&self) -> Result<()> {
        for _ in 0..RESETS_PER_ROUND {
            let Some(email) = self.resets.next() else { break };
            if let Err(error) = self.request_password_reset(&email).await {
                // It is looked up again in the next round.
                self.resets.add(email);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Queues a password reset for the account with this address, if there is one.
    async fn request_password_reset(&self, email: &str) -> Result<()> {
        let found = find_account(email).select_only();
        let found = found.columns([user::Column::Id, user::Column::OrganizationId]);
        let found: Vec<(i64, i64)> = self.store.tuples(&found).await?;
        let Some((user, home)) = found.first().copied() else { return Ok(()) };
        self.request_mail(Purpose::PasswordReset, user, home).await.map(drop)
    }

    /// Queues a verification of the address of the signed-in user. Does nothing if it is verified.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the server sends no mail; [`Error::RateLimited`].
    pub async fn request_email_verification(&self, scope: &Scope) -> Result<()> {
        self.check_mail()?;
        let user = signed_in(scope)?;
        let found = find_user(user).filter(user::Column::EmailVerifiedAt.is_null());
        let found = found.select_only().column(user::Column::OrganizationId);
        let homes: Vec<i64> = self.store.tuples(&found).await?;
        let Some(home) = homes.first().copied() else { return Ok(()) };
        if self.request_mail(Purpose::EmailVerification, user, home).await? {
            return Ok(());
        }
        let message = "at most three mails per hour are sent; retry in an hour";
        Err(Error::RateLimited {
            reason: engine::Reason::RateLimitExceeded,
            message: message.to_owned(),
            retry_after: 3_600,
        })
    }

    /// Verifies the address of a user with a link.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the link is not valid.
    pub async fn verify_email(&self, token: &str) -> Result<()> {
        let now = self.clock.now();
        let purpose = Purpose::EmailVerification;
        let token = one_time_token::find(&self.store, purpose, token, now).await?;
        let found = find_user(token.user).select_only().column(user::Column::OrganizationId);
        let homes: Vec<i64> = self.store.tuples(&found).await?;
        let home = homes.first().copied().ok_or_else(one_time_token::unknown)?;
        let scope = self.scope(home, Actor::Worker(ACTOR.to_owned()));
        let mut unit = Unit::begin(&scope).await?;
        one_time_token::consume(&mut unit, token).await?;
        unit.commit().await
    }

    /// Queues a mail, unless the user has requested too many. Returns whether it was queued.
    async fn request_mail(&self, purpose: Purpose, user: i64, home: i64) -> Result<bool> {
        let now = self.clock.now();
        // Before the transaction: an account that has reached the limit causes no write.
        if outgoing_mail::is_limited(&self.store, purpose, user, MAX_REQUESTED, now).await? {
            return Ok(false);
        }
        let scope = self.scope(home, Actor::Worker(ACTOR.to_owned()));
        let unit = Unit::begin(&scope).await?;
        unit.advisory_lock(super::user::table(), &format!("mail {user}")).await?;
        if outgoing_mail::is_limited(&self.store, purpose, user, MAX_REQUESTED, unit.now()).await? {
            return Ok(false);
        }
        outgoing_mail::enqueue(&unit, purpose, user, None).await?;
        unit.commit().await?;
        Ok(true)
    }

    fn check_mail(&self) -> Result<()> {
        if self.sends_mail() {
            return Ok(());
        }
        let message = "this server sends no mail; ask an administrator for a link";
        Err(Error::Conflict(engine::Reason::MailNotConfigured, message.to_owned()))
    }
}

/// An account with a password.
#[expect(clippy::disallowed_methods, reason = "users sign in with their address")]
fn find_account(email: &str) -> Select<user::Entity> {
    user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .filter(user::Column::PasswordHash.is_not_null())
        .filter(user::Column::DeletedAt.is_null())
        .filter(user::Column::SuspendedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "the organization of the recipient")]
fn find_organization(id: i64) -> Select<organization::Entity> {
    organization::Entity::find()
        .filter(organization::Column::Id.eq(id))
        .filter(organization::Column::DeletedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "the memberships of the recipient")]
fn memberships_with(claimed: &ClaimedMail, status: &str) -> Select<membership::Entity> {
    let all = membership::Entity::find()
        .filter(membership::Column::UserId.eq(claimed.user))
        .filter(membership::Column::Status.eq(status));
    match claimed.organization {
        Some(organization) => all.filter(membership::Column::OrganizationId.eq(organization)),
        None => all,
    }
}
