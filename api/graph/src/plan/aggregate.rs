//! Plans a selection of aggregates: what the service reads, and the response that is written from the result.

use std::sync::Arc;

use async_graphql::{Name, Positioned, Value, parser::types::Field};
use engine::{
    Reason,
    read::{Aggregate, FilteredMeasure, List, MAX_GROUPS, Measure, Zone},
};
use serde_json::{Value as Json, json};

use super::{
    super::{
        aggregate::{
            columns::{MeasureKind, column},
            group_filter, input,
            key::{Dimension, Key, bucket, dimension, enum_name},
            plan::{Part, Plan},
        },
        collect::{Sets, collect},
        declaration::{Entity, Scalar},
        filter,
        input::{arguments, items},
        paging::Paging,
    },
    Planner,
};
use crate::error::{Error, Result};

/// Maximum number of measures in one statement, because databases limit the number of result columns.
const MAX_MEASURES: usize = 500;

/// Maximum product of the number of filter conditions and the number of measures of an aggregate: the statement
/// repeats the filter for each measure.
const MAX_REPEATED_CONDITIONS: usize = 1_000;

/// The filter of a connection, as JSON in the same form as the `filter` argument.
pub(super) fn json_filter(arguments: &indexmap::IndexMap<String, Value>) -> Result<Json> {
    let mut all = Vec::new();
    if let Some(filter @ Value::Object(fields)) = arguments.get("filter")
        && !fields.is_empty()
    {
        let json = filter.clone().into_json();
        all.push(json.map_err(|error| Error::internal(error.to_string()))?);
    }
    let entities = arguments.get("entities").map(items).unwrap_or_default();
    if !entities.is_empty() {
        let json = Value::List(entities.to_vec()).into_json();
        let json = json.map_err(|error| Error::internal(error.to_string()))?;
        all.push(json!({ "entity": { "in": json } }));
    }
    Ok(match all.len() {
        0 => Json::Null,
        1 => all.remove(0),
        _ => json!({ "and": all }),
    })
}

/// An aggregate without group keys.
pub(super) fn new_aggregate() -> Result<Aggregate> {
    let utc = Zone::named("UTC").ok_or_else(|| Error::internal("time zone UTC is missing"))?;
    Ok(Aggregate::new(utc))
}

impl<'a> Planner<'a> {
    /// Plans the `aggregate` field of a connection and adds its measures to `aggregate`.
    ///
    /// # Errors
    /// `INVALID` if an argument is invalid.
    pub(super) fn aggregate(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
        aggregate: &mut Aggregate,
    ) -> Result<Plan> {
        let parts = self.measures(entity, fields, aggregate)?;
        Ok(Plan {
            keys: Vec::new(),
            filter: Json::Null,
            zone: Arc::clone(&aggregate.zone),
            limit: 1,
            parts,
        })
    }

    /// Plans the `groups` field of the connection of `list`, whose rows match `filter`.
    ///
    /// # Errors
    /// `INVALID` if an argument is invalid or a selected key is not in `by`.
    pub(super) fn groups(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
        list: &mut List,
        filter: Json,
    ) -> Result<(Aggregate, Plan)> {
        let first = fields.first().ok_or_else(|| Error::internal("empty field selection"))?;
        let arguments = arguments(self.context, &first.node);
        let mut aggregate = new_aggregate()?;
        let (keys, range) = input::groups(entity, &arguments, list, &mut aggregate)?;
        let filter = match &range {
            Some(range) => {
                let condition = group_filter::below(&keys[range.key], &range.condition);
                group_filter::all(&filter, vec![condition])
            }
            None => filter,
        };
        let mut parts = Vec::new();
        let name = format!("{}Groups", entity.name);
        let sets: Sets<'a> = fields.iter().map(|field| &field.node.selection_set.node).collect();
        for (key, asked) in collect(&name, sets) {
            let part = match asked[0].node.name.node.as_str() {
                "nodes" => Part::Nodes(self.group(entity, &asked, &keys, &mut aggregate)?),
                "totalCount" => {
                    aggregate.count = true;
                    Part::TotalCount
                }
                _ => Part::TypeName(name.clone()),
            };
            parts.push((Name::new(key), part));
        }
        let is_whole = self.context.data_opt::<Arc<Paging>>().is_some();
        if is_whole && list.place.starts_with("Query.") {
            // An export contains all groups; exceeding the export limit is an error.
            (aggregate.limit, aggregate.count) = (MAX_GROUPS, true);
        }
        let (zone, limit) = (Arc::clone(&aggregate.zone), aggregate.limit as usize);
        // The total count is returned as a column of each group, so at least one group must be read.
        aggregate.limit = aggregate.limit.max(1);
        Ok((aggregate, Plan { keys, filter, zone, limit, parts }))
    }

    fn group(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
        keys: &[Key],
        aggregate: &mut Aggregate,
    ) -> Result<Vec<(Name, Part)>> {
        let name = format!("{}Group", entity.name);
        let mut parts = Vec::new();
        let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
        for (key, asked) in collect(&name, sets) {
            let part = match asked[0].node.name.node.as_str() {
                "key" => Part::Object(self.keys(entity, &asked, keys, &mut Vec::new())?),
                "aggregate" => Part::Object(self.measures(entity, &asked, aggregate)?),
                "filter" => Part::Filter,
                _ => Part::TypeName(name.clone()),
            };
            parts.push((Name::new(key), part));
        }
        Ok(parts)
    }

