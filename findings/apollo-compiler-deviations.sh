#!/usr/bin/env bash
# apollo-compiler 2.0.0-beta.2 parses and validates executable documents, but deviates from the September 2025
# specification. It accepts a duplicate field in an input object (Input Object Field Uniqueness), an argument name
# without a value, which it drops (Arguments), and an empty selection set (Selection Sets). It rejects a subscription
# that selects its only root field twice, because it counts selections instead of response names (Single Root Field),
# and null in a list passed to a non-null custom scalar (Values of Correct Type). Exits with a non-zero status if any of
# these results changes.
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
    let schema = "scalar JSON input Filter { a: Int } type Query { list(filter: Filter, json: JSON! = 1): Int event: Event } \
                  type Event { id: ID name: String } type Subscription { event: Event }";
    let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
    let cases = [
        ("repeated input field", "{ list(filter: { a: 1, a: 1 }) }", true),
        ("argument without a value", "{ list(filter) }", true),
        ("empty selection set", "{ event {} }", true),
        ("null in a list at JSON!", "{ list(json: [null]) }", false),
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
