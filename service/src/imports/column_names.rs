//! Known column names of import files.

use std::sync::LazyLock;

/// Fields and their column names; the format is described in the file itself.
const COLUMNS: &str = include_str!("../../data/columns.txt");

/// The column names of each field, preferred names first.
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
