//! Permissions of the root fields. A field names its permission where it is declared: an entity in
//! `#[entity(read = …, write = …)]`, a hand-written field in `#[permission(…)]`. A field that names none is denied.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use engine::Permission;
use server::permission::{FieldPermission, RootPermissions};

use crate::{catalog::catalog, schema, subscription::Subscription};

/// The permissions of all root fields.
#[must_use]
pub fn permissions() -> Arc<RootPermissions> {
    static PERMISSIONS: LazyLock<Arc<RootPermissions>> = LazyLock::new(|| {
        let mut queries = declared(schema::CUSTOM_QUERIES);
        for entity in catalog().entities() {
            queries.insert(entity.single.clone(), Some(entity.read));
            queries.insert(entity.plural.to_owned(), Some(entity.read));
        }
        // The type of a row is known only after its ID has been read; all entities require the same permission.
        for field in ["node", "nodes", "__schema", "__type"] {
            queries.insert(field.to_owned(), Some(Permission::Read));
        }
        let mut mutations = declared(schema::CUSTOM_MUTATIONS);
        for mutation in catalog().mutations() {
            if let Some(permission) = mutation.entity.write {
                mutations.insert(mutation.name.clone(), Some(permission));
            }
        }
        let subscriptions = declared(&[Subscription::PERMISSIONS]);
        Arc::new(RootPermissions { queries, mutations, subscriptions })
    });
    Arc::clone(&PERMISSIONS)
}

/// The permissions of hand-written fields.
fn declared(blocks: &[&[(&str, FieldPermission)]]) -> HashMap<String, FieldPermission> {
    let fields = blocks.iter().flat_map(|block| block.iter());
    fields.map(|(field, permission)| ((*field).to_owned(), *permission)).collect()
}
