//! SQL text remains only in the files of `data/sql-files.txt`, each of which has a reason.

use std::{collections::BTreeMap, fs};

use tests::committed;

use crate::architecture::{files, root};

/// Words that begin a statement or one of its clauses, as they stand in string literals.
const STARTS: [&str; 16] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE \\\"",
    "DELETE FROM ",
    "FROM \\\"",
    "WHERE \\\"",
    "JOIN \\\"",
    "ORDER BY ",
    "GROUP BY ",
    "WITH ",
    "PRAGMA ",
    "SAVEPOINT ",
    "VACUUM",
    "ANALYZE",
    "BEGIN IMMEDIATE",
    "LOCK TABLE",
];

tests::plain![sql_text_remains_only_in_listed_files];

fn sql_text_remains_only_in_listed_files() {
    let list = fs::read_to_string(committed::path("sql-files.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let listed: BTreeMap<&str, &str> = lines
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}")))
        .collect();
    let mut found = Vec::new();
    for folder in ["service", "api"] {
        for path in files(&root().join(folder), ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let has_sql = code
                .filter(|line| line.contains('"') || line.contains('\\'))
                .any(|line| STARTS.iter().any(|start| line.contains(start)));
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            if has_sql && name.contains("/src/") {
                found.push(name);
            }
        }
    }
    let unlisted: Vec<_> =
        found.iter().filter(|name| !listed.contains_key(name.as_str())).collect();
    assert!(
        unlisted.is_empty(),
        "build these statements from entities, or list the files: {unlisted:#?}"
    );
    let stale: Vec<_> =
        listed.keys().filter(|name| !found.iter().any(|one| one == *name)).collect();
    assert!(stale.is_empty(), "these files have no SQL text any more: {stale:#?}");
}
