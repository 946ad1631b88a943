//! Document cache. Clients repeat a small number of documents, so each is parsed and validated once.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use apollo_compiler::validation::Valid;
use async_graphql::{
    Name, Variables,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType, VariableDefinition},
};
use async_graphql_value::ConstValue;
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::{
    Refusal, RootField,
    introspection::{Introspection, is_introspection},
    normalize, operation,
    published_schema::PublishedSchema,
};

/// Maximum number of cached documents; the least recently used document is evicted first.
const MAX_DOCUMENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);

/// Maximum total size of all documents with their normal forms, in bytes of text; a parsed document is about thirty
/// times as large as its text.
const MAX_BYTES: usize = 256 * 1_024;

/// Maximum length of a cached document, in bytes.
const MAX_DOCUMENT_LENGTH: usize = 32 * 1_024;

/// Assumed size of a selection in a normal form, in bytes of text: fragments are expanded, so a short document may
/// have a long normal form.
const SELECTION_BYTES: usize = 16;

/// Maximum number of cached normal forms per document: one per combination of present and null variables.
const MAX_WAYS: usize = 16;

/// A parsed document and its selected operation.
pub struct ParsedDocument {
    schema: Arc<PublishedSchema>,
    /// The operation type.
    pub kind: OperationType,
    /// The operation name, if any.
    pub name: Option<String>,
    /// The root fields in document order.
    pub roots: Vec<RootField>,
    text: String,
    chosen: Option<String>,
    document: ExecutableDocument,
    /// The variables that `@skip` and `@include` use.
    conditions: Vec<Name>,
    /// The validated normal forms.
    allowed: Mutex<Vec<Variant>>,
    /// The document for introspection, if it selects introspection fields.
    introspection: OnceLock<Introspection>,
}

/// What the normal form of an operation depends on: whether each variable is present, omitted or null (two bits each),
/// and the conditions of `@skip` and `@include`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VariablePresence {
    present: u64,
    conditions: u64,
}

/// A normal form of an operation.
#[derive(Clone)]
pub struct Variant {
    ways: VariablePresence,
    document: Arc<ExecutableDocument>,
    /// The size of the normal form in bytes of text.
    bytes: usize,
}

impl Variant {
    pub(super) fn new(ways: VariablePresence, document: Arc<ExecutableDocument>) -> Self {
        let bytes = normalize::selections(&document) * SELECTION_BYTES;
        Self { ways, document, bytes }
    }
}

impl ParsedDocument {
    pub(super) fn new(
        schema: Arc<PublishedSchema>,
        text: String,
        chosen: Option<String>,
        document: ExecutableDocument,
        roots: Vec<RootField>,
        kind: OperationType,
    ) -> Self {
        let mut operations = document.operations.iter();
        let only = operations.next().filter(|_| operations.next().is_none());
        let name =
            chosen.clone().or_else(|| only.and_then(|(name, _)| name.map(ToString::to_string)));
        let conditions = normalize::conditions(&document);
        let (allowed, introspection) = (Mutex::default(), OnceLock::new());
        Self {
            schema,
            kind,
            name,
            roots,
            text,
            chosen,
            document,
            conditions,
            allowed,
            introspection,
        }
    }

    /// Whether the operation has introspection fields at its root.
    pub(super) fn introspects(&self) -> bool {
        self.roots.iter().any(|root| is_introspection(&root.field))
    }

    /// Stores the validated document for [`introspection`](Self::introspection).
    pub(super) fn keep_introspection(&self, valid: Valid<apollo_compiler::ExecutableDocument>) {
        let introspection =
            Introspection::new(Arc::clone(&self.schema), Arc::new(valid), self.chosen.clone());
        // If there is a value already, a concurrent request has stored the same value.
        let _ = self.introspection.set(introspection);
    }

    /// The introspection fields of the operation.
    pub(super) fn introspection(&self) -> Option<Introspection> {
        self.introspection.get().cloned()
    }

    /// The schema that the document is checked against.
    pub(super) fn schema(&self) -> &PublishedSchema {
        &self.schema
    }

    pub(super) fn document(&self) -> &ExecutableDocument {
        &self.document
    }

    /// The selected operation.
    pub(super) fn operation(&self) -> Result<&OperationDefinition, Refusal> {
        operation(&self.document, self.chosen.as_deref())
    }

    /// The operation in its normal form for these variables.
    pub(super) fn normalized(&self, variables: &Variables) -> Result<ExecutableDocument, Refusal> {
        normalize::normalize(self.schema.valid()?, &self.document, self.operation()?, variables)
    }

    /// The normal form already validated for the same combination of present, omitted and null variables. Whether a
    /// value is valid depends only on the type of its variable and is checked in each request. Whether a variable may
    /// be omitted or null also depends on where the variable is used.
    pub(super) fn variant(&self, ways: VariablePresence) -> Option<Arc<ExecutableDocument>> {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        let found = allowed.iter().find(|variant| variant.ways == ways);
        found.map(|variant| Arc::clone(&variant.document))
    }

    /// Adds a normal form; returns the increase in the document's size, in bytes.
    fn allow(&self, variant: Variant) -> usize {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        if allowed.len() >= MAX_WAYS || allowed.iter().any(|known| known.ways == variant.ways) {
            return 0;
        }
        let bytes = variant.bytes;
        allowed.push(variant);
        bytes
    }

