//! Checks that comments, messages and documents contain no phrase of the list of rejected phrases.

use std::{fs, path::Path};

use tests::plain;

plain![rejected_phrases_do_not_occur];

/// Files that may contain rejected phrases: the list itself, the glossary, the table of former names and messages, and
/// texts of other systems.
const QUOTING: &[&str] = &[
    "tests/it/data/rejected-phrases.txt",
    "docs/GLOSSARY.md",
    "docs/UPGRADING.md",
    "service/src/ingest/note.rs",
    "tests/it/upgrade.rs",
];

const EXTENSIONS: &[&str] =
    &["rs", "md", "js", "mjs", "ts", "py", "sh", "graphql", "toml", "css", "html", "txt"];

const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "generated", ".git", "data"];

fn rejected_phrases_do_not_occur() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let list = fs::read_to_string(root.join("tests/it/data/rejected-phrases.txt")).unwrap();
    let phrases: Vec<String> = list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(str::to_lowercase)
        .collect();
    assert!(phrases.len() > 60);
    let mut found = Vec::new();
    walk(root, root, &phrases, &mut found);
    assert!(found.is_empty(), "rejected phrases:\n{}", found.join("\n"));
}

fn walk(root: &Path, folder: &Path, phrases: &[String], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                walk(root, &path, phrases, found);
            }
            continue;
        }
        let shown = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let is_text = EXTENSIONS.contains(&&*extension) || shown == ".ci/run";
        if !is_text || QUOTING.contains(&shown.as_str()) || name == "CHANGELOG.md" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            let prose = prose(&line, &extension);
            let is_in =
                |phrase: &str| has_phrase(if phrase.contains(' ') { &line } else { prose }, phrase);
            for phrase in phrases.iter().filter(|phrase| is_in(phrase)) {
                found.push(format!("{shown}:{}: {phrase}", number + 1));
            }
        }
    }
}

/// The part of a line that is a comment, a description or prose.
fn prose<'l>(line: &'l str, extension: &str) -> &'l str {
    let start = match extension {
        "md" | "txt" => return line,
        "rs" | "js" | "mjs" | "ts" | "css" => line.find("//").or_else(|| line.find(" * ")),
        "graphql" => line.find('"').or_else(|| line.find('#')),
        _ => line.find('#'),
    };
    start.map_or("", |start| &line[start..])
}

/// Whether a line contains a phrase as whole words.
fn has_phrase(line: &str, phrase: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(phrase).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + phrase.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
