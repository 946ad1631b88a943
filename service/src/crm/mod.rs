//! Companies and prospects, with their research, notes, owners, engagement, opt-outs and next actions.

pub mod assignment;
pub mod company;
pub mod engagement;
pub mod merge;
pub mod next_action;
pub(crate) mod opt_out;
mod portfolio;
pub mod privacy;
pub mod prospect;
pub mod prospect_assignment;
pub mod prospect_moves;
pub mod prospect_note;
pub mod prospect_research;
pub mod work_list;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 5] {
    [
        company::table(),
        prospect::table(),
        prospect_research::table(),
        prospect_assignment::table(),
        prospect_note::table(),
    ]
}
