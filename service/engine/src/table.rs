//! Table metadata: columns, organization scoping and hidden columns.

use std::any::Any;

use sea_orm::{ColumnTrait, EntityName, EntityTrait, IdenStatic};

pub use crate::column::{Column, columns_of};

use crate::{reason::Reason, row_scope::RowScope, value::Value};

/// A table whose rows belong to organizations, derived from its generated entity.
pub struct Table {
    /// The name in the database.
    pub name: &'static str,
    /// The name of one row: `prospect`.
    pub called: &'static str,
    /// What one row is, for the schema: `A prospect.`
    pub about: &'static str,
    /// Whether writes have entries in the change log.
    pub is_logged: bool,
    /// The columns, in the order of the entity.
    pub columns: Vec<Column>,
    pub(crate) organization: usize,
    pub(crate) deleted_at: Option<usize>,
    pub(crate) hidden_with: Option<HiddenWith>,
    /// The column with the membership that alone sees a row.
    pub(crate) private_to: Option<usize>,
    /// A column, and its value in rows that reads omit.
    pub(crate) omitted: Option<(usize, &'static str)>,
    /// Which rows a restricted caller sees.
    pub(crate) row_scope: Option<RowScope>,
    /// References to rows of other scopes: the column and the name of the referenced table.
    pub(crate) hidden_references: Vec<(usize, &'static str)>,
    /// JSON columns that contain references to rows of other scopes, and the names under which they do.
    pub(crate) redacted: Vec<usize>,
    pub(crate) redacted_names: &'static [&'static str],
    /// Columns that change when a restricted caller uses a row that it can't change.
    pub(crate) usage: Vec<usize>,
    /// Columns that the change log omits: hidden columns, which reads never return, and counters.
    pub(crate) secret: Vec<usize>,
    /// Whether the change log records only that a row was written, without its values, because some readers of the
    /// change log lack permission to see the values.
    pub(crate) confidential: bool,
    /// Declarations of modules that depend on this one, such as guards and owners of rows, by type.
    extensions: Vec<&'static (dyn Any + Send + Sync)>,
    /// Columns that are computed from text columns of the same row.
    computed: Vec<(usize, ComputedColumn)>,
    /// Columns that count rows of other tables.
    counters: Vec<usize>,
    /// Whether rows are locked when other rows refer to them.
    pub(crate) locked_for_references: bool,
    unique: Option<&'static UniqueField>,
}

/// A unique field: identifies a row that is not deleted within its organization, ignoring case.
#[derive(Debug)]
pub struct UniqueField {
    /// The column that is compared: a computed column, or the written column itself.
    pub column: &'static str,
    /// The column that clients write.
    pub written_as: &'static str,
    /// Whether rows can be upserted by this field.
    pub upsert: bool,
    /// The reason code of the error for a value that another row has.
    pub reason: Reason,
}

/// Computes a column from text columns of its row.
pub(crate) type Computes = fn(&RowTexts<'_>) -> Option<String>;

/// Computes the rank of a row from text columns.
pub(crate) type Ranks = fn(&RowTexts<'_>) -> Option<i64>;

/// How a column is computed.
#[derive(Clone, Copy)]
enum ComputedColumn {
    Text(Computes),
    Rank(Ranks),
}

/// The text columns of a row, from which others are computed.
#[derive(Debug)]
pub struct RowTexts<'r> {
    table: &'r Table,
    values: &'r [Value],
}

impl RowTexts<'_> {
    /// The text in a column; empty if it is null.
    pub fn text<C: ColumnTrait>(&self, column: C) -> &str {
        self.values[self.table.column(column)].text()
    }
}

/// A reference to a parent row. Lists omit a row while its parent is deleted.
#[derive(Debug)]
pub(crate) struct HiddenWith {
    pub(crate) via: usize,
    pub(crate) table: fn() -> &'static Table,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Table {
    /// Builds the table from a generated entity.
    ///
    /// # Panics
    /// Panics if the entity has an unsupported column type or no `organization_id`. Such an entity is the result of an
    /// incorrect migration; the first test that runs detects it.
    #[must_use]
    pub fn of<E: EntityTrait>(called: &'static str) -> Self {
        let columns = columns_of::<E>();
        let find = |name: &str| columns.iter().position(|column| column.name == name);
        let name = E::default().table_name();
        let Some(organization) = find("organization_id") else {
            panic!("table `{name}` has no `organization_id` column")
        };
        Self {
            name: Box::leak(name.to_owned().into_boxed_str()),
            called,
            about: Box::leak(about(called).into_boxed_str()),
            is_logged: true,
            deleted_at: find("deleted_at"),
            columns,
            organization,
            hidden_with: None,
            private_to: None,
            omitted: None,
            row_scope: None,
            usage: Vec::new(),
            hidden_references: Vec::new(),
            redacted: Vec::new(),
            redacted_names: &[],
            secret: Vec::new(),
            confidential: false,
            extensions: Vec::new(),
            computed: Vec::new(),
            counters: Vec::new(),
            locked_for_references: true,
            unique: None,
        }
    }

