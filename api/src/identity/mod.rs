//! Identity in GraphQL and on the sign-in page: the viewer, members, sessions and API keys.

pub mod actor_kind;
pub mod api_keys;
pub mod members;
pub mod membership;
pub mod profile;
pub mod sessions;
pub mod sign_in_page;
pub mod sign_in_routes;
pub mod team;
pub mod viewer;
