//! Actors, organizations, roles and permissions.

pub mod api_key;
pub mod key_ring;
pub mod organization;
pub mod policy;
pub mod user;
