//! The CRUD mutations of the declared entities: converts the input for the service and its results to payloads.

use async_graphql::{Context, PathSegment, ServerResult, Value};
use engine::{
    Problem, Scope,
    write::{
        Delete, IdempotentRequest, OnError,
        operations::{self, Made},
    },
};

use super::{
    declaration::Entity,
    id, input,
    mutations::{CrudMutation, MAX_ITEMS, MutationKind},
    payload::{self, Part, outcome},
    row_input::{Object, item},
};
use crate::{catalog::Catalog, error::Error};

/// Resolves a field of the mutation root; `None` if it is not a CRUD mutation.
///
/// # Errors
/// A GraphQL error at the path of the field.
pub async fn resolve(context: &Context<'_>) -> ServerResult<Option<Value>> {
    let catalog = Catalog::of(context);
    let name = context.item.node.name.node.as_str();
    let Some(mutation) = catalog.mutations().iter().find(|one| one.name == name) else {
        return Ok(None);
    };
    let field = context.item;
    let told = |error: Error| {
        let path = vec![PathSegment::Field(field.node.response_key().node.to_string())];
        error.into_server_error(field.pos, path)
    };
    let arguments = input::arguments(context, &field.node);
    let empty = Object::new();
    let input = match arguments.get("input") {
        Some(Value::Object(input)) => input,
        _ => &empty,
    };
    let scope = context.data_unchecked::<Scope>();
    let once = input::once(context).map_err(told)?;
    let (parts, errors) = mutation.run(catalog, scope, input, once).await.map_err(told)?;
    let name = mutation.type_name("Payload");
    payload::resolve(context, &name, &parts, &errors).await.map(Some)
}

type Answered = (Vec<(String, Part)>, Vec<payload::UserError>);

impl CrudMutation {
    async fn run(
        &self,
        catalog: &Catalog,
        scope: &Scope,
        input: &Object,
        once: Option<IdempotentRequest>,
    ) -> Result<Answered, Error> {
        match self.does {
            MutationKind::Create => {
                let mut problems = Vec::new();
                let item = item(catalog, self.entity, self.rules, input, false, "", &mut problems);
                let done = match refused(problems) {
                    Err(error) => Err(error),
                    Ok(()) => operations::create(scope, self.rules, item, once).await,
                };
                let (written, errors) = outcome(done)?;
                let part = match written {
                    Some(Made { row: Some(row), .. }) => Part::Written(self.entity, row),
                    written => Part::Row(self.entity, written.map(|written| written.id)),
                };
                Ok((vec![(self.entity.single.clone(), part)], errors))
            }
            MutationKind::CreateMany | MutationKind::UpsertMany => {
                self.many(catalog, scope, input, once).await
            }
            MutationKind::Update => {
                let revision = whole(input, "expectedRevision");
                let empty = Object::new();
                let patch = match input.get("patch") {
                    Some(Value::Object(patch)) => patch,
                    _ => &empty,
                };
                let mut problems = Vec::new();
                let patch =
                    item(catalog, self.entity, self.rules, patch, true, "patch.", &mut problems);
                let done = match key(self.entity, input, "id") {
                    Ok(id) if problems.is_empty() => {
                        operations::update(scope, self.rules, id, revision, patch, once).await
                    }
                    Ok(_) => Err(engine::Error::Refused(problems)),
                    Err(missing) => {
                        problems.insert(0, missing);
                        Err(engine::Error::Refused(problems))
                    }
                };
                self.row(done)
            }
            MutationKind::Delete => {
                let revision = whole(input, "expectedRevision");
                let done = match key(self.entity, input, "id") {
                    Ok(id) => {
                        let tables = catalog.tables();
                        operations::delete(scope, self.rules, tables, id, revision, once).await
                    }
                    Err(missing) => Err(missing.into()),
                };
                let (id, errors) = outcome(done)?;
                let global = id.map_or(Value::Null, |id| id::global(self.entity, id));
                let mut parts = vec![("deletedId".to_owned(), Part::Value(global))];
                if self.rules.delete == Delete::Soft {
                    let id = payload::row_to_read(id, &errors);
                    parts.push((self.entity.single.clone(), Part::Row(self.entity, id)));
                }
                Ok((parts, errors))
            }
            MutationKind::Restore => {
                let done = match key(self.entity, input, "id") {
                    Ok(id) => operations::restore(scope, self.rules, id, once).await,
                    Err(missing) => Err(missing.into()),
                };
                self.row(done)
            }
        }
    }

