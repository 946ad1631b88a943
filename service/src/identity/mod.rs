//! Whose rows they are.

pub mod organization;
