//! Wake-up signal between the tasks of a process.

use tokio::sync::watch;

/// Notifies the tasks of this process that rows have been written.
#[derive(Debug, Default)]
pub(crate) struct Signal(watch::Sender<()>);

impl Signal {
    /// Signals that a write has been committed.
    pub(crate) fn changed(&self) {
        self.0.send_replace(());
    }

    /// Returns a receiver whose `changed()` completes after a new write.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}
