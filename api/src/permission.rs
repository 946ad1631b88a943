//! Required permissions of each root field. A field names its permission where it is declared: an entity in
//! `#[entity(read = …, write = …)]`, a hand-written field in `#[permission(…)]`. A field that names none is denied.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use async_graphql::parser::types::OperationType;
use engine::{Permission, Role};

use crate::{
    catalog,
    document::{ParsedDocument, Refusal, is_root_field},
    schema,
    subscription::Subscription,
};
use graph;

/// Permissions by field; `None` if the field is public, even without a key.
type Permissions = HashMap<String, Option<Permission>>;

/// The declared permissions of the root fields of one type of operation.
fn declared(kind: OperationType) -> &'static Permissions {
    static QUERIES: LazyLock<Permissions> = LazyLock::new(|| {
        let mut permissions = written(schema::CUSTOM_QUERIES);
        for entity in catalog::entities() {
            permissions.insert(entity.single.clone(), Some(entity.read));
            permissions.insert(entity.plural.to_owned(), Some(entity.read));
        }
        // The type of a row is known only after its ID has been read; all entities require the same permission.
        for field in ["node", "nodes", "__schema", "__type"] {
            permissions.insert(field.to_owned(), Some(Permission::Read));
        }
        permissions
    });
    static MUTATIONS: LazyLock<Permissions> = LazyLock::new(|| {
        let mut permissions = written(schema::CUSTOM_MUTATIONS);
        for entity in catalog::entities() {
            let Some(permission) = entity.write else { continue };
            for mutation in graph::write::mutations(entity) {
                permissions.insert(mutation.name, Some(permission));
            }
        }
        permissions
    });
    static SUBSCRIPTIONS: LazyLock<Permissions> =
        LazyLock::new(|| written(&[Subscription::PERMISSIONS]));
    match kind {
        OperationType::Query => &QUERIES,
        OperationType::Mutation => &MUTATIONS,
        OperationType::Subscription => &SUBSCRIPTIONS,
    }
}

/// The permissions of hand-written fields.
fn written(blocks: &[&[(&str, Option<Permission>)]]) -> Permissions {
    let fields = blocks.iter().flat_map(|block| block.iter());
    fields.map(|(field, permission)| ((*field).to_owned(), *permission)).collect()
}

/// The declared permissions of the root fields of one type of operation, sorted by field.
#[must_use]
pub fn matrix(kind: OperationType) -> BTreeMap<&'static str, Option<Permission>> {
    let fields = declared(kind).iter();
    fields.map(|(field, permission)| (field.as_str(), *permission)).collect()
}

/// Rejects a request before execution if a root field requires more permissions than `role` has, or names no
/// permission. Callers without a key have no role.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`.
pub fn check(read: &ParsedDocument, role: Option<Role>) -> Result<(), Refusal> {
    let declared = declared(read.kind);
    for root in read.roots.iter().filter(|root| root.field != "__typename") {
        let permission = declared.get(&root.field).copied();
        if permission == Some(None) {
            continue;
        }
        let Some(role) = role else {
            let text = "authentication required: send `Authorization: Bearer <key>`, or `authorization` in `connection_init`";
            return Err(Refusal::new("UNAUTHENTICATED", text, None));
        };
        let Some(Some(permission)) = permission else {
            if !is_root_field(read.kind, &root.field) {
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
