//! The filter that gives the rows of a group: what an analyst goes on with.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};
use service::{Value as Cell, read::Zone};

use super::{
    super::scalar::{self, enum_value},
    fields::{KeyField, Told},
    plan::Plan,
};
use crate::graph::declaration::Scalar;

/// The filter of a group, whose first cells are its keys.
pub(super) fn filter(plan: &Plan, group: &[Cell]) -> Json {
    let conditions = plan.keys.iter().zip(group);
    let mut all: Vec<Json> =
        conditions.map(|(key, cell)| condition(key, cell, &plan.zone)).collect();
    let Json::Object(given) = &plan.filter else {
        return if all.len() == 1 { all.remove(0) } else { json!({ "and": all }) };
    };
    // Beside what was given: no deeper than it is.
    let mut filter = given.clone();
    match filter.get_mut("and") {
        Some(Json::Array(known)) => known.append(&mut all),
        Some(known) => {
            all.insert(0, known.take());
            *known = Json::Array(all);
        }
        None => {
            filter.insert("and".to_owned(), Json::Array(all));
        }
    }
    Json::Object(filter)
}

fn condition(key: &KeyField, cell: &Cell, zone: &Zone) -> Json {
    let below = |test: Json| {
        let own = json!({ key.of.name.as_str(): test });
        key.path.iter().rev().fold(own, |inner, hop| json!({ hop.name: inner }))
    };
    let value = match (cell, key.told) {
        (Cell::Null, _) if key.path.is_empty() => return below(json!({ "isNull": true })),
        // Also when a row on the way is not there.
        (Cell::Null, _) => return json!({ "not": below(json!({ "isNull": false })) }),
        (Cell::Time(begin), Told::Bucket(bucket)) => {
            let moment = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let (_, spans) = zone.told(*begin, bucket);
            let mut spans: Vec<Json> = spans
                .into_iter()
                .map(|(from, to)| below(json!({ "gte": moment(from), "lt": moment(to) })))
                .collect();
            return if spans.len() == 1 { spans.remove(0) } else { json!({ "or": spans }) };
        }
        (Cell::Int(id), Told::Id(entity)) => json!(format!("{}:{id}", entity.name)),
        (Cell::Text(word), Told::Value(Scalar::Enum(_))) => json!(enum_value(word)),
        (cell, Told::Value(scalar)) => {
            let mut text = Vec::new();
            // What can't be told is told where it stands.
            let _ = scalar::write(&mut text, cell, scalar);
            serde_json::from_slice(&text).unwrap_or_default()
        }
        _ => Json::Null,
    };
    below(json!({ "eq": value }))
}
