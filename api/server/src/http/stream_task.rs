//! Streams that run independently of their reader.

use engine::retry_while_unavailable;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Drives a stream in its own task, which ends when the receiver is dropped. If the client doesn't read, the stream
/// pauses between two items and not in the middle of a statement, where it would hold a database connection.
pub(super) fn detached<T: Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
) -> BoxStream<'static, T> {
    let (sender, receiver) = mpsc::channel(1);
    #[expect(clippy::disallowed_methods, reason = "the task ends with its receiver, below")]
    let task = tokio::spawn(async move {
        let mut items = std::pin::pin!(items);
        while let Some(item) = items.next().await {
            if sender.send(item).await.is_err() {
                break;
            }
        }
    });
    let task = Ended(task);
    let items = stream::unfold((receiver, task), |(mut receiver, task)| async move {
        let item = receiver.recv().await?;
        Some((item, (receiver, task)))
    });
    items.boxed()
}

/// A stream whose reads are retried while the database is unavailable.
pub(super) fn retrying_stream<T>(
    items: impl Stream<Item = T> + Send + 'static,
) -> impl Stream<Item = T> + Send {
    stream::unfold(Box::pin(items), |mut items| async move {
        let item = retry_while_unavailable(items.next()).await?;
        Some((item, items))
    })
}

/// A task that is aborted on drop.
pub(super) struct Ended(pub(super) JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}
