//! The root fields of the declared entities: one row by ID, the list, `node` and `nodes`.

use std::sync::Arc;

use async_graphql::{
    Context, PathSegment, Positioned, ServerError, ServerResult, Value, parser::types::Field,
};
use engine::{Scope, change_log::Position, read};

use super::{
    answer::Answer, computed, declaration::Entity, id, input, paging::Paging, plan::Planner, row,
};
use crate::{
    catalog::Catalog,
    error::{Error, Result},
};

/// Maximum number of IDs in `nodes`.
const MAX_NODES: usize = 100;

/// Resolves a root field; `None` if the field does not belong to a declared entity.
///
/// # Errors
/// A GraphQL error at the path of the field.
pub async fn resolve(context: &Context<'_>) -> ServerResult<Option<Value>> {
    let name = context.item.node.name.node.as_str();
    if name == "node" {
        return node(context).await.map(Some);
    }
    if name == "nodes" {
        return nodes(context).await.map(Some);
    }
    for entity in Catalog::of(context).entities() {
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
    let at_field = |error: Error| error_at(field, error);
    let planner = Planner::new(context);
    let (plan, connection) = if entity.log {
        planner.log(entity, field).map_err(at_field)?
    } else {
        let place = format!("Query.{}", entity.plural);
        planner.connection(entity, place, &[field]).map_err(at_field)?
    };
    if let (true, Some(after)) = (entity.log, &plan.page.after) {
        let position = Position::of(after).map_err(|error| at_field(error.into()))?;
        position.check(scope(context)).await.map_err(|error| at_field(error.into()))?;
    }
    let loaded = read::list(scope(context), &plan).await.map_err(|error| at_field(error.into()))?;
    if context.data_opt::<Arc<Paging>>().is_some() {
        let most = i64::from(read::MAX_GROUPS);
        if let Some(all) = loaded.aggregates.iter().map(|one| one.total(0)).find(|all| *all > most)
        {
            let text = format!(
                "{all} groups exceed the export limit of {most}; add a filter or use `first`"
            );
            return Err(at_field(Error::too_complex(text)));
        }
    }
    if let (Some(paging), group) = (context.data_opt::<Arc<Paging>>(), loaded.page_of(0))
        && group.has_next
        && let Some(last) = group.rows.clone().last()
    {
        let row = &loaded.rows[last];
        let values = connection.cursor.iter().map(|cell| &row[*cell]);
        paging.goes_on(read::encode_cursor(group.binding, values));
    }
    let computations =
        computed::of_connection(context, &connection, &loaded).await.map_err(at_field)?;
    let path = at_root(field);
    Answer::new(context, field, path, Arc::new(computations)).page(
        &connection,
        &loaded,
        &loaded.page_of(0),
    )
}

async fn single(context: &Context<'_>, entity: &'static Entity) -> ServerResult<Value> {
    let asked = asked_id(context, "id").map_err(|error| error_at(context.item, error))?;
    one(context, entity, id::key(entity, &asked)).await
}

async fn node(context: &Context<'_>) -> ServerResult<Value> {
    let asked = asked_id(context, "id").map_err(|error| error_at(context.item, error))?;
    match typed(context, &asked) {
        Some((entity, key)) => one(context, entity, Some(key)).await,
        None => Ok(Value::Null),
    }
}

/// The row with this primary key; null if there is none.
async fn one(
    context: &Context<'_>,
    entity: &'static Entity,
    key: Option<i64>,
) -> ServerResult<Value> {
    let fields = [context.item];
    let rows = row::by_keys(context, entity, &fields, &[key], at_root(context.item), false).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

async fn nodes(context: &Context<'_>) -> ServerResult<Value> {
    let field = context.item;
    let at_field = |error: Error| error_at(field, error);
    let asked = asked_ids(context).map_err(at_field)?;
    let typed: Vec<_> = asked.iter().map(|id| typed(context, id)).collect();
    let mut answers = vec![Value::Null; typed.len()];

    for entity in Catalog::of(context).entities() {
        let keys: Vec<Option<i64>> = typed
            .iter()
            .map(|one| one.filter(|(known, _)| known.name == entity.name).map(|(_, key)| key))
            .collect();
        if keys.iter().all(Option::is_none) {
            continue;
        }
        let rows = row::by_keys(context, entity, &[field], &keys, at_root(field), true).await?;
        for (answer, row) in answers.iter_mut().zip(rows) {
            if row != Value::Null {
                *answer = row;
            }
        }
    }
    Ok(Value::List(answers))
}

fn scope<'a>(context: &Context<'a>) -> &'a Scope {
    context.data_unchecked::<Scope>()
}

fn at_root(field: &Positioned<Field>) -> Vec<PathSegment> {
    vec![PathSegment::Field(field.node.response_key().node.to_string())]
}

fn error_at(field: &Positioned<Field>, error: Error) -> ServerError {
    error.into_server_error(field.pos, at_root(field))
}

fn asked_id(context: &Context<'_>, name: &str) -> Result<String> {
    let arguments = input::arguments(context, &context.item.node);
    input::text(&arguments, name)?.ok_or_else(|| {
        Error::invalid(engine::Reason::IdInvalid, name, format!("`{name}` must be an ID"))
    })
}

fn asked_ids(context: &Context<'_>) -> Result<Vec<String>> {
    let arguments = input::arguments(context, &context.item.node);
    let ids = arguments.get("ids").map(input::items).unwrap_or_default();
    if ids.len() > MAX_NODES {
        return Err(Error::invalid(
            engine::Reason::TooManyItems,
            "ids",
            format!("`ids` must have at most {MAX_NODES} IDs"),
        ));
    }
    ids.iter().map(|id| input::id_text(id, "ids")).collect()
}

/// The entity and the primary key of a global ID.
fn typed(context: &Context<'_>, id: &str) -> Option<(&'static Entity, i64)> {
    let (name, _) = id.split_once(':')?;
    let entity = Catalog::of(context).named(name)?;
    Some((entity, id::key(entity, id)?))
}
