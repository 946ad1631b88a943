//! The CRUD mutations of the declared entities: their kinds and names.

use engine::write::{Delete, Rules};

use super::declaration::Entity;

/// Maximum number of items in a batch.
pub const MAX_ITEMS: usize = 100;

/// The kind of a CRUD mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationKind {
    /// Creates a row.
    Create,
    /// Creates rows.
    CreateMany,
    /// Creates rows, or updates existing rows with the same value of a unique field.
    UpsertMany,
    /// Updates a row.
    Update,
    /// Deletes a row.
    Delete,
    /// Restores a row.
    Restore,
}

/// A CRUD mutation of an entity.
#[derive(Debug)]
pub struct CrudMutation {
    /// The field name: `createProspect`.
    pub name: String,
    /// The kind of mutation.
    pub does: MutationKind,
    /// The entity.
    pub entity: &'static Entity,
    /// The write rules.
    pub rules: &'static Rules,
}

/// The CRUD mutations of an entity.
#[must_use]
pub fn mutations(entity: &'static Entity) -> Vec<CrudMutation> {
    let Some(rules) = entity.rules else { return Vec::new() };
    let (one, many) = (entity.name, entity.plural_type());
    let mut names = Vec::new();
    if let Some(verb) = rules.create {
        names.push((format!("{verb}{one}"), MutationKind::Create));
        names.push((format!("{verb}{many}"), MutationKind::CreateMany));
    }
    if (rules.table)().unique_field().is_some_and(|unique| unique.upsert) {
        names.push((format!("upsert{many}"), MutationKind::UpsertMany));
    }
    if rules.update {
        names.push((format!("update{one}"), MutationKind::Update));
    }
    if rules.delete != Delete::Never {
        names.push((format!("delete{one}"), MutationKind::Delete));
    }
    if rules.delete == Delete::Soft {
        names.push((format!("restore{one}"), MutationKind::Restore));
    }
    names.into_iter().map(|(name, does)| CrudMutation { name, does, entity, rules }).collect()
}

impl CrudMutation {
    /// The name of a type that belongs to the mutation: `CreateProspect` and a suffix.
    #[must_use]
    pub fn type_name(&self, suffix: &str) -> String {
        let mut name = format!("{}{suffix}", self.name);
        name[..1].make_ascii_uppercase();
        name
    }
}
