//! Limits of a single request.

use clap::Args;

/// Limits of a single request. Requests that exceed a limit are rejected before anything is executed.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of tokens in a document.
    #[arg(long, env = "SALESGRAPH_MAX_TOKENS", value_name = "N", default_value_t = Limits::DEFAULT.max_tokens)]
    pub max_tokens: usize,
    /// Maximum field depth, with fragments expanded.
    #[arg(long, env = "SALESGRAPH_MAX_DEPTH", value_name = "N", default_value_t = Limits::DEFAULT.max_depth)]
    pub max_depth: u32,
    /// Maximum number of aliases in a document.
    #[arg(long, env = "SALESGRAPH_MAX_ALIASES", value_name = "N", default_value_t = Limits::DEFAULT.max_aliases)]
    pub max_aliases: usize,
    /// Maximum number of directives in a document.
    #[arg(long, env = "SALESGRAPH_MAX_DIRECTIVES", value_name = "N", default_value_t = Limits::DEFAULT.max_directives)]
    pub max_directives: usize,
    /// Maximum number of root fields of an operation.
    #[arg(long, env = "SALESGRAPH_MAX_ROOTS", value_name = "N", default_value_t = Limits::DEFAULT.max_roots)]
    pub max_roots: usize,
    /// Maximum number of fields in a document, with fragments expanded.
    #[arg(long, env = "SALESGRAPH_MAX_FIELDS", value_name = "N", default_value_t = Limits::DEFAULT.max_fields)]
    pub max_fields: u64,
    /// Maximum query cost: a field costs 1, and a list costs its page size times the cost of its selection.
    #[arg(long, env = "SALESGRAPH_MAX_COST", value_name = "N", default_value_t = Limits::DEFAULT.max_cost)]
    pub max_cost: u64,
    /// The maximum length of a name or a number in a document, in bytes.
    #[arg(long, env = "SALESGRAPH_MAX_NAME_LENGTH", value_name = "N", default_value_t = Limits::DEFAULT.max_name_length)]
    pub max_name_length: usize,
    /// The maximum length of a string literal in a document, in bytes. Variables have no such limit.
    #[arg(long, env = "SALESGRAPH_MAX_STRING_LENGTH", value_name = "N", default_value_t = Limits::DEFAULT.max_string_length)]
    pub max_string_length: usize,
}

impl Limits {
    /// The default limits.
    pub const DEFAULT: Self = Self {
        max_tokens: 20_000,
        max_depth: 32,
        max_aliases: 200,
        max_directives: 100,
        max_roots: 50,
        max_fields: 10_000,
        max_cost: 100_000,
        max_name_length: 255,
        max_string_length: 256 * 1_024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Maximum nesting of brackets in a document. The parser recurses into each pair, so without a limit a small
/// document could overflow the stack.
pub(super) const MAX_BRACKET_DEPTH: usize = 200;

/// Maximum nesting of fields and fragments together: traversals recurse into both.
pub(super) const MAX_WALK_DEPTH: u32 = 200;

/// The maximum number of variables in a document, definitions and uses together. For each use, the validator searches
/// the definitions; its other rules are linear in the fields of the document, fragments expanded.
pub(super) const MAX_VARIABLES: usize = 2_000;

/// The maximum number of characters of the client's text that an error message quotes.
pub(super) const MAX_QUOTE: usize = 100;

/// Maximum number of requests in a batch.
pub const MAX_BATCH: usize = 10;

/// Assumed page size if no page size is specified.
pub(super) const DEFAULT_PAGE_SIZE: u64 = 25;

/// Maximum page size.
pub(super) const MAX_PAGE: u64 = 100;

/// Assumed length of a list without pagination, such as errors or changed fields.
pub(super) const SHORT_LIST: u64 = 10;

/// The cost of a relation in a group key: the statement joins its table for all rows.
pub(super) const GROUP_JOIN: u64 = 500;

/// Minimum cost of introspection.
pub(super) const INTROSPECTION: u64 = 2_000;

/// Number of schema fields that cost as much as one field read from the database.
pub(super) const SCHEMA_SHARE: u64 = 50;

/// Maximum total size of variables in bytes, counted per use: the library copies them at every use.
pub(super) const VARIABLES: u64 = 8 * 1024 * 1024;

/// Maximum number of errors in a response.
pub const MAX_ERRORS: usize = 20;

/// Maximum nesting of lists in introspection: types, their fields, and one more level. Each level multiplies the
/// size of the response by the size of the schema.
pub(super) const INTROSPECTION_LISTS: u32 = 3;

/// Base cost of a search in addition to its rows: a common word matches a large part of all rows.
pub(super) const SEARCH: u64 = 5_000;
