//! Query cost: the size of a document with fragments expanded, and the cost of its operation. Each fragment is
//! measured once regardless of its number of uses, so exponential expansion is detected without expanding fragments.

use std::collections::HashMap;

use async_graphql::{
    Pos, Variables,
    parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};
use engine::read::{DEFAULT_GROUPS, MAX_GROUPS};

use super::{
    Refusal, groups,
    limits::{
        DEFAULT_PAGE_SIZE, GROUP_JOIN, INTROSPECTION, INTROSPECTION_LISTS, Limits, MAX_PAGE,
        MAX_WALK_DEPTH, SCHEMA_SHARE, SEARCH, SHORT_LIST, VARIABLES,
    },
    quoted,
    schema_index::SchemaIndex,
};

/// The cost of a selection.
#[derive(Clone, Copy, Debug, Default)]
struct QueryCost {
    /// Number of fields and fragments, with fragments expanded.
    fields: u64,
    /// Number of fields, each multiplied by the number of times it may be returned.
    cost: u64,
    /// For a connection: the cost of one row of its page.
    row_cost: u64,
    /// Cost that does not depend on the number of parent rows: the joins of groups.
    once: u64,
    /// Bytes of variables, counted per use.
    variables: u64,
    /// Field depth.
    depth: u32,
    /// Nesting of schema lists.
    schema_lists: u32,
}

impl QueryCost {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            cost: self.cost.saturating_add(other.cost),
            row_cost: self.row_cost.saturating_add(other.row_cost),
            once: self.once.saturating_add(other.once),
            variables: self.variables.saturating_add(other.variables),
            depth: self.depth.max(other.depth),
            schema_lists: self.schema_lists.max(other.schema_lists),
        }
    }
}

struct CostVisitor<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    shape: &'d SchemaIndex,
    /// The cost of each fragment; `None` while the cost is being computed.
    fragments: HashMap<&'d str, Option<QueryCost>>,
}

/// Computes the cost of a document; returns the query cost of the operation `chosen`.
///
/// # Errors
/// Exceeded limits, and fragments that contain themselves.
pub(super) fn weigh(
    shape: &SchemaIndex,
    document: &ExecutableDocument,
    variables: &Variables,
    chosen: Option<&str>,
    limits: &Limits,
) -> Result<u64, Refusal> {
    let fragments = HashMap::new();
    let mut scales = CostVisitor { document, variables, shape, fragments };
    let (mut all, mut cost) = (QueryCost::default(), 0);
    for (name, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let weight = scales.set(&operation.node.selection_set.node, Some(root), 0)?;
        all = all.beside(weight);
        if chosen.is_none() || name.is_some_and(|name| Some(name.as_str()) == chosen) {
            cost = weight.cost.saturating_add(weight.once);
        }
    }
    // The library also visits fragments that no operation uses.
    for (name, fragment) in &document.fragments {
        if !scales.fragments.contains_key(name.as_str()) {
            all = all.beside(scales.fragment(name, fragment.pos, 0)?);
        }
    }
    let most = |what: &str, found: u64, most: u64| {
        if found > most {
            let message = format!("{what}: {found} exceeds the limit of {most}");
            return Err(Refusal::too_complex(message));
        }
        Ok(())
    };
    most("field depth", all.depth.into(), limits.max_depth.into())?;
    most("depth of introspection lists", all.schema_lists.into(), INTROSPECTION_LISTS.into())?;
    most("fields and fragments (expanded)", all.fields, limits.max_fields)?;
    most("bytes of variables (counted per use)", all.variables, VARIABLES)?;
    if cost > limits.max_cost {
        let message = format!(
            "query cost: {cost} exceeds the limit of {}; request fewer fields, or set a lower `first` on lists and groups",
            limits.max_cost
        );
        return Err(Refusal::too_complex(message));
    }
    Ok(cost)
}

