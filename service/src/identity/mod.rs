//! Actors and how they prove their identity: organizations, users, memberships, teams, sessions and API keys.

pub mod account_actions;
pub mod accounts;
pub mod api_key;
pub mod api_key_cache;
pub mod authenticator;
mod departure;
mod links;
pub mod login_attempt;
pub mod mail_delivery;
mod mail_text;
pub mod members;
pub mod membership;
mod one_time_link;
pub mod one_time_token;
pub mod organization;
pub(crate) mod organization_secret;
pub mod outgoing_mail;
pub mod password;
pub mod preference;
mod reset_requests;
mod secret;
pub mod session;
pub mod session_cache;
mod setup_code;
pub mod sign_in;
pub mod team;
pub mod user;

pub use links::FirstAccount;
pub use mail_text::Mail;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 4] {
    [user::table(), membership::table(), team::table(), api_key::table()]
}
