//! API keys in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use engine::{Problem, Scope};
use graph::{
    action::act,
    error::{Error, Result},
    payload::UserError,
    scalar::{EnumValueOf, Moment},
};
use salesgraph_macros::permissions;
use service::identity::api_key::{self, OwnKey};

use super::{members::role, membership::Role};

/// The query fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiKeyQueries;

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiKeyActions;

/// An API key, without its secret.
#[derive(SimpleObject)]
pub struct ApiKey {
    /// ID of the key, for `revokeApiKey`.
    pub key_id: ID,
    /// Beginning of the text of the key, up to the dot, which identifies the key.
    pub prefix: String,
    /// Name: purpose or location.
    pub name: String,
    /// Role. The role of the user limits it.
    pub role: Option<EnumValueOf<Role>>,
    /// Whether a program uses the key. Drafts written by a program need approval by a person.
    pub is_worker: bool,
    /// E-mail address of the responsible user.
    pub user_email: String,
    /// Creation time.
    pub created_at: Moment,
    /// Time of the last use, to the minute; null if the key was never used.
    pub last_used_at: Option<Moment>,
    /// Expiry; null if the key does not expire.
    pub expires_at: Option<Moment>,
    /// Time of revocation; null if the key is valid.
    pub revoked_at: Option<Moment>,
}

impl From<api_key::ApiKey> for ApiKey {
    fn from(key: api_key::ApiKey) -> Self {
        Self {
            key_id: ID(key.id.to_string()),
            prefix: format!("sg_{}", key.prefix),
            name: key.name,
            role: EnumValueOf::stored(&key.role),
            is_worker: key.kind == "worker",
            user_email: key.user,
            created_at: Moment(key.created_at),
            last_used_at: key.last_used_at.map(Moment),
            expires_at: key.expires_at.map(Moment),
            revoked_at: key.revoked_at.map(Moment),
        }
    }
}

/// Input of `createApiKey`.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// Name: purpose or location. Maximum: 100 characters.
    pub name: String,
    /// Role: at most the role of the caller.
    pub role: EnumValueOf<Role>,
    /// Whether a program uses the key. Default: true. A key of a program can't create keys of people.
    pub is_worker: Option<bool>,
    /// Expiry; null if the key does not expire. A key that is created with a key expires with it at the latest.
    pub expires_at: Option<Moment>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `createApiKey`.
#[derive(SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The text of the key, which is returned once; null after errors and in repeated requests.
    pub key: Option<String>,
    /// The key, without its secret; null after errors.
    pub api_key: Option<ApiKey>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Input of `revokeApiKey`.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// The `keyId` of the API key.
    pub key_id: ID,
}

/// Payload of `revokeApiKey`.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The key; null after errors.
    pub api_key: Option<ApiKey>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl ApiKeyQueries {
    /// API keys of the organization, oldest first.
    #[permission(ManageApiKeys)]
    async fn api_keys(&self, ctx: &Context<'_>) -> Result<Vec<ApiKey>> {
        let keys = api_key::list(ctx.data_unchecked::<Scope>()).await.map_err(Error::from)?;
        Ok(keys.into_iter().map(ApiKey::from).collect())
    }
}

#[permissions]
#[Object]
impl ApiKeyActions {
    /// Creates an API key that acts for the caller. It never has more permissions than the caller.
    #[permission(ManageApiKeys)]
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let done = act(ctx, |scope, once| async move {
            let new = OwnKey {
                name: input.name,
                role: role(&input.role),
                worker: input.is_worker.unwrap_or(true),
                expires_at: input.expires_at.map(|moment| moment.0),
            };
            let created = api_key::create_own(scope, new, once).await?;
            let key = api_key::get(scope, &created.prefix).await?;
            Ok((created.text, ApiKey::from(key)))
        });
        let (created, user_errors) = done.await?;
        let (key, api_key) = created.unzip();
        Ok(CreateApiKeyPayload { key: key.flatten(), api_key, user_errors })
    }

    /// Revokes an API key; all servers reject it within two seconds. Revoking a revoked key has no effect.
    #[permission(ManageApiKeys)]
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        let done = act(ctx, |scope, _| async move {
            let missing = || Problem::not_found("keyId", "api_key");
            let id = input.key_id.parse().map_err(|_| missing())?;
            Ok(ApiKey::from(api_key::revoke_by_id(scope, id).await?))
        });
        let (api_key, user_errors) = done.await?;
        Ok(RevokeApiKeyPayload { api_key, user_errors })
    }
}
