//! The change log in GraphQL.

use std::sync::LazyLock;

use async_graphql::{ID, SimpleObject};
use engine::{
    Scope, Value as Cell,
    change_log::{KINDS, Position, cursor, kind, table},
};
use salesgraph_macros::Entity;
use serde_json::{Map, Value as Json};
use service::{catalog::changed_entities, ingest::note::Note};

use crate::catalog;
use crate::identity::actor_kind::ActorKind;
use graph::{
    Entity, EnumColumn, EnumType, RowView, Vocabulary,
    declaration::{FieldKind, Scalar, camel},
    error::Result,
    scalar::{JsonText, enum_value},
};

/// A change: an entry of the change log. Entries are immutable, except that erasing a person empties the entries about
/// them.
#[derive(Entity)]
#[entity(table = table, plural = "changes", read = Read, log)]
pub struct Change {
    /// Cursor of the entry, for `after` of `changes` and of subscriptions.
    #[entity(computed = cursors, needs("epoch", "transaction_number", "id"))]
    pub cursor: String,
    /// Entity.
    pub entity: EnumColumn<ChangedEntity>,
    /// Global ID of the row; null for changes of many rows. `node(id:)` returns the row while it exists.
    #[entity(computed = records, needs("entity", "record_id"))]
    pub record_id: Option<ID>,
    /// Kind of change.
    pub kind: EnumColumn<ChangeKind>,
    /// Changed fields, with old and new values.
    #[entity(computed = fields, needs("entity", "kind", "before", "after"))]
    pub fields: Vec<FieldChange>,
    /// Kind of the actor.
    pub actor_kind: EnumColumn<ActorKind>,
    /// Name of the actor; null if it has none.
    pub actor_name: Option<String>,
    /// Request ID, which the server returns as `X-Request-Id`.
    pub request_id: Option<String>,
    /// Client request ID: the `X-Request-Id` of the request; null if none was sent. Not verified.
    pub client_request_id: Option<String>,
}

/// A changed field.
#[derive(Clone, Debug, SimpleObject)]
pub struct FieldChange {
    /// Name of the field.
    pub name: String,
    /// Value before the change; null if there was none.
    pub before: Option<JsonText>,
    /// Value after the change; null if there is none.
    pub after: Option<JsonText>,
}

/// `changes.entity`.
pub enum ChangedEntity {}

impl Vocabulary for ChangedEntity {
    fn enum_type() -> &'static EnumType {
        static TYPE: LazyLock<EnumType> = LazyLock::new(|| EnumType {
            name: "ChangedEntity",
            about: "An entity of the change log.",
            words: changed_entities(),
        });
        &TYPE
    }
}

/// `changes.kind`.
pub enum ChangeKind {}

impl Vocabulary for ChangeKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ChangeKind", about: "Kind of change.", words: KINDS }
    }
}

async fn cursors(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<String>> {
    let number = |row: &RowView<'_>, index| row.cell(index).key().unwrap_or_default();
    let cursor = |row: RowView<'_>| {
        cursor(Position {
            epoch: number(&row, 0),
            transaction: number(&row, 1),
            id: number(&row, 2),
        })
    };
    Ok(rows.into_iter().map(cursor).collect())
}

async fn records(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<ID>>> {
    let id = |row: RowView<'_>| {
        let (entity, key) = (catalog::called(row.text(0))?, row.cell(1).key()?);
        Some(ID(format!("{}:{key}", entity.name)))
    };
    Ok(rows.into_iter().map(id).collect())
}

async fn fields(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Vec<FieldChange>>> {
    Ok(rows.iter().map(changed).collect())
}

fn changed(row: &RowView<'_>) -> Vec<FieldChange> {
    let (entity, what) = (catalog::called(row.text(0)), row.text(1));
    let empty = Map::new();
    let object = |index| match row.cell(index) {
        Cell::Json(Json::Object(fields)) => fields,
        _ => &empty,
    };
    let (before, after) = (object(2), object(3));
    // Updates store the old values in `before`; for new rows, every column is a changed field.
    let made = matches!(what, kind::CREATED | kind::LINKED | kind::IMPORTED);
    let names = if made { after } else { before }.keys();
    names
        .filter(|name| {
            !matches!(
                name.as_str(),
                "id" | "organization_id" | "revision" | "created_at" | "updated_at"
            )
        })
        .filter_map(|name| {
            let change = FieldChange {
                name: entity.map_or_else(|| camel(name), |entity| field_name(entity, name)),
                before: before.get(name).and_then(|value| displayed_value(entity, name, value)),
                after: after.get(name).and_then(|value| displayed_value(entity, name, value)),
            };
            (change.before.is_some() || change.after.is_some()).then_some(change)
        })
        .collect()
}

/// The GraphQL name of a column.
pub(crate) fn field_name(entity: &'static Entity, name: &str) -> String {
    let column = entity.table.find(name);
    let field = entity.fields.iter().find(|field| match &field.gives {
        FieldKind::Column { column: known, .. } | FieldKind::Reference { column: known, .. } => {
            Some(*known) == column
        }
        _ => false,
    });
    field.map_or_else(|| camel(name), |field| field.name.clone())
}

/// The column of a field, the reverse of [`field_name`].
pub(super) fn column_of_field(entity: &'static Entity, name: &str) -> Option<&'static str> {
    let columns = entity.table.columns.iter().map(|column| column.name);
    columns.into_iter().find(|column| field_name(entity, column) == name)
}

/// The GraphQL form of a stored value; `None` for null.
pub(crate) fn displayed_value(
    entity: Option<&'static Entity>,
    name: &str,
    value: &Json,
) -> Option<JsonText> {
    if value.is_null() {
        return None;
    }
    // The values of foreign key columns, including those of join tables, are returned as global IDs.
    if let Some(key) = value.as_i64() {
        let to = entity.and_then(|entity| points_to(entity, name));
        let to = to.or_else(|| catalog::called(name.strip_suffix("_id")?));
        if let Some(to) = to {
            return Some(JsonText(Json::String(format!("{}:{key}", to.name))));
        }
    }
    let scalar = entity.and_then(|entity| {
        let column = entity.table.find(name)?;
        entity.fields.iter().find_map(|field| match &field.gives {
            FieldKind::Column { column: known, scalar, .. } if *known == column => Some(*scalar),
            _ => None,
        })
    });
    let value = match (scalar, value) {
        (_, Json::String(stored)) if is_note(entity, name) => Json::String(Note::sentences(stored)),
        (Some(Scalar::Enum(ty)), Json::String(word)) => Json::String(enum_value(ty, word)),
        (Some(Scalar::DateTime), Json::String(time)) => Json::String(
            time.strip_suffix("+00:00").map_or(time.clone(), |time| format!("{time}Z")),
        ),
        (_, value) => value.clone(),
    };
    Some(JsonText(value))
}

/// Whether a column holds notes, which are shown as sentences.
fn is_note(entity: Option<&'static Entity>, column: &str) -> bool {
    let table = entity.map_or("", |entity| entity.table.name);
    matches!(
        (table, column),
        ("import_jobs", "error") | ("import_records", "reason" | "last_error")
    )
}

/// The entity that a column references.
fn points_to(entity: &'static Entity, name: &str) -> Option<&'static Entity> {
    let column = entity.table.find(name)?;
    entity.fields.iter().find_map(|field| match &field.gives {
        FieldKind::Reference { column: known, to, .. } if *known == column => Some(to()),
        _ => None,
    })
}
