//! What each root field takes: the permissions of `service::Role`, field by field.

use async_graphql::parser::types::OperationType;
use service::{Permission, Role};

use crate::document::{Read, Refusal};

/// What an actor needs to ask for a root field; `None` when everybody may, also who has shown no key.
#[must_use]
pub fn needed(kind: OperationType, field: &str) -> Option<Permission> {
    match (kind, field) {
        (_, "__typename") | (OperationType::Query, "viewer") => None,
        (OperationType::Query, "databaseStatistics") => Some(Permission::ViewStatistics),
        (OperationType::Query | OperationType::Subscription, _) => Some(Permission::Read),
        (OperationType::Mutation, "eraseProspect" | "exportProspect") => {
            Some(Permission::ManagePersonalData)
        }
        // What a day may cost is not for everybody to say.
        (OperationType::Mutation, field)
            if field.ends_with("Setting") || field.ends_with("Settings") =>
        {
            Some(Permission::ViewStatistics)
        }
        (OperationType::Mutation, _) => Some(Permission::Write),
    }
}

/// Refuses a request of which a root field takes more than `role` has, before anything runs. Nobody who
/// shows no key has a role.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`.
pub fn check(read: &Read, role: Option<Role>) -> Result<(), Refusal> {
    for root in &read.roots {
        let Some(permission) = needed(read.kind, &root.field) else { continue };
        let Some(role) = role else {
            let text = "show a key: `Authorization: Bearer KEY`, on a socket `authorization` in its first message";
            return Err(Refusal::new("UNAUTHENTICATED", text, None));
        };
        if let Err(error) = role.demand(permission) {
            return Err(Refusal::new("FORBIDDEN", format!("`{}`: {error}", root.field), None));
        }
    }
    Ok(())
}
