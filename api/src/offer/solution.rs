//! Solutions in GraphQL.

use salesgraph_macros::Entity;
use service::offer::solution::{rules, table};

use super::industry::Industry;
use graph::{Json, Many};

/// A solution: a product, a service or a package to sell.
#[derive(Entity)]
#[entity(table = table, plural = "solutions", read = Read, writes = rules, write = WriteAll)]
pub struct Solution {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Category, as free text.
    #[entity(sort)]
    pub category: String,
    /// Description.
    pub description: String,
    /// Use cases.
    pub use_cases: Option<Json>,
    /// Keywords for search and matching.
    pub keywords: Option<Json>,
    /// Pricing model, as free text: `per seat`, `one-off`.
    pub pricing_model: String,
    /// Industries that the solution is for.
    #[entity(pairs("industry_solutions", "solution_id", "industry_id"))]
    pub industries: Many<Industry>,
}
