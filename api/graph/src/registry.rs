//! Types of the schema, as async-graphql registers them. Only this module, the roots and the registration of custom types
//! use the hidden `registry` of async-graphql, so that upgrades affect no other module.

use async_graphql::{
    ObjectType,
    registry::{MetaEnumValue, MetaField, MetaInputValue, MetaType},
};
use indexmap::IndexMap;

use super::{
    EnumType,
    registration::{Register, Registry},
};
use crate::catalog::Catalog;

/// A field of an object of the schema.
pub type FieldType = MetaField;

/// An argument of a field, or a field of an input object.
pub type ArgumentType = MetaInputValue;

/// Adds the enum of a custom type to the schema.
pub fn enumeration(registry: &mut Registry, ty: &EnumType) {
    let words = ty.words.iter().map(|word| (word.enum_value(), word.about));
    add(registry, enum_type(ty.name, ty.about, words.collect()));
}

/// The schema under construction.
pub struct Schema<'r> {
    pub(super) registry: &'r mut Registry,
    pub(super) catalog: &'static Catalog,
}

impl Schema<'_> {
    /// Adds a type of async-graphql and returns its qualified name.
    pub fn register(&mut self, register: Register) -> String {
        register(self.registry)
    }

    /// The fields of an async-graphql object whose type is not itself in the schema.
    pub(super) fn fields_of<T: ObjectType>(&mut self) -> Vec<FieldType> {
        match self.registry.create_fake_output_type::<T>() {
            MetaType::Object { fields, .. } => fields.into_values().collect(),
            _ => Vec::new(),
        }
    }

    /// Marks an object as implementing `Node`.
    pub fn implements_node(&mut self, name: &str) {
        self.registry.add_implements(name, "Node");
    }

    /// Adds an object type.
    pub fn object(&mut self, name: &str, about: &str, fields: Vec<FieldType>) {
        self.add(object(name, about, fields));
    }

    /// Adds the interface `Node`.
    pub fn node(&mut self, id: FieldType) {
        self.add(MetaType::Interface {
            name: "Node".to_owned(),
            description: Some("An object with a global ID.".to_owned()),
            fields: IndexMap::from([("id".to_owned(), id)]),
            possible_types: self.catalog.entities().iter().map(|e| e.name.to_owned()).collect(),
            extends: false,
            inaccessible: false,
            tags: Vec::new(),
            keys: None,
            visible: None,
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        });
    }

    fn add(&mut self, ty: MetaType) {
        add(self.registry, ty);
    }

    /// Adds a scalar.
    pub fn scalar(&mut self, name: &str, about: &str, specification: &str) {
        self.add(MetaType::Scalar {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            is_valid: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: Some(specification.to_owned()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        });
    }

    /// Adds an enum.
    pub fn enumeration(&mut self, name: &str, about: &str, values: Vec<(String, &str)>) {
        self.add(enum_type(name, about, values));
    }

    /// Adds an input object; with `oneof`, exactly one field must be set.
    pub fn input(&mut self, name: &str, about: &str, oneof: bool, fields: Vec<ArgumentType>) {
        self.add(MetaType::InputObject {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            input_fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            oneof,
            directive_invocations: Vec::new(),
        });
    }
}

fn add(registry: &mut Registry, ty: MetaType) {
    registry.types.insert(ty.name().to_owned(), ty);
}

fn enum_type(name: &str, about: &str, values: Vec<(String, &str)>) -> MetaType {
    let values = values.into_iter().map(|(name, about)| {
        let value = MetaEnumValue {
            name: name.clone(),
            description: Some(about.to_owned()),
            deprecation: Default::default(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            directive_invocations: Vec::new(),
        };
        (name, value)
    });
    MetaType::Enum {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        enum_values: values.collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// Adds arguments to a field.
#[must_use]
pub fn with_arguments(mut field: FieldType, arguments: Vec<ArgumentType>) -> FieldType {
    field.args = arguments.into_iter().map(|one| (one.name.clone(), one)).collect();
    field
}

/// A field of an object.
#[must_use]
pub fn field(name: &str, ty: &str, about: &str) -> FieldType {
    MetaField {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        args: IndexMap::new(),
        ty: ty.to_owned(),
        deprecation: Default::default(),
        cache_control: Default::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An argument of a field, or a field of an input object.
#[must_use]
pub fn argument(name: &str, ty: &str, about: &str) -> ArgumentType {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        ty: ty.to_owned(),
        deprecation: Default::default(),
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}

/// An argument with a default value.
#[must_use]
pub fn argument_or(name: &str, ty: &str, usual: &str, about: &str) -> ArgumentType {
    MetaInputValue { default_value: Some(usual.to_owned()), ..argument(name, ty, about) }
}

pub(super) fn object(name: &str, about: &str, fields: Vec<FieldType>) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        keys: None,
        visible: None,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}
