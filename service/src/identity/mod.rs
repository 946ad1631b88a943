//! Who acts, for which organization, and what they may do.

pub mod api_key;
pub mod key_ring;
pub mod organization;
pub mod policy;
pub mod user;
