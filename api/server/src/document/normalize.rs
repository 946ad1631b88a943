//! Normalization of a valid operation before execution: fragments are expanded, fields with the same response name are
//! merged, and each field is executed once, in the order of first appearance, at every level
//! (<https://spec.graphql.org/September2025/#sec-Field-Collection>).
//!
//! The executing library resolves a field once per selection and merges lists by position: a mutation selected by two
//! fragments would write twice.

use std::collections::HashSet;

use apollo_compiler::{Schema, schema::ExtendedType};
use async_graphql::{
    Name, Pos, Positioned, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, InlineFragment,
        OperationDefinition, OperationType, Selection, SelectionSet, TypeCondition,
    },
};
use async_graphql_value::{ConstValue, Value};
use indexmap::IndexMap;

use graph::placeholder::placeholder;

use super::{Refusal, introspection::is_introspection};

/// The selected operation, normalized for these variables. The result depends on which variables have a value, and on
/// the values used by `@skip` and `@include`.
///
/// # Errors
/// `INTERNAL` if a field of a validated document is not in the schema.
pub(super) fn normalize(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<ExecutableDocument, Refusal> {
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let mut normalization = Normalization { schema, document, variables, used: HashSet::new() };
    let set = &operation.selection_set;
    let items = normalization.set(root, &[&set.node])?;
    let used = normalization.used;
    let definitions = operation.variable_definitions.iter();
    let definitions = definitions.filter(|one| used.contains(one.node.name.node.as_str()));
    let operation = OperationDefinition {
        ty: operation.ty,
        variable_definitions: definitions.cloned().collect(),
        directives: Vec::new(),
        selection_set: Positioned::new(items, set.pos),
    };
    let operations = DocumentOperations::Single(Positioned::new(operation, set.pos));
    Ok(ExecutableDocument { operations, fragments: Default::default() })
}

struct Normalization<'d> {
    schema: &'d Schema,
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    /// The variables that the result uses.
    used: HashSet<&'d str>,
}

/// The selected fields by response name, in the order of their first appearance.
type Collected<'d> = IndexMap<&'d str, Vec<&'d Positioned<Field>>>;

impl<'d> Normalization<'d> {
    /// The merged selections of a field that returns `parent`.
    fn set(&mut self, parent: &str, sets: &[&'d SelectionSet]) -> Result<SelectionSet, Refusal> {
        let is_uniform = sets.iter().all(|set| self.is_uniform(parent, set, &mut HashSet::new()));
        let mut items = Vec::new();
        if is_uniform {
            items = self.object(parent, sets)?;
        } else {
            for name in self.possible(parent) {
                let fields = self.object(name, sets)?;
                let Some(pos) = fields.first().map(|field| field.pos) else { continue };
                let on = Positioned::new(Name::new(name), pos);
                let fragment = InlineFragment {
                    type_condition: Some(Positioned::new(TypeCondition { on }, pos)),
                    directives: Vec::new(),
                    selection_set: Positioned::new(SelectionSet { items: fields }, pos),
                };
                let fragment = Selection::InlineFragment(Positioned::new(fragment, pos));
                items.push(Positioned::new(fragment, pos));
            }
        }
        if items.is_empty() {
            // If all fields are skipped, the object is empty, but a selection must have a field.
            let first = sets.iter().find_map(|set| set.items.first());
            items.push(placeholder(first.map_or_else(Pos::default, |first| first.pos)));
        }
        Ok(SelectionSet { items })
    }

    /// The merged fields of an object of the type `name`.
    fn object(
        &mut self,
        name: &str,
        sets: &[&'d SelectionSet],
    ) -> Result<Vec<Positioned<Selection>>, Refusal> {
        let (mut collected, mut visited) = (Collected::new(), HashSet::new());
        for set in sets {
            self.collect(name, set, &mut collected, &mut visited);
        }
        let mut items = Vec::with_capacity(collected.len());
        for fields in collected.into_values() {
            let (pos, field) = (fields[0].pos, &fields[0].node);
            let sets = fields.iter().map(|field| &field.node.selection_set.node);
            let sets = sets.filter(|set| !set.items.is_empty()).collect::<Vec<_>>();
            let below = if sets.is_empty() {
                SelectionSet::default()
            } else {
                let known = self.schema.type_field(name, &field.name.node);
                let known = known.map_err(|_| {
                    Refusal::new("INTERNAL", "a validated field is not in the schema", Some(pos))
                })?;
                self.set(known.ty.inner_named_type(), &sets)?
            };
            let field = Field {
                alias: field.alias.clone(),
                name: field.name.clone(),
                arguments: self.arguments(&field.arguments),
                directives: Vec::new(),
                selection_set: Positioned::new(below, pos),
            };
            items.push(Positioned::new(Selection::Field(Positioned::new(field, pos)), pos));
        }
        Ok(items)
    }

    /// `CollectFields` of the specification.
    fn collect(
        &self,
        name: &str,
        set: &'d SelectionSet,
        collected: &mut Collected<'d>,
        visited: &mut HashSet<&'d str>,
    ) {
        for selection in &set.items {
            if !self.is_included(selection.node.directives()) {
                continue;
            }
            if let Selection::Field(field) = &selection.node {
                let key = field.node.response_key().node.as_str();
                collected.entry(key).or_default().push(field);
            } else if let Some((condition, set)) = self.fragment(&selection.node, visited)
                && condition.is_none_or(|condition| self.applies(condition, name))
            {
                self.collect(name, set, collected, visited);
            }
        }
    }

    /// The type condition and the selections of a fragment; `None` for a fragment spread that was
    /// visited before.
    fn fragment(
        &self,
        selection: &'d Selection,
        visited: &mut HashSet<&'d str>,
    ) -> Option<(Option<&'d str>, &'d SelectionSet)> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                let condition = condition.map(|one| one.node.on.node.as_str());
                Some((condition, &fragment.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                let fragment = self.document.fragments.get(name)?;
                visited.insert(name).then(|| {
                    let condition = fragment.node.type_condition.node.on.node.as_str();
                    (Some(condition), &fragment.node.selection_set.node)
                })
            }
        }
    }

    /// Whether all objects of the type `parent` have the same selected fields.
    fn is_uniform(
        &self,
        parent: &str,
        set: &'d SelectionSet,
        visited: &mut HashSet<&'d str>,
    ) -> bool {
        matches!(self.schema.types.get(parent), Some(ExtendedType::Object(_)))
            || set.items.iter().all(|selection| {
                let Some((condition, set)) = self.fragment(&selection.node, visited) else {
                    return true;
                };
                condition.is_none_or(|condition| self.applies(condition, parent))
                    && self.is_uniform(parent, set, visited)
            })
    }

    /// The object types that a field of the type `parent` may return, in the order of the schema.
    fn possible(&self, parent: &str) -> Vec<&'d str> {
        let objects = self.schema.types.iter().filter(|(_, ty)| ty.is_object());
        let objects = objects.map(|(name, _)| name.as_str());
        objects.filter(|name| self.schema.is_subtype(parent, name)).collect()
    }

