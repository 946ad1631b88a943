//! Suggested prospects to invite to events.

use std::collections::HashMap;

use engine::{
    error::Result,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
};
use sea_orm::Value as Bind;
use serde_json::Value as Json;

/// Maximum number of prospects per event.
pub const MAX_SUGGESTIONS: usize = 25;

/// An upcoming event and its target industries.
#[derive(Clone, Debug)]
pub struct Aimed {
    /// Primary key of the event.
    pub event: i64,
    /// A list of IDs or names of industries; any other value matches no industry.
    pub industries: Json,
}

/// Prospects to invite to each of these events, at most [`MAX_SUGGESTIONS`] per event, with the latest engagement
/// first. These prospects work in a target industry of the event, are active and not deleted, unsubscribed or
/// disqualified, and have no draft for the event yet. Two statements.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn of_events(scope: &Scope, events: &[Aimed]) -> Result<HashMap<i64, Vec<i64>>> {
    let store = scope.store();
    let organization = scope.organization();
    let sql = "SELECT \"id\", \"name\" FROM \"industries\" WHERE \"organization_id\" = {}";
    let mut industries = HashMap::new();
    for row in &store.query(sql, vec![organization.into()]).await? {
        let (id, name): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        industries.insert(id.to_string(), id);
        industries.insert(format!("industry:{id}"), id);
        industries.insert(name.to_lowercase(), id);
    }
    let mut pairs: Vec<(i64, i64)> = Vec::new();
    for event in events {
        for one in event.industries.as_array().into_iter().flatten() {
            let name = match one {
                Json::String(name) => name.to_lowercase(),
                other => other.to_string(),
            };
            pairs.extend(industries.get(&name).map(|industry| (event.event, *industry)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut binds: Vec<Bind> = Vec::new();
    let aimed = match store.engine() {
        Engine::Postgres => {
            let (events, industries): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
            for keys in [events, industries] {
                let keys = keys.into_iter().map(Value::Int).collect();
                binds.push(Value::array(keys, Kind::BigInt));
            }
            "unnest({}::bigint[], {}::bigint[]) a(event, industry)"
        }
        Engine::Sqlite => {
            binds.push(serde_json::json!(pairs).to_string().into());
            "(SELECT value ->> 0 AS event, value ->> 1 AS industry FROM json_each({})) a"
        }
    };
    binds.push(organization.into());
    let sql = format!(
        "SELECT event, id FROM (SELECT a.event AS event, p.\"id\" AS id, row_number() OVER \
         (PARTITION BY a.event ORDER BY p.\"last_engagement_date\" DESC NULLS LAST, p.\"id\") AS place \
         FROM {aimed} JOIN \"companies\" c ON c.\"industry_id\" = a.industry AND c.\"deleted_at\" IS NULL \
         JOIN \"prospects\" p ON p.\"company_id\" = c.\"id\" \
         WHERE p.\"organization_id\" = {{}} AND p.\"deleted_at\" IS NULL AND p.\"is_active\" \
         AND p.\"unsubscribed_at\" IS NULL AND p.\"lifecycle_stage\" <> 'disqualified' \
         AND NOT EXISTS (SELECT 1 FROM \"outreach_drafts\" d WHERE d.\"prospect_id\" = p.\"id\" \
         AND d.\"event_id\" = a.event)) x WHERE place <= {MAX_SUGGESTIONS} ORDER BY event, place"
    );
    let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in &store.query(&sql, binds).await? {
        let (event, prospect): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        found.entry(event).or_default().push(prospect);
    }
    Ok(found)
}
