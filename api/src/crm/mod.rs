//! Companies and prospects, with research, engagement and next best actions.

pub mod actions;
pub mod assignments;
pub mod company;
pub mod engagement;
pub mod merges;
pub mod next_action;
pub mod prospect;
pub mod prospect_assignment;
pub mod prospect_moves;
pub mod prospect_note;
pub mod prospect_research;
pub mod work_list;
