//! The wake-up between the tasks of one process.

use tokio::sync::watch;

/// Tells the tasks of this process that something has been written.
#[derive(Debug, Default)]
pub(crate) struct Signal(watch::Sender<()>);

impl Signal {
    /// Something has been written and committed.
    pub(crate) fn changed(&self) {
        self.0.send_replace(());
    }

    /// One who waits for that: `changed()` ends when something was written since it last did.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}
