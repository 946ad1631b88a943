//! What members see in the product about events that concern them.

pub mod notification;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 1] {
    [notification::table()]
}
