//! The declared entities of a product, and the mutations that are derived from them.

use async_graphql::Context;
use engine::write::ownership::Tables;

use crate::{
    declaration::Entity,
    mutations::{CrudMutation, mutations},
};

/// The entities of a schema, in schema order.
#[derive(Debug)]
pub struct Catalog {
    entities: Vec<&'static Entity>,
    mutations: Vec<CrudMutation>,
    tables: Tables,
}

impl Catalog {
    /// A catalog of these entities, whose rows may be referenced by the rows of `tables`.
    #[must_use]
    pub fn new(entities: Vec<&'static Entity>, tables: Tables) -> Self {
        let mutations = entities.iter().copied().flat_map(mutations).collect();
        Self { entities, mutations, tables }
    }

    /// The catalog of the schema that a request is executed with.
    #[must_use]
    pub fn of<'a>(context: &Context<'a>) -> &'a Self {
        context.data_unchecked::<&'static Self>()
    }

    /// All entities.
    #[must_use]
    pub fn entities(&self) -> &[&'static Entity] {
        &self.entities
    }

    /// The CRUD mutations of all entities.
    #[must_use]
    pub fn mutations(&self) -> &[CrudMutation] {
        &self.mutations
    }

    /// All tables of the product.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.tables
    }

    /// The change log.
    ///
    /// # Panics
    /// If no entity is the change log, which any test run detects.
    #[must_use]
    pub fn log(&self) -> &'static Entity {
        let log = self.entities.iter().find(|entity| entity.log);
        log.unwrap_or_else(|| panic!("the change log is not declared"))
    }

    /// The entity of a table.
    ///
    /// # Panics
    /// If the table is not declared, which any test run detects.
    #[must_use]
    pub fn of_table(&self, name: &str) -> &'static Entity {
        let entity = self.entities.iter().find(|entity| entity.table.name == name);
        entity.unwrap_or_else(|| panic!("{name} is not declared"))
    }

    /// The entity with this type name, such as `OutreachDraft`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Entity> {
        self.entities.iter().copied().find(|entity| entity.name == name)
    }

    /// The entity with this service name, such as `outreach_draft`.
    #[must_use]
    pub fn called(&self, name: &str) -> Option<&'static Entity> {
        self.entities.iter().copied().find(|entity| entity.table.called == name)
    }
}
