//! Cache of organization secrets, which never change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Secrets by organization.
#[derive(Default)]
pub struct Secrets(Mutex<HashMap<i64, Vec<u8>>>);

impl Secrets {
    /// Returns the cached secret of an organization.
    pub fn get(&self, organization: i64) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&organization).cloned()
    }

    /// Caches the secret of an organization.
    pub fn put(&self, organization: i64, secret: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(organization, secret);
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}
