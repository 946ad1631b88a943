//! Industries in GraphQL.

use salesgraph_macros::Entity;
use service::offer::industry::{rules, table};

use super::solution::Solution;
use crate::{crm::company::Company, graph::Many};

/// An industry: how companies and solutions are sorted.
#[derive(Entity)]
#[entity(table = table, plural = "industries", writes = rules)]
pub struct Industry {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// The companies in it.
    pub companies: Many<Company>,
    /// The solutions that suit it.
    #[entity(pairs("industry_solutions", "industry_id", "solution_id"))]
    pub solutions: Many<Solution>,
}
