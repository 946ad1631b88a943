//! Sessions of the signed-in user in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use engine::Problem;
use graph::{action::act, error::Result, payload::UserError, scalar::Moment};
use salesgraph_macros::permissions;
use service::identity::{accounts::Accounts, session};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionActions;

/// A session of the signed-in user.
#[derive(SimpleObject)]
pub struct UserSession {
    /// ID of the session, for `revokeSessions`.
    pub session_id: ID,
    /// IP address of the client when the session began.
    pub ip_address: Option<String>,
    /// Program of the client when the session began (`User-Agent`).
    pub user_agent: Option<String>,
    /// Time of the beginning.
    pub created_at: Moment,
    /// Time of the last request, to the minute.
    pub last_seen_at: Moment,
    /// Time at which the session ends at the latest. It also ends after seven days without a request.
    pub expires_at: Moment,
    /// Whether this request uses the session.
    pub is_current: bool,
}

impl From<session::UserSession> for UserSession {
    fn from(session: session::UserSession) -> Self {
        Self {
            session_id: ID(session.id.to_string()),
            ip_address: session.ip_address,
            user_agent: session.user_agent,
            created_at: Moment(session.created_at),
            last_seen_at: Moment(session.last_seen_at),
            expires_at: Moment(session.expires_at),
            is_current: session.is_current,
        }
    }
}

/// Input of `revokeSessions`.
#[derive(InputObject)]
pub struct RevokeSessionsInput {
    /// The `sessionId` of each session. Maximum: 100.
    pub session_ids: Vec<ID>,
}

/// Payload of `revokeSessions`.
#[derive(SimpleObject)]
pub struct RevokeSessionsPayload {
    /// Number of revoked sessions; null after errors.
    pub revoked_sessions: Option<i32>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl SessionActions {
    /// Revokes sessions of the signed-in user. Their sockets are closed within a second. Either all sessions are revoked or,
    /// if one is not a current session of the user, none.
    #[permission(Read)]
    async fn revoke_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RevokeSessionsInput,
    ) -> Result<RevokeSessionsPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, _| async move {
            let missing = || Problem::not_found("sessionIds", "session");
            let keys = input.session_ids.iter().map(|id| id.parse().map_err(|_| missing()));
            let keys = keys.collect::<std::result::Result<Vec<i64>, _>>()?;
            accounts.revoke_sessions(scope, &keys).await
        });
        let (revoked, user_errors) = done.await?;
        let revoked_sessions = revoked.and_then(|count| count.try_into().ok());
        Ok(RevokeSessionsPayload { revoked_sessions, user_errors })
    }
}
