//! Committed files that tests generate: a reviewer sees what a change adds or removes.

use std::{fs, path::PathBuf};

/// The path of a committed file in `tests/it/data/`.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/data").join(name)
}

/// Compares a generated text with the committed file.
///
/// # Panics
/// If they differ. The new text is written to the temporary folder, to be reviewed and copied.
pub fn assert_committed(name: &str, generated: &str) {
    let committed = fs::read_to_string(path(name)).unwrap_or_default();
    if committed != generated {
        let made = std::env::temp_dir().join(format!("salesgraph-{name}"));
        fs::write(&made, generated).unwrap();
        let (made, path) = (made.display(), path(name));
        panic!("{name} has changed: review {made}, and copy it to {}", path.display());
    }
}
