//! Follows the log: what subscriptions, and whoever else waits for changes, read.
//!
//! One task per server reads what is new and hands it to all followers. The wake-up (a signal inside
//! the process, an empty NOTIFY between servers) is a hint: without it the task looks each second. A
//! follower that falls behind what is handed out reads the log itself, from where it is, so that one
//! that does not read costs nobody else anything and misses nothing.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, stream};
use tokio::{
    sync::{OnceCell, broadcast, watch},
    task::JoinHandle,
    time::sleep,
};

use super::{
    kind, matching,
    position::{Position, State},
    reader::{self, CHUNK, IDLE, Reader, after, notify, settled},
};
use crate::{
    error::{Error, Result},
    read::Filter,
    scope::Scope,
    store::{Engine, Store},
    table::Table,
};

/// How many batches a follower may be behind before it reads the log itself.
const BEHIND: usize = 256;

/// The maximum number of notices that are ready together.
pub const BATCH: usize = 64;

/// That something has changed.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Where the entry stands.
    pub position: Position,
    /// What has changed: `prospect`.
    pub entity: String,
    /// Its key; absent for many rows.
    pub record: Option<i64>,
    /// One of [`super::kind`].
    pub kind: String,
    /// How the match of the row with the filter of the subscriber changed.
    pub match_change: MatchChange,
    pub(super) organization: i64,
}

/// How the match of a row with a filter changed. Without a filter every row matches while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchChange {
    /// The row matches now and did not before, or it is new.
    Entered,
    /// The row matches now as before.
    Updated,
    /// The row does not match any more, or does not exist any more.
    Left,
}

impl MatchChange {
    /// Of a row that matches while it exists.
    pub(super) fn of_kind(kind: &str) -> Self {
        match kind {
            kind::CREATED | kind::RESTORED | kind::IMPORTED => Self::Entered,
            kind::DELETED | kind::MERGED | kind::ERASED => Self::Left,
            _ => Self::Updated,
        }
    }
}

/// Which entries a follower wants.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    /// What has changed; everything when there is none.
    pub entities: Vec<&'static str>,
    /// How; anyhow when there is none.
    pub kinds: Vec<&'static str>,
    /// Which of them.
    pub judge: Judge,
}

/// By what entries are judged.
#[derive(Clone, Debug, Default)]
pub enum Judge {
    /// All are wanted.
    #[default]
    All,
    /// By the entry.
    Entry(Filter),
    /// By the row as it was before and after the entry.
    Row(&'static Table, Filter),
}

/// The changes of a database, as they come.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    store: Store,
    sender: broadcast::Sender<Arc<[Notice]>>,
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

impl Feed {
    /// The feed of a server: from now on other servers are told when this one has written.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let inner = Inner {
            sender: broadcast::Sender::new(BEHIND),
            reading: OnceCell::new(),
            closed: watch::Sender::new(false),
            tasks: Mutex::new(Vec::new()),
            store: store.clone(),
        };
        let feed = Self(Arc::new(inner));
        if store.engine() == Engine::Postgres {
            feed.run(notify(store));
        }
        feed
    }

    /// Ends every follower: the server stops.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }

    #[expect(clippy::disallowed_methods, reason = "tasks of the server, ended with the feed")]
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(tokio::spawn(task));
    }

    /// Follows the log of the organization: from after `after`, or from now. Each item is what is ready, at most
    /// [`BATCH`] notices and never none.
    ///
    /// # Errors
    /// [`Error::BadCursor`] and [`Error::CursorExpired`] when `after` is no place to go on from.
    pub async fn follow(
        &self,
        scope: &Scope,
        wanted: Follow,
        after: Option<&str>,
    ) -> Result<impl Stream<Item = Result<Vec<Notice>>> + Send + use<>> {
        let after = after.map(Position::of).transpose()?;
        if let Some(after) = after {
            after.check(scope).await?;
        }
        // What is handed out from here on is kept for this follower; what was before it reads itself.
        let receiver = self.0.sender.subscribe();
        self.0.reading.get_or_try_init(|| self.begin_reading()).await?;
        let position = match after {
            Some(after) => after,
            None => settled(&self.0.store).await?,
        };
        let follower = Follower {
            scope: scope.clone(),
            wanted,
            position,
            receiver,
            closed: self.0.closed.subscribe(),
            caught_up: false,
            ended: false,
            ready: VecDeque::new(),
            _feed: self.clone(),
        };
        Ok(stream::unfold(follower, |mut follower| async move {
            let next = follower.next().await?;
            Some((next, follower))
        }))
    }

    /// How long the oldest entry has been waiting that is committed, or about to be, and can't be read yet.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn lag(&self, now: DateTime<Utc>) -> Result<TimeDelta> {
        let waits = reader::waits_since(&self.0.store).await?;
        Ok(waits.map_or_else(TimeDelta::zero, |since| (now - since).max(TimeDelta::zero())))
    }

    async fn begin_reading(&self) -> Result<()> {
        let store = self.0.store.clone();
        let reader = Reader::begin(store, self.0.sender.clone()).await?;
        self.run(reader.run());
        Ok(())
    }
}

