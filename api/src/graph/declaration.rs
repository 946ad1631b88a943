//! What is said of an entity: its fields, its relations, what lists can be filtered and sorted by.

use std::marker::PhantomData;

use service::{Kind, Table, read::Link, vocabulary::Word};

use super::computed::Resolve;

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
    /// Its fields, in the order of the schema.
    pub fields: Vec<Field>,
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
        register: super::registry::Register,
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

/// What `#[derive(Entity)]` read of a field.
pub struct Spec {
    /// Its name in Rust, and of its column: `full_name`.
    pub name: &'static str,
    /// Its doc comment.
    pub about: &'static str,
    /// `sort`.
    pub sort: bool,
    /// `via`.
    pub via: Option<&'static str>,
    /// `pairs`.
    pub pairs: Option<(&'static str, &'static str, &'static str)>,
    /// `computed`.
    pub computed: Option<Resolve>,
    /// `needs`.
    pub needs: &'static [&'static str],
}

impl Spec {
    /// A field of this name, and nothing special about it.
    #[must_use]
    pub fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, sort: false, via: None, pairs: None, computed: None, needs: &[] }
    }
}

/// A field as its type declares it, before the entity is known.
pub struct Draft {
    spec: Spec,
    wants: Wants,
}

enum Wants {
    Column(Scalar, bool),
    One(fn() -> &'static Entity, bool),
    Many(fn() -> &'static Entity),
    Newest(fn() -> &'static Entity),
    Computed(super::registry::Register, bool),
}

/// A Rust type that means something as a field of an entity.
pub trait FieldType {
    /// What it means.
    fn declare(spec: Spec) -> Draft;
}

/// A column with a closed vocabulary: give it an empty type of its own.
pub trait Vocabulary {
    /// The enum.
    fn enum_type() -> &'static EnumType;
}

/// A moment: `DateTime`.
pub struct DateTime;
/// A JSON document: `JSON`.
pub struct Json;
/// The row that a column points to; the column is `<field>_id` unless `via` says otherwise.
pub struct One<T>(PhantomData<T>);
/// The rows that point here; their column is `<entity>_id` unless `via` or `pairs` says otherwise.
pub struct Many<T>(PhantomData<T>);
/// The newest of the rows that point here, by creation; null when there is none.
pub struct Newest<T>(PhantomData<T>);

/// Something worked out from columns; `#[derive(Entity)]` wraps the type of a computed field in it.
pub struct Computed<T>(PhantomData<T>);

macro_rules! columns {
    ($($ty:ty => $scalar:expr),* $(,)?) => {$(
        impl FieldType for $ty {
            fn declare(spec: Spec) -> Draft {
                Draft { spec, wants: Wants::Column($scalar, false) }
            }
        }
        impl FieldType for Option<$ty> {
            fn declare(spec: Spec) -> Draft {
                Draft { spec, wants: Wants::Column($scalar, true) }
            }
        }
    )*};
}

columns! {
    String => Scalar::String,
    bool => Scalar::Boolean,
    i32 => Scalar::Int,
    f64 => Scalar::Float,
    DateTime => Scalar::DateTime,
    Json => Scalar::Json,
}

impl<T: async_graphql::OutputType> FieldType for Computed<T> {
    fn declare(spec: Spec) -> Draft {
        let optional = !T::qualified_type_name().ends_with('!');
        Draft { spec, wants: Wants::Computed(super::registry::register::<T>, optional) }
    }
}

/// A column with a closed vocabulary.
pub struct Of<V>(PhantomData<V>);

impl<V: Vocabulary> FieldType for Of<V> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::Column(Scalar::Enum(V::enum_type()), false) }
    }
}

impl<V: Vocabulary> FieldType for Option<Of<V>> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::Column(Scalar::Enum(V::enum_type()), true) }
    }
}

impl<T: Declared> FieldType for One<T> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::One(T::entity, false) }
    }
}

