//! Requested password resets whose addresses have not been looked up yet.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Maximum number of waiting requests.
const MAX_WAITING: usize = 1_000;

/// Addresses in the order of the requests, each once.
#[derive(Debug, Default)]
pub(super) struct ResetRequests {
    waiting: Mutex<(VecDeque<String>, HashSet<String>)>,
}

impl ResetRequests {
    /// Adds an address, unless it waits already. Returns false if too many wait.
    pub(super) fn add(&self, email: String) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (order, addresses) = &mut *waiting;
        if addresses.contains(&email) {
            return true;
        }
        if order.len() >= MAX_WAITING {
            return false;
        }
        addresses.insert(email.clone());
        order.push_back(email);
        true
    }

    /// Removes the address that has waited longest.
    pub(super) fn next(&self) -> Option<String> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (order, addresses) = &mut *waiting;
        let email = order.pop_front()?;
        addresses.remove(&email);
        Some(email)
    }
}
