//! Streams the change log to subscriptions and other subscribers.
//!
//! One task per server reads new entries and publishes them to all subscribers. The wake-up (a signal within the
//! process, an empty NOTIFY between servers) is only an optimization: without wake-ups, the task polls every second. A
//! subscriber that falls behind reads the change log itself from its own position, so a slow subscriber neither delays
//! other subscribers nor misses entries.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, stream};
use tokio::{
    sync::{Notify, OnceCell, broadcast, watch},
    task::JoinHandle,
    time::sleep,
};

use super::{
    kind,
    position::{Position, State},
    reader::{self, CHUNK, IDLE, Reader, after, notify, settled},
    row_filter,
};
use crate::{
    error::{Error, Result},
    read::Filter,
    scope::Scope,
    store::{Engine, Store},
    table::Table,
};

/// Maximum backlog in batches before a subscriber reads the change log itself.
const BEHIND: usize = 256;

/// Maximum number of notifications per item.
pub const BATCH: usize = 64;

/// A change notification.
#[derive(Clone, Debug)]
pub struct ChangeNotification {
    /// Position of the entry.
    pub position: Position,
    /// Entity of the changed row, e.g. `prospect`.
    pub entity: String,
    /// Primary key of the row; `None` for entries that cover many rows.
    pub record: Option<i64>,
    /// One of [`super::kind`].
    pub kind: String,
    /// How the row's match with the subscriber's filter changed.
    pub match_change: MatchChange,
    pub(super) organization: i64,
}

/// How a row's match with a filter changed. Without a filter, every row matches while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchChange {
    /// The row matches now but did not match before, or the row is new.
    Entered,
    /// The row matches now and matched before.
    Updated,
    /// The row no longer matches, or no longer exists.
    Left,
}

impl MatchChange {
    /// How the match changed for a row that matches as long as it exists, derived from the kind of the entry.
    pub(super) fn of_kind(kind: &str) -> Self {
        match kind {
            kind::CREATED | kind::RESTORED | kind::IMPORTED | kind::PRIVATE => Self::Entered,
            kind::DELETED | kind::MERGED | kind::ERASED => Self::Left,
            _ => Self::Updated,
        }
    }
}

/// Options of a subscription.
#[derive(Clone, Debug, Default)]
pub struct SubscribeOptions {
    /// Entities to include; all if empty.
    pub entities: Vec<&'static str>,
    /// Kinds of entries to include; all but those of private rows if empty.
    pub kinds: Vec<&'static str>,
    /// Filter of the entries.
    pub judge: EntryFilter,
}

/// Filter of entries.
#[derive(Clone, Debug, Default)]
pub enum EntryFilter {
    /// All entries match.
    #[default]
    All,
    /// Filters by columns of the entry.
    Entry(Filter),
    /// Filters by the row before and after the entry.
    Row(&'static Table, Filter),
}

/// The stream of changes of a database.
#[derive(Clone)]
pub struct ChangeStream {
    inner: Arc<Inner>,
    /// Notified when a subscription has its position.
    begun: Option<Arc<Notify>>,
}

struct Inner {
    store: Store,
    sender: broadcast::Sender<Arc<[ChangeNotification]>>,
    reading: OnceCell<()>,
    closed: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl ChangeStream {
    /// Creates the change stream of a server. From then on, other servers are notified of the writes of this server.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let inner = Inner {
            sender: broadcast::Sender::new(BEHIND),
            reading: OnceCell::new(),
            closed: watch::Sender::new(false),
            tasks: Mutex::new(Vec::new()),
            store: store.clone(),
        };
        let feed = Self { inner: Arc::new(inner), begun: None };
        if store.engine() == Engine::Postgres {
            feed.run(notify(store));
        }
        feed
    }

    /// Returns the stream for one subscription, with a notification that the subscription has its position: it receives
    /// all later changes.
    #[must_use]
    pub fn with_notification(&self) -> (Self, Arc<Notify>) {
        let begun = Arc::new(Notify::new());
        (Self { begun: Some(Arc::clone(&begun)), ..self.clone() }, begun)
    }

