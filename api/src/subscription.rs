//! Subscriptions: all of them read the change log.

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use engine::{
    Scope, Table,
    change_log::{ChangeNotification, ChangeStream, EntryFilter, SubscribeOptions, cursor, kind},
    read::Filter,
};
use futures_util::{Stream, StreamExt, stream};
use salesgraph_macros::permissions;
use service::{alerts::notification, ingest::import_job, outreach::outreach_draft};

use crate::{
    alerts::notification::Notification,
    governance::change::{Change, ChangedEntity},
    ingest::import_job::ImportJob,
    outreach::outreach_draft::OutreachDraft,
};
use graph::{
    Declared, FilterOf, Row, RowBatch,
    error::{Error, Result},
    scalar::EnumValueOf,
};

/// The subscription root.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subscription;

/// How the match of a row with the filter of a subscription changed. Without a filter every row matches while it exists.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "engine::change_log::MatchChange")]
pub enum MatchChange {
    /// The row matches now but did not before, or is new: add it.
    Entered,
    /// The row still matches: replace it.
    Updated,
    /// The row no longer matches or no longer exists: remove it.
    Left,
}

/// A change event of an outreach draft.
#[derive(SimpleObject)]
pub struct OutreachDraftEvent {
    /// How the match of the draft with the filter changed.
    pub match_change: MatchChange,
    /// Cursor of the event: pass it as `after` to resume after this event.
    pub cursor: String,
    /// The change, with the values at that time.
    pub change: Option<Row<Change>>,
    /// The draft as it was at most 250 ms before this event is delivered; null if the draft no longer exists.
    pub draft: Option<Row<OutreachDraft>>,
}

/// A change event of an import job.
#[derive(SimpleObject)]
pub struct ImportJobEvent {
    /// How the match of the import job with the filter changed.
    pub match_change: MatchChange,
    /// Cursor of the event: pass it as `after` to resume after this event.
    pub cursor: String,
    /// The change, with the values at that time.
    pub change: Option<Row<Change>>,
    /// The import job as it was at most 250 ms before this event is delivered; null if the job no longer exists.
    pub import_job: Option<Row<ImportJob>>,
}

/// A new notification of the caller.
#[derive(SimpleObject)]
pub struct NotificationEvent {
    /// Cursor of the event: pass it as `after` to resume after this event.
    pub cursor: String,
    /// The notification; null if it no longer exists.
    pub notification: Option<Row<Notification>>,
}

/// A change event.
#[derive(SimpleObject)]
pub struct ChangeEvent {
    /// Cursor of the event: pass it as `after` to resume after this event.
    pub cursor: String,
    /// The change.
    pub change: Option<Row<Change>>,
}

/// The subscription root. Every event is delivered once, in the order of the change log, which is the same for all
/// subscribers. A client that resumes with the cursor of its last event as `after` gets all events since.
#[permissions]
#[Subscription]
impl Subscription {
    /// New drafts.
    #[permission(Read)]
    async fn outreach_draft_created(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last event received. Default: only new events.")]
        after: Option<String>,
        #[graphql(
            desc = "Filter of drafts as they were created; related rows are matched in their current state."
        )]
        filter: Option<FilterOf<OutreachDraft>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<OutreachDraftEvent>>> {
        drafts(ctx, after, filter, vec![kind::CREATED]).await
    }

    /// All changes of drafts: created, updated, changed status, deleted.
    #[permission(Read)]
    async fn outreach_draft_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last event received. Default: only new events.")]
        after: Option<String>,
        #[graphql(
            desc = "Filter of drafts, as they were before or after the change: `matchChange` shows whether the draft began \
                    or stopped matching. Related rows are matched in their current state. An erased draft no longer \
                    matches any filter."
        )]
        filter: Option<FilterOf<OutreachDraft>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<OutreachDraftEvent>>> {
        drafts(ctx, after, filter, Vec::new()).await
    }

    /// All changes of import jobs, including the progress of preview, commit and undo.
    #[permission(Read)]
    async fn import_job_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last event received. Default: only new events.")]
        after: Option<String>,
        #[graphql(
            desc = "Filter of import jobs, as they were before or after the change: `matchChange` shows whether the job began \
                    or stopped matching. A deleted job no longer matches any filter."
        )]
        filter: Option<FilterOf<ImportJob>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<ImportJobEvent>>> {
        let batches = rows(ctx, import_job::table(), after, filter, Vec::new()).await?;
        Ok(events(batches, |notice, change, import_job| ImportJobEvent {
            match_change: notice.match_change.into(),
            cursor: cursor(notice.position),
            change: Some(change),
            import_job,
        }))
    }

    /// New notifications of the caller. The local user has none.
    #[permission(Read)]
    async fn notification_created(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last event received. Default: only new events.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = async_graphql::Result<NotificationEvent>>> {
        let entities = vec![notification::table().called];
        let wanted =
            SubscribeOptions { entities, kinds: vec![kind::PRIVATE], judge: EntryFilter::All };
        let scope = ctx.data_unchecked::<Scope>().clone();
        let batches = follow(ctx, wanted, after).await?.then(move |batch| {
            let scope = scope.clone();
            async move { visible_notifications(&scope, batch?).await }
        });
        Ok(events(batches, |notice, _, notification| NotificationEvent {
            cursor: cursor(notice.position),
            notification,
        }))
    }

    /// All changes.
    #[permission(Read)]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last event received. Default: only new events.")]
        after: Option<String>,
        #[graphql(desc = "Only changes of these entities. Default: all.")] entities: Option<
            Vec<EnumValueOf<ChangedEntity>>,
        >,
        #[graphql(desc = "Filter of changes.")] filter: Option<FilterOf<Change>>,
    ) -> Result<impl Stream<Item = async_graphql::Result<ChangeEvent>>> {
        let entities = entities.unwrap_or_default().into_iter().map(|word| word.name()).collect();
        let judge = match parse_filter(filter)? {
            Some(filter) => EntryFilter::Entry(filter),
            None => EntryFilter::All,
        };
        let wanted = SubscribeOptions { entities, kinds: Vec::new(), judge };
        let batches = follow(ctx, wanted, after).await?;
        Ok(events(batches, |notice, change, _: Option<Row<Change>>| ChangeEvent {
            cursor: cursor(notice.position),
            change: Some(change),
        }))
    }
}

