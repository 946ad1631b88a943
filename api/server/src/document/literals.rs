//! Coercion of literals where the validating library (apollo-compiler 2.0.0-beta.2) leaves it to the server: custom
//! scalars (<https://spec.graphql.org/September2025/#sec-Scalars>), and integers of any size as IDs
//! (<https://spec.graphql.org/September2025/#sec-ID>).

use apollo_compiler::{
    Node, Schema,
    ast::{self, Value},
    parser::SourceMap,
    schema::ExtendedType,
};
use async_graphql::Pos;

use super::{Refusal, parse::position, quoted};
use graph::scalar::{MOMENT, is_moment};

/// Findings about the literals of a document.
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// The positions of `null` in lists of a custom scalar. The validating library rejects them.
    pub(super) nulls: Vec<Pos>,
    /// The literals that their scalar rejects.
    faults: Vec<(Pos, String)>,
}

impl Literals {
    /// # Errors
    /// The literals that their scalar rejects.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let refusals = self.faults.iter();
        let mut refusals =
            refusals.map(|(pos, message)| Refusal::invalid_at(message.clone(), *pos));
        let Some(mut refusal) = refusals.next() else { return Ok(()) };
        refusal.errors.extend(refusals.flat_map(|other| other.errors));
        Err(refusal)
    }
}

/// Checks the literals of a document, and converts large integers of type ID into strings.
pub(super) fn coerce(schema: &Schema, document: &mut ast::Document) -> Literals {
    let sources = document.sources.clone();
    let mut walk = Walk { schema, sources: &sources, found: Literals::default() };
    for definition in &mut document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                let operation = operation.make_mut();
                for variable in &mut operation.variables {
                    let variable = variable.make_mut();
                    if let Some(value) = &mut variable.default_value {
                        walk.value(&variable.name, &variable.ty, value);
                    }
                }
                walk.directives(&mut operation.directives);
                let root = schema.root_operation(operation.operation_type);
                let root = root.map(apollo_compiler::Name::as_str);
                walk.set(root, &mut operation.selection_set);
            }
            ast::Definition::FragmentDefinition(fragment) => {
                let fragment = fragment.make_mut();
                walk.directives(&mut fragment.directives);
                walk.set(Some(&fragment.type_condition), &mut fragment.selection_set);
            }
            _ => {}
        }
    }
    walk.found
}

struct Walk<'s> {
    schema: &'s Schema,
    sources: &'s SourceMap,
    found: Literals,
}

impl Walk<'_> {
    /// Visits the selections on the type `parent`; `None` if the type is unknown.
    fn set(&mut self, parent: Option<&str>, set: &mut [ast::Selection]) {
        for selection in set {
            match selection {
                ast::Selection::Field(field) => {
                    let field = field.make_mut();
                    self.directives(&mut field.directives);
                    let known =
                        parent.and_then(|parent| self.schema.type_field(parent, &field.name).ok());
                    if let Some(known) = known {
                        self.arguments(&known.arguments, &mut field.arguments);
                    }
                    let below = known.map(|known| known.ty.inner_named_type().as_str());
                    if let Some(set) = &mut field.selection_set {
                        self.set(below, set);
                    }
                }
                ast::Selection::InlineFragment(fragment) => {
                    let fragment = fragment.make_mut();
                    self.directives(&mut fragment.directives);
                    let condition = fragment.type_condition.as_deref();
                    self.set(condition.or(parent), &mut fragment.selection_set);
                }
                ast::Selection::FragmentSpread(spread) => {
                    self.directives(&mut spread.make_mut().directives);
                }
            }
        }
    }

    fn directives(&mut self, directives: &mut ast::DirectiveList) {
        for directive in &mut directives.0 {
            let directive = directive.make_mut();
            if let Some(known) = self.schema.directive_definitions.get(&directive.name) {
                self.arguments(&known.arguments, &mut directive.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        known: &[Node<ast::InputValueDefinition>],
        given: &mut [Node<ast::Argument>],
    ) {
        for argument in given {
            let argument = argument.make_mut();
            if let Some(known) = known.iter().find(|known| known.name == argument.name) {
                self.value(&known.name, &known.ty, &mut argument.value);
            }
        }
    }

    /// Visits a literal of the argument, input field or variable `name` of type `ty`.
    fn value(&mut self, name: &str, ty: &ast::Type, value: &mut Node<Value>) {
        if matches!(**value, Value::Null | Value::Variable(_)) {
            return;
        }
        if ty.is_list()
            && let Value::List(items) = value.make_mut()
        {
            for item in items {
                self.value(name, ty.item_type(), item);
            }
            return;
        }
        match self.schema.types.get(ty.inner_named_type()) {
            Some(ExtendedType::InputObject(input)) => {
                if let Value::Object(fields) = value.make_mut() {
                    for (name, field) in fields {
                        if let Some(known) = input.fields.get(name) {
                            self.value(&known.name, &known.ty, field);
                        }
                    }
                }
            }
            Some(ExtendedType::Scalar(known)) => self.scalar(name, &known.name, value),
            _ => {}
        }
    }

    fn scalar(&mut self, name: &str, scalar: &str, value: &mut Node<Value>) {
        match (scalar, &**value) {
            ("ID", Value::Int(digits)) => {
                // The executing library supports only 64-bit integers. Integers in this range are not converted,
                // because the validator compares literals.
                let digits = digits.as_str();
                if digits.parse::<i64>().is_err() {
                    let digits = digits.to_owned();
                    *value.make_mut() = Value::String(digits);
                }
            }
            ("DateTime", Value::String(text)) if is_moment(text) => {}
            ("DateTime", literal) => {
                let text = literal.serialize().no_indent().to_string();
                let message = format!("`{name}` must be {MOMENT} (got {})", quoted(&text));
                self.found.faults.push((position(value.location(), self.sources), message));
            }
            ("JSON", Value::List(_)) => self.nulls(value),
            _ => {}
        }
    }

    fn nulls(&mut self, value: &Node<Value>) {
        match &**value {
            Value::Null => self.found.nulls.push(position(value.location(), self.sources)),
            Value::List(items) => items.iter().for_each(|item| self.nulls(item)),
            _ => {}
        }
    }
}
