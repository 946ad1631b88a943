//! Actors, organizations and API keys.

pub mod api_key;
pub mod api_key_cache;
pub mod organization;
pub mod user;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 2] {
    [user::table(), api_key::table()]
}