    fn applies(&self, condition: &str, name: &str) -> bool {
        condition == name || self.schema.is_subtype(condition, name)
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let holds = match directive.node.get_argument("if").map(|value| &value.node) {
                Some(Value::Boolean(holds)) => *holds,
                Some(Value::Variable(name)) => {
                    self.variables.get(name) == Some(&ConstValue::Boolean(true))
                }
                _ => false,
            };
            match directive.node.name.node.as_str() {
                "skip" => !holds,
                "include" => holds,
                _ => true,
            }
        })
    }

    /// The arguments that have a value. If an optional variable has no value, the default of the argument applies
    /// (<https://spec.graphql.org/September2025/#CoerceArgumentValues()>).
    fn arguments(
        &mut self,
        arguments: &'d [(Positioned<Name>, Positioned<Value>)],
    ) -> Vec<(Positioned<Name>, Positioned<Value>)> {
        let arguments = arguments.iter().filter_map(|(name, value)| {
            let converted = self.value(&value.node)?;
            Some((name.clone(), Positioned::new(converted, value.pos)))
        });
        arguments.collect()
    }

    /// The value without fields whose variables have no value; `None` if the value is itself such a variable.
    fn value(&mut self, value: &'d Value) -> Option<Value> {
        match value {
            Value::Variable(name) => self.variables.contains_key(name).then(|| {
                self.used.insert(name.as_str());
                value.clone()
            }),
            Value::List(items) => {
                let items = items.iter().map(|item| self.value(item).unwrap_or(Value::Null));
                Some(Value::List(items.collect()))
            }
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields =
                    fields.filter_map(|(name, field)| Some((name.clone(), self.value(field)?)));
                Some(Value::Object(fields.collect()))
            }
            other => Some(other.clone()),
        }
    }
}

/// A normal form without its introspection fields, which are executed separately.
pub(super) fn without_introspection(document: &ExecutableDocument) -> ExecutableDocument {
    let mut document = document.clone();
    if let DocumentOperations::Single(operation) = &mut document.operations {
        let items = &mut operation.node.selection_set.node.items;
        let pos = items.first().map_or_else(Pos::default, |first| first.pos);
        items.retain(|item| match &item.node {
            Selection::Field(field) => !is_introspection(&field.node.name.node),
            _ => true,
        });
        if items.is_empty() {
            items.push(placeholder(pos));
        }
    }
    document
}

/// The root selections of a normal form, which has one operation.
pub fn root_set(document: &ExecutableDocument) -> Option<&SelectionSet> {
    document.operations.iter().next().map(|(_, operation)| &operation.node.selection_set.node)
}

/// The fields of a selection set in a normal form: response names and selections, in order.
pub fn fields(set: &SelectionSet) -> impl Iterator<Item = (&str, &SelectionSet)> + Clone {
    set.items.iter().filter_map(|item| match &item.node {
        Selection::Field(field) => {
            let field = &field.node;
            Some((field.response_key().node.as_str(), &field.selection_set.node))
        }
        _ => None,
    })
}

/// The variables used by `@skip` and `@include` in a document.
pub(super) fn conditions(document: &ExecutableDocument) -> Vec<Name> {
    let mut names = Vec::new();
    let operations = document.operations.iter().map(|(_, one)| &one.node.selection_set.node);
    let fragments = document.fragments.values().map(|one| &one.node.selection_set.node);
    operations.chain(fragments).for_each(|set| conditions_of(set, &mut names));
    names.sort_unstable();
    names.dedup();
    names
}

fn conditions_of(set: &SelectionSet, names: &mut Vec<Name>) {
    for selection in &set.items {
        for directive in selection.node.directives() {
            if let Some(Value::Variable(name)) =
                directive.node.get_argument("if").map(|value| &value.node)
            {
                names.push(name.clone());
            }
        }
        match &selection.node {
            Selection::Field(field) => conditions_of(&field.node.selection_set.node, names),
            Selection::InlineFragment(fragment) => {
                conditions_of(&fragment.node.selection_set.node, names);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// The number of selections in a normal form, which has no fragment spreads.
pub(super) fn selections(document: &ExecutableDocument) -> usize {
    let sets = document.operations.iter().map(|(_, one)| &one.node.selection_set.node);
    sets.map(selections_of).sum()
}

fn selections_of(set: &SelectionSet) -> usize {
    let below = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => selections_of(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => selections_of(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => 0,
    });
    set.items.len() + below.sum::<usize>()
}
