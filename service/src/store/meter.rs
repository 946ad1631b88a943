//! Counts the statements of one piece of work, or lists them.

use std::cell::{Cell, RefCell};

tokio::task_local! {
    static METER: Meter;
}

#[derive(Default)]
struct Meter {
    statements: Cell<u64>,
    /// Their texts, where they are asked for.
    texts: Option<RefCell<Vec<String>>>,
}

/// Runs `work`; gives what it gives, and how many statements it sent to the database.
pub async fn metered<F: Future>(work: F) -> (F::Output, u64) {
    let counted = async {
        let output = work.await;
        (output, METER.with(|meter| meter.statements.get()))
    };
    METER.scope(Meter::default(), counted).await
}

/// Runs `work`; gives what it gives, and the text of every statement it sent to the database.
pub async fn listed<F: Future>(work: F) -> (F::Output, Vec<String>) {
    let listed = async {
        let output = work.await;
        let texts = METER.with(|meter| meter.texts.as_ref().map(RefCell::take));
        (output, texts.unwrap_or_default())
    };
    let meter = Meter { texts: Some(RefCell::default()), ..Meter::default() };
    METER.scope(meter, listed).await
}

/// A statement has been sent.
pub(super) fn note(text: &str) {
    // What belongs to no piece of work is counted by the store only.
    let _ = METER.try_with(|meter| {
        meter.statements.set(meter.statements.get() + 1);
        if let Some(texts) = &meter.texts {
            texts.borrow_mut().push(text.to_owned());
        }
    });
}
