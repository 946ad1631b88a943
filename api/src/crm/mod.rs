//! Companies and prospects, and what is known about them.

pub mod acts;
pub mod company;
pub mod engagement;
pub mod next_action;
pub mod prospect;
pub mod prospect_research;
