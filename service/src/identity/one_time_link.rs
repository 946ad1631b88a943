//! Links for members that are created at most once.

use std::sync::{Arc, OnceLock};

use engine::{error::Result, write::Unit};

use super::{
    accounts::Accounts,
    one_time_token::{self, Purpose},
    secret,
};

/// A link that is created at most once. Its token is kept out of the stored answer of an idempotent request.
#[derive(Clone)]
pub(super) struct OneTimeLink {
    purpose: Purpose,
    token: String,
    is_issued: Arc<OnceLock<()>>,
}

impl OneTimeLink {
    pub(super) fn new(purpose: Purpose) -> Result<Self> {
        Ok(Self { purpose, token: secret::token()?, is_issued: Arc::default() })
    }

    pub(super) async fn issue(&self, unit: &Unit, user: i64) -> Result<()> {
        let invitation = self.purpose == Purpose::Invitation;
        let organization = invitation.then(|| unit.scope().organization());
        one_time_token::issue(unit, self.purpose, user, organization, &self.token).await?;
        let _ = self.is_issued.set(());
        Ok(())
    }

    pub(super) fn text(&self, accounts: &Accounts) -> Option<String> {
        self.is_issued.get().map(|()| {
            let name = match self.purpose {
                Purpose::Invitation => "invitation",
                Purpose::PasswordReset => "reset",
            };
            accounts.link(name, &self.token)
        })
    }
}
