//! How far long work has come, told to whoever watches.

/// Watches long work. Every method may do nothing.
pub trait Progress: Send + Sync {
    /// A step begins: its name, and how many rows it has if that is known.
    fn begin(&self, step: &str, rows: Option<u64>);
    /// So many more rows are done.
    fn advance(&self, rows: u64);
    /// The step is over.
    fn finish(&self);
}

/// Nobody watches.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _step: &str, _rows: Option<u64>) {}
    fn advance(&self, _rows: u64) {}
    fn finish(&self) {}
}
