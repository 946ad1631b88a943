//! The setup code: printed once when a server without accounts starts, it allows one person to create the first account
//! on the page.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    reason::Reason,
};
use subtle::ConstantTimeEq;

use super::secret;

/// How long a code is valid.
const DURATION: TimeDelta = TimeDelta::minutes(30);

/// Number of wrong codes after which the code becomes invalid.
const MAX_WRONG: u32 = 5;

/// Number of random bytes of a code, encoded as 16 characters.
const BYTES: usize = 12;

/// The setup code of a server; none by default.
#[derive(Debug, Default)]
pub(super) struct SetupCode(Mutex<Option<IssuedCode>>);

#[derive(Debug)]
struct IssuedCode {
    hash: String,
    expires_at: DateTime<Utc>,
    wrong: u32,
}

impl SetupCode {
    /// Issues a code, which replaces an earlier one.
    pub(super) fn issue(&self, now: DateTime<Utc>) -> Result<String> {
        let code = secret::random::<BYTES>()?;
        let issued = IssuedCode { hash: secret::hash(&code), expires_at: now + DURATION, wrong: 0 };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued);
        Ok(code)
    }

    /// Checks a code without consuming it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is wrong or expired. After five wrong codes, the code is invalid.
    pub(super) fn check(&self, code: &str, now: DateTime<Utc>) -> Result<()> {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = issued.as_mut().filter(|known| now < known.expires_at) else {
            return Err(rejected());
        };
        let hash = secret::hash(code.trim());
        if bool::from(known.hash.as_bytes().ct_eq(hash.as_bytes())) {
            return Ok(());
        }
        known.wrong += 1;
        if known.wrong >= MAX_WRONG {
            *issued = None;
        }
        Err(rejected())
    }

    /// Consumes the code, after the first account has been committed. The database rejects a second first account.
    pub(super) fn consume(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn rejected() -> Error {
    let message = "the setup code is wrong, was already used, or has expired; restart the server \
                   for a new one";
    Error::invalid(Reason::SetupCodeRejected, "code", message)
}
