//! What may be written to a table, and what is checked: one declaration for each entity.

use futures_util::future::BoxFuture;

use super::{Record, Unit, pairs::Pairs};
use crate::{
    error::{Problem, Result},
    scope::Scope,
    table::{Column, Table},
    value::Value,
    vocabulary::Word,
};

/// What may be written to a table.
pub struct Rules {
    /// The table.
    pub table: fn() -> &'static Table,
    /// The verb by which rows are made (`create`, `log`, `save`); `None` when only acts make them.
    pub create: Option<&'static str>,
    /// Whether rows can be patched.
    pub update: bool,
    /// Whether rows can be deleted, and how.
    pub delete: Delete,
    /// The column that tells one row of an organization from another, whatever the case of its letters.
    pub identity: Option<Identity>,
    /// The columns that are written by clients, or have a usual value.
    pub fields: &'static [FieldRule],
    /// The pairs that are written with a new row.
    pub links: &'static [LinkRule],
    /// What is special.
    pub hooks: &'static dyn Hooks,
}

/// How rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delete {
    /// Not at all.
    Never,
    /// They are marked, and can be restored.
    Soft,
    /// For good.
    Hard,
}

/// What tells one row of an organization from another.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The column.
    pub column: &'static str,
    /// The column that clients write it by.
    pub written_as: &'static str,
    /// Whether rows can be put in or updated by it.
    pub upsert: bool,
}

/// When a column may be written by clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// When the row is made, and in a patch.
    Always,
    /// When the row is made.
    OnCreate,
    /// By the server only.
    Never,
}

/// What a column holds when nothing is said.
#[derive(Clone, Copy, Debug)]
pub enum Usual {
    /// Nothing, or it must be said.
    Nothing,
    /// This truth.
    Bool(bool),
    /// This number.
    Int(i64),
    /// This text.
    Text(&'static str),
    /// The moment of the write.
    Now,
    /// What follows from other columns: see [`Hooks::complete`].
    Follows,
}

/// What is checked of a value, besides its type and its length.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Nothing more.
    Any,
    /// Text with more in it than spaces.
    Filled,
    /// Text of at most so many characters.
    AtMost(u32),
    /// An e-mail address (RFC 5321) at a host with a dot in it.
    Email,
    /// A phone number.
    Phone,
    /// A profile at LinkedIn.
    Profile,
    /// An address on the web: `https://…`, `http://…`, or a host with a dot in it.
    Url,
    /// A number from the first to the second.
    Between(f64, f64),
    /// A moment that is not to come, but for five minutes by which clocks may differ.
    NotLater,
    /// A JSON list of texts and numbers.
    List,
    /// A JSON object.
    Object,
    /// One of these words.
    OneOf(&'static [Word]),
}

/// How a column points to a row.
#[derive(Clone, Copy)]
pub struct Refers {
    /// The table of the row.
    pub table: fn() -> &'static Table,
    /// Whether the row is written too, so that nobody else may write it meanwhile.
    pub writes: bool,
}

/// The rule of one column.
#[derive(Clone, Copy)]
pub struct FieldRule {
    /// The column.
    pub column: &'static str,
    /// When clients may write it.
    pub when: When,
    /// What is checked.
    pub check: Check,
    /// What it holds when nothing is said.
    pub usual: Usual,
    /// What it points to.
    pub refers: Option<Refers>,
    /// Whether the row it points to is held before the row itself is: so that whoever writes both does it
    /// in one order.
    pub first: bool,
}

/// A column that clients may always write.
#[must_use]
pub const fn field(column: &'static str) -> FieldRule {
    FieldRule {
        column,
        when: When::Always,
        check: Check::Any,
        usual: Usual::Nothing,
        refers: None,
        first: false,
    }
}

/// A column that only the server writes, with what it holds at first.
#[must_use]
pub const fn kept(column: &'static str, usual: Usual) -> FieldRule {
    FieldRule { when: When::Never, usual, ..field(column) }
}

impl FieldRule {
    /// Written when the row is made, and never again.
    #[must_use]
    pub const fn on_create(self) -> Self {
        Self { when: When::OnCreate, ..self }
    }

