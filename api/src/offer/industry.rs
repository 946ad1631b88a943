//! Industries in GraphQL.

use salesgraph_macros::Entity;
use service::offer::industry::{rules, table};

use super::solution::Solution;
use crate::crm::company::Company;
use graph::{Many, One};

/// An industry, which classifies companies and solutions.
#[derive(Entity)]
#[entity(table = table, plural = "industries", read = Read, writes = rules, write = WriteAll)]
pub struct Industry {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// The industry with the same name, if this row is marked as its duplicate. Rows are marked if they had
    /// the value before it became unique, were imported with it, or got it in a merge.
    #[entity(via = "duplicate_of")]
    pub duplicate_of: Option<One<Industry>>,
    /// Companies in the industry.
    pub companies: Many<Company>,
    /// Solutions for the industry.
    #[entity(pairs("industry_solutions", "industry_id", "solution_id"))]
    pub solutions: Many<Solution>,
}
