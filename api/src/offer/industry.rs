//! Industries in GraphQL.

use salesgraph_macros::Entity;
use service::offer::industry::{rules, table};

use super::solution::Solution;
use crate::{crm::company::Company, graph::Many};

/// An industry, which classifies companies and solutions.
#[derive(Entity)]
#[entity(table = table, plural = "industries", read = Read, writes = rules, write = Write)]
pub struct Industry {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Companies in the industry.
    pub companies: Many<Company>,
    /// Solutions for the industry.
    #[entity(pairs("industry_solutions", "industry_id", "solution_id"))]
    pub solutions: Many<Solution>,
}
