//! Statement statistics of a task: counts, and optionally each statement.

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
    /// The statements, if a list of statements is requested.
    sent: Option<RefCell<Vec<SentStatement>>>,
}

/// The database usage of a task.
#[derive(Clone, Debug, Default)]
pub struct StatementStats {
    /// The number of statements.
    pub statements: u64,
    /// The number of rows returned.
    pub rows: u64,
    /// The total time of all statements; concurrent statements are counted separately.
    pub time: Duration,
    /// The statements, if a list of statements was requested.
    pub sent: Vec<SentStatement>,
}

/// A statement that was sent.
#[derive(Clone, Debug)]
pub struct SentStatement {
    /// The SQL text.
    pub text: String,
    /// The number of rows returned.
    pub rows: u64,
    /// The duration, including the network round trip.
    pub time: Duration,
}

/// Runs `work` and returns its output and its database usage, including a list of the statements if `listed` is set.
pub async fn record_statements<F: Future>(work: F, listed: bool) -> (F::Output, StatementStats) {
    let counted = async {
        let output = work.await;
        (output, METER.with(Meter::take))
    };
    let sent = listed.then(RefCell::default);
    METER.scope(Meter { sent, ..Meter::default() }, counted).await
}

impl Meter {
    fn take(&self) -> StatementStats {
        StatementStats {
            statements: self.statements.get(),
            rows: self.rows.get(),
            time: self.time.get(),
            sent: self.sent.as_ref().map(RefCell::take).unwrap_or_default(),
        }
    }
}

/// Records a completed statement.
pub(super) fn note(text: &str, rows: usize, time: Duration) {
    // Statements outside of a task with statistics are counted only by the store.
    let _ = METER.try_with(|meter| {
        let rows = rows as u64;
        meter.statements.set(meter.statements.get() + 1);
        meter.rows.set(meter.rows.get() + rows);
        meter.time.set(meter.time.get() + time);
        if let Some(sent) = &meter.sent {
            sent.borrow_mut().push(SentStatement { text: text.to_owned(), rows, time });
        }
    });
}
