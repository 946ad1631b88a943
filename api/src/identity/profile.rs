//! Profile and preferences of the viewer in GraphQL.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};
use engine::Scope;
use graph::{
    EnumType, Vocabulary,
    action::act,
    error::Result,
    payload::UserError,
    scalar::{EnumValueOf, JsonText},
};
use salesgraph_macros::permissions;
use service::identity::{
    accounts::Accounts,
    preference::{self, ProfileChange, THEMES},
};

use super::viewer::Viewer;

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProfileActions;

/// `user_preferences.theme`.
pub enum Theme {}

impl Vocabulary for Theme {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Theme", about: "Theme of a client.", words: THEMES }
    }
}

/// Preferences of a user, for clients. The server does not interpret them.
#[derive(SimpleObject)]
pub struct ViewerPreferences {
    /// Theme.
    pub theme: Option<EnumValueOf<Theme>>,
    /// Notification settings; null if there are none.
    pub notifications: Option<JsonText>,
    /// Other settings; null if there are none.
    pub values: Option<JsonText>,
}

impl From<preference::Preferences> for ViewerPreferences {
    fn from(preferences: preference::Preferences) -> Self {
        Self {
            theme: EnumValueOf::stored(&preferences.theme),
            notifications: preferences.notifications.map(JsonText),
            values: preferences.values.map(JsonText),
        }
    }
}

/// Input of `updateViewer`. Omitted fields keep their values.
#[derive(InputObject)]
pub struct UpdateViewerInput {
    /// Name; null removes it. Rows that the user has written keep the earlier name.
    pub name: MaybeUndefined<String>,
    /// URL of a picture; null removes it.
    pub avatar_url: MaybeUndefined<String>,
    /// Time zone (IANA).
    pub time_zone: Option<String>,
    /// Theme.
    pub theme: Option<EnumValueOf<Theme>>,
    /// Notification settings; null removes them. Maximum: 16 KiB.
    pub notifications: MaybeUndefined<JsonText>,
    /// Other settings; null removes them. Maximum: 16 KiB.
    pub preferences: MaybeUndefined<JsonText>,
}

/// Payload of `updateViewer`.
#[derive(SimpleObject)]
pub struct UpdateViewerPayload {
    /// The viewer; null after errors.
    pub viewer: Option<Viewer>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// A field of a patch: `None` if it was omitted.
#[expect(clippy::option_option, reason = "null removes a value, and an omitted field keeps it")]
fn given<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// Payload of `requestEmailVerification`.
#[derive(SimpleObject)]
pub struct RequestEmailVerificationPayload {
    /// The viewer; null after errors.
    pub viewer: Option<Viewer>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl ProfileActions {
    /// Sends a link to the e-mail address of the signed-in user, which confirms the address and is valid for one day. Nothing
    /// is sent if the address is confirmed. Maximum: three mails per hour.
    #[permission(Read)]
    async fn request_email_verification(
        &self,
        ctx: &Context<'_>,
    ) -> Result<RequestEmailVerificationPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, _| accounts.request_email_verification(scope)).await?;
        let viewer = done.0.and_then(|()| Viewer::of(ctx.data_unchecked::<Scope>()));
        Ok(RequestEmailVerificationPayload { viewer, user_errors: done.1 })
    }

    /// Changes the profile and the preferences of the signed-in user.
    #[permission(Read)]
    async fn update_viewer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: UpdateViewerInput,
    ) -> Result<UpdateViewerPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let change = ProfileChange {
            name: given(input.name),
            avatar_url: given(input.avatar_url),
            time_zone: input.time_zone,
            theme: input.theme.map(|theme| theme.name().to_owned()),
            notifications: given(input.notifications).map(|value| value.map(|json| json.0)),
            values: given(input.preferences).map(|value| value.map(|json| json.0)),
        };
        let done = act(ctx, |scope, _| accounts.update_profile(scope, change)).await?;
        let viewer = done.0.and_then(|()| Viewer::of(ctx.data_unchecked::<Scope>()));
        Ok(UpdateViewerPayload { viewer, user_errors: done.1 })
    }
}
