//! Schema index for request checks: which fields are lists, and the types of inputs.

use std::collections::HashMap;

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
    },
};

/// The types of the schema by name.
#[derive(Debug, Default)]
pub(super) struct SchemaIndex {
    types: HashMap<String, TypeShape>,
}

/// A type.
#[derive(Debug)]
pub(super) enum TypeShape {
    /// An object or interface.
    Object(ObjectShape),
    /// An input object.
    Input {
        /// The fields of the input object.
        fields: HashMap<String, InputShape>,
        /// Whether exactly one field must be set (`@oneOf`).
        one_of: bool,
    },
    /// An enum with its values.
    Enum(Vec<String>),
    /// A scalar.
    Scalar,
}

/// An object.
#[derive(Debug)]
pub(super) struct ObjectShape {
    fields: HashMap<String, FieldShape>,
    /// Whether the object is a connection.
    pub(super) is_connection: bool,
    /// Whether the object has an ID.
    pub(super) is_node: bool,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct FieldShape {
    /// The named type that the field returns, without list and non-null wrappers.
    pub(super) ty: String,
    /// Whether the field returns a list.
    pub(super) is_list: bool,
    /// Whether the field has a page size argument.
    pub(super) is_paged: bool,
    /// Whether the field returns a page of groups.
    pub(super) is_grouped: bool,
}

/// A field of an input object.
#[derive(Debug)]
pub(super) struct InputShape {
    /// The input type.
    pub(super) ty: Type,
    /// Whether the field has a default value.
    pub(super) has_default: bool,
}

impl ObjectShape {
    /// The field with this name.
    pub(super) fn field(&self, name: &str) -> Option<&FieldShape> {
        self.fields.get(name)
    }
}

impl SchemaIndex {
    /// Reads an SDL.
    pub(super) fn read(sdl: &str) -> Self {
        // The server's own SDL always parses.
        let Ok(document) = parse_schema(sdl) else { return Self::default() };
        let mut types = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let (name, ty) = (ty.node.name.node.to_string(), ty.node);
            let one_of = ty.directives.iter().any(|one| one.node.name.node == "oneOf");
            let shape = match ty.kind {
                TypeKind::Object(object) => {
                    let is_node = object.implements.iter().any(|one| one.node == "Node");
                    let fields = object.fields.into_iter().map(|field| field.node);
                    TypeShape::Object(ObjectShape {
                        fields: fields
                            .map(|field| (field.name.node.to_string(), of(&field)))
                            .collect(),
                        is_connection: name.ends_with("Connection") || name.ends_with("Groups"),
                        is_node,
                    })
                }
                TypeKind::Interface(interface) => {
                    let fields = interface.fields.into_iter().map(|field| field.node);
                    TypeShape::Object(ObjectShape {
                        fields: fields
                            .map(|field| (field.name.node.to_string(), of(&field)))
                            .collect(),
                        is_connection: false,
                        is_node: name == "Node",
                    })
                }
                TypeKind::InputObject(input) => {
                    let fields = input.fields.into_iter().map(|field| field.node);
                    let fields = fields.map(|field| (field.name.node.to_string(), taken(field)));
                    TypeShape::Input { fields: fields.collect(), one_of }
                }
                TypeKind::Enum(words) => {
                    let words = words.values.iter().map(|word| word.node.value.node.to_string());
                    TypeShape::Enum(words.collect())
                }
                TypeKind::Scalar | TypeKind::Union(_) => TypeShape::Scalar,
            };
            types.insert(name, shape);
        }
        Self { types }
    }

    /// The type with this name.
    pub(super) fn ty(&self, name: &str) -> Option<&TypeShape> {
        self.types.get(name)
    }

    /// The object with this name.
    pub(super) fn object(&self, name: &str) -> Option<&ObjectShape> {
        match self.types.get(name) {
            Some(TypeShape::Object(object)) => Some(object),
            _ => None,
        }
    }
}

fn of(field: &FieldDefinition) -> FieldShape {
    let is_paged = field.arguments.iter().any(|argument| argument.node.name.node == "first");
    let (ty, is_list) = base(&field.ty.node);
    let is_grouped = ty.ends_with("Groups");
    FieldShape { ty, is_list, is_paged, is_grouped }
}

fn taken(field: InputValueDefinition) -> InputShape {
    InputShape { ty: field.ty.node, has_default: field.default_value.is_some() }
}

fn base(ty: &Type) -> (String, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (base(inner).0, true),
    }
}
