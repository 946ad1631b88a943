//! Automatic persisted queries: a client sends the hash of a document, and the document itself only if the server
//! has not cached it (<https://www.apollographql.com/docs/apollo-server/performance/apq>).

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::document::Refusal;

/// Maximum number of cached documents; the least recently used one is evicted first.
const MAX_DOCUMENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Maximum length of a cached document, in bytes.
const MAX_DURATION: usize = 64 * 1024;

/// SHA-256 of a document.
pub(super) type Hash = [u8; 32];

/// Documents by hash and organization: a hash sent by another organization is unknown.
#[derive(Clone)]
pub(super) struct Persisted(Arc<Mutex<Documents>>);

type Documents = LruCache<(Option<i64>, Hash), Arc<str>>;

impl Default for Persisted {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MAX_DOCUMENTS))))
    }
}

impl Persisted {
    /// Returns the document of a request, looked up if only its hash is given, and the hash under which the document
    /// may be cached once it has been validated.
    pub(super) fn document(
        &self,
        organization: Option<i64>,
        fields: &Map<String, Value>,
    ) -> Result<(Arc<str>, Option<Hash>), Refusal> {
        let query = match fields.get("query") {
            Some(Value::String(query)) if !query.is_empty() => Some(query.as_str()),
            None | Some(Value::Null | Value::String(_)) => None,
            Some(_) => {
                return Err(wrong("`query` must be a string that contains the GraphQL document"));
            }
        };
        let asked =
            fields.get("extensions").and_then(|extensions| extensions.get("persistedQuery"));
        let Some(asked) = asked else {
            let text = "`query` is required and must contain the GraphQL document";
            return query.map(|query| (query.into(), None)).ok_or_else(|| wrong(text));
        };
        if asked.get("version").and_then(Value::as_i64) != Some(1) {
            return Err(wrong("`persistedQuery.version` must be 1"));
        }
        let text = asked.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
        let hash = hash(text)
            .ok_or_else(|| wrong("`sha256Hash` must consist of 64 hexadecimal digits"))?;
        match query {
            None => {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let document = known.get(&(organization, hash)).cloned().ok_or_else(|| {
                    Refusal::new("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", None)
                })?;
                Ok((document, None))
            }
            Some(query) if <Hash>::from(Sha256::digest(query.as_bytes())) != hash => {
                Err(wrong("provided sha does not match query"))
            }
            Some(query) => Ok((query.into(), Some(hash))),
        }
    }

    /// Caches a valid document.
    pub(super) fn keep(&self, organization: Option<i64>, hash: Hash, document: Arc<str>) {
        if document.len() <= MAX_DURATION {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .put((organization, hash), document);
        }
    }
}

fn wrong(text: &str) -> Refusal {
    Refusal::new("BAD_REQUEST", text, None)
}

fn hash(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(digits.chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(hash)
}
