//! The roots of the declared entities: one by id, the list, `node` and `nodes`.

use async_graphql::{
    Context, PathSegment, Positioned, ServerError, ServerResult, Value, parser::types::Field,
};
use service::{Scope, read};

use super::{answer::Answer, computed, declaration::Entity, id, input, plan::Planner};
use crate::{
    catalog,
    error::{Error, Result},
};

/// The most ids of `nodes`.
const MOST_NODES: usize = 100;

/// Answers a field of the root; `None` when it is not one of the declared roots.
///
/// # Errors
/// An error of GraphQL at the path of the field.
pub async fn resolve(context: &Context<'_>) -> ServerResult<Option<Value>> {
    let name = context.item.node.name.node.as_str();
    if name == "node" {
        return node(context).await.map(Some);
    }
    if name == "nodes" {
        return nodes(context).await.map(Some);
    }
    for entity in catalog::entities() {
        if name == entity.plural {
            return list(context, entity).await.map(Some);
        }
        if name == entity.single {
            return single(context, entity).await.map(Some);
        }
    }
    Ok(None)
}

async fn list(context: &Context<'_>, entity: &'static Entity) -> ServerResult<Value> {
    let field = context.item;
    let told = |error: Error| told(field, error);
    let planner = Planner::new(context);
    let place = format!("Query.{}", entity.plural);
    let (plan, connection) = planner.connection(entity, place, &[field]).map_err(told)?;
    let loaded = read::list(scope(context), &plan).await.map_err(|error| told(error.into()))?;
    let computations =
        computed::of_connection(context, &connection, &loaded).await.map_err(told)?;
    Answer::new(context, field, computations).connection(&connection, &loaded, &loaded.group(0))
}

async fn single(context: &Context<'_>, entity: &'static Entity) -> ServerResult<Value> {
    let asked = asked_id(context, "id").map_err(|error| told(context.item, error))?;
    one(context, entity, id::key(entity, &asked)).await
}

async fn node(context: &Context<'_>) -> ServerResult<Value> {
    let asked = asked_id(context, "id").map_err(|error| told(context.item, error))?;
    match typed(&asked) {
        Some((entity, key)) => one(context, entity, Some(key)).await,
        None => Ok(Value::Null),
    }
}

/// The row with this key; null when there is none.
async fn one(
    context: &Context<'_>,
    entity: &'static Entity,
    key: Option<i64>,
) -> ServerResult<Value> {
    let field = context.item;
    let told = |error: Error| told(field, error);
    let (plan, shape) = Planner::new(context).single(entity, field).map_err(told)?;
    let Some(key) = key else { return Ok(Value::Null) };
    let loaded =
        read::by_keys(scope(context), &plan, &[key]).await.map_err(|error| told(error.into()))?;
    if loaded.rows.is_empty() {
        return Ok(Value::Null);
    }
    let computations = computed::of_shape(context, &shape, &loaded).await.map_err(told)?;
    Answer::new(context, field, computations).object(&shape, &loaded, 0)
}

async fn nodes(context: &Context<'_>) -> ServerResult<Value> {
    let field = context.item;
    let told = |error: Error| told(field, error);
    let asked = asked_ids(context).map_err(told)?;
    let typed: Vec<_> = asked.iter().map(|id| typed(id)).collect();
    let mut answers = vec![Value::Null; typed.len()];

    for entity in catalog::entities() {
        let keys: Vec<i64> = typed
            .iter()
            .flatten()
            .filter(|(known, _)| known.name == entity.name)
            .map(|(_, key)| *key)
            .collect();
        if keys.is_empty() {
            continue;
        }
        let (mut plan, shape) = Planner::new(context).single(entity, field).map_err(told)?;
        let id = plan.cell(0, entity.table.id());
        let loaded = read::by_keys(scope(context), &plan, &keys)
            .await
            .map_err(|error| told(error.into()))?;
        let computations = computed::of_shape(context, &shape, &loaded).await.map_err(told)?;
        let mut answer = Answer::new(context, field, computations);
        for (place, asked) in typed.iter().enumerate() {
            let Some((known, key)) = asked else { continue };
            let row = loaded.rows.iter().position(|row| row[id].key() == Some(*key));
            if let (true, Some(row)) = (known.name == entity.name, row) {
                answer.at(PathSegment::Index(place));
                let built = answer.object(&shape, &loaded, row);
                answers[place] = built.unwrap_or_else(|error| {
                    context.add_error(error);
                    Value::Null
                });
                answer.back_to_root();
            }
        }
    }
    Ok(Value::List(answers))
}

fn scope<'a>(context: &Context<'a>) -> &'a Scope {
    context.data_unchecked::<Scope>()
}

fn told(field: &Positioned<Field>, error: Error) -> ServerError {
    let path = vec![PathSegment::Field(field.node.response_key().node.to_string())];
    error.into_server_error(field.pos, path)
}

fn asked_id(context: &Context<'_>, name: &str) -> Result<String> {
    let arguments = input::arguments(context, &context.item.node);
    input::text(&arguments, name)?
        .ok_or_else(|| Error::invalid(name, format!("`{name}` takes an id")))
}

fn asked_ids(context: &Context<'_>) -> Result<Vec<String>> {
    let arguments = input::arguments(context, &context.item.node);
    let ids = arguments.get("ids").map(input::items).unwrap_or_default();
    if ids.len() > MOST_NODES {
        return Err(Error::invalid("ids", format!("`ids` takes at most {MOST_NODES} ids")));
    }
    ids.iter().map(|id| input::id_text(id, "ids")).collect()
}

/// The entity and the key that a global id names.
fn typed(id: &str) -> Option<(&'static Entity, i64)> {
    let (name, _) = id.split_once(':')?;
    let entity = catalog::entities().into_iter().find(|entity| entity.name == name)?;
    Some((entity, id::key(entity, id)?))
}
