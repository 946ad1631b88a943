//! Sets of keys of the source.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

/// A set of keys, each of which is one or more texts. Only hashes of 128 bits are kept, because a source can have millions
/// of keys: among ten million keys, the probability that two have the same hash is below 10⁻²⁴.
#[derive(Debug, Default)]
pub(super) struct KeySet(HashSet<u128>);

impl KeySet {
    /// Adds a key; returns whether it is new.
    pub(super) fn insert(&mut self, key: &[&str]) -> bool {
        self.0.insert(hash(key))
    }

    /// Whether the set has a key.
    pub(super) fn contains(&self, key: &[&str]) -> bool {
        self.0.contains(&hash(key))
    }
}

/// The hash of the texts, each with its length, so that no two lists have the same bytes.
fn hash(key: &[&str]) -> u128 {
    let mut bytes = Vec::new();
    for text in key {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    xxh3_128(&bytes)
}
