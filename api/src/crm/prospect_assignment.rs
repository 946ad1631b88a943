//! Assignments of prospects in GraphQL.

use salesgraph_macros::Entity;
use service::crm::prospect_assignment::table;

use super::prospect::Prospect;
use crate::identity::membership::Membership;
use graph::{DateTime, One};

/// An assignment of a prospect to a member: who owned the prospect from when to when.
#[derive(Entity)]
#[entity(table = table, plural = "prospectAssignments", read = Read)]
pub struct ProspectAssignment {
    /// The prospect.
    pub prospect: One<Prospect>,
    /// The owner during this time.
    pub assignee: One<Membership>,
    /// The member who assigned the prospect; null if it was the local user or the command line.
    pub assigned_by: Option<One<Membership>>,
    /// Time of the assignment.
    #[entity(sort)]
    pub assigned_at: DateTime,
    /// Time at which another assignment or none replaced it; null for the current owner.
    pub unassigned_at: Option<DateTime>,
}