    /// Ends all subscriptions; called when the server stops.
    pub fn close(&self) {
        self.inner.closed.send_replace(true);
    }

    #[expect(clippy::disallowed_methods, reason = "server tasks that end with the stream")]
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(tokio::spawn(task));
    }

    /// Subscribes to the change log of the organization, starting after the cursor `after` or, without a cursor, at
    /// the current position. Each item holds the notifications that are ready: at least one, at most [`BATCH`].
    ///
    /// # Errors
    /// [`Error::BadCursor`] and [`Error::CursorExpired`] if the subscription can't resume from `after`.
    pub async fn follow(
        &self,
        scope: &Scope,
        wanted: SubscribeOptions,
        after: Option<&str>,
    ) -> Result<impl Stream<Item = Result<Vec<ChangeNotification>>> + Send + use<>> {
        let after = after.map(Position::of).transpose()?;
        if let Some(after) = after {
            after.check(scope).await?;
        }
        // Entries published from now on are buffered for this subscriber; the subscriber reads earlier entries itself.
        let receiver = self.inner.sender.subscribe();
        self.inner.reading.get_or_try_init(|| self.begin_reading()).await?;
        let position = match after {
            Some(after) => after,
            None => settled(&self.inner.store).await?,
        };
        let follower = Subscriber {
            scope: scope.clone(),
            wanted,
            position,
            receiver,
            closed: self.inner.closed.subscribe(),
            caught_up: false,
            ended: false,
            ready: VecDeque::new(),
            _feed: self.clone(),
        };
        if let Some(begun) = &self.begun {
            begun.notify_one();
        }
        Ok(stream::unfold(follower, |mut follower| async move {
            let next = follower.next().await?;
            Some((next, follower))
        }))
    }

    /// Age of the oldest entry that can't be read yet although it is committed or about to be committed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn lag(&self, now: DateTime<Utc>) -> Result<TimeDelta> {
        let waits = reader::waits_since(&self.inner.store).await?;
        Ok(waits.map_or_else(TimeDelta::zero, |since| (now - since).max(TimeDelta::zero())))
    }

    async fn begin_reading(&self) -> Result<()> {
        let store = self.inner.store.clone();
        let reader = Reader::begin(store, self.inner.sender.clone()).await?;
        self.run(reader.run());
        Ok(())
    }
}

