//! The access matrix: the permission that each root field requires, and the roles that have it. It is generated into
//! `tests/it/data/access.txt`, and changes to it are reviewed there.

use std::fs;

use api::permissions::permissions;
use async_graphql::parser::types::OperationType;
use engine::Role;
use tests::{
    committed::{assert_committed, path},
    plain,
};

plain![access_matrix_matches_the_committed_file, all_entities_require_the_same_permission_to_read,];

/// The root fields of one type of operation that require a permission, from the committed matrix.
pub fn requiring(operation: &str, permission: &str) -> Vec<String> {
    let committed = fs::read_to_string(path("access.txt")).unwrap();
    let rows = committed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found =
        rows.filter(|row| row[0] == operation && row[2] == permission && !row[1].starts_with("__"));
    let found: Vec<_> = found.map(|row| row[1].to_owned()).collect();
    assert!(!found.is_empty(), "{operation} {permission}");
    found
}

fn access_matrix_matches_the_committed_file() {
    let mut lines = String::new();
    let declared = permissions();
    let roles = [Role::Owner, Role::Admin, Role::Member, Role::Analyst];
    for (operation, kind) in [
        ("query", OperationType::Query),
        ("mutation", OperationType::Mutation),
        ("subscription", OperationType::Subscription),
    ] {
        for (field, permission) in declared.matrix(kind) {
            let (name, roles) = match permission {
                None => ("PUBLIC", vec!["everyone"]),
                Some(one) => {
                    let may = roles.iter().filter(|role| role.may(one));
                    (one.name(), may.map(|role| role.name()).collect())
                }
            };
            lines += &[operation, field, name, &roles.join(" ")].join(" ");
            lines.push('\n');
        }
    }
    assert_committed("access.txt", &lines);
}

/// `node`, `nodes` and relations return rows of any entity, and require only this permission.
fn all_entities_require_the_same_permission_to_read() {
    for entity in api::catalog::entities() {
        assert_eq!(entity.read, engine::Permission::Read, "{}", entity.name);
    }
}
