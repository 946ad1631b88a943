//! An index of names for fuzzy matching.

use std::collections::HashMap;

use engine::normal_form::person;

use super::matching::{Candidate, NEARLY};

/// Maximum number of names per word prefix with which a name is compared.
const COMPARED: usize = 200;

/// Maximum number of match candidates of a row.
const CANDIDATES: usize = 5;

/// A person in the index.
#[derive(Clone, Debug)]
pub(super) struct IndexedPerson<K> {
    pub(super) key: K,
    folded: String,
    pub(super) email: Option<String>,
}

impl<K> IndexedPerson<K> {
    pub(super) fn new(key: K, name: &str, email: Option<String>) -> Self {
        Self { key, folded: person::folded(name), email }
    }
}

/// The people of one company. Only names that share a word prefix are compared, so a name that is misspelled at the
/// beginning of every word is not found.
#[derive(Debug)]
pub(super) struct NameIndex<K> {
    people: Vec<IndexedPerson<K>>,
    by_beginning: HashMap<String, Vec<usize>>,
}

impl<K> Default for NameIndex<K> {
    fn default() -> Self {
        Self { people: Vec::new(), by_beginning: HashMap::new() }
    }
}

/// The first three letters of each word.
fn beginnings(folded: &str) -> impl Iterator<Item = String> {
    folded.split(' ').map(|word| word.chars().take(3).collect())
}

impl<K> NameIndex<K> {
    /// Adds a person.
    pub(super) fn add(&mut self, person: IndexedPerson<K>) {
        for beginning in beginnings(&person.folded) {
            self.by_beginning.entry(beginning).or_default().push(self.people.len());
        }
        self.people.push(person);
    }

    /// People with a similar name, and the similarity.
    pub(super) fn like(&self, name: &str) -> impl Iterator<Item = (&IndexedPerson<K>, f64)> {
        let name = person::folded(name);
        let mut places: Vec<usize> = beginnings(&name)
            .filter_map(|beginning| self.by_beginning.get(&beginning))
            .flat_map(|places| places.iter().copied().take(COMPARED))
            .collect();
        places.sort_unstable();
        places.dedup();
        let near = move |place: usize| {
            let person = &self.people[place];
            let like = person::likeness(&name, &person.folded);
            (like >= NEARLY).then_some((person, like))
        };
        let found: Vec<_> = places.into_iter().filter_map(near).collect();
        found.into_iter()
    }
}

/// The best candidates, by descending score.
pub(super) fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
    candidates.truncate(CANDIDATES);
    candidates
}