    fn row(&self, done: engine::Result<i64>) -> Result<Answered, Error> {
        let (id, errors) = outcome(done)?;
        let id = payload::row_to_read(id, &errors);
        Ok((vec![(self.entity.single.clone(), Part::Row(self.entity, id))], errors))
    }

    async fn many(
        &self,
        catalog: &Catalog,
        scope: &Scope,
        input: &Object,
        once: Option<IdempotentRequest>,
    ) -> Result<Answered, Error> {
        let empty = Value::Null;
        let items = input::items(input.get(self.entity.plural).unwrap_or(&empty));
        let mut problems = Vec::new();
        if items.len() > MAX_ITEMS {
            let message = format!("a batch must have at most {MAX_ITEMS} items");
            problems.push(Problem::invalid(
                engine::Reason::TooManyItems,
                self.entity.plural,
                message,
            ));
        }
        let on_error = match input.get("onError").and_then(input::enum_text) {
            Some("SKIP_FAILED") => OnError::SkipFailed,
            _ => OnError::RejectAll,
        };
        // Unreadable items are treated like items that the service rejects: depending on `onError`, only the item
        // or the whole batch fails.
        let (mut read, mut places, mut unread) = (Vec::new(), Vec::new(), Vec::new());
        for (index, value) in items.iter().enumerate().take(MAX_ITEMS) {
            let mut own = Vec::new();
            if let Value::Object(fields) = value {
                read.push(item(catalog, self.entity, self.rules, fields, false, "", &mut own));
            }
            if own.is_empty() {
                places.push(index);
            } else {
                read.pop();
                unread.extend(own.into_iter().map(|one| Problem { index: Some(index), ..one }));
            }
        }
        if on_error == OnError::RejectAll {
            problems.append(&mut unread);
        }
        let done = match (refused(problems), self.does) {
            (Err(error), _) => Err(error),
            (Ok(()), MutationKind::UpsertMany) => {
                operations::upsert_many(scope, self.rules, read, on_error, once).await
            }
            (Ok(()), _) => operations::create_many(scope, self.rules, read, on_error, once).await,
        };
        let (batch, mut errors) = outcome(done)?;
        let mut keys = vec![None; items.len().min(MAX_ITEMS)];
        let (mut made, mut updated) = (0, 0);
        let is_done = batch.is_some();
        if let Some(batch) = batch {
            for ((place, key), created) in places.iter().zip(&batch.keys).zip(&batch.created) {
                keys[*place] = *key;
                match (key, created) {
                    (Some(_), true) => made += 1,
                    (Some(_), false) => updated += 1,
                    (None, _) => {}
                }
            }
            // The service numbers only the items it received, so its indexes are mapped back to the input.
            let told = batch.problems.into_iter().map(|problem| {
                let index = problem.index.and_then(|index| places.get(index)).copied();
                Problem { index, ..problem }
            });
            errors.extend(told.chain(unread).map(payload::UserError::from));
            errors.sort_by_key(|error| error.index);
        }
        let rows = if is_done { Part::Rows(self.entity, keys) } else { Part::Value(Value::Null) };
        let mut parts = vec![(self.entity.plural.to_owned(), rows)];
        if self.does == MutationKind::UpsertMany {
            parts.push(("createdCount".to_owned(), Part::Value(Value::from(made))));
            parts.push(("updatedCount".to_owned(), Part::Value(Value::from(updated))));
        }
        Ok((parts, errors))
    }
}

fn refused(problems: Vec<Problem>) -> engine::Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(engine::Error::Refused(problems)) }
}

fn key(entity: &'static Entity, input: &Object, name: &str) -> Result<i64, Problem> {
    let text = input.get(name).map_or(Ok(String::new()), |value| input::id_text(value, name));
    let key = text.ok().and_then(|text| id::key(entity, &text));
    key.ok_or_else(|| Problem::not_found(name, entity.table.called))
}

fn whole(input: &Object, name: &str) -> Option<i64> {
    match input.get(name) {
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    }
}
