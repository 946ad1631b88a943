//! Links for members that are created at most once.

use std::sync::{Arc, OnceLock};

use engine::{
    error::{Error, Result},
    reason::Reason,
    write::Unit,
};

use super::{
    accounts::Accounts,
    one_time_token::{self, Purpose},
    outgoing_mail::{self, MAX_CAUSED, MAX_OF_ORGANIZATION},
    secret,
};

/// A link that is created at most once. Its token is kept out of the stored answer of an idempotent request.
#[derive(Clone)]
pub(super) struct OneTimeLink {
    purpose: Purpose,
    token: String,
    /// Set when the link is returned, or its mail is queued.
    is_issued: Arc<OnceLock<()>>,
    /// Whether links are sent by mail.
    sends_mail: bool,
}

impl OneTimeLink {
    /// A link of this server: if it sends mail, the link is sent by mail.
    pub(super) fn new(accounts: &Accounts, purpose: Purpose) -> Result<Self> {
        Ok(Self {
            purpose,
            token: secret::token()?,
            is_issued: Arc::default(),
            sends_mail: accounts.sends_mail(),
        })
    }

    pub(super) async fn issue(&self, unit: &Unit, user: i64) -> Result<()> {
        let invitation = self.purpose == Purpose::Invitation;
        let organization = invitation.then(|| unit.scope().organization());
        if self.sends_mail {
            check_number(unit, self.purpose, user).await?;
            one_time_token::withdraw(unit, self.purpose, user, organization).await?;
            outgoing_mail::enqueue(unit, self.purpose, user, organization).await?;
        } else {
            one_time_token::issue(unit, self.purpose, user, organization, &self.token).await?;
        }
        let _ = self.is_issued.set(());
        Ok(())
    }

    /// Whether the link is sent by mail; false if nothing was issued.
    pub(super) fn is_mailed(&self) -> bool {
        self.sends_mail && self.is_issued.get().is_some()
    }

    /// The link, unless it is sent by mail or nothing was issued.
    pub(super) fn text(&self, accounts: &Accounts) -> Option<String> {
        let issued = self.is_issued.get().filter(|()| !self.sends_mail);
        issued.map(|()| accounts.link(self.purpose.link_name(), &self.token))
    }
}

/// Rejects a mail to a user who has received too many.
async fn check_number(unit: &Unit, purpose: Purpose, user: i64) -> Result<()> {
    let store = unit.scope().store();
    let organization = unit.scope().organization();
    let is_invitation = purpose == Purpose::Invitation;
    let is_limited = outgoing_mail::is_limited(store, purpose, user, MAX_CAUSED, unit.now())
        .await?
        || (is_invitation
            && outgoing_mail::is_organization_limited(store, organization, unit.now()).await?);
    if !is_limited {
        return Ok(());
    }
    let message = format!(
        "at most {MAX_CAUSED} mails per hour are sent to one person, and {MAX_OF_ORGANIZATION} invitations per day; retry later"
    );
    let reason = Reason::RateLimitExceeded;
    Err(Error::RateLimited { reason, message, retry_after: 3_600 })
}