impl<T: Declared> FieldType for Option<One<T>> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::One(T::entity, true) }
    }
}

impl<T: Declared> FieldType for Many<T> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::Many(T::entity) }
    }
}

impl<T: Declared> FieldType for Option<Newest<T>> {
    fn declare(spec: Spec) -> Draft {
        Draft { spec, wants: Wants::Newest(T::entity) }
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
    pub fn declare(
        name: &'static str,
        about: &'static str,
        plural: &'static str,
        table: &'static Table,
        drafts: Vec<Draft>,
    ) -> Self {
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
            ("revision", Scalar::Int, false, "Counts the writes of this row, starting at 1: the lock of an update."),
            ("created_at", Scalar::DateTime, true, "When the row was made."),
            ("updated_at", Scalar::DateTime, true, "When the row was last written."),
        ];
        for (column_name, scalar, sort, about) in standard {
            if let Some(column) = table.find(column_name) {
                let gives = Gives::Column { column, scalar, optional: false };
                fields.push(Field { name: camel(column_name), about: about.to_owned(), gives, sort });
            }
        }
        let mut single = name.to_owned();
        single[..1].make_ascii_lowercase();
        Self { name, about, single, plural, table, fields }
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Draft {
    fn finish(self, entity: &str, table: &'static Table, fields: &mut Vec<Field>) {
        let Self { spec, wants } = self;
        let name = camel(spec.name);
        let about = spec.about.to_owned();
        let link = || match (spec.pairs, spec.via) {
            (Some((pairs, near, far)), _) => LinkName::Pairs(pairs, near, far),
            (None, Some(via)) => LinkName::Column(via),
            (None, None) => LinkName::Column(Box::leak(format!("{}_id", snake(entity)).into())),
        };
        let gives = match wants {
            Wants::Column(scalar, optional) => {
                let column = table.column(spec.name);
                check(table, column, scalar, optional);
                Gives::Column { column, scalar, optional }
            }
            Wants::Computed(register, optional) => Gives::Computed {
                needs: spec.needs.iter().map(|need| table.column(need)).collect(),
                resolve: spec.computed.unwrap_or_else(|| panic!("`{name}` is computed by nothing")),
                register,
                optional,
            },
            Wants::One(to, optional) => {
                let via = spec.via.map_or_else(|| format!("{}_id", spec.name), str::to_owned);
                let column = table.column(&via);
                assert_eq!(table.columns[column].nullable, optional, "{entity}.{name}: nullable?");
                fields.push(Field {
                    name: camel(&via),
                    about: format!("Global id of `{name}`."),
                    gives: Gives::Reference { column, to, optional },
                    sort: false,
                });
                Gives::One { via: column, to, optional }
            }
            Wants::Many(to) => Gives::Many { link: link(), to },
            Wants::Newest(to) => Gives::Newest { link: link(), to },
        };
        fields.push(Field { name, about, gives, sort: spec.sort });
    }
}

fn check(table: &Table, column: usize, scalar: Scalar, optional: bool) {
    let stored = &table.columns[column];
    let kind = match scalar {
        Scalar::String | Scalar::Enum(_) => Kind::Text,
        Scalar::Boolean => Kind::Bool,
        Scalar::Int => Kind::Int,
        Scalar::Float => Kind::Double,
        Scalar::DateTime => Kind::Time,
        Scalar::Json => Kind::Json,
    };
    assert!(
        stored.kind == kind && stored.nullable == optional,
        "`{}.{}` is {:?} and {}nullable; the declaration says otherwise",
        table.name,
        stored.name,
        stored.kind,
        if stored.nullable { "" } else { "not " },
    );
}

/// `full_name` → `fullName`.
fn camel(snake: &str) -> String {
    let mut parts = snake.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        camel.extend(part.chars().take(1).map(|first| first.to_ascii_uppercase()));
        camel.push_str(part.get(1..).unwrap_or_default());
    }
    camel
}

/// `OutreachDraft` → `outreach_draft`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}
