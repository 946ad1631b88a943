//! Pagination of complete lists: an export runs the same operation once per page.

use std::sync::{Mutex, PoisonError};

/// Request data that makes a root list field without pagination arguments return one page of the complete list.
#[derive(Debug)]
pub struct Paging {
    /// The cursor after which the page starts.
    pub after: Option<String>,
    /// The page size.
    pub size: u32,
    next: Mutex<Option<String>>,
}

impl Paging {
    /// The page after the row with this cursor.
    #[must_use]
    pub fn new(after: Option<String>, size: u32) -> Self {
        Self { after, size, next: Mutex::default() }
    }

    /// Records that there are rows after the row with this cursor.
    pub fn goes_on(&self, cursor: String) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor);
    }

    /// The cursor after which the next page starts; `None` if there is no next page.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
