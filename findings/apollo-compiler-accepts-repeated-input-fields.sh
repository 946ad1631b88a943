#!/usr/bin/env bash
# apollo-compiler 2.0.0-beta.2 validates executable documents, but deviates from two rules of the September 2025
# specification: it accepts a field that occurs twice in one input object (Input Object Field Uniqueness), and it
# rejects a subscription whose one root field is selected twice, since it counts selections and not response names
# (Single Root Field). Exits non-zero when either changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
apollo-compiler = "=2.0.0-beta.2"
TOML
cat > src/main.rs <<'RUST'
use apollo_compiler::{ExecutableDocument, Schema};

fn main() {
    let schema = "input Filter { a: Int } type Query { list(filter: Filter): Int } \
                  type Event { id: ID name: String } type Subscription { event: Event }";
    let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
    let cases = [
        ("repeated input field", "{ list(filter: { a: 1, a: 1 }) }", true),
        ("root field selected twice", "subscription { event { id } event { name } }", false),
    ];
    println!("apollo-compiler 2.0.0-beta.2");
    let mut changed = false;
    for (name, document, expected) in cases {
        let result = ExecutableDocument::parse_and_validate(&schema, document, "document.graphql");
        let accepted = result.is_ok();
        println!("{name}: {}", if accepted { "accepted" } else { "rejected" });
        changed |= accepted != expected;
    }
    std::process::exit(i32::from(changed));
}
RUST
cargo run --quiet
