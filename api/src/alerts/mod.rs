//! What members see in the product about events that concern them.

pub mod notification;