    /// Hides rows from lists while the row that `via` references is deleted.
    #[must_use]
    pub fn hidden_with<C: ColumnTrait>(mut self, via: C, table: fn() -> &'static Self) -> Self {
        self.hidden_with = Some(HiddenWith { via: self.column(via), table });
        self
    }

    /// Makes each row visible only to the member whose membership `column` references. Of the change log, only subscriptions
    /// of the member see that a row was created.
    #[must_use]
    pub fn private_to<C: ColumnTrait>(mut self, column: C) -> Self {
        self.private_to = Some(self.column(column));
        self
    }

    /// Whether each row is visible to one member only.
    #[must_use]
    pub fn has_private_rows(&self) -> bool {
        self.private_to.is_some()
    }

    /// Omits rows with this text in `column` from all reads.
    #[must_use]
    pub(crate) fn omitting<C: ColumnTrait>(mut self, column: C, text: &'static str) -> Self {
        self.omitted = Some((self.column(column), text));
        self
    }

    /// Describes one row in other words than its name.
    #[must_use]
    pub fn described(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Declares that triggers derive the rows from other tables, so that the change log has no entries of them.
    #[must_use]
    pub fn derived_by_triggers(mut self) -> Self {
        self.is_logged = false;
        self
    }

    /// Makes the change log record only that a row was written, without its values.
    #[must_use]
    pub fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// Hides columns, so that reads never return them.
    #[must_use]
    pub fn keeping_secret<C: ColumnTrait, const N: usize>(mut self, columns: [C; N]) -> Self {
        let places = columns.map(|column| self.column(column));
        self.secret.extend(places);
        self
    }

    /// Declares columns that are computed from other columns of the row on every write.
    #[must_use]
    pub fn computing<C: ColumnTrait, const N: usize>(
        mut self,
        columns: [(C, Computes); N],
    ) -> Self {
        let computed =
            columns.map(|(column, follows)| (self.column(column), ComputedColumn::Text(follows)));
        self.computed.extend(computed);
        self
    }

    /// Declares comparison columns: hidden, computed columns that are compared in place of their source columns.
    #[must_use]
    pub fn comparing<C: ColumnTrait, const N: usize>(
        mut self,
        columns: [(C, Computes); N],
    ) -> Self {
        self.secret.extend(columns.map(|(column, _)| self.column(column)));
        self.computing(columns)
    }

    /// Declares ranks: hidden, computed numbers by which lists are sorted in place of their source columns.
    #[must_use]
    pub fn ranking<C: ColumnTrait, const N: usize>(mut self, columns: [(C, Ranks); N]) -> Self {
        self.secret.extend(columns.map(|(column, _)| self.column(column)));
        let computed =
            columns.map(|(column, rank)| (self.column(column), ComputedColumn::Rank(rank)));
        self.computed.extend(computed);
        self
    }

    /// Declares columns that count rows of other tables ([`Counter`](crate::write::counter::Counter)). The change log
    /// omits them, because other rows change them.
    #[must_use]
    pub fn counting<C: ColumnTrait, const N: usize>(self, columns: [C; N]) -> Self {
        Self { locked_for_references: false, ..self.counting_locked(columns) }
    }

    /// As [`counting`](Self::counting), for rows that are locked for writing before the rows that they count.
    #[must_use]
    pub fn counting_locked<C: ColumnTrait, const N: usize>(mut self, columns: [C; N]) -> Self {
        self.counters.extend(columns.map(|column| self.column(column)));
        self.secret.extend_from_slice(&self.counters);
        self
    }

    /// Declares the unique field. In tables with a column `duplicate_of`, rows with this mark are exempt.
    #[must_use]
    pub fn unique(mut self, field: &'static UniqueField) -> Self {
        self.unique = Some(field);
        self
    }

    /// The unique field.
    #[must_use]
    pub fn unique_field(&self) -> Option<&'static UniqueField> {
        self.unique
    }

