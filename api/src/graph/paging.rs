//! Whole lists, page by page: an export asks the same operation again and again.

use std::sync::{Mutex, PoisonError};

/// With this among its data, a request whose root field is a list gets a page of all of it: the field itself says
/// of no page.
#[derive(Debug)]
pub struct Paging {
    /// Where the page begins: after the row with this cursor.
    pub after: Option<String>,
    /// How many rows it has at most.
    pub size: u32,
    next: Mutex<Option<String>>,
}

impl Paging {
    /// The page after the row with this cursor.
    #[must_use]
    pub fn new(after: Option<String>, size: u32) -> Self {
        Self { after, size, next: Mutex::default() }
    }

    /// There are rows beyond the one with this cursor.
    pub(super) fn goes_on(&self, cursor: String) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor);
    }

    /// Where the next page begins, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
