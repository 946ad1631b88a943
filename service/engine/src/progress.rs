//! Progress of long-running work, reported to an observer.

/// An observer of long-running work. An implementation may ignore any call.
pub trait Progress: Send + Sync {
    /// Called when a step begins, with the name of the step and, if known, the number of rows to process.
    fn begin(&self, step: &str, rows: Option<u64>);
    /// Called when `rows` more rows have been processed.
    fn advance(&self, rows: u64);
    /// Called when the step is finished.
    fn finish(&self);
}

/// An observer that ignores all calls.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _step: &str, _rows: Option<u64>) {}
    fn advance(&self, _rows: u64) {}
    fn finish(&self) {}
}