    /// The index of the column that marks duplicates of a row with the same unique value.
    pub(crate) fn duplicate_of(&self) -> Option<usize> {
        self.unique.and_then(|_| self.find("duplicate_of"))
    }

    /// Whether the server computes the column from other columns.
    #[must_use]
    pub fn is_computed(&self, column: &str) -> bool {
        let place = self.find(column);
        self.computed.iter().any(|(known, _)| Some(*known) == place)
    }

    /// Sets the computed columns in a row of this table.
    pub(crate) fn set_computed_columns(&self, values: &mut [Value]) {
        for (column, follows) in &self.computed {
            let texts = RowTexts { table: self, values };
            values[*column] = match follows {
                ComputedColumn::Text(text) => text(&texts).map_or(Value::Null, Value::Text),
                ComputedColumn::Rank(rank) => rank(&texts).map_or(Value::Null, Value::Int),
            };
        }
    }

    /// Sets the counters of a new row that has none yet.
    pub(crate) fn begin_counters(&self, values: &mut [Value]) {
        for column in &self.counters {
            if values[*column] == Value::Null {
                values[*column] = Value::Int(0);
            }
        }
    }

    /// The computed columns.
    pub fn computed_columns(&self) -> impl Iterator<Item = &Column> {
        self.computed.iter().map(|(column, _)| &self.columns[*column])
    }

    /// The indexes of the computed columns.
    pub fn computed_places(&self) -> impl Iterator<Item = usize> {
        self.computed.iter().map(|(place, _)| *place)
    }

    /// Whether the column is a comparison column.
    #[must_use]
    pub fn is_comparison(&self, column: &str) -> bool {
        self.is_computed(column)
            && self.find(column).is_some_and(|place| self.secret.contains(&place))
    }

    /// Adds a declaration of a module that depends on this one.
    #[must_use]
    pub(crate) fn extended<T: Any + Send + Sync>(mut self, declaration: &'static T) -> Self {
        self.extensions.push(declaration);
        self
    }

    /// The declarations of this type, in the order in which they were added.
    pub(crate) fn extensions<T: Any>(&self) -> impl Iterator<Item = &'static T> {
        self.extensions.iter().filter_map(|one| one.downcast_ref())
    }

    /// The names of all columns in order, for use in a statement.
    pub fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
        names.join(", ")
    }

    /// The columns that are not hidden, with their indexes.
    pub fn visible_columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(place, _)| !self.secret.contains(place))
    }

    /// The name of the type of a row in global IDs: `ProspectResearch`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let words = self.called.split('_');
        let capitalized = words.map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        capitalized.collect()
    }

    /// The index of a column of the generated entity.
    ///
    /// # Panics
    /// Panics if the table has no column with this name; in debug builds, also if the column belongs to another table.
    #[must_use]
    pub fn column<C: ColumnTrait>(&self, column: C) -> usize {
        debug_assert_eq!(
            C::EntityName::default().table_name(),
            self.name,
            "column of another table"
        );
        self.column_named(IdenStatic::as_str(&column))
    }

    /// The index of the column with this name. Code that knows the column uses [`column`](Self::column).
    ///
    /// # Panics
    /// Panics if there is no such column. Declarations use column names, so the first test detects an incorrect name.
    #[must_use]
    pub fn column_named(&self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|| panic!("table `{}` has no column `{name}`", self.name))
    }

    /// The index of a column; `None` if there is no such column.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The index of the primary key.
    #[must_use]
    pub fn id(&self) -> usize {
        self.column_named("id")
    }
}

/// `import_job` → `An import job.`
fn about(called: &str) -> String {
    let mut about = format!("{}.", with_article(called));
    about[..1].make_ascii_uppercase();
    about
}

/// `import_job` → `an import job`
pub(crate) fn with_article(called: &str) -> String {
    let article = if called.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {}", called.replace('_', " "))
}
