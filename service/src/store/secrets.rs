//! Secrets of organizations that were read: they never change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Secrets by organization.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<HashMap<i64, Vec<u8>>>);

impl Secrets {
    /// The secret of an organization, when it was read before.
    pub(crate) fn get(&self, organization: i64) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&organization).cloned()
    }

    /// Keeps the secret of an organization.
    pub(crate) fn put(&self, organization: i64, secret: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(organization, secret);
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}