/// A subscriber.
struct Subscriber {
    scope: Scope,
    wanted: SubscribeOptions,
    position: Position,
    receiver: broadcast::Receiver<Arc<[ChangeNotification]>>,
    closed: watch::Receiver<bool>,
    caught_up: bool,
    ended: bool,
    ready: VecDeque<ChangeNotification>,
    _feed: ChangeStream,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Result<Vec<ChangeNotification>>> {
        loop {
            if !self.ready.is_empty() {
                let count = self.ready.len().min(BATCH);
                return Some(Ok(self.ready.drain(..count).collect()));
            }
            if self.ended || *self.closed.borrow() {
                return None;
            }
            let found =
                if self.caught_up { self.handed_out().await } else { self.catch_up().await };
            let judged = match found {
                Ok(found) => self.judged(found?).await,
                Err(error) => Err(error),
            };
            match judged {
                Ok(found) => self.ready.extend(found),
                Err(error @ Error::Unavailable(_)) => {
                    // The position does not advance, so undelivered entries are read again. The reader logs the error
                    // once for all subscribers.
                    tracing::debug!(%error, "a change log subscriber is waiting for the database");
                    self.caught_up = false;
                    sleep(IDLE).await;
                }
                Err(error) => {
                    // No entry may follow an undelivered entry, because the client resumes from the cursor of the last
                    // delivered entry.
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Entries after the subscriber's position; `None` when the stream has ended.
    async fn catch_up(&mut self) -> Result<Option<Found>> {
        // What a restricted caller receives is decided afterwards: it receives that a row has left its scope.
        let store = &self.scope.store().unrestricted();
        let organization = Some(self.scope.organization());
        let notices = after(store, self.position, organization, &self.wanted).await?;
        // Checked last, because entries may have expired in the meantime.
        if self.position < State::read(store).await?.expired {
            return Err(Error::CursorExpired);
        }
        self.caught_up = notices.len() < CHUNK;
        let reached = notices.last().map_or(self.position, |notice| notice.position);
        Ok(Some(Found { notices, reached }))
    }

    /// The next published entries; `None` when the stream has ended.
    async fn handed_out(&mut self) -> Result<Option<Found>> {
        tokio::select! {
            _ = self.closed.changed() => Ok(None),
            batch = self.receiver.recv() => match batch {
                Ok(batch) => Ok(Some(self.ready_after(&batch))),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.caught_up = false;
                    Ok(Some(Found { notices: Vec::new(), reached: self.position }))
                }
                Err(broadcast::error::RecvError::Closed) => Ok(None),
            }
        }
    }

    /// The matching notifications of a batch and of the batches that are ready after it.
    fn ready_after(&mut self, first: &[ChangeNotification]) -> Found {
        let mut found = Found { notices: Vec::new(), reached: self.position };
        self.gather(first, &mut found);
        while found.notices.len() < CHUNK {
            match self.receiver.try_recv() {
                Ok(batch) => self.gather(&batch, &mut found),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {
                    self.caught_up = false;
                    break;
                }
                // The next call detects the end of the stream.
                Err(_) => break,
            }
        }
        found
    }

    fn gather(&self, batch: &[ChangeNotification], found: &mut Found) {
        found.notices.extend(batch.iter().filter(|notice| self.wants(notice)).cloned());
        if let Some(last) = batch.last() {
            found.reached = found.reached.max(last.position);
        }
    }

    fn wants(&self, notice: &ChangeNotification) -> bool {
        let SubscribeOptions { entities, kinds, .. } = &self.wanted;
        notice.position > self.position
            && notice.organization == self.scope.organization()
            && (entities.is_empty() || entities.contains(&notice.entity.as_str()))
            && match kinds.as_slice() {
                [] => notice.kind != kind::PRIVATE,
                kinds => kinds.contains(&notice.kind.as_str()),
            }
    }

    /// The notifications that match the filter. The position advances past all notifications, including those that
    /// don't match.
    async fn judged(&mut self, found: Found) -> Result<Vec<ChangeNotification>> {
        let Found { notices, reached } = found;
        let keys: Vec<i64> = notices.iter().map(|notice| notice.position.id).collect();
        let passed: Vec<ChangeNotification> = match &self.wanted.judge {
            _ if keys.is_empty() => notices,
            EntryFilter::All if self.wanted.kinds == [kind::PRIVATE] => notices,
            // Entries that a restricted caller sees.
            EntryFilter::All if self.scope.is_restricted() => {
                self.with_entries(notices, &keys, &Filter::All(Vec::new())).await?
            }
            EntryFilter::All => notices,
            EntryFilter::Row(table, filter) => {
                let matches = row_filter::matching(&self.scope, &keys, table, filter).await?;
                let with_change = |notice: ChangeNotification| {
                    let match_change = *matches.get(&notice.position.id)?;
                    Some(ChangeNotification { match_change, ..notice })
                };
                notices.into_iter().filter_map(with_change).collect()
            }
            EntryFilter::Entry(filter) => self.with_entries(notices, &keys, filter).await?,
        };
        self.position = reached;
        Ok(passed)
    }

    /// The notifications whose entries match a filter.
    async fn with_entries(
        &self,
        notices: Vec<ChangeNotification>,
        keys: &[i64],
        filter: &Filter,
    ) -> Result<Vec<ChangeNotification>> {
        let passed = row_filter::entries(&self.scope, keys, filter).await?;
        Ok(notices.into_iter().filter(|one| passed.contains(&one.position.id)).collect())
    }
}

/// Entries that a subscriber has received.
struct Found {
    /// Notifications of these entries.
    notices: Vec<ChangeNotification>,
    /// The position of the last entry read.
    reached: Position,
}