/// The notices about notifications of the caller.
async fn visible_notifications(
    scope: &Scope,
    batch: Vec<ChangeNotification>,
) -> engine::Result<Vec<ChangeNotification>> {
    let keys: Vec<i64> = batch.iter().filter_map(|notice| notice.record).collect();
    let own = notification::visible(scope, &keys).await?;
    let is_own = |notice: &ChangeNotification| notice.record.is_some_and(|key| own.contains(&key));
    Ok(batch.into_iter().filter(is_own).collect())
}

async fn drafts(
    ctx: &Context<'_>,
    after: Option<String>,
    filter: Option<FilterOf<OutreachDraft>>,
    kinds: Vec<&'static str>,
) -> Result<impl Stream<Item = async_graphql::Result<OutreachDraftEvent>> + use<>> {
    let batches = rows(ctx, outreach_draft::table(), after, filter, kinds).await?;
    Ok(events(batches, |notice, change, draft| OutreachDraftEvent {
        match_change: notice.match_change.into(),
        cursor: cursor(notice.position),
        change: Some(change),
        draft,
    }))
}

/// Converts change notifications to events: the notification, the change log entry, and the changed row.
fn events<E, T>(
    batches: impl Stream<Item = engine::Result<Vec<ChangeNotification>>> + Send,
    event: fn(&ChangeNotification, Row<Change>, Option<Row<E>>) -> T,
) -> impl Stream<Item = async_graphql::Result<T>> {
    batches.flat_map(move |batch| {
        let notices = match batch {
            Ok(notices) => notices,
            Err(error) => return stream::iter(vec![Err(Error::from(error).into())]),
        };
        let changes = RowBatch::new(notices.iter().map(|notice| notice.position.id).collect());
        let rows = RowBatch::new(notices.iter().filter_map(|notice| notice.record).collect());
        let events = notices.iter().map(|notice| {
            let change = Row::in_batch(notice.position.id, &changes);
            let row = notice.record.map(|key| Row::in_batch(key, &rows));
            Ok(event(notice, change, row))
        });
        stream::iter(events.collect::<Vec<_>>())
    })
}

/// The changes of rows of `table`, of these kinds or of all kinds.
async fn rows<E: Declared>(
    ctx: &Context<'_>,
    table: &'static Table,
    after: Option<String>,
    filter: Option<FilterOf<E>>,
    kinds: Vec<&'static str>,
) -> Result<impl Stream<Item = engine::Result<Vec<ChangeNotification>>> + Send + use<E>> {
    let judge = match parse_filter(filter)? {
        Some(filter) => EntryFilter::Row(table, filter),
        None => EntryFilter::All,
    };
    follow(ctx, SubscribeOptions { entities: vec![table.called], kinds, judge }, after).await
}

fn parse_filter<E: Declared>(filter: Option<FilterOf<E>>) -> Result<Option<Filter>, Error> {
    let filter = filter.map(|filter| filter.filter()).transpose()?;
    Ok(filter.filter(|filter| !filter.is_empty()))
}

async fn follow(
    ctx: &Context<'_>,
    wanted: SubscribeOptions,
    after: Option<String>,
) -> Result<impl Stream<Item = engine::Result<Vec<ChangeNotification>>> + Send + use<>, Error> {
    let feed = ctx
        .data_opt::<ChangeStream>()
        .ok_or_else(|| Error::internal("the request context has no change stream"))?;
    let scope = ctx.data_unchecked::<Scope>();
    Ok(feed.follow(scope, wanted, after.as_deref()).await?)
}
