//! Counts the statements of one piece of work.

use std::cell::Cell;

tokio::task_local! {
    static STATEMENTS: Cell<u64>;
}

/// Runs `work`; gives what it gives, and how many statements it sent to the database.
pub async fn metered<F: Future>(work: F) -> (F::Output, u64) {
    let counted = async {
        let output = work.await;
        (output, STATEMENTS.with(Cell::get))
    };
    STATEMENTS.scope(Cell::new(0), counted).await
}

/// One statement has been sent.
pub(super) fn count() {
    // What belongs to no piece of work is counted by the store only.
    let _ = STATEMENTS.try_with(|counted| counted.set(counted.get() + 1));
}
