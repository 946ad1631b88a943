//! Counts the statements of one piece of work, or lists them.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

tokio::task_local! {
    static METER: Meter;
}

#[derive(Default)]
struct Meter {
    statements: Cell<u64>,
    rows: Cell<u64>,
    time: Cell<Duration>,
    /// Each of them, where that is asked for.
    sent: Option<RefCell<Vec<Sent>>>,
}

/// What a piece of work has asked of the database.
#[derive(Clone, Debug, Default)]
pub struct Metered {
    /// How many statements.
    pub statements: u64,
    /// How many rows they gave.
    pub rows: u64,
    /// How long they took together; those that ran side by side count each.
    pub time: Duration,
    /// Each of them, where that was asked for.
    pub sent: Vec<Sent>,
}

/// A statement that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its text.
    pub text: String,
    /// How many rows it gave.
    pub rows: u64,
    /// How long that took, with the way there and back.
    pub time: Duration,
}

/// Runs `work`; gives what it gives, and what it asked of the database: each statement where they are to be
/// `listed`.
pub async fn metered<F: Future>(work: F, listed: bool) -> (F::Output, Metered) {
    let counted = async {
        let output = work.await;
        (output, METER.with(Meter::take))
    };
    let sent = listed.then(RefCell::default);
    METER.scope(Meter { sent, ..Meter::default() }, counted).await
}

impl Meter {
    fn take(&self) -> Metered {
        Metered {
            statements: self.statements.get(),
            rows: self.rows.get(),
            time: self.time.get(),
            sent: self.sent.as_ref().map(RefCell::take).unwrap_or_default(),
        }
    }
}

/// A statement has been answered.
pub(super) fn note(text: &str, rows: usize, time: Duration) {
    // What belongs to no piece of work is counted by the store only.
    let _ = METER.try_with(|meter| {
        let rows = rows as u64;
        meter.statements.set(meter.statements.get() + 1);
        meter.rows.set(meter.rows.get() + rows);
        meter.time.set(meter.time.get() + time);
        if let Some(sent) = &meter.sent {
            sent.borrow_mut().push(Sent { text: text.to_owned(), rows, time });
        }
    });
}