impl<'d> CostVisitor<'d> {
    fn set(
        &mut self,
        set: &'d SelectionSet,
        ty: Option<&'d str>,
        level: u32,
    ) -> Result<QueryCost, Refusal> {
        if level > MAX_WALK_DEPTH {
            let message =
                format!("fields and fragments exceed the maximum depth of {MAX_WALK_DEPTH}");
            return Err(Refusal::too_complex(message));
        }
        let mut sum = QueryCost::default();
        for selection in &set.items {
            let weight = match &selection.node {
                Selection::Field(field) => self.field(&field.node, ty, level)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let ty = condition.map_or(ty, |one| Some(one.node.on.node.as_str()));
                    opened(self.set(&fragment.node.selection_set.node, ty, level + 1)?)
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    opened(self.fragment(name, spread.pos, level + 1)?)
                }
            };
            sum = sum.beside(weight);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &str, place: Pos, level: u32) -> Result<QueryCost, Refusal> {
        let found = self.document.fragments.get_key_value(name);
        let Some((name, fragment)) = found else {
            return Err(Refusal::invalid_at(format!("unknown fragment `{}`", quoted(name)), place));
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => {
                let message = format!("the fragment `{}` contains itself", quoted(name));
                return Err(Refusal::invalid_at(message, fragment.pos));
            }
            None => {}
        }
        self.fragments.insert(name.as_str(), None);
        let ty = fragment.node.type_condition.node.on.node.as_str();
        let weight = self.set(&fragment.node.selection_set.node, Some(ty), level)?;
        self.fragments.insert(name.as_str(), Some(weight));
        Ok(weight)
    }

    fn field(
        &mut self,
        field: &'d Field,
        ty: Option<&'d str>,
        level: u32,
    ) -> Result<QueryCost, Refusal> {
        let name = field.name.node.as_str();
        let shape = self.shape;
        let object = ty.and_then(|ty| shape.object(ty));
        let known = object.and_then(|object| object.field(name));
        let below = known.map(|known| known.ty.as_str());
        let inner = self.set(&field.selection_set.node, below, level + 1)?;
        let looks_at_schema = matches!(name, "__schema" | "__type");
        let list_of_schema =
            matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let mut variables = inner.variables;
        for (_, argument) in &field.arguments {
            variables = variables.saturating_add(self.size(&argument.node));
        }
        let times = match (object, known) {
            (_, Some(known)) if known.is_grouped => {
                let most = self.page(field, DEFAULT_GROUPS.into(), MAX_GROUPS.into());
                let by = field.get_argument("by").map(|by| &by.node);
                let known = groups::combinations(shape, &known.ty, by, self.variables);
                known.map_or(most, |known| known.min(most))
            }
            (_, Some(known)) if known.is_paged => self.page(field, DEFAULT_PAGE_SIZE, MAX_PAGE),
            (Some(object), Some(known)) if known.is_list && !object.is_connection => {
                let is_node = shape.object(&known.ty).is_some_and(|one| one.is_node);
                let ids = field.get_argument("ids").map(|ids| self.length(&ids.node));
                ids.unwrap_or(if is_node { MAX_PAGE } else { SHORT_LIST })
            }
            (None, None) => schema_list(name),
            _ => 1,
        };
        // The selection of rows counts once per row of the page; the total count and aggregates of the list count once.
        let below = if below.and_then(|ty| shape.object(ty)).is_some_and(|ty| ty.is_connection) {
            inner.row_cost.saturating_mul(times).saturating_add(inner.cost)
        } else {
            inner.cost.saturating_add(inner.row_cost).saturating_mul(times)
        };
        let is_grouped = known.is_some_and(|known| known.is_grouped);
        let by = field.get_argument("by").filter(|_| is_grouped);
        let joins = by.map_or(0, |by| self.relations(&by.node));
        let once = inner.once.saturating_add(joins.saturating_mul(GROUP_JOIN));
        // Introspection reads from memory, so it costs little more than writing its bytes.
        let cost = match name {
            _ if looks_at_schema => INTROSPECTION + below / SCHEMA_SHARE,
            "search" => below.saturating_add(SEARCH),
            _ => below,
        };
        let cost = cost.saturating_add(1);
        let is_row = matches!(name, "nodes" | "edges") && object.is_some_and(|ty| ty.is_connection);
        let (cost, row_cost) = if is_row { (0, cost) } else { (cost, 0) };
        Ok(QueryCost {
            fields: inner.fields.saturating_add(1),
            cost,
            row_cost,
            once,
            variables,
            depth: inner.depth + 1,
            schema_lists: inner.schema_lists + u32::from(known.is_none() && list_of_schema),
        })
    }