    /// Plans aggregates of all rows, or of the rows that match the `filter` argument of the field.
    fn measures(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
        aggregate: &mut Aggregate,
    ) -> Result<Vec<(Name, Part)>> {
        let first = fields.first().ok_or_else(|| Error::internal("empty field selection"))?;
        let (mut conditions, before) = (0, aggregate.measures.len());
        let filter = match arguments(self.context, &first.node).get("filter") {
            Some(value @ Value::Object(fields)) if !fields.is_empty() => {
                let filter = filter::read(entity, value)?;
                conditions = filter.conditions();
                aggregate.filters.push(filter);
                Some(aggregate.filters.len() - 1)
            }
            _ => None,
        };
        let mut parts = Vec::new();
        let name = format!("{}Aggregate", entity.name);
        let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
        for (key, asked) in collect(&name, sets) {
            let field = asked[0].node.name.node.as_str();
            let part = if field == "count" {
                let measure = FilteredMeasure { measure: Measure::Count, filter };
                let place = aggregate.filtered_measure(measure);
                Part::Measure { place, scalar: Scalar::Int, counts: true }
            } else if let Some(column) = column(entity, field) {
                let type_name = column.kind.aggregate_type();
                let sets = asked.iter().map(|field| &field.node.selection_set.node).collect();
                let mut measures = Vec::new();
                for (key, asked) in collect(type_name, sets) {
                    let name = asked[0].node.name.node.as_str();
                    let part = match column.kind.measure(name) {
                        None => Part::TypeName(type_name.to_owned()),
                        Some(kind) => {
                            let share = self.share(kind, asked[0])?;
                            let measure = kind.of(column.column, share);
                            let measure = FilteredMeasure { measure, filter };
                            let place = aggregate.filtered_measure(measure);
                            let scalar = kind.scalar(column.scalar);
                            Part::Measure { place, scalar, counts: kind.counts() }
                        }
                    };
                    measures.push((Name::new(key), part));
                }
                Part::Object(measures)
            } else {
                Part::TypeName(name.clone())
            };
            parts.push((Name::new(key), part));
        }
        if aggregate.measures.len() > MAX_MEASURES {
            let message = format!(
                "the operation selects more than {MAX_MEASURES} aggregates of one list; select fewer aggregates"
            );
            return Err(Error::too_complex(message));
        }
        if (aggregate.measures.len() - before) * conditions > MAX_REPEATED_CONDITIONS {
            let message = format!(
                "filter conditions times selected fields of `aggregate` exceed {MAX_REPEATED_CONDITIONS}; \
                 filter the list instead"
            );
            return Err(Error::too_complex(message));
        }
        Ok(parts)
    }

    /// The percentile argument.
    fn share(&self, kind: MeasureKind, field: &Positioned<Field>) -> Result<f64> {
        if kind != MeasureKind::Percentile {
            return Ok(0.0);
        }
        let share = match arguments(self.context, &field.node).get("p") {
            Some(Value::Number(number)) => number.as_f64(),
            _ => None,
        };
        share
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| Error::invalid(Reason::ValueOutOfRange, "p", "`p` must be from 0 to 1"))
    }

    /// Plans the group key, or its part below the relations in `path`.
    fn keys(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
        keys: &[Key],
        path: &mut Vec<&'static str>,
    ) -> Result<Vec<(Name, Part)>> {
        let name = format!("{}GroupKey", entity.name);
        let mut parts = Vec::new();
        let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
        for (key, asked) in collect(&name, sets) {
            let selected = asked[0].node.name.node.as_str();
            let known = entity.field(selected);
            let known = known.and_then(|field| Some((field, dimension(entity, field)?)));
            let part = match known {
                None => Part::TypeName(name.clone()),
                Some((field, Dimension::Relation(hop))) => {
                    path.push(&field.name);
                    let inner = self.keys(hop.to, &asked, keys, path)?;
                    path.pop();
                    Part::Object(inner)
                }
                Some((field, dimension)) => {
                    let bucket = match dimension {
                        Dimension::Time { .. } => {
                            arguments(self.context, &asked[0].node).get("bucket").and_then(bucket)
                        }
                        _ => None,
                    };
                    let position = keys.iter().position(|key| key.is(path, &field.name, bucket));
                    Part::Key(position.ok_or_else(|| not_grouped(path, &field.name, bucket))?)
                }
            };
            parts.push((Name::new(key), part));
        }
        Ok(parts)
    }
}

fn not_grouped(path: &[&str], name: &str, bucket: Option<engine::read::Bucket>) -> Error {
    let path = path.iter().copied().chain([name]).collect::<Vec<_>>().join(".");
    let bucket =
        bucket.map_or_else(String::new, |bucket| format!(" with the bucket {}", enum_name(bucket)));
    let message = format!(
        "`key.{path}`{bucket} is not a group key; add it to `by` or remove it from the selection"
    );
    Error::invalid(Reason::GroupKeyInvalid, format!("key.{path}"), message)
}