    /// Checked by this.
    #[must_use]
    pub const fn checked(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// Holds this when nothing is said.
    #[must_use]
    pub const fn usually(self, usual: Usual) -> Self {
        Self { usual, ..self }
    }

    /// Points to a row of this table.
    #[must_use]
    pub const fn to(self, table: fn() -> &'static Table) -> Self {
        Self { refers: Some(Refers { table, writes: false }), ..self }
    }

    /// Points to a row that is held before the row itself.
    #[must_use]
    pub const fn first(self) -> Self {
        Self { first: true, ..self }
    }

    /// Points to a row of this table, which is written too.
    #[must_use]
    pub const fn to_written(self, table: fn() -> &'static Table) -> Self {
        Self { refers: Some(Refers { table, writes: true }), ..self }
    }
}

/// Pairs that are written with a new row.
pub struct LinkRule {
    /// The name of the list of keys: `llm_usage_log_ids`.
    pub keys: &'static str,
    /// The table of pairs; the new row is its near side.
    pub pairs: Pairs,
    /// The rows that can be made with it.
    pub rows: Option<NestedRows>,
}

/// Rows that can be made with another.
pub struct NestedRows {
    /// The name of their list: `llm_usage_logs`.
    pub name: &'static str,
    /// Their rules.
    pub rules: fn() -> &'static Rules,
}

/// Something that is done for a new row.
pub type Created = for<'u> fn(&'u mut Unit, &'u Record) -> BoxFuture<'u, Result<()>>;

/// Something that is done with a new row before it is put in.
pub type Creating = for<'u> fn(&'u mut Unit, &'u mut Record) -> BoxFuture<'u, Result<()>>;

/// What is special about writing an entity; nothing, where nothing is said.
pub trait Hooks: Sync {
    /// The row that an upsert without a unique value means; `None` for a new one.
    fn same<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<Option<i64>>> {
        Box::pin(async { Ok(None) })
    }

    /// Completes a row before it is checked: what follows from what it says.
    fn complete(&self, _: &Scope, _: Option<&Record>, _: &mut Record, _: &mut Vec<Problem>) {}

    /// What is done before a row is put in, if anything.
    fn creating(&self) -> Option<Creating> {
        None
    }

    /// What is done after a row has been put in, if anything.
    fn created(&self) -> Option<Created> {
        None
    }

    /// Writes a patched row in place of what it was; gives the row that holds the patch.
    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(async move { unit.update(&before, after).await })
    }

    /// Before a row is deleted: may refuse, and lets go of what points to it.
    fn deleting<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// After a row has been deleted.
    fn deleted<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Before a deleted row is restored: may refuse.
    fn restoring<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// Nothing special.
#[derive(Debug)]
pub struct Plain;

impl Hooks for Plain {}

impl Rules {
    /// The rule of a column.
    #[must_use]
    pub fn field(&self, column: &str) -> Option<&'static FieldRule> {
        self.fields.iter().find(|field| field.column == column)
    }

    /// What a column holds at first in a row that nobody writes field by field: its usual value where it
    /// can't be absent.
    #[must_use]
    pub(crate) fn first(&self, column: &Column) -> Value {
        match self.field(column.name).map(|field| field.usual) {
            Some(Usual::Bool(value)) if !column.nullable => Value::Bool(value),
            Some(Usual::Int(value)) if !column.nullable => Value::Int(value),
            Some(Usual::Text(text)) if !column.nullable => Value::Text(text.to_owned()),
            _ => Value::Null,
        }
    }

    /// The rule of a column that clients may write: in a patch, or when the row is made.
    #[must_use]
    pub fn written(&self, column: &str, patch: bool) -> Option<&'static FieldRule> {
        self.field(column).filter(|field| match field.when {
            When::Always => true,
            When::OnCreate => !patch,
            When::Never => false,
        })
    }
}
