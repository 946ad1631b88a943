//! Required permissions of each root field: the permissions of `engine::Role`.

use async_graphql::parser::types::OperationType;
use engine::{Permission, Role};

use crate::document::{Read, Refusal};

/// The permission a root field requires; `None` if it is public, even without a key.
#[must_use]
pub fn needed(kind: OperationType, field: &str) -> Option<Permission> {
    match (kind, field) {
        (_, "__typename") | (OperationType::Query, "viewer") => None,
        (OperationType::Query, "databaseStatistics") => Some(Permission::ViewStatistics),
        (OperationType::Query | OperationType::Subscription, _) => Some(Permission::Read),
        (OperationType::Mutation, "eraseProspect" | "exportProspect") => {
            Some(Permission::ManagePersonalData)
        }
        // Settings include the daily spend limit, which not every member may change.
        (OperationType::Mutation, field)
            if field.ends_with("Setting") || field.ends_with("Settings") =>
        {
            Some(Permission::ViewStatistics)
        }
        (OperationType::Mutation, _) => Some(Permission::Write),
    }
}

/// Rejects a request before execution if a root field requires more permissions than `role` has. Callers without a key
/// have no role.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`.
pub fn check(read: &Read, role: Option<Role>) -> Result<(), Refusal> {
    for root in &read.roots {
        let Some(permission) = needed(read.kind, &root.field) else { continue };
        let Some(role) = role else {
            let text = "authentication required: send `Authorization: Bearer <key>`, or `authorization` in `connection_init`";
            return Err(Refusal::new("UNAUTHENTICATED", text, None));
        };
        if let Err(error) = role.demand(permission) {
            return Err(Refusal::new("FORBIDDEN", format!("`{}`: {error}", root.field), None));
        }
    }
    Ok(())
}
