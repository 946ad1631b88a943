//! Tabular form of an operation for exports: the list that provides the rows and the fields that provide the columns.

use async_graphql::{
    Positioned, Variables,
    parser::types::{Directive, ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};

use super::{Refusal, cache::ParsedDocument, schema_index::SchemaIndex};

/// An operation in tabular form.
#[derive(Debug)]
pub struct Table {
    /// The response name of the root field.
    pub root: String,
    /// The schema name of the root field.
    pub field: String,
    /// The source of the rows.
    pub rows: Rows,
    /// Whether the list has no pagination argument, so that it is exported in full.
    pub is_whole: bool,
    /// The columns as paths within a row.
    pub columns: Vec<Vec<String>>,
    /// The path of the first list within a row.
    pub list: Option<Vec<String>>,
}

/// The source of the rows of a table.
#[derive(Debug)]
pub enum Rows {
    /// The list at this path below the root field.
    Below(Vec<String>),
    /// The root field, which is a list.
    List,
    /// The root field itself, as a single row.
    One,
}

/// Maximum nesting of the fields of a row.
const MAX_DEPTH: usize = 32;

/// Converts an operation to its tabular form.
///
/// # Errors
/// `BAD_REQUEST` unless the operation is a query with exactly one root field.
pub fn table(read: &ParsedDocument, variables: &Variables) -> Result<Table, Refusal> {
    let bad = |text: &str| {
        Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::TableNotPossible)
    };
    let operation = read.operation()?;
    if operation.ty != OperationType::Query {
        return Err(bad("only queries can be exported as a table"));
    }
    let walk = Walk { document: read.document(), variables, shape: &read.schema().index };
    let roots = walk.fields(&operation.selection_set.node, 0);
    let [root] = roots[..] else {
        return Err(bad("a table export requires exactly one root field"));
    };
    let name = root.name.node.as_str();
    let known = walk.shape.object("Query").and_then(|query| query.field(name));
    let Some(known) = known else {
        return Err(bad("introspection fields can't be exported as a table"));
    };
    let mut table = Table {
        root: root.response_key().node.to_string(),
        field: name.to_owned(),
        rows: if known.is_list { Rows::List } else { Rows::One },
        is_whole: false,
        columns: Vec::new(),
        list: None,
    };
    let mut sets = vec![(&root.selection_set.node, known.ty.as_str())];
    let (mut pages, mut page_ty, mut path) = (vec![root], known, Vec::new());
    let is_connection = |ty: &str| walk.shape.object(ty).is_some_and(|ty| ty.is_connection);
    // The rows of a connection are its nodes or groups.
    while is_connection(&page_ty.ty) {
        let below = pages.iter().flat_map(|page| walk.fields(&page.selection_set.node, 0));
        let below: Vec<&Field> = below.collect();
        let is_row = |field: &&&Field| matches!(field.name.node.as_str(), "nodes" | "edges");
        let is_groups = |field: &&&Field| field.name.node == "groups";
        let has_rows = below.iter().any(|field| is_row(&field));
        let is_row = |field: &&&Field| if has_rows { is_row(field) } else { is_groups(field) };
        // Without nodes and groups, the aggregates of the list form a single row.
        let Some(rows) = below.iter().find(is_row) else { break };
        let key = rows.response_key().node.to_string();
        if below.iter().filter(is_row).any(|other| other.response_key().node != *key) {
            return Err(bad(
                "a table export requires exactly one selection of `nodes`, `edges` or `groups`",
            ));
        }
        beside(below.iter().filter(|field| !is_row(field)).copied(), &key)?;
        let ty = walk.shape.object(&page_ty.ty).and_then(|ty| ty.field(&rows.name.node));
        let Some(ty) = ty else { break };
        path.push(key.clone());
        let same: Vec<&Field> =
            below.into_iter().filter(|field| field.response_key().node == *key).collect();
        sets = same.iter().map(|field| (&field.selection_set.node, ty.ty.as_str())).collect();
        if has_rows {
            table.rows = Rows::Below(path);
            table.is_whole = page_ty.is_paged
                && ["first", "last"].iter().all(|name| !walk.is_given(pages[0], name));
            break;
        }
        (pages, page_ty) = (same, ty);
    }
    if let Rows::One = table.rows {
        sets = vec![(&root.selection_set.node, known.ty.as_str())];
    }
    if let Rows::One = table.rows
        && let Some((key, lists)) = walk.only_list(&root.selection_set.node, &known.ty)
    {
        let below = walk.fields(&root.selection_set.node, 0);
        beside(below.into_iter().filter(|field| field.response_key().node != *key), &key)?;
        table.rows = Rows::Below(vec![key]);
        sets = lists;
    }
    for (set, ty) in sets {
        walk.columns(set, Some(ty), &mut Vec::new(), &mut table);
    }
    Ok(table)
}

