//! Whether variables are what their types take: the specification, 6.1.2. The library looks at a variable
//! where it is used, and at none that is not.

use async_graphql::{
    Name, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};
use async_graphql_value::{ConstValue, Number};

use super::{
    Refusal,
    shape::{Shape, TypeShape},
};

/// Checks the variables of an operation, and puts the defaults of absent ones in.
///
/// # Errors
/// The first variable that is not what its type takes.
pub(super) fn check(
    operation: &OperationDefinition,
    variables: &mut Variables,
) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let (position, definition) = (definition.pos, &definition.node);
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let refuse = |text: String| Err(Refusal::invalid_at(text, position));
        match (variables.get(name), &definition.default_value) {
            (None, Some(default)) => {
                variables.insert(name.clone(), default.node.clone());
            }
            (None, None) if ty.nullable => {}
            (None, None) => {
                return refuse(format!("the variable `${name}` of type `{ty}` was not given"));
            }
            (Some(value), _) => {
                if let Err(reason) = takes(ty, value, &format!("${name}")) {
                    return refuse(reason);
                }
            }
        }
    }
    Ok(())
}

/// Whether `ty` takes `value`, which stands at `path`.
fn takes(ty: &Type, value: &ConstValue, path: &str) -> Result<(), String> {
    if *value == ConstValue::Null {
        let text = || format!("`{path}` of type `{ty}` can't be null");
        return if ty.nullable { Ok(()) } else { Err(text()) };
    }
    match (&ty.base, value) {
        (BaseType::List(inner), ConstValue::List(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| takes(inner, item, &format!("{path}[{index}]")))
        }
        // One value stands for a list of one.
        (BaseType::List(inner), value) => takes(inner, value, path),
        (BaseType::Named(name), value) => takes_named(name, value, path),
    }
}

fn takes_named(name: &Name, value: &ConstValue, path: &str) -> Result<(), String> {
    let wrong = || Err(format!("`{path}` takes a value of the type `{name}`"));
    let fits = match (name.as_str(), value) {
        ("Int", ConstValue::Number(number)) => is_int(number),
        ("Float", ConstValue::Number(_))
        | ("String" | "ID", ConstValue::String(_))
        | ("Boolean", ConstValue::Boolean(_)) => true,
        ("ID", ConstValue::Number(number)) => number.is_i64(),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => match (Shape::of_schema().ty(name), value) {
            (Some(TypeShape::Enum(words)), ConstValue::String(word)) => words.contains(word),
            (Some(TypeShape::Enum(words)), ConstValue::Enum(word)) => {
                words.iter().any(|known| known == word.as_str())
            }
            (Some(TypeShape::Input { fields, one_of }), ConstValue::Object(given)) => {
                for (key, value) in given {
                    let path = format!("{path}.{key}");
                    let Some(field) = fields.get(key.as_str()) else {
                        return Err(format!("`{path}` is not a field of `{name}`"));
                    };
                    takes(&field.ty, value, &path)?;
                }
                let missing = fields.iter().find(|(key, field)| {
                    !field.ty.nullable && !field.has_default && !given.contains_key(key.as_str())
                });
                if let Some((key, field)) = missing {
                    return Err(format!("`{path}.{key}` of type `{}` was not given", field.ty));
                }
                let exactly_one =
                    given.len() == 1 && !given.values().any(|v| *v == ConstValue::Null);
                if *one_of && !exactly_one {
                    return Err(format!("`{path}` takes exactly one field, which is not null"));
                }
                true
            }
            (Some(TypeShape::Enum(_) | TypeShape::Input { .. }), _) => false,
            // What a scalar takes is told where it is read; a type that is not there, by the library.
            _ => true,
        },
    };
    if fits { Ok(()) } else { wrong() }
}

fn is_int(number: &Number) -> bool {
    number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}
