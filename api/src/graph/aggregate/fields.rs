//! What rows of an entity can be grouped by, and which of their columns can be counted and summed up.

use std::{collections::HashMap, sync::LazyLock};

use service::read::Bucket;

use super::super::declaration::{Entity, Field, Gives, Scalar, apart};
use crate::catalog;

/// How many rows may stand between a row and a column that it is grouped by.
const FARTHEST: usize = 3;

/// Something that rows of an entity can be grouped by.
pub struct KeyField {
    /// The value of the enum: `COMPANY_INDUSTRY_NAME`.
    pub name: String,
    /// The field of the group's key: `companyIndustryName`.
    pub field: String,
    /// What it is, for users.
    pub about: String,
    /// The to-one relations on the way to the row that has the column.
    pub path: Vec<Hop>,
    /// The field of that row.
    pub of: &'static Field,
    /// The column of that row.
    pub column: usize,
    /// How it is told.
    pub told: Told,
}

/// A to-one relation.
#[derive(Clone)]
pub struct Hop {
    /// Its field.
    pub name: &'static str,
    /// The column that points.
    pub via: usize,
    /// What it points to.
    pub to: &'static Entity,
}

/// How a key of a group is told.
#[derive(Clone, Copy)]
pub enum Told {
    /// As the global id of a row.
    Id(&'static Entity),
    /// As a value.
    Value(Scalar),
    /// As the name of a piece of time.
    Bucket(Bucket),
}

/// Which columns can be measured in one way, with the scalar that tells them.
pub type Measured = Vec<(&'static Field, usize, Scalar)>;

/// What aggregates of an entity offer.
pub struct Offer {
    /// What its rows can be grouped by.
    pub keys: Vec<KeyField>,
    /// Of which columns the different values can be counted.
    pub distinct: Measured,
    /// Which columns have a smallest and a largest value.
    pub extremes: Measured,
    /// Which columns can be added up.
    pub numbers: Measured,
}

/// What aggregates of `entity` offer.
///
/// # Panics
/// When it is not in the catalog: a mistake in the declarations, found by the first test.
#[must_use]
pub fn of(entity: &Entity) -> &'static Offer {
    static OFFERS: LazyLock<HashMap<&'static str, Offer>> = LazyLock::new(|| {
        catalog::entities().into_iter().map(|entity| (entity.name, Offer::new(entity))).collect()
    });
    &OFFERS[entity.name]
}

impl Offer {
    fn new(entity: &'static Entity) -> Self {
        let mut keys = Vec::new();
        add_keys(entity, &[], &mut vec![entity.name], &mut keys);
        let mut offer =
            Self { keys, distinct: Vec::new(), extremes: Vec::new(), numbers: Vec::new() };
        for field in &entity.fields {
            let (column, scalar) = match field.gives {
                Gives::Column { column, scalar, .. } => (column, scalar),
                Gives::Reference { column, .. } => {
                    offer.distinct.push((field, column, Scalar::Int));
                    continue;
                }
                _ => continue,
            };
            if field.name == "revision" {
                continue;
            }
            let short = entity.table.columns[column].length.is_some();
            if matches!(scalar, Scalar::Int | Scalar::Float) {
                offer.numbers.push((field, column, scalar));
            }
            if matches!(scalar, Scalar::Int | Scalar::Float | Scalar::DateTime) {
                offer.extremes.push((field, column, scalar));
            }
            if !matches!(scalar, Scalar::Json) && (short || !matches!(scalar, Scalar::String)) {
                offer.distinct.push((field, column, scalar));
            }
        }
        offer
    }
}

fn add_keys(
    entity: &'static Entity,
    path: &[Hop],
    seen: &mut Vec<&'static str>,
    keys: &mut Vec<KeyField>,
) {
    let own = path.is_empty();
    for field in &entity.fields {
        let mut add = |suffix: &str, about: String, column: usize, told: Told| {
            let names: Vec<&str> = path.iter().map(|hop| hop.name).chain([&*field.name]).collect();
            let mut camel = names[0].to_owned();
            for name in names[1..].iter().copied().chain((!suffix.is_empty()).then_some(suffix)) {
                camel.extend(name.chars().take(1).map(|first| first.to_ascii_uppercase()));
                camel.push_str(&name[1..]);
            }
            keys.push(KeyField {
                name: apart(&camel, '_').to_ascii_uppercase(),
                field: camel,
                about,
                path: path.to_vec(),
                of: field,
                column,
                told,
            });
        };
        let plain = field.about.clone();
        match field.gives {
            // The row that it points to is told as a row, a step further.
            Gives::Reference { column, to, .. } => add("", plain, column, Told::Id(to())),
            Gives::Column { column, scalar, .. } => match scalar {
                Scalar::DateTime if own => {
                    for bucket in Bucket::ALL {
                        let about = format!("`{}`, by the {}.", field.name, bucket.unit());
                        add(bucket.unit(), about, column, Told::Bucket(bucket));
                    }
                }
                Scalar::String if entity.table.columns[column].length.is_none() => {}
                Scalar::Int if field.name == "revision" => {}
                Scalar::String | Scalar::Boolean | Scalar::Int | Scalar::Enum(_) => {
                    add("", plain, column, Told::Value(scalar));
                }
                Scalar::DateTime | Scalar::Float | Scalar::Json => {}
            },
            Gives::One { via, to, .. } if path.len() < FARTHEST && !seen.contains(&to().name) => {
                let to = to();
                let mut farther = path.to_vec();
                farther.push(Hop { name: &field.name, via, to });
                seen.push(to.name);
                add_keys(to, &farther, seen, keys);
                seen.pop();
            }
            _ => {}
        }
    }
}
