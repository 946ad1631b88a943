//! Write rules: which columns of a table can be written and how they are validated, one declaration per entity.

use futures_util::future::BoxFuture;

use super::{Unit, join_table::JoinTable};
use crate::record::Record;
use crate::{
    enum_values::EnumValue,
    error::{Problem, Result},
    scope::Scope,
    table::{Column, Table},
    value::Value,
};

/// The write rules of a table.
pub struct Rules {
    /// The table.
    pub table: fn() -> &'static Table,
    /// The verb of the mutation that creates rows (`create`, `log`, `save`); `None` if only business actions create
    /// them.
    pub create: Option<&'static str>,
    /// Whether rows can be updated.
    pub update: bool,
    /// Whether and how rows can be deleted.
    pub delete: Delete,
    /// The columns that clients can write or that have a default value.
    pub fields: &'static [FieldRule],
    /// The links that are written with a new row.
    pub links: &'static [LinkRule],
    /// Entity-specific behavior.
    pub hooks: &'static dyn Hooks,
}

/// How rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delete {
    /// Rows can't be deleted.
    Never,
    /// Soft delete: rows are marked as deleted and can be restored.
    Soft,
    /// Rows are permanently deleted.
    Hard,
}

/// When clients can write a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    /// On create and on update.
    Always,
    /// On create only.
    OnCreate,
    /// Never, because the server manages the column.
    Never,
}

/// The default value of a column.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    /// No default value: the value is null if omitted, or is required.
    Nothing,
    /// A boolean.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A text.
    Text(&'static str),
    /// The time of the write.
    Now,
    /// Computed from other columns: see [`Hooks::complete`].
    Follows,
}

/// The validation of a value, in addition to its type and length.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// No further validation.
    Any,
    /// Text that is not blank.
    Filled,
    /// Text that is not blank, with a maximum length in characters.
    AtMost(u32),
    /// An e-mail address (RFC 5321) whose host name contains a dot.
    Email,
    /// A phone number.
    Phone,
    /// A LinkedIn profile.
    Profile,
    /// A web address: `https://…`, `http://…`, or a host with a dot in its name.
    Url,
    /// A country: a code of ISO 3166-1, or a name; the code with two letters is stored.
    Country,
    /// A number between two bounds, inclusive.
    Between(f64, f64),
    /// A timestamp that is not in the future, with a tolerance of five minutes for clock skew.
    NotLater,
    /// A JSON list of strings and numbers.
    List,
    /// A JSON object.
    Object,
    /// One of these enum values.
    OneOf(&'static [EnumValue]),
}

/// A reference of a column to a row.
#[derive(Clone, Copy)]
pub struct Refers {
    /// The table of the referenced row.
    pub table: fn() -> &'static Table,
    /// Whether the referenced row is also written, so that it is locked against other writers (`FOR NO KEY UPDATE`).
    pub writes: bool,
}

/// The rule of a column.
#[derive(Clone, Copy)]
pub struct FieldRule {
    /// The column.
    pub column: &'static str,
    /// When clients can write the column.
    pub when: Writable,
    /// The validation.
    pub check: Check,
    /// The default value.
    pub usual: DefaultValue,
    /// The referenced table.
    pub refers: Option<Refers>,
    /// Whether the referenced row is locked before the row itself, so that all writers of both use the same lock
    /// order.
    pub first: bool,
    /// The referenced row that can be given instead of its primary key.
    pub nested: Option<NestedReference>,
    /// The name of the list of rows that can be created together with the referenced row: `interactions`.
    pub with_parent: Option<&'static str>,
}

/// A referenced row that can be written with the row that refers to it: it is created, or updated if there is a row with
/// the same unique value.
#[derive(Clone, Copy)]
pub struct NestedReference {
    /// The name of the input: `company`.
    pub name: &'static str,
    /// The write rules of the referenced row.
    pub rules: fn() -> &'static Rules,
}

/// Creates a rule for a column that clients can always write.
#[must_use]
pub const fn field(column: &'static str) -> FieldRule {
    FieldRule {
        column,
        when: Writable::Always,
        check: Check::Any,
        usual: DefaultValue::Nothing,
        refers: None,
        first: false,
        nested: None,
        with_parent: None,
    }
}

/// Creates a rule for a server-managed column with its initial value.
#[must_use]
pub const fn server_managed(column: &'static str, usual: DefaultValue) -> FieldRule {
    FieldRule { when: Writable::Never, usual, ..field(column) }
}

impl FieldRule {
    /// Allows writes on create only.
    #[must_use]
    pub const fn on_create(self) -> Self {
        Self { when: Writable::OnCreate, ..self }
    }