    /// The requested page size.
    fn page(&self, field: &Field, usual: u64, largest: u64) -> u64 {
        let size =
            ["first", "last"].iter().find_map(|name| match &field.get_argument(name)?.node {
                Value::Number(number) => number.as_i64(),
                Value::Variable(name) => match self.variables.get(name) {
                    Some(ConstValue::Number(number)) => number.as_i64(),
                    _ => None,
                },
                _ => None,
            });
        // An invalid size is rejected when the list is read.
        size.map_or(usual, |size| u64::try_from(size).unwrap_or(0).min(largest))
    }

    /// The number of relations in the group keys `by`.
    fn relations(&self, by: &Value) -> u64 {
        match by {
            Value::Variable(name) => self.variables.get(name).map_or(0, relations),
            Value::List(items) => items.iter().map(|item| self.relations(item)).sum(),
            Value::Object(fields) => {
                let deeper = fields.values().map(|field| match field {
                    Value::Object(_) => 1 + self.relations(field),
                    Value::Variable(_) => self.relations(field).saturating_add(1),
                    _ => 0,
                });
                deeper.sum()
            }
            _ => 0,
        }
    }

    /// The size of the variables within a value, in bytes.
    fn size(&self, value: &Value) -> u64 {
        match value {
            Value::Variable(name) => self.variables.get(name).map_or(0, size),
            Value::List(items) => {
                items.iter().fold(0, |sum, item| sum.saturating_add(self.size(item)))
            }
            Value::Object(fields) => {
                fields.values().fold(0, |sum, field| sum.saturating_add(self.size(field)))
            }
            _ => 0,
        }
    }

    fn length(&self, value: &Value) -> u64 {
        let length = match value {
            Value::List(items) => items.len(),
            Value::Variable(name) => match self.variables.get(name) {
                Some(ConstValue::List(items)) => items.len(),
                _ => 1,
            },
            _ => 1,
        };
        (length as u64).min(MAX_PAGE)
    }
}

/// A fragment adds one level of recursion, even without fields.
fn opened(weight: QueryCost) -> QueryCost {
    QueryCost { fields: weight.fields.saturating_add(1), ..weight }
}

/// Estimated length of a schema list.
fn schema_list(name: &str) -> u64 {
    match name {
        "types" => 300,
        "fields" | "inputFields" | "possibleTypes" => 12,
        "enumValues" | "directives" => 6,
        "args" => 3,
        _ => 1,
    }
}

/// The number of relations in the group keys `by`.
fn relations(by: &ConstValue) -> u64 {
    match by {
        ConstValue::List(items) => items.iter().map(relations).sum(),
        ConstValue::Object(fields) => {
            let deeper = fields.values().filter(|field| matches!(field, ConstValue::Object(_)));
            deeper.map(|field| 1 + relations(field)).sum()
        }
        _ => 0,
    }
}

/// Estimated size of a value in bytes.
fn size(value: &ConstValue) -> u64 {
    let own = match value {
        ConstValue::String(text) => text.len() as u64,
        ConstValue::List(items) => items.iter().map(size).sum(),
        ConstValue::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() as u64 + size(value)).sum()
        }
        _ => 0,
    };
    own + 16
}
