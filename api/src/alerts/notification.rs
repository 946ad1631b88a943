//! Notifications in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    DateTime, EnumColumn, EnumType, One, Vocabulary,
    action::{act, key},
    error::Result,
    payload::UserError,
};
use salesgraph_macros::{Entity, permissions};
use service::alerts::notification::{self, KINDS, Mark, table};

use crate::crm::prospect_note::ProspectNote;

/// A notification of the caller. Other members and the local user don't see it.
#[derive(Entity)]
#[entity(table = table, plural = "notifications", read = Read)]
pub struct Notification {
    /// Kind.
    pub kind: EnumColumn<NotificationKind>,
    /// Title.
    pub title: String,
    /// Text.
    pub message: String,
    /// The note that mentions the caller; null for other kinds.
    pub prospect_note: Option<One<ProspectNote>>,
    /// Time at which the caller read it; null if unread.
    pub read_at: Option<DateTime>,
    /// Time at which the caller dismissed it; null if not dismissed.
    pub dismissed_at: Option<DateTime>,
}

/// `notifications.kind`.
pub enum NotificationKind {}

impl Vocabulary for NotificationKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "NotificationKind", about: "Kind of a notification.", words: KINDS }
    }
}

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotificationActions;

/// Input of `markNotificationsRead`.
#[derive(InputObject)]
pub struct MarkNotificationsReadInput {
    /// The notifications. Null: all unread ones. Maximum: 100.
    pub ids: Option<Vec<ID>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `dismissNotifications`.
#[derive(InputObject)]
pub struct DismissNotificationsInput {
    /// The notifications. Maximum: 100.
    pub ids: Vec<ID>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `markNotificationsRead` and `dismissNotifications`.
#[derive(SimpleObject)]
pub struct MarkNotificationsPayload {
    /// Number of notifications that were not marked before; null after errors.
    pub marked_notifications: Option<i32>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl NotificationActions {
    /// Marks notifications of the caller as read.
    #[permission(Read)]
    async fn mark_notifications_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MarkNotificationsReadInput,
    ) -> Result<MarkNotificationsPayload> {
        mark(ctx, input.ids, Mark::Read).await
    }

    /// Dismisses notifications of the caller: lists with `dismissedAt: { isNull: true }` no longer contain them. They also
    /// count as read.
    #[permission(Read)]
    async fn dismiss_notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: DismissNotificationsInput,
    ) -> Result<MarkNotificationsPayload> {
        mark(ctx, Some(input.ids), Mark::Dismissed).await
    }
}

async fn mark(
    ctx: &Context<'_>,
    ids: Option<Vec<ID>>,
    mark: Mark,
) -> Result<MarkNotificationsPayload> {
    let done = act(ctx, |scope, once| async move {
        let keys = ids.map(|ids| ids.iter().map(|id| key::<Notification>(id, "ids")).collect());
        notification::mark(scope, keys.transpose()?, mark, once).await
    });
    let (marked, user_errors) = done.await?;
    let marked_notifications = marked.and_then(|count| count.try_into().ok());
    Ok(MarkNotificationsPayload { marked_notifications, user_errors })
}