    /// The size of the text and the normal forms in bytes of text.
    fn size(&self) -> usize {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        self.text.len() + allowed.iter().map(|variant| variant.bytes).sum::<usize>()
    }

    /// The presence of the variables; `None` if there are too many variables to encode.
    pub(super) fn ways(&self, variables: &Variables) -> Option<VariablePresence> {
        let definitions = &self.operation().ok()?.variable_definitions;
        if definitions.len() > 32 || self.conditions.len() > 64 {
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
        let present = definitions.iter().fold(0, |ways, one| ways << 2 | way(&one.node));
        let conditions = self.conditions.iter().fold(0, |ways, name| {
            ways << 1 | u64::from(variables.get(name) == Some(&ConstValue::Boolean(true)))
        });
        Some(VariablePresence { present, conditions })
    }
}

/// The document cache.
#[derive(Default)]
pub struct DocumentCache(Mutex<CacheEntries>);

struct CacheEntries {
    documents: LruCache<Key, Arc<ParsedDocument>>,
    bytes: usize,
}

impl Default for CacheEntries {
    fn default() -> Self {
        Self { documents: LruCache::new(MAX_DOCUMENTS), bytes: 0 }
    }
}

impl DocumentCache {
    /// The document with this text and operation name, if this organization has sent it before.
    #[must_use]
    pub fn find(
        &self,
        organization: Option<i64>,
        text: &str,
        chosen: Option<&str>,
    ) -> Option<Arc<ParsedDocument>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.documents.get(&key(organization, text, chosen)).map(Arc::clone)
    }

    /// Records that a document of this organization passed validation in this normal form.
    pub fn allow(&self, organization: Option<i64>, read: &Arc<ParsedDocument>, variant: Variant) {
        if read.text.len() > MAX_DOCUMENT_LENGTH || variant.bytes > MAX_DOCUMENT_LENGTH {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(organization, &read.text, read.chosen.as_deref());
        if let Some(known) = kept.documents.peek(&key) {
            // The size of a document changes only here, under the lock of the cache.
            let added = known.allow(variant);
            kept.bytes += added;
        } else {
            read.allow(variant);
            kept.bytes += read.size();
            let gone = kept.documents.push(key, Arc::clone(read));
            kept.bytes -= gone.map_or(0, |(_, gone)| gone.size());
        }
        while kept.bytes > MAX_BYTES
            && let Some((_, gone)) = kept.documents.pop_lru()
        {
            kept.bytes -= gone.size();
        }
    }
}

/// The organization (`None` for callers without an API key) and the SHA-256 of the text and operation name. Documents
/// are not shared between organizations: the response time would reveal what another organization has sent.
type Key = (Option<i64>, [u8; 32]);

fn key(organization: Option<i64>, text: &str, chosen: Option<&str>) -> Key {
    let hasher = Sha256::new().chain_update(text).chain_update([0, u8::from(chosen.is_some())]);
    (organization, hasher.chain_update(chosen.unwrap_or_default()).finalize().into())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, PoisonError};

    use async_graphql::{Request, Variables};
    use serde_json::json;

    use super::{DocumentCache, MAX_BYTES};
    use crate::document::{Limits, PublishedSchema, Unvalidated, prepare};

    const SDL: &str = "type Query { prospects(first: Int): ProspectConnection! } \
        type ProspectConnection { nodes: [Prospect!]! } \
        type Prospect { id: ID! fullName: String! email: String! company: Company } type Company { id: ID! }";

    /// The accounted and the actual size of the documents with their normal forms.
    fn bytes(known: &DocumentCache) -> (usize, usize) {
        let kept = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.bytes, kept.documents.iter().map(|(_, read)| read.size()).sum())
    }

    #[test]
    fn normal_forms_count_into_the_size() {
        let schema = Arc::new(PublishedSchema::new(SDL));
        let known = DocumentCache::default();
        let fields = "id fullName email ".repeat(20);
        let mut largest = 0;
        for number in 0..400 {
            let text = format!(
                "query ($no: Boolean!) {{ a{number}: prospects(first: 1) {{ nodes {{ ...F }} }} b: prospects(first: 1) \
                 {{ nodes {{ ...F ...F }} }} }} fragment F on Prospect {{ {fields} company @skip(if: $no) {{ id }} }}"
            );
            for no in [true, false] {
                let request = Request::new(&text);
                let request = request.variables(Variables::from_json(json!({ "no": no })));
                let found = known.find(Some(1), &text, None);
                let prepared = prepare(&schema, request, &Limits::DEFAULT, found);
                let Ok(prepared) = prepared.and_then(Unvalidated::validate) else {
                    panic!("the document is valid");
                };
                if let Some(variant) = prepared.variant {
                    known.allow(Some(1), &prepared.read, variant);
                }
                let (counted, real) = bytes(&known);
                assert_eq!(counted, real);
                assert!(counted <= MAX_BYTES, "{counted}");
                largest = largest.max(counted);
            }
        }
        assert!(largest > MAX_BYTES * 9 / 10, "{largest}");
    }
}
