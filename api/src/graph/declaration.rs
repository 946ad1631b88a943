//! What is said of an entity: its fields, its relations, what lists can be filtered and sorted by.

use service::{Table, read::Link, vocabulary::Word, write::Rules};

use super::{computed::Resolve, field_type::Draft, registry::Register};

/// An entity that has been declared, by `#[derive(Entity)]`.
pub trait Declared {
    /// The declaration.
    fn entity() -> &'static Entity;
}

/// The GraphQL face of an entity.
pub struct Entity {
    /// The GraphQL type: `Prospect`.
    pub name: &'static str,
    /// What it is, for users.
    pub about: &'static str,
    /// The root field that gives one: `prospect`.
    pub single: String,
    /// The root field that gives the list: `prospects`.
    pub plural: &'static str,
    /// Where its rows are.
    pub table: &'static Table,
    /// What clients may write; `None` when they write nothing.
    pub rules: Option<&'static Rules>,
    /// Whether it is the change log, whose root list goes in its own order.
    pub log: bool,
    /// Its fields, in the order of the schema.
    pub fields: Vec<Field>,
}

/// What is said of an entity before its fields.
#[derive(Clone, Copy)]
pub struct Head {
    /// The GraphQL type: `Prospect`.
    pub name: &'static str,
    /// What it is, for users.
    pub about: &'static str,
    /// The root field that gives the list: `prospects`.
    pub plural: &'static str,
    /// Where its rows are.
    pub table: &'static Table,
    /// What clients may write.
    pub rules: Option<&'static Rules>,
    /// Whether it is the change log.
    pub log: bool,
}

/// A field of an entity.
pub struct Field {
    /// Its GraphQL name: `fullName`.
    pub name: String,
    /// What it is, for users.
    pub about: String,
    /// What it gives.
    pub gives: Gives,
    /// Whether lists can be sorted by it.
    pub sort: bool,
}

/// What a field gives.
pub enum Gives {
    /// The global id of the row itself.
    Id,
    /// A value of a column.
    Column {
        /// Its place in the table.
        column: usize,
        /// How it is told.
        scalar: Scalar,
        /// Whether it may be null.
        optional: bool,
    },
    /// The global id of the row that a column points to.
    Reference {
        /// The column.
        column: usize,
        /// What it points to.
        to: fn() -> &'static Entity,
        /// Whether it may be null.
        optional: bool,
    },
    /// The row that a column points to.
    One {
        /// The column.
        via: usize,
        /// What it points to.
        to: fn() -> &'static Entity,
        /// Whether it may be null.
        optional: bool,
    },
    /// A list of rows.
    Many {
        /// How they are found.
        link: LinkName,
        /// What they are.
        to: fn() -> &'static Entity,
    },
    /// What the change log says of the row.
    History,
    /// The newest of a list of rows.
    Newest {
        /// How they are found.
        link: LinkName,
        /// What they are.
        to: fn() -> &'static Entity,
    },
    /// Something worked out from columns.
    Computed {
        /// The columns it needs.
        needs: Vec<usize>,
        /// The function.
        resolve: Resolve,
        /// Puts its type into the schema and names it.
        register: Register,
        /// Whether it comes in pages.
        paged: bool,
        /// Whether it may be null.
        optional: bool,
    },
}

/// How the rows of a relation are found, by name: the table may not have been declared yet.
#[derive(Clone, Copy)]
pub enum LinkName {
    /// By a column of their own.
    Column(&'static str),
    /// By a table of pairs: table, near column, far column.
    Pairs(&'static str, &'static str, &'static str),
}

impl LinkName {
    /// The same, by the places in `table`.
    #[must_use]
    pub fn link(self, table: &Table) -> Link {
        match self {
            Self::Column(column) => Link::Children { via: table.column(column) },
            Self::Pairs(table, near, far) => Link::Pairs { table, near, far },
        }
    }
}

/// How a column is told in GraphQL.
#[derive(Clone, Copy)]
pub enum Scalar {
    /// `String`.
    String,
    /// `Boolean`.
    Boolean,
    /// `Int`.
    Int,
    /// `Float`.
    Float,
    /// `DateTime`.
    DateTime,
    /// `JSON`.
    Json,
    /// An enum.
    Enum(&'static EnumType),
}

/// An enum of the schema: a column with a closed vocabulary.
pub struct EnumType {
    /// The GraphQL type: `EventStatus`.
    pub name: &'static str,
    /// What it is, for users.
    pub about: &'static str,
    /// Its values, as stored.
    pub words: &'static [Word],
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Entity {
    /// Makes the declaration: the fields of the struct, with the id before them and, where the
    /// table has them, the revision and the stamps behind.
    ///
    /// # Panics
    /// When a field names a column that the table doesn't have, or gives it another type or another
    /// nullability than it has: a mistake in the declaration, found by the first test.
    #[must_use]
    pub fn declare(head: Head, drafts: Vec<Draft>) -> Self {
        let Head { name, about, plural, table, rules, log } = head;
        let mut fields = vec![Field {
            name: "id".to_owned(),
            about: format!("Global id, unique in the whole graph: `{name}:` and the key."),
            gives: Gives::Id,
            sort: true,
        }];
        for draft in drafts {
            draft.finish(name, table, &mut fields);
        }
        let standard = [
            (
                "revision",
                Scalar::Int,
                false,
                "Counts the writes of this row, starting at 1: the lock of an update.",
            ),
            ("created_at", Scalar::DateTime, true, "Creation time."),
            ("updated_at", Scalar::DateTime, true, "Time of the last change."),
        ];
        for (column_name, scalar, sort, about) in standard {
            if let Some(column) = table.find(column_name) {
                let gives = Gives::Column { column, scalar, optional: false };
                fields.push(Field {
                    name: camel(column_name),
                    about: about.to_owned(),
                    gives,
                    sort,
                });
            }
        }
        if rules.is_some() {
            fields.push(Field {
                name: "history".to_owned(),
                about: "Change history of the row, oldest first.".to_owned(),
                gives: Gives::History,
                sort: false,
            });
        }
        let mut single = name.to_owned();
        single[..1].make_ascii_lowercase();
        Self { name, about, single, plural, table, rules, log, fields }
    }

    /// The plural as part of a type: `Prospects`.
    #[must_use]
    pub fn plural_type(&self) -> String {
        let mut plural = self.plural.to_owned();
        plural[..1].make_ascii_uppercase();
        plural
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// `full_name` → `fullName`.
pub(crate) fn camel(snake: &str) -> String {
    let mut parts = snake.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        camel.extend(part.chars().take(1).map(|first| first.to_ascii_uppercase()));
        camel.push_str(part.get(1..).unwrap_or_default());
    }
    camel
}

/// A name in lower case, its parts set apart: `OutreachDraft`, `_` → `outreach_draft`.
pub(super) fn apart(name: &str, between: char) -> String {
    let mut apart = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            apart.push(between);
        }
        apart.push(character.to_ascii_lowercase());
    }
    apart
}
