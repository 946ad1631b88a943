//! How columns are called.

use std::sync::LazyLock;

/// Fields and the names of their columns; see the file.
const COLUMNS: &str = include_str!("../../../data/columns.txt");

/// The names of columns for each field, the better ones first.
pub(super) static NAMES: LazyLock<Vec<(&str, Vec<&str>)>> = LazyLock::new(|| {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in COLUMNS.lines().filter(|line| !line.starts_with('#')) {
        let Some((field, names)) = line.split_once(": ") else { continue };
        match fields.last_mut() {
            Some((known, all)) if *known == field => all.extend(names.split(' ')),
            _ => fields.push((field, names.split(' ').collect())),
        }
    }
    fields
});
