//! Documents that have been asked before. A client sends the same few again and again: they are read and
//! checked once.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{
    Name, Variables,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType, VariableDefinition},
};
use async_graphql_value::ConstValue;
use lru::LruCache;

use super::{Asked, Refusal, operation};

/// The most documents that are kept; the one that was not asked for longest goes first.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);

/// The most bytes of all of them together; read, a document is about thirty times as large.
const MOST_BYTES: usize = 256 * 1_024;

/// The longest that is kept, in bytes.
const LONGEST: usize = 32 * 1_024;

/// In how many ways variables may be there or not, of one document.
const MOST_WAYS: usize = 16;

/// A document that has been read, with the operation of it that is asked for.
pub struct Read {
    /// What the operation does.
    pub kind: OperationType,
    /// Under which name, if it has one.
    pub name: Option<String>,
    /// Its root fields, in the order in which they are asked for.
    pub roots: Vec<Asked>,
    /// Whether a field with fields below stands more than once where the library merges the answers.
    pub merges: bool,
    text: String,
    chosen: Option<String>,
    document: ExecutableDocument,
    /// With which variables there, absent and null the schema has allowed it.
    allowed: Mutex<Vec<Ways>>,
}

/// Which variables of a document are there, absent or null, two bits each.
type Ways = u64;

impl Read {
    pub(super) fn new(
        text: String,
        chosen: Option<String>,
        document: ExecutableDocument,
        roots: Vec<Asked>,
        merges: bool,
        kind: OperationType,
    ) -> Self {
        let mut operations = document.operations.iter();
        let only = operations.next().filter(|_| operations.next().is_none());
        let name =
            chosen.clone().or_else(|| only.and_then(|(name, _)| name.map(ToString::to_string)));
        Self { kind, name, roots, merges, text, chosen, document, allowed: Mutex::default() }
    }

    pub(super) fn document(&self) -> &ExecutableDocument {
        &self.document
    }

    /// The operation that is asked for.
    pub(super) fn operation(&self) -> Result<&OperationDefinition, Refusal> {
        operation(&self.document, self.chosen.as_deref())
    }

    /// Whether the schema has allowed the document with variables in these ways. What their values may be is told
    /// by their types, which are checked each time; whether one may be absent or null depends also on where
    /// it is used.
    pub(super) fn is_allowed(&self, ways: Option<Ways>) -> bool {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        ways.is_some_and(|ways| allowed.contains(&ways))
    }

    fn allow(&self, ways: Ways) {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        if !allowed.contains(&ways) && allowed.len() < MOST_WAYS {
            allowed.push(ways);
        }
    }

    /// `None` when there are too many variables to be told apart.
    pub(super) fn ways(&self, variables: &Variables) -> Option<Ways> {
        let definitions = &self.operation().ok()?.variable_definitions;
        if definitions.len() > 32 {
            return None;
        }
        let way = |definition: &VariableDefinition| {
            let name: &Name = &definition.name.node;
            match variables.get(name) {
                None => 0,
                Some(ConstValue::Null) => 1,
                Some(_) => 2,
            }
        };
        Some(definitions.iter().fold(0, |ways, one| ways << 2 | way(&one.node)))
    }
}

/// The documents that are known.
#[derive(Default)]
pub struct Known(Mutex<Kept>);

struct Kept {
    documents: LruCache<u64, Arc<Read>>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { documents: LruCache::new(MOST), bytes: 0 }
    }
}

impl Known {
    /// The document with this text and this choice of operation, if it is known.
    pub(super) fn find(&self, text: &str, chosen: Option<&str>) -> Option<Arc<Read>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.documents.get(&key(text, chosen))?;
        // Two texts may have one key, and somebody may look for them.
        let is_same = found.text == text && found.chosen.as_deref() == chosen;
        is_same.then(|| Arc::clone(found))
    }

    /// Notes that the schema has allowed a document, with variables in these ways.
    pub fn allow(&self, read: &Arc<Read>, ways: Ways) {
        read.allow(ways);
        if read.text.len() > LONGEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(&read.text, read.chosen.as_deref());
        if kept.documents.contains(&key) {
            return;
        }
        kept.bytes += read.text.len();
        let gone = kept.documents.push(key, Arc::clone(read));
        kept.bytes -= gone.map_or(0, |(_, gone)| gone.text.len());
        while kept.bytes > MOST_BYTES
            && let Some((_, gone)) = kept.documents.pop_lru()
        {
            kept.bytes -= gone.text.len();
        }
    }
}

fn key(text: &str, chosen: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (text, chosen).hash(&mut hasher);
    hasher.finish()
}
