//! Coercion of the variables of an operation (<https://spec.graphql.org/September2025/#sec-Coercing-Variable-Values>).
//! The executing library checks a variable only where it is used.

use async_graphql::{
    Name, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};
use async_graphql_value::{ConstValue, Number};

use super::{
    Refusal, quoted,
    schema_index::{InputShape, SchemaIndex, TypeShape},
};
use graph::scalar::{MOMENT, is_moment};

/// Coerces the variables of an operation, and adds the default values of omitted variables.
///
/// # Errors
/// The first variable whose value does not conform to its type.
pub(super) fn coerce(
    index: &SchemaIndex,
    operation: &OperationDefinition,
    variables: &mut Variables,
) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let (position, definition) = (definition.pos, &definition.node);
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let refuse = |text: String| Err(Refusal::invalid_at(text, position));
        match (variables.get_mut(name), &definition.default_value) {
            (None, Some(default)) => {
                variables.insert(name.clone(), default.node.clone());
            }
            (None, None) if ty.nullable => {}
            (None, None) => {
                let name = quoted(name);
                return refuse(format!("the variable `${name}` of type `{ty}` is required"));
            }
            (Some(value), _) => {
                if let Err(fault) = accept(index, ty, value) {
                    return refuse(fault.message(name));
                }
            }
        }
    }
    Ok(())
}

/// A value that does not conform to its type.
struct Fault {
    /// The path of the value, from the innermost step to the variable: `.field` or `[index]`.
    path: Vec<String>,
    /// The error message.
    reason: String,
}

impl Fault {
    fn new(reason: String) -> Self {
        Self { path: Vec::new(), reason }
    }

    fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    fn message(&self, variable: &Name) -> String {
        let steps = self.path.iter().rev().map(String::as_str);
        let path = steps.fold(format!("${variable}"), |path, step| path + step);
        format!("`{}` {}", quoted(&path), self.reason)
    }
}

/// Coerces `value` to `ty`.
fn accept(index: &SchemaIndex, ty: &Type, value: &mut ConstValue) -> Result<(), Fault> {
    if *value == ConstValue::Null {
        let refuse = || Fault::new(format!("of type `{ty}` must not be null"));
        return if ty.nullable { Ok(()) } else { Err(refuse()) };
    }
    match (&ty.base, value) {
        (BaseType::List(inner), ConstValue::List(items)) => {
            let mut items = items.iter_mut().enumerate();
            items.try_for_each(|(place, item)| {
                accept(index, inner, item).map_err(|fault| fault.within(format!("[{place}]")))
            })
        }
        // A single value is coerced to a list with one item.
        (BaseType::List(inner), value) => accept(index, inner, value),
        (BaseType::Named(name), value) => accept_named(index, name, value),
    }
}

fn accept_named(index: &SchemaIndex, name: &Name, value: &mut ConstValue) -> Result<(), Fault> {
    let is_accepted = match (name.as_str(), &mut *value) {
        ("Int", ConstValue::Number(number)) => match integer(number) {
            Some(integer) if i32::try_from(integer).is_ok() => {
                *number = integer.into();
                true
            }
            _ => false,
        },
        ("ID", ConstValue::Number(number)) => match (integer(number), number.as_u64()) {
            (Some(integer), _) => {
                *value = ConstValue::String(integer.to_string());
                true
            }
            (None, Some(integer)) => {
                *value = ConstValue::String(integer.to_string());
                true
            }
            (None, None) => false,
        },
        ("Float", ConstValue::Number(_))
        | ("String" | "ID", ConstValue::String(_))
        | ("Boolean", ConstValue::Boolean(_)) => true,
        ("DateTime", ConstValue::String(text)) if is_moment(text) => true,
        ("DateTime", _) => return Err(Fault::new(format!("must be {MOMENT}"))),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => match (index.ty(name), value) {
            (Some(TypeShape::Enum(words)), ConstValue::String(word)) => words.contains(word),
            (Some(TypeShape::Enum(words)), ConstValue::Enum(word)) => {
                words.iter().any(|known| known == word.as_str())
            }
            (Some(TypeShape::Input { fields, one_of }), ConstValue::Object(given)) => {
                for (key, value) in given.iter_mut() {
                    let step = || format!(".{key}");
                    let Some(field) = fields.get(key.as_str()) else {
                        let reason = format!("is not a field of `{name}`");
                        return Err(Fault::new(reason).within(step()));
                    };
                    accept(index, &field.ty, value).map_err(|fault| fault.within(step()))?;
                }
                let is_missing = |(key, field): &(&String, &InputShape)| {
                    !field.ty.nullable && !field.has_default && !given.contains_key(key.as_str())
                };
                if let Some((key, field)) = fields.iter().find(is_missing) {
                    let fault = Fault::new(format!("of type `{}` is required", field.ty));
                    return Err(fault.within(format!(".{key}")));
                }
                let exactly_one =
                    given.len() == 1 && !given.values().any(|v| *v == ConstValue::Null);
                if *one_of && !exactly_one {
                    let reason = "must have exactly one field, which must not be null".to_owned();
                    return Err(Fault::new(reason));
                }
                true
            }
            (Some(TypeShape::Enum(_) | TypeShape::Input { .. }), _) => false,
            // JSON accepts every value; an unknown type is reported by the validator.
            _ => true,
        },
    };
    let refuse = || Fault::new(format!("must be a value of type `{name}`"));
    if is_accepted { Ok(()) } else { Err(refuse()) }
}

/// A number without a fraction as an integer. JSON does not distinguish 1 from 1.0, or 0 from -0.
fn integer(number: &Number) -> Option<i64> {
    /// Up to this limit, doubles represent every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let double = number.as_f64()?;
        let is_integer = !number.is_u64() && double.fract() == 0.0 && double.abs() <= EXACT;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the value is an integer that fits in 54 bits"
        )]
        is_integer.then_some(double as i64)
    })
}
