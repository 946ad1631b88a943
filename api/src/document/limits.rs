//! The figures: how much one request may ask for.

use clap::Args;

/// How much one request may ask for. What goes beyond is refused before anything runs.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum tokens of a document.
    #[arg(long, env = "SALESGRAPH_MAX_TOKENS", value_name = "N", default_value_t = Limits::USUAL.max_tokens)]
    pub max_tokens: usize,
    /// Maximum depth of fields, fragments expanded.
    #[arg(long, env = "SALESGRAPH_MAX_DEPTH", value_name = "N", default_value_t = Limits::USUAL.max_depth)]
    pub max_depth: u32,
    /// Maximum aliases of a document.
    #[arg(long, env = "SALESGRAPH_MAX_ALIASES", value_name = "N", default_value_t = Limits::USUAL.max_aliases)]
    pub max_aliases: usize,
    /// Maximum directives of a document.
    #[arg(long, env = "SALESGRAPH_MAX_DIRECTIVES", value_name = "N", default_value_t = Limits::USUAL.max_directives)]
    pub max_directives: usize,
    /// Maximum root fields of an operation.
    #[arg(long, env = "SALESGRAPH_MAX_ROOTS", value_name = "N", default_value_t = Limits::USUAL.max_roots)]
    pub max_roots: usize,
    /// Maximum fields of a document, fragments expanded.
    #[arg(long, env = "SALESGRAPH_MAX_FIELDS", value_name = "N", default_value_t = Limits::USUAL.max_fields)]
    pub max_fields: u64,
    /// Maximum query cost: a field costs 1, a list its page size times the cost of its selection.
    #[arg(long, env = "SALESGRAPH_MAX_COST", value_name = "N", default_value_t = Limits::USUAL.max_cost)]
    pub max_cost: u64,
    /// The maximum length of a name or a number in a document, in bytes.
    #[arg(long, env = "SALESGRAPH_MAX_NAME_LENGTH", value_name = "N", default_value_t = Limits::USUAL.max_name_length)]
    pub max_name_length: usize,
    /// The maximum length of a string literal in a document, in bytes. Variables have no such limit.
    #[arg(long, env = "SALESGRAPH_MAX_STRING_LENGTH", value_name = "N", default_value_t = Limits::USUAL.max_string_length)]
    pub max_string_length: usize,
}

impl Limits {
    /// The default limits.
    pub const USUAL: Self = Self {
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
        Self::USUAL
    }
}

/// How deep brackets may nest in a document. The parser goes down with every one of them, so without a
/// limit a small document uses up the stack.
pub(super) const DEEPEST_BRACKETS: usize = 200;

/// How deep fields and fragments together may be nested: what walks a document goes down with both.
pub(super) const DEEPEST_WALK: u32 = 200;

/// The maximum number of variables in a document, definitions and uses together. The validator looks each use up among
/// the definitions; its other rules are linear in the fields of the document, fragments expanded.
pub(super) const MAX_VARIABLES: usize = 2_000;

/// The maximum number of characters of the client's text that an error message quotes.
pub(super) const MAX_QUOTE: usize = 100;

/// The most requests of one batch.
pub const LARGEST_BATCH: usize = 10;

/// What is counted for a page when its size is not said.
pub(super) const USUAL_PAGE: u64 = 25;

/// The largest page.
pub(super) const LARGEST_PAGE: u64 = 100;

/// What is counted for a list that is no page: errors, changed fields.
pub(super) const SHORT_LIST: u64 = 10;

/// The cost of a relation in a group key: the statement joins its table for all rows.
pub(super) const GROUP_JOIN: u64 = 500;

/// What a look at the schema costs at least.
pub(super) const INTROSPECTION: u64 = 2_000;

/// How many fields of the schema cost as much as one that is read from the database.
pub(super) const SCHEMA_SHARE: u64 = 50;

/// The most bytes of variables, each as often as it is used: the library copies them at every use.
pub(super) const VARIABLES: u64 = 8 * 1024 * 1024;

/// The most errors that an answer tells.
pub const MOST_ERRORS: usize = 20;

/// How often lists of the schema may be nested in each other: types, their fields, and once more. Each
/// level multiplies by the whole schema.
pub(super) const INTROSPECTION_LISTS: u32 = 3;

/// What a search costs besides its rows: a common word is looked for among everything there is.
pub(super) const SEARCH: u64 = 5_000;