/// Rejects fields that are selected next to the rows, because they have no column. `__typename` is ignored.
fn beside<'f>(fields: impl Iterator<Item = &'f Field>, rows: &str) -> Result<(), Refusal> {
    let mut fields = fields.filter(|field| field.name.node != "__typename");
    let Some(field) = fields.next() else { return Ok(()) };
    let name = field.response_key();
    let text = format!("`{name}` beside `{rows}` can't be exported as a table; omit it");
    Err(Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::TableNotPossible))
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    shape: &'d SchemaIndex,
}

impl<'d> Walk<'d> {
    /// The only list among the fields of an object, if it is an unpaginated list of objects.
    fn only_list(
        &self,
        set: &'d SelectionSet,
        ty: &str,
    ) -> Option<(String, Vec<(&'d SelectionSet, &'d str)>)> {
        let object = self.shape.object(ty)?;
        let mut found: Option<(String, Vec<(&'d SelectionSet, &'d str)>)> = None;
        for field in self.fields(set, 0) {
            let known = object.field(&field.name.node);
            let Some(known) = known.filter(|known| known.is_list) else { continue };
            if field.selection_set.node.items.is_empty() {
                continue;
            }
            let (key, list) = (field.response_key().node.as_str(), &field.selection_set.node);
            match &mut found {
                None => found = Some((key.to_owned(), vec![(list, known.ty.as_str())])),
                Some((same, sets)) if same == key => sets.push((list, known.ty.as_str())),
                Some(_) => return None,
            }
        }
        found
    }

    /// The fields of a selection, fragments expanded.
    fn fields(&self, set: &'d SelectionSet, depth: usize) -> Vec<&'d Field> {
        let mut fields = Vec::new();
        if depth > MAX_DEPTH {
            return fields;
        }
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if self.is_in(&field.node.directives) => {
                    fields.push(&field.node);
                }
                Selection::InlineFragment(fragment) if self.is_in(&fragment.node.directives) => {
                    fields.extend(self.fields(&fragment.node.selection_set.node, depth + 1));
                }
                Selection::FragmentSpread(spread) if self.is_in(&spread.node.directives) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name) {
                        fields.extend(self.fields(&fragment.node.selection_set.node, depth + 1));
                    }
                }
                _ => {}
            }
        }
        fields
    }

    fn columns(
        &self,
        set: &'d SelectionSet,
        ty: Option<&str>,
        path: &mut Vec<String>,
        table: &mut Table,
    ) {
        for field in self.fields(set, path.len()) {
            path.push(field.response_key().node.to_string());
            let object = ty.and_then(|ty| self.shape.object(ty));
            let known = object.and_then(|object| object.field(&field.name.node));
            let below = known.and_then(|known| self.shape.object(&known.ty));
            if field.selection_set.node.items.is_empty() {
                if !table.columns.contains(path) {
                    table.columns.push(path.clone());
                }
            } else if known.is_some_and(|known| known.is_list)
                || below.is_some_and(|below| below.is_connection)
                    && self.has_rows(&field.selection_set.node)
            {
                table.list.get_or_insert_with(|| path.clone());
            } else if path.len() < MAX_DEPTH {
                let ty = known.map(|known| known.ty.as_str());
                self.columns(&field.selection_set.node, ty, path, table);
            }
            path.pop();
        }
    }

    /// Whether a connection is selected with its rows or groups, and not only with counts and aggregates.
    fn has_rows(&self, set: &'d SelectionSet) -> bool {
        let names = self.fields(set, 0).into_iter().map(|field| field.name.node.as_str());
        names.into_iter().any(|name| matches!(name, "nodes" | "edges" | "groups"))
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn is_in(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.node.get_argument("if").map(|value| self.value(&value.node));
            let holds = matches!(condition, Some(Some(ConstValue::Boolean(true))));
            match directive.node.name.node.as_str() {
                "skip" => !holds,
                "include" => holds,
                _ => true,
            }
        })
    }

    fn is_given(&self, field: &Field, argument: &str) -> bool {
        let value = field.get_argument(argument).and_then(|value| self.value(&value.node));
        value.is_some_and(|value| value != ConstValue::Null)
    }

    /// The value with variables substituted; composite values are not evaluated.
    fn value(&self, value: &Value) -> Option<ConstValue> {
        match value {
            Value::Variable(name) => self.variables.get(name).cloned(),
            other => other.clone().into_const(),
        }
    }
}