/// One who follows the log.
struct Follower {
    scope: Scope,
    wanted: Follow,
    position: Position,
    receiver: broadcast::Receiver<Arc<[Notice]>>,
    closed: watch::Receiver<bool>,
    caught_up: bool,
    ended: bool,
    ready: VecDeque<Notice>,
    _feed: Feed,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Vec<Notice>>> {
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
                    // The place is kept: what was not delivered is read again.
                    // The reader tells it once for all.
                    tracing::debug!(%error, "a follower of the change log waits for the database");
                    self.caught_up = false;
                    sleep(IDLE).await;
                }
                Err(error) => {
                    // Nothing may come after what could not be told: the client goes on from its cursor.
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// What the log has after this position; `None` at the end of the feed.
    async fn catch_up(&mut self) -> Result<Option<Found>> {
        let store = self.scope.store();
        let organization = Some(self.scope.organization());
        let notices = after(store, self.position, organization, &self.wanted).await?;
        // Looked at last: what has been thrown away meanwhile may be missing.
        if self.position < State::read(store).await?.expired {
            return Err(Error::CursorExpired);
        }
        self.caught_up = notices.len() < CHUNK;
        let reached = notices.last().map_or(self.position, |notice| notice.position);
        Ok(Some(Found { notices, reached }))
    }

    /// What is handed out next; `None` at the end of the feed.
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

    /// What is wanted of a batch, and of those that are ready after it.
    fn ready_after(&mut self, first: &[Notice]) -> Found {
        let mut found = Found { notices: Vec::new(), reached: self.position };
        self.gather(first, &mut found);
        while found.notices.len() < CHUNK {
            match self.receiver.try_recv() {
                Ok(batch) => self.gather(&batch, &mut found),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {
                    self.caught_up = false;
                    break;
                }
                // The end of the feed is found by the next call.
                Err(_) => break,
            }
        }
        found
    }

    fn gather(&self, batch: &[Notice], found: &mut Found) {
        found.notices.extend(batch.iter().filter(|notice| self.wants(notice)).cloned());
        if let Some(last) = batch.last() {
            found.reached = found.reached.max(last.position);
        }
    }

    fn wants(&self, notice: &Notice) -> bool {
        let Follow { entities, kinds, .. } = &self.wanted;
        notice.position > self.position
            && notice.organization == self.scope.organization()
            && (entities.is_empty() || entities.contains(&notice.entity.as_str()))
            && (kinds.is_empty() || kinds.contains(&notice.kind.as_str()))
    }

    /// Those that pass the judge; the place moves on over all of them.
    async fn judged(&mut self, found: Found) -> Result<Vec<Notice>> {
        let Found { notices, reached } = found;
        let keys: Vec<i64> = notices.iter().map(|notice| notice.position.id).collect();
        let passed: Vec<Notice> = match &self.wanted.judge {
            _ if keys.is_empty() => notices,
            Judge::All => notices,
            Judge::Row(table, filter) => {
                let matches = matching::matching(&self.scope, &keys, table, filter).await?;
                let with_change = |notice: Notice| {
                    let match_change = *matches.get(&notice.position.id)?;
                    Some(Notice { match_change, ..notice })
                };
                notices.into_iter().filter_map(with_change).collect()
            }
            Judge::Entry(filter) => {
                let passed = matching::entries(&self.scope, &keys, filter).await?;
                notices.into_iter().filter(|one| passed.contains(&one.position.id)).collect()
            }
        };
        self.position = reached;
        Ok(passed)
    }
}

/// What a follower has come to.
struct Found {
    /// What it wants of it.
    notices: Vec<Notice>,
    /// How far that reaches.
    reached: Position,
}
