//! The meaning of field types in a declaration.

use std::marker::PhantomData;

use engine::{Kind, Table};

use super::{Declared, Entity, EnumType, Field, FieldKind, LinkName, Scalar, apart, camel};
use crate::{
    computed_field::Resolve,
    registration::{Register, register},
};

/// The part of a field declaration that `#[derive(Entity)]` reads.
pub struct FieldSpec {
    /// The name of the Rust field and of the column: `full_name`.
    pub name: &'static str,
    /// The doc comment.
    pub about: &'static str,
    /// The `sort` attribute.
    pub sort: bool,
    /// The column in the `sort` attribute.
    pub rank: Option<&'static str>,
    /// The `via` attribute.
    pub via: Option<&'static str>,
    /// The `pairs` attribute.
    pub pairs: Option<(&'static str, &'static str, &'static str)>,
    /// The `computed` attribute.
    pub computed: Option<Resolve>,
    /// The `needs` attribute.
    pub needs: &'static [&'static str],
    /// The `paged` attribute.
    pub paged: bool,
}

impl FieldSpec {
    /// A field with this name and no attributes.
    #[must_use]
    pub fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            sort: false,
            rank: None,
            via: None,
            pairs: None,
            computed: None,
            needs: &[],
            paged: false,
        }
    }
}

/// A field as declared by its type, before the entity is known.
pub struct FieldDraft {
    spec: FieldSpec,
    wants: DeclaredKind,
}

enum DeclaredKind {
    Column(Scalar, bool),
    One(fn() -> &'static Entity, bool),
    Many(fn() -> &'static Entity),
    Newest(fn() -> &'static Entity),
    Computed(Register, bool),
}

/// A Rust type that is supported as a field of an entity.
pub trait FieldType {
    /// Declares the field.
    fn declare(spec: FieldSpec) -> FieldDraft;
}

/// The closed vocabulary of a column. Each vocabulary is an empty type that implements this trait.
pub trait Vocabulary {
    /// The enum of the vocabulary.
    fn enum_type() -> &'static EnumType;
}

/// A timestamp: `DateTime`.
pub struct DateTime;
/// A JSON document: `JSON`.
pub struct Json;
/// The row that a column references; the column is `<field>_id` unless `via` names another column.
pub struct One<T>(PhantomData<T>);
/// The rows that reference this row; their foreign key column is `<entity>_id` unless `via` or `pairs` is set.
pub struct Many<T>(PhantomData<T>);
/// The most recently created of the rows that reference this row; null if there is none.
pub struct Newest<T>(PhantomData<T>);

/// A computed field; `#[derive(Entity)]` wraps the field type in this type.
pub struct Computed<T>(PhantomData<T>);

macro_rules! columns {
    ($($ty:ty => $scalar:expr),* $(,)?) => {$(
        impl FieldType for $ty {
            fn declare(spec: FieldSpec) -> FieldDraft {
                FieldDraft { spec, wants: DeclaredKind::Column($scalar, false) }
            }
        }
        impl FieldType for Option<$ty> {
            fn declare(spec: FieldSpec) -> FieldDraft {
                FieldDraft { spec, wants: DeclaredKind::Column($scalar, true) }
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
    fn declare(spec: FieldSpec) -> FieldDraft {
        let optional = !T::qualified_type_name().ends_with('!');
        FieldDraft { spec, wants: DeclaredKind::Computed(register::<T>, optional) }
    }
}

/// A column with a closed vocabulary.
pub struct EnumColumn<V>(PhantomData<V>);

impl<V: Vocabulary> FieldType for EnumColumn<V> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::Column(Scalar::Enum(V::enum_type()), false) }
    }
}

impl<V: Vocabulary> FieldType for Option<EnumColumn<V>> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::Column(Scalar::Enum(V::enum_type()), true) }
    }
}

impl<T: Declared> FieldType for One<T> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::One(T::entity, false) }
    }
}

impl<T: Declared> FieldType for Option<One<T>> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::One(T::entity, true) }
    }
}

impl<T: Declared> FieldType for Many<T> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::Many(T::entity) }
    }
}

impl<T: Declared> FieldType for Option<Newest<T>> {
    fn declare(spec: FieldSpec) -> FieldDraft {
        FieldDraft { spec, wants: DeclaredKind::Newest(T::entity) }
    }
}

impl FieldDraft {
    pub(super) fn finish(self, entity: &str, table: &'static Table, fields: &mut Vec<Field>) {
        let Self { spec, wants } = self;
        let name = camel(spec.name);
        let about = spec.about.to_owned();
        let link = || match (spec.pairs, spec.via) {
            (Some((pairs, near, far)), _) => LinkName::JoinTable(pairs, near, far),
            (None, Some(via)) => LinkName::Column(via),
            (None, None) => {
                LinkName::Column(Box::leak(format!("{}_id", apart(entity, '_')).into()))
            }
        };
        let gives = match wants {
            DeclaredKind::Column(scalar, optional) => {
                let column = table.column_named(spec.via.unwrap_or(spec.name));
                check(table, column, scalar, optional);
                FieldKind::Column { column, scalar, optional }
            }
            DeclaredKind::Computed(register, optional) => FieldKind::Computed {
                needs: spec.needs.iter().map(|need| table.column_named(need)).collect(),
                resolve: spec.computed.unwrap_or_else(|| {
                    panic!("`{name}` has no function: add `computed = function`")
                }),
                register,
                paged: spec.paged,
                optional,
            },
            DeclaredKind::One(to, optional) => {
                let via = spec.via.map_or_else(|| format!("{}_id", spec.name), str::to_owned);
                let column = table.column_named(&via);
                assert_eq!(
                    table.columns[column].nullable, optional,
                    "nullability of {entity}.{name}"
                );
                // A column without the suffix `_id` has the name of the relation.
                let id_name = camel(&via);
                let id_name = if id_name == name { format!("{name}Id") } else { id_name };
                fields.push(Field {
                    name: id_name,
                    about: format!("Global ID of `{name}`."),
                    gives: FieldKind::Reference { column, to, optional },
                    sort: false,
                    rank: None,
                });
                FieldKind::One { via: column, to, optional }
            }
            DeclaredKind::Many(to) => FieldKind::Many { link: link(), to },
            DeclaredKind::Newest(to) => FieldKind::Newest { link: link(), to },
        };
        assert!(
            fields.iter().all(|field| field.name != name),
            "{entity} has two fields with the name {name}"
        );
        let rank = spec.rank.map(|rank| table.column_named(rank));
        fields.push(Field { name, about, gives, sort: spec.sort, rank });
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
        "the declaration does not match column `{}.{}`, which is {:?} and {}nullable",
        table.name,
        stored.name,
        stored.kind,
        if stored.nullable { "" } else { "not " },
    );
}
