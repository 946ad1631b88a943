//! Declarations of entities: their fields, relations, filters and sort keys.

use engine::{Permission, Table, enum_values::EnumValue, read::Link, write::Rules};

pub mod field_type;

use field_type::FieldDraft;

use super::{computed_field::Resolve, registration::Register};

/// An entity declared by `#[derive(Entity)]`.
pub trait Declared {
    /// The declaration.
    fn entity() -> &'static Entity;
}

/// The declaration of an entity in the GraphQL schema.
pub struct Entity {
    /// The GraphQL type: `Prospect`.
    pub name: &'static str,
    /// The schema description.
    pub about: &'static str,
    /// The root field that returns one row: `prospect`.
    pub single: String,
    /// The root field that returns the list: `prospects`.
    pub plural: &'static str,
    /// The table.
    pub table: &'static Table,
    /// The write rules; `None` if clients can't write the entity.
    pub rules: Option<&'static Rules>,
    /// The permission to read rows.
    pub read: Permission,
    /// The permission to write rows; `None` if clients can't write the entity.
    pub write: Option<Permission>,
    /// Whether this is the change log, whose root list has its own order.
    pub log: bool,
    /// The fields, in schema order.
    pub fields: Vec<Field>,
}

/// The description of an entity without its fields.
#[derive(Clone, Copy)]
pub struct EntityDescription {
    /// The GraphQL type: `Prospect`.
    pub name: &'static str,
    /// The schema description.
    pub about: &'static str,
    /// The root field that returns the list: `prospects`.
    pub plural: &'static str,
    /// The table.
    pub table: &'static Table,
    /// The write rules.
    pub rules: Option<&'static Rules>,
    /// The permission to read rows.
    pub read: Permission,
    /// The permission to write rows.
    pub write: Option<Permission>,
    /// Whether this is the change log.
    pub log: bool,
}

/// A field of an entity.
pub struct Field {
    /// The GraphQL name: `fullName`.
    pub name: String,
    /// The schema description.
    pub about: String,
    /// The kind of the field.
    pub gives: FieldKind,
    /// Whether lists can be sorted by the field.
    pub sort: bool,
    /// The rank that lists are sorted by in place of the column of the field.
    pub rank: Option<usize>,
}

/// The kind of a field.
pub enum FieldKind {
    /// The global ID of the row itself.
    Id,
    /// The value of a column.
    Column {
        /// The position of the column in the table.
        column: usize,
        /// The GraphQL type.
        scalar: Scalar,
        /// Whether the field is nullable.
        optional: bool,
    },
    /// The global ID of the row that a column references.
    Reference {
        /// The foreign key column.
        column: usize,
        /// The referenced entity.
        to: fn() -> &'static Entity,
        /// Whether the field is nullable.
        optional: bool,
    },
    /// The row that a column references.
    One {
        /// The foreign key column.
        via: usize,
        /// The referenced entity.
        to: fn() -> &'static Entity,
        /// Whether the field is nullable.
        optional: bool,
    },
    /// A list of rows.
    Many {
        /// The link to the rows.
        link: LinkName,
        /// The entity of the rows.
        to: fn() -> &'static Entity,
    },
    /// The change log entries of the row.
    History,
    /// The most recent row of a list.
    Newest {
        /// The link to the rows.
        link: LinkName,
        /// The entity of the rows.
        to: fn() -> &'static Entity,
    },
    /// A computed field.
    Computed {
        /// The columns that the function needs.
        needs: Vec<usize>,
        /// The function.
        resolve: Resolve,
        /// Registers the type in the schema and returns its name.
        register: Register,
        /// Whether the field is paginated.
        paged: bool,
        /// Whether the field is nullable.
        optional: bool,
    },
}

/// The link of a relation, by column name because the table may not be declared yet.
#[derive(Clone, Copy)]
pub enum LinkName {
    /// A foreign key of the rows.
    Column(&'static str),
    /// A join table: its name, source column and target column.
    JoinTable(&'static str, &'static str, &'static str),
}

impl LinkName {
    /// The same link, by column positions in `table`.
    #[must_use]
    pub fn link(self, table: &Table) -> Link {
        match self {
            Self::Column(column) => Link::Children { via: table.column_named(column) },
            Self::JoinTable(table, near, far) => Link::JoinTable { table, near, far },
        }
    }
}

/// The GraphQL type of a column.
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

/// An enum of the schema, for a column with a closed vocabulary.
pub struct EnumType {
    /// The GraphQL type: `EventStatus`.
    pub name: &'static str,
    /// The schema description.
    pub about: &'static str,
    /// The values, as stored.
    pub words: &'static [EnumValue],
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Entity {
    /// Builds the declaration: the ID, the fields of the struct and, if the table has them, the revision and the
    /// timestamps.
    ///
    /// # Panics
    /// If a field names a column that the table doesn't have, or declares a different type or nullability than the
    /// column has: a mistake in the declaration, which any test detects.
    #[must_use]
    pub fn declare(head: EntityDescription, drafts: Vec<FieldDraft>) -> Self {
        let EntityDescription { name, about, plural, table, rules, read, write, log } = head;
        let mut fields = vec![Field {
            name: "id".to_owned(),
            about: format!("Global ID: `{name}:` and the primary key."),
            gives: FieldKind::Id,
            sort: true,
            rank: None,
        }];
        for draft in drafts {
            draft.finish(name, table, &mut fields);
        }
        let standard = [
            (
                "revision",
                Scalar::Int,
                false,
                "Revision, from 1, incremented by every write, for optimistic locking.",
            ),
            ("created_at", Scalar::DateTime, true, "Creation time."),
            ("updated_at", Scalar::DateTime, true, "Time of the last change."),
        ];
        for (column_name, scalar, sort, about) in standard {
            if let Some(column) = table.find(column_name) {
                let gives = FieldKind::Column { column, scalar, optional: false };
                fields.push(Field {
                    name: camel(column_name),
                    about: about.to_owned(),
                    gives,
                    sort,
                    rank: None,
                });
            }
        }
        if rules.is_some() {
            fields.push(Field {
                name: "history".to_owned(),
                about: "Change history of the row, oldest entry first.".to_owned(),
                gives: FieldKind::History,
                sort: false,
                rank: None,
            });
        }
        let mut single = name.to_owned();
        single[..1].make_ascii_lowercase();
        Self { name, about, single, plural, table, rules, read, write, log, fields }
    }

    /// The plural as part of a type name: `Prospects`.
    #[must_use]
    pub fn plural_type(&self) -> String {
        let mut plural = self.plural.to_owned();
        plural[..1].make_ascii_uppercase();
        plural
    }

    /// The plural in words: `outreach drafts`.
    #[must_use]
    pub fn plural_words(&self) -> String {
        apart(self.plural, ' ')
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// `full_name` → `fullName`.
pub fn camel(snake: &str) -> String {
    let mut parts = snake.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        camel.extend(part.chars().take(1).map(|first| first.to_ascii_uppercase()));
        camel.push_str(part.get(1..).unwrap_or_default());
    }
    camel
}

/// A name in lower case with its parts separated: `OutreachDraft`, `_` → `outreach_draft`.
pub(super) fn apart(name: &str, between: char) -> String {
    let mut apart = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            apart.push(between);
        }
        apart.push(character.to_ascii_lowercase());
    }
    if between == ' ' { apart.replace("llm ", "LLM ") } else { apart }
}
