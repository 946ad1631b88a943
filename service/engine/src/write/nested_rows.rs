//! Rows that are written together with another row: a row that it refers to, and rows that refer to it.

use super::{
    ChildRows, Input, Unit,
    row::{begun, create_in, upsert_in, within},
    rules::{NestedReference, Rules},
    unique_field::{lock_rows_with_values, row_with_unique_value},
};
use crate::{
    error::{Problem, Result},
    reason::Reason,
    value::Value,
};

/// Creates or updates the referenced rows of an input, and refers to them.
pub(super) async fn write_references(
    unit: &mut Unit,
    rules: &'static Rules,
    input: &mut Input,
) -> Result<()> {
    for (column, nested) in std::mem::take(&mut input.references) {
        let Some(reference) = nested_reference(rules, column) else { continue };
        let is_given = |(known, value): &(usize, Value)| *known == column && *value != Value::Null;
        if input.values.iter().any(is_given) {
            let name = (rules.table)().columns[column].name;
            let message = format!("must be omitted if `{}` is given", reference.name);
            return Err(Problem::invalid(Reason::ArgumentsExclusive, name, message).into());
        }
        let written = Box::pin(upsert_in(unit, (reference.rules)(), nested)).await;
        let (key, _) = written.map_err(|error| within(error, reference.name))?;
        input.values.retain(|(known, _)| *known != column);
        input.values.push((column, Value::Int(key)));
    }
    Ok(())
}

/// Creates the rows that refer to the row `parent`.
pub(super) async fn write_children(
    unit: &mut Unit,
    parent: i64,
    children: Vec<ChildRows>,
) -> Result<()> {
    for ChildRows { name, rules, column, rows } in children {
        for (index, mut input) in rows.into_iter().enumerate() {
            input.values.push((column, Value::Int(parent)));
            let written = Box::pin(create_in(unit, rules, input)).await;
            written.map_err(|error| within(error, &format!("{name}.{index}")))?;
        }
    }
    Ok(())
}

/// Locks everything that a batch writes besides its own rows: the referenced rows that are also written, and the unique
/// values. If other rows are written with the rows, they are locked, too. The locks are taken in a fixed order to avoid
/// deadlocks.
pub(super) async fn lock_all(
    unit: &mut Unit,
    rules: &'static Rules,
    items: &[Input],
) -> Result<()> {
    lock_written_references(unit, rules, items).await?;
    let names = lock_names(unit, rules, items).await?;
    if items.iter().any(Input::has_nested_rows) {
        lock_rows(unit, rules, items, Vec::new()).await?;
    } else if items.len() > 1 {
        lock_rows_with_values(unit, (rules.table)(), &names).await?;
    }
    Ok(())
}

async fn lock_written_references(
    unit: &Unit,
    rules: &'static Rules,
    items: &[Input],
) -> Result<()> {
    for rule in rules.fields {
        let Some(refers) = rule.refers.filter(|refers| refers.writes) else { continue };
        let column = (rules.table)().column_named(rule.column);
        unit.lock_rows((refers.table)(), values_of(items, column)).await?;
    }
    Ok(())
}

/// The primary keys that these inputs have in a column.
fn values_of(items: &[Input], column: usize) -> Vec<i64> {
    let values = items.iter().flat_map(|input| &input.values);
    values.filter(|(known, _)| *known == column).filter_map(|(_, value)| value.key()).collect()
}

/// Locks the existing rows that the inputs update, the rows `others` of the same table, and the nested rows. Writers
/// lock rows before the rows that count them, such as prospects before companies, and the rows of a table by primary
/// key. Therefore, the rows that only count are locked together with those that are updated.
async fn lock_rows(
    unit: &mut Unit,
    rules: &'static Rules,
    items: &[Input],
    others: Vec<i64>,
) -> Result<()> {
    let table = (rules.table)();
    let mut existing = Vec::new();
    for input in items {
        let record = begun(unit.scope(), rules, input.clone(), unit.now(), &mut Vec::new());
        let value = table.unique_field().map_or("", |field| record.text_named(field.column));
        let known = if value.is_empty() {
            rules.hooks.same(unit, &record).await?
        } else {
            row_with_unique_value(unit, table, value).await?
        };
        existing.extend(known);
    }
    let locked: Vec<i64> = existing.iter().chain(&others).copied().collect();
    unit.lock_rows(table, locked).await?;
    for rule in rules.fields {
        let Some(reference) = &rule.nested else { continue };
        let column = table.column_named(rule.column);
        let nested = items.iter().flat_map(|input| &input.references);
        let nested: Vec<Input> =
            nested.filter(|(known, _)| *known == column).map(|(_, input)| input.clone()).collect();
        if nested.is_empty() {
            continue;
        }
        let mut referred = values_of(items, column);
        for id in &existing {
            let row = unit.peek(table, *id).await?;
            referred.extend(row.and_then(|row| row.at(column).key()));
        }
        lock_names(unit, (reference.rules)(), &nested).await?;
        Box::pin(lock_rows(unit, (reference.rules)(), &nested, referred)).await?;
    }
    // The children of all items that have the same rules are locked together.
    let mut lists: Vec<(&'static Rules, Vec<Input>)> = Vec::new();
    for children in items.iter().flat_map(|input| &input.children) {
        let rows = children.rows.iter().cloned();
        match lists.iter_mut().find(|(rules, _)| std::ptr::eq(*rules, children.rules)) {
            Some((_, list)) => list.extend(rows),
            None => lists.push((children.rules, rows.collect())),
        }
    }
    for (rules, rows) in lists {
        lock_written_references(unit, rules, &rows).await?;
        lock_names(unit, rules, &rows).await?;
    }
    Ok(())
}

/// Locks the unique values of a batch, and the names of rows without one, in order. Returns them.
async fn lock_names(unit: &Unit, rules: &'static Rules, items: &[Input]) -> Result<Vec<String>> {
    let table = (rules.table)();
    let Some(field) = table.unique_field() else { return Ok(Vec::new()) };
    let names: Vec<String> = items
        .iter()
        .filter_map(|input| {
            let record = begun(unit.scope(), rules, input.clone(), unit.now(), &mut Vec::new());
            let value = record.text_named(field.column).to_ascii_lowercase();
            if value.is_empty() { rules.hooks.lock_name(&record) } else { Some(value) }
        })
        .collect();
    unit.advisory_locks(table, names.clone()).await?;
    Ok(names)
}

fn nested_reference(rules: &'static Rules, column: usize) -> Option<&'static NestedReference> {
    let name = (rules.table)().columns[column].name;
    rules.fields.iter().find(|rule| rule.column == name)?.nested.as_ref()
}
