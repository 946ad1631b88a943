//! Required permissions of each root field, which the product declares. A field without a declaration is denied.

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::types::OperationType;
use engine::{Permission, Role};

use crate::document::{ParsedDocument, PublishedSchema, Refusal};

/// The permission of a root field; `None` if the field is public, even without a key.
pub type FieldPermission = Option<Permission>;

/// The permissions of the root fields of one type of operation.
type Permissions = HashMap<String, FieldPermission>;

/// The declared permissions of all root fields.
#[derive(Debug, Default)]
pub struct RootPermissions {
    /// The fields of the query root.
    pub queries: Permissions,
    /// The fields of the mutation root.
    pub mutations: Permissions,
    /// The fields of the subscription root.
    pub subscriptions: Permissions,
}

impl RootPermissions {
    fn declared(&self, kind: OperationType) -> &Permissions {
        match kind {
            OperationType::Query => &self.queries,
            OperationType::Mutation => &self.mutations,
            OperationType::Subscription => &self.subscriptions,
        }
    }

    /// The declared permissions of the root fields of one type of operation, sorted by field.
    #[must_use]
    pub fn matrix(&self, kind: OperationType) -> BTreeMap<&str, FieldPermission> {
        let fields = self.declared(kind).iter();
        fields.map(|(field, permission)| (field.as_str(), *permission)).collect()
    }

    /// Rejects a request before execution if a root field requires more permissions than `role` has, or names no
    /// permission. Callers without a key have no role.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `FORBIDDEN`.
    pub fn check(
        &self,
        schema: &PublishedSchema,
        read: &ParsedDocument,
        role: Option<Role>,
    ) -> Result<(), Refusal> {
        let declared = self.declared(read.kind);
        for root in read.roots.iter().filter(|root| root.field != "__typename") {
            let permission = declared.get(&root.field).copied();
            if permission == Some(None) {
                continue;
            }
            let Some(role) = role else {
                let text = "authentication required: send `Authorization: Bearer <key>`, or `authorization` in `connection_init`; or sign in at /sign-in";
                return Err(Refusal::new("UNAUTHENTICATED", text, None));
            };
            let Some(Some(permission)) = permission else {
                if !schema.is_root_field(read.kind, &root.field) {
                    continue;
                }
                let text = format!("`{}` declares no permission, so it is denied", root.field);
                return Err(Refusal::new("FORBIDDEN", text, None));
            };
            if let Err(error) = role.demand(permission) {
                return Err(Refusal::new("FORBIDDEN", format!("`{}`: {error}", root.field), None));
            }
        }
        Ok(())
    }
}
