//! The filter that matches the rows of a group, for drilling down from a group to its rows.

use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    Value as Cell,
    read::{Bucket, Zone},
};
use serde_json::{Value as Json, json};

use super::{
    super::scalar::{self, enum_value},
    answer::weekday,
    key::{Key, KeyFormat},
    plan::Plan,
};
use crate::declaration::Scalar;

/// The filter that matches the rows of a group. The first cells of `group` are the group key values.
pub(crate) fn filter(plan: &Plan, group: &[Cell]) -> Json {
    let conditions = plan.keys.iter().zip(group);
    all(&plan.filter, conditions.map(|(key, cell)| condition(key, cell, &plan.zone)).collect())
}

/// Adds conditions to a filter without nesting it more deeply.
pub(crate) fn all(filter: &Json, mut conditions: Vec<Json>) -> Json {
    let Json::Object(given) = filter else {
        return if conditions.len() == 1 {
            conditions.remove(0)
        } else {
            json!({ "and": conditions })
        };
    };
    let mut filter = given.clone();
    match filter.get_mut("and") {
        Some(Json::Array(known)) => known.append(&mut conditions),
        Some(known) => {
            conditions.insert(0, known.take());
            *known = Json::Array(conditions);
        }
        None => {
            filter.insert("and".to_owned(), Json::Array(conditions));
        }
    }
    Json::Object(filter)
}

/// The condition on the column of a group key, nested in the relations of its path.
pub(crate) fn below(key: &Key, condition: &Json) -> Json {
    let own = json!({ key.field.name.as_str(): condition });
    key.path.iter().rev().fold(own, |inner, hop| json!({ hop.name: inner }))
}

fn condition(key: &Key, cell: &Cell, zone: &Zone) -> Json {
    let value = match (cell, key.format) {
        (Cell::Null, _) if key.path.is_empty() => return below(key, &json!({ "isNull": true })),
        // Also matches rows for which a relation of the path is null.
        (Cell::Null, _) => return json!({ "not": below(key, &json!({ "isNull": false })) }),
        (Cell::Time(begin), KeyFormat::Bucket(bucket)) => {
            let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let (_, spans) = zone.key_and_spans(*begin, bucket);
            let mut spans: Vec<Json> = spans
                .into_iter()
                .map(|(from, to)| below(key, &json!({ "gte": text(from), "lt": text(to) })))
                .collect();
            return if spans.len() == 1 { spans.remove(0) } else { json!({ "or": spans }) };
        }
        (Cell::Int(number), KeyFormat::Bucket(bucket)) => {
            let zone = zone.name();
            let cyclic = match bucket {
                Bucket::Weekday => json!({ "weekday": weekday(*number), "timeZone": zone }),
                _ => json!({ "hourOfDay": number, "timeZone": zone }),
            };
            return below(key, &json!({ "cyclic": cyclic }));
        }
        (Cell::Int(id), KeyFormat::Id(entity)) => json!(format!("{}:{id}", entity.name)),
        (Cell::Text(word), KeyFormat::Value(Scalar::Enum(ty))) => json!(enum_value(ty, word)),
        (cell, KeyFormat::Value(scalar)) => {
            let mut text = Vec::new();
            // An invalid value is reported when the group key itself is written.
            let _ = scalar::write(&mut text, cell, scalar);
            serde_json::from_slice(&text).unwrap_or_default()
        }
        _ => Json::Null,
    };
    below(key, &json!({ "eq": value }))
}
