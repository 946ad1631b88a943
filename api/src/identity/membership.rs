//! Memberships in GraphQL.

use async_graphql::SimpleObject;
use engine::Scope;
use salesgraph_macros::Entity;
use service::identity::{
    membership::{INVITED, ROLES, STATUSES, table},
    user::{self, ProfileOf},
};

use super::team::Team;
use graph::{
    EnumColumn, EnumType, Many, RowView, Vocabulary,
    error::{Error, Result},
    scalar::Moment,
};

/// A membership of a user in the organization. Users are invited with `inviteMember`.
#[derive(Entity)]
#[entity(table = table, plural = "memberships", read = Read)]
pub struct Membership {
    /// Role of the user in the organization.
    #[entity(sort)]
    pub role: EnumColumn<Role>,
    /// Status.
    pub status: EnumColumn<MembershipStatus>,
    /// Why the membership is suspended; null if it is not, or no reason was given.
    pub suspension_reason: Option<String>,
    /// Teams of the member.
    #[entity(pairs("team_members", "membership_id", "team_id"))]
    pub teams: Many<Team>,
    /// Profile of the user.
    #[entity(computed = profiles, needs("user_id", "status"))]
    pub profile: UserProfile,
}

/// `memberships.role`.
pub enum Role {}

impl Vocabulary for Role {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Role", about: "Role of a user in an organization.", words: ROLES }
    }
}

/// `memberships.status`.
pub enum MembershipStatus {}

impl Vocabulary for MembershipStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "MembershipStatus", about: "Status of a membership.", words: STATUSES }
    }
}

/// What other members see of a user.
#[derive(SimpleObject)]
pub struct UserProfile {
    /// E-mail address.
    pub email: String,
    /// Name; null if the user has not entered one.
    pub name: Option<String>,
    /// URL of a picture; null if there is none.
    pub avatar_url: Option<String>,
    /// Time zone (IANA).
    pub time_zone: String,
    /// Time of the last sign-in; null before the first.
    pub last_signed_in_at: Option<Moment>,
    /// Time at which the user proved to receive mail at the address; null if that has not happened.
    pub email_verified_at: Option<Moment>,
}

impl From<user::UserProfile> for UserProfile {
    fn from(profile: user::UserProfile) -> Self {
        Self {
            email: profile.email,
            name: profile.name,
            avatar_url: profile.avatar_url,
            time_zone: profile.timezone,
            last_signed_in_at: profile.last_signed_in_at.map(Moment),
            email_verified_at: profile.email_verified_at.map(Moment),
        }
    }
}

async fn profiles(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<UserProfile>> {
    let users = rows.iter().map(|row| ProfileOf {
        user: row.cell(0).key().unwrap_or_default(),
        is_invited: row.text(1) == INVITED,
    });
    let users: Vec<_> = users.collect();
    let profiles = user::profiles(scope, &users).await.map_err(Error::from)?;
    Ok(profiles.into_iter().map(UserProfile::from).collect())
}
