//! What the service knows of a table: its columns, whose rows they are, which of them are hidden.

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};

use crate::value::Value;

/// How a column is stored and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A 64-bit key.
    BigInt,
    /// A 32-bit count.
    Int,
    /// A floating-point number.
    Double,
    /// Text, compared folded to lower-case ASCII.
    Text,
    /// A moment.
    Time,
    /// A JSON document.
    Json,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the database.
    pub name: &'static str,
    /// How it is stored.
    pub kind: Kind,
    /// Whether it may be absent.
    pub nullable: bool,
    /// The most characters it holds; `None` without a limit.
    pub length: Option<u32>,
}

/// A table of an organization, told from its generated entity.
pub struct Table {
    /// Its name in the database.
    pub name: &'static str,
    /// What one row of it is called: `prospect`.
    pub called: &'static str,
    /// Its columns, in the order of the entity.
    pub columns: Vec<Column>,
    pub(crate) organization: usize,
    pub(crate) deleted_at: Option<usize>,
    pub(crate) hidden_with: Option<HiddenWith>,
    /// Columns that never leave the table: the change log doesn't know them.
    pub(crate) secret: Vec<usize>,
    /// Whether the change log tells only that a row was written, and not what: not all who read the log may
    /// see it.
    pub(crate) confidential: bool,
    /// Columns whose values follow from texts of the same row.
    following: Vec<(usize, Follows)>,
}

/// Computes a column from the texts of its row, which are given by the names of their columns.
pub(crate) type Follows = fn(&dyn Fn(&str) -> String) -> Option<String>;

/// Rows that leave the lists when the row they point to is deleted.
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
    /// Reads the columns off a generated entity.
    ///
    /// # Panics
    /// When the entity has a column type that the service doesn't know, or no `organization_id`:
    /// a mistake in a migration, found by the first test.
    #[must_use]
    pub(crate) fn of<E: EntityTrait>(called: &'static str) -> Self {
        let columns = columns_of::<E>();
        let find = |name: &str| columns.iter().position(|column| column.name == name);
        let name = E::default().table_name();
        let Some(organization) = find("organization_id") else {
            panic!("table `{name}` belongs to no organization")
        };
        Self {
            name: Box::leak(name.to_owned().into_boxed_str()),
            called,
            deleted_at: find("deleted_at"),
            columns,
            organization,
            hidden_with: None,
            secret: Vec::new(),
            confidential: false,
            following: Vec::new(),
        }
    }

    /// Rows leave the lists while the row that `via` points to is deleted.
    #[must_use]
    pub(crate) fn hidden_with(mut self, via: &str, table: fn() -> &'static Self) -> Self {
        self.hidden_with = Some(HiddenWith { via: self.column(via), table });
        self
    }

    /// The change log tells only that a row was written.
    #[must_use]
    pub(crate) fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// Columns that never leave the table.
    #[must_use]
    pub(crate) fn keeping_secret<const N: usize>(mut self, columns: [&str; N]) -> Self {
        let places = columns.map(|name| self.column(name));
        self.secret.extend(places);
        self
    }

    /// Columns that follow from others of their row, on every write.
    #[must_use]
    pub(crate) fn following<const N: usize>(mut self, columns: [(&str, Follows); N]) -> Self {
        self.following.extend(columns.map(|(name, follows)| (self.column(name), follows)));
        self
    }

    /// Comparison columns: they follow from others, and hold what is compared instead of them. They never leave the table.
    #[must_use]
    pub(crate) fn comparing<const N: usize>(mut self, columns: [(&str, Follows); N]) -> Self {
        let names = columns.map(|(name, _)| self.column(name));
        self.secret.extend(names);
        self.following(columns)
    }

    /// Sets the columns that follow from others in a row of this table.
    pub(crate) fn set_following(&self, values: &mut [Value]) {
        for (column, follows) in &self.following {
            let text = |name: &str| match &values[self.column(name)] {
                Value::Text(text) => text.clone(),
                _ => String::new(),
            };
            values[*column] = follows(&text).map_or(Value::Null, Value::Text);
        }
    }

    /// The columns that follow from others.
    pub(crate) fn followers(&self) -> impl Iterator<Item = &Column> {
        self.following.iter().map(|(column, _)| &self.columns[*column])
    }

    /// Whether a column holds what is compared instead of another.
    #[must_use]
    pub fn is_comparison(&self, column: &str) -> bool {
        let place = self.find(column);
        self.following.iter().any(|(known, _)| Some(*known) == place)
            && place.is_some_and(|place| self.secret.contains(&place))
    }

    /// Columns that hold fewer characters than the usual 255: the generated entities don't tell.
    #[must_use]
    pub(crate) fn holding<const N: usize>(mut self, lengths: [(&str, u32); N]) -> Self {
        for (name, length) in lengths {
            let column = self.column(name);
            self.columns[column].length = Some(length);
        }
        self
    }

    /// The names of all columns, in their order, as a statement lists them.
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
        names.join(", ")
    }

    /// The columns that may leave the table, with their places.
    pub fn told(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(place, _)| !self.secret.contains(place))
    }

    /// The place of a column.
    ///
    /// # Panics
    /// When there is none: declarations name columns, and a wrong one is found by the first test.
    #[must_use]
    pub fn column(&self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|| panic!("table `{}` has no column `{name}`", self.name))
    }

    /// The place of a column, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The place of the key.
    #[must_use]
    pub fn id(&self) -> usize {
        self.column("id")
    }
}

/// The columns of a generated entity, in its order.
pub(crate) fn columns_of<E: EntityTrait>() -> Vec<Column> {
    E::Column::iter().map(column).collect()
}

fn column<C: ColumnTrait>(column: C) -> Column {
    let definition = column.def();
    let name: &'static str = IdenStatic::as_str(&column);
    let (kind, length) = match definition.get_column_type() {
        ColumnType::Boolean => (Kind::Bool, None),
        ColumnType::BigInteger => (Kind::BigInt, None),
        ColumnType::Integer => (Kind::Int, None),
        ColumnType::Double => (Kind::Double, None),
        ColumnType::String(_) => (Kind::Text, Some(255)),
        ColumnType::Text => (Kind::Text, None),
        ColumnType::TimestampWithTimeZone => (Kind::Time, None),
        ColumnType::Json | ColumnType::JsonBinary => (Kind::Json, None),
        other => panic!("column `{name}` is of a type the service doesn't know: {other:?}"),
    };
    Column { name, kind, nullable: definition.is_null(), length }
}
