//! Solutions in GraphQL.

use salesgraph_macros::Entity;
use service::offer::solution::{rules, table};

use super::industry::Industry;
use crate::graph::{Json, Many};

/// What we sell: a service, a product, a package.
#[derive(Entity)]
#[entity(table = table, plural = "solutions", writes = rules)]
pub struct Solution {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Category or type, in words of your own.
    #[entity(sort)]
    pub category: String,
    /// What it is and does.
    pub description: String,
    /// What it is commonly used for.
    pub use_cases: Option<Json>,
    /// Words by which it is found and matched.
    pub keywords: Option<Json>,
    /// How it is priced, in words of your own: `per seat`, `one-off`.
    pub pricing_model: String,
    /// The industries it suits.
    #[entity(pairs("industry_solutions", "solution_id", "industry_id"))]
    pub industries: Many<Industry>,
}
