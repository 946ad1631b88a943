//! Response plans of aggregates.

use std::sync::Arc;

use async_graphql::Name;
use engine::read::Zone;
use serde_json::Value as Json;

use super::{super::declaration::Scalar, key::Key};

/// The response plan of an aggregate.
pub struct Plan {
    /// The group keys.
    pub keys: Vec<Key>,
    /// The filter of the list, as JSON.
    pub filter: Json,
    /// Time zone of time buckets.
    pub zone: Arc<Zone>,
    /// Maximum number of groups.
    pub limit: usize,
    /// The fields, by response name.
    pub parts: Vec<(Name, Part)>,
}

/// The response plan of a field of the result.
pub enum Part {
    /// The type name.
    TypeName(String),
    /// A measure.
    Measure {
        /// The position of the cell, counted after the group keys.
        place: usize,
        /// The GraphQL type of the measure.
        scalar: Scalar,
        /// Whether the measure is 0 instead of null if there are no rows.
        counts: bool,
    },
    /// The group key at this position.
    Key(usize),
    /// An object.
    Object(Vec<(Name, Part)>),
    /// The groups.
    Nodes(Vec<(Name, Part)>),
    /// The total number of groups.
    TotalCount,
    /// The filter that matches the rows of the group.
    Filter,
}