    /// Sets the validation.
    #[must_use]
    pub const fn checked(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// Sets the default value.
    #[must_use]
    pub const fn default_value(self, usual: DefaultValue) -> Self {
        Self { usual, ..self }
    }

    /// References a row of this table.
    #[must_use]
    pub const fn to(self, table: fn() -> &'static Table) -> Self {
        Self { refers: Some(Refers { table, writes: false }), ..self }
    }

    /// Locks the referenced row before the row itself.
    #[must_use]
    pub const fn first(self) -> Self {
        Self { first: true, ..self }
    }

    /// Allows to give the referenced row instead of its primary key.
    #[must_use]
    pub const fn or_nested(self, name: &'static str, rules: fn() -> &'static Rules) -> Self {
        Self { nested: Some(NestedReference { name, rules }), ..self }
    }

    /// Allows to create rows together with the referenced row, as a list with this name in its input.
    #[must_use]
    pub const fn or_with_parent(self, list: &'static str) -> Self {
        Self { with_parent: Some(list), ..self }
    }

    /// References a row of this table that is also written.
    #[must_use]
    pub const fn to_written(self, table: fn() -> &'static Table) -> Self {
        Self { refers: Some(Refers { table, writes: true }), ..self }
    }
}

/// Links that are written with a new row.
pub struct LinkRule {
    /// The name of the list of IDs: `llm_usage_log_ids`.
    pub keys: &'static str,
    /// The join table; the new row is its source.
    pub pairs: JoinTable,
    /// The rows that can be created with the new row.
    pub rows: Option<NestedRows>,
}

/// Rows that can be created together with another row.
pub struct NestedRows {
    /// The name of the list of these rows: `llm_usage_logs`.
    pub name: &'static str,
    /// The write rules of these rows.
    pub rules: fn() -> &'static Rules,
}

/// A hook that runs after a row has been inserted.
pub type Created = for<'u> fn(&'u mut Unit, &'u Record) -> BoxFuture<'u, Result<()>>;

/// A hook that runs before a row is inserted.
pub type Creating = for<'u> fn(&'u mut Unit, &'u mut Record) -> BoxFuture<'u, Result<()>>;

/// Entity-specific hooks for writes. By default, they do nothing.
pub trait Hooks: Sync {
    /// Finds the existing row for an upsert without a unique value; `None` creates a new row.
    fn same<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<Option<i64>>> {
        Box::pin(async { Ok(None) })
    }

    /// The name under which a row without a unique value is locked before [`Hooks::same`] looks for it.
    fn lock_name(&self, _: &Record) -> Option<String> {
        None
    }

    /// Completes a row with computed values before it is validated.
    fn complete(&self, _: &Scope, _: Option<&Record>, _: &mut Record, _: &mut Vec<Problem>) {}

    /// The hook that runs before a row is inserted, if any.
    fn creating(&self) -> Option<Creating> {
        None
    }

    /// The hook that runs after a row has been inserted, if any.
    fn created(&self) -> Option<Created> {
        None
    }

    /// Writes an updated row and returns the row to which the patch was applied.
    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(async move { unit.update(&before, after).await })
    }

    /// Runs before a row is deleted; can reject the deletion, and removes references to the row.
    fn deleting<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Runs after a row has been deleted.
    fn deleted<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Runs before a deleted row is restored; can reject the restoration.
    fn restoring<'u>(&'u self, _: &'u mut Unit, _: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// Hooks without entity-specific behavior.
#[derive(Debug)]
pub struct Plain;

impl Hooks for Plain {}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({:?})", (self.table)())
    }
}

impl Rules {
    /// Rules of a plain table: clients can create, update and permanently delete rows, without special cases.
    #[must_use]
    pub const fn plain(table: fn() -> &'static Table, fields: &'static [FieldRule]) -> Self {
        Self {
            table,
            create: Some("create"),
            update: true,
            delete: Delete::Hard,
            fields,
            links: &[],
            hooks: &Plain,
        }
    }

    /// The rule of a column.
    #[must_use]
    pub fn field(&self, column: &str) -> Option<&'static FieldRule> {
        self.fields.iter().find(|field| field.column == column)
    }

    /// The initial value of a column in a row that is not written field by field: the default value if the column
    /// is required.
    #[must_use]
    pub fn first(&self, column: &Column) -> Value {
        match self.field(column.name).map(|field| field.usual) {
            Some(DefaultValue::Bool(value)) if !column.nullable => Value::Bool(value),
            Some(DefaultValue::Int(value)) if !column.nullable => Value::Int(value),
            Some(DefaultValue::Text(text)) if !column.nullable => Value::Text(text.to_owned()),
            _ => Value::Null,
        }
    }

    /// The rule of a column that clients can write in a patch or on create.
    #[must_use]
    pub fn written(&self, column: &str, patch: bool) -> Option<&'static FieldRule> {
        self.field(column).filter(|field| match field.when {
            Writable::Always => true,
            Writable::OnCreate => !patch,
            Writable::Never => false,
        })
    }
}
