//! From the selection of an aggregate to what the service is to work out, and how the answer is written.

use std::sync::Arc;

use async_graphql::{Name, Positioned, Value, parser::types::Field};
use service::read::{Aggregate, List, MOST_GROUPS, Measure, Zone};

use super::{
    super::{
        collect::{Sets, collect},
        declaration::{Entity, Scalar},
        input::arguments,
        paging::Paging,
        plan::Planner,
    },
    fields::KeyField,
    input,
    types::{MEASURES, measured, told_as},
};
use crate::error::{Error, Result};

/// How the answer of an aggregate is written.
pub struct Plan {
    /// What groups are made by.
    pub keys: Vec<&'static KeyField>,
    /// The filter that was given, as JSON.
    pub filter: serde_json::Value,
    /// By whose clocks time is cut.
    pub zone: Arc<Zone>,
    /// How many groups are told.
    pub most: usize,
    /// Its fields, by the name they have in the answer.
    pub parts: Vec<(Name, Part)>,
}

/// How a field of the answer is written.
pub enum Part {
    /// The name of a type.
    TypeName(String),
    /// A measure.
    Measure {
        /// Its place behind the keys.
        place: usize,
        /// How it is told.
        scalar: Scalar,
        /// Whether it is 0 where there are no rows, and not null.
        counted: bool,
    },
    /// The key at this place; null when groups are not made by it.
    Key(Option<usize>),
    /// An object.
    Object(Vec<(Name, Part)>),
    /// The groups.
    Nodes(Vec<(Name, Part)>),
    /// The number of all groups.
    TotalCount,
    /// The filter that gives the rows of the group.
    Filter,
}

impl<'a> Planner<'a> {
    /// Plans the aggregate that `fields` give: `…GroupBy` when it is `grouped`.
    ///
    /// # Errors
    /// `INVALID` when an argument is wrong.
    pub fn aggregate(
        &self,
        entity: &'static Entity,
        place: String,
        fields: &[&'a Positioned<Field>],
        grouped: bool,
    ) -> Result<(Aggregate, Plan)> {
        let first =
            fields.first().ok_or_else(|| Error::internal("a field that nobody asked for"))?;
        let arguments = arguments(self.context, &first.node);
        let utc = Zone::named("UTC").ok_or_else(|| Error::internal("there is no UTC"))?;
        let mut list = List::new(entity.table, place);
        list.log = entity.log;
        let mut aggregate = Aggregate::new(list, utc);
        let mut plan = Plan {
            keys: Vec::new(),
            filter: serde_json::Value::Null,
            zone: Arc::clone(&aggregate.zone),
            most: 1,
            parts: Vec::new(),
        };
        if let Some(filter @ Value::Object(fields)) = arguments.get("filter")
            && !fields.is_empty()
        {
            let json = filter.clone().into_json();
            plan.filter = json.map_err(|error| Error::internal(error.to_string()))?;
        }
        let sets: Sets<'a> = fields.iter().map(|field| &field.node.selection_set.node).collect();
        if grouped {
            plan.keys = input::grouped(entity, &arguments, &mut aggregate)?;
            let name = format!("{}Groups", entity.name);
            for (key, asked) in collect(&name, sets) {
                let part = match asked[0].node.name.node.as_str() {
                    "nodes" => {
                        let sets =
                            asked.iter().map(|field| &field.node.selection_set.node).collect();
                        let name = format!("{}Group", entity.name);
                        let keys = plan.keys.clone();
                        Part::Nodes(Self::measures(entity, &name, sets, &keys, &mut aggregate))
                    }
                    "totalCount" => {
                        aggregate.count = true;
                        Part::TotalCount
                    }
                    _ => Part::TypeName(name.clone()),
                };
                plan.parts.push((Name::new(key), part));
            }
            let whole = self.context.data_opt::<Arc<Paging>>().is_some();
            if whole && aggregate.list.place.starts_with("Query.") {
                // A table of groups has all of them, and tells when there are too many.
                (aggregate.most, aggregate.count) = (MOST_GROUPS, true);
            }
            plan.zone = Arc::clone(&aggregate.zone);
            plan.most = aggregate.most as usize;
            // The number of groups stands beside a group.
            aggregate.most = aggregate.most.max(1);
        } else {
            input::filtered(entity, &arguments, &mut aggregate)?;
            let name = format!("{}Aggregate", entity.name);
            plan.parts = Self::measures(entity, &name, sets, &[], &mut aggregate);
        }
        if aggregate.measures.is_empty() && aggregate.keys.is_empty() {
            aggregate.measure(Measure::Count);
        }
        Ok((aggregate, plan))
    }

    fn measures(
        entity: &'static Entity,
        name: &str,
        sets: Sets<'a>,
        keys: &[&'static KeyField],
        aggregate: &mut Aggregate,
    ) -> Vec<(Name, Part)> {
        let mut parts = Vec::new();
        for (key, asked) in collect(name, sets) {
            let inner = || asked.iter().map(|field| &field.node.selection_set.node).collect();
            let kind = asked[0].node.name.node.as_str();
            let part = match kind {
                "count" => Part::Measure {
                    place: aggregate.measure(Measure::Count),
                    scalar: Scalar::Int,
                    counted: true,
                },
                "filter" => Part::Filter,
                "key" => {
                    let name = format!("{}GroupKey", entity.name);
                    Part::Object(Self::keys(&name, inner(), keys))
                }
                kind => match MEASURES.iter().find(|(measure, ..)| *measure == kind) {
                    Some((_, part, _)) => {
                        let name = format!("{}{part}", entity.name);
                        let mut columns = Vec::new();
                        for (key, asked) in collect(&name, inner()) {
                            let column = asked[0].node.name.node.as_str();
                            let mut known = measured(entity, part).iter();
                            let part = match known.find(|(field, ..)| field.name == column) {
                                Some((_, column, scalar)) => {
                                    let place = aggregate.measure(input::measure(kind, *column));
                                    let (scalar, counted) =
                                        (told_as(part, *scalar), kind == "distinct");
                                    Part::Measure { place, scalar, counted }
                                }
                                None => Part::TypeName(name.clone()),
                            };
                            columns.push((Name::new(key), part));
                        }
                        Part::Object(columns)
                    }
                    None => Part::TypeName(name.to_owned()),
                },
            };
            parts.push((Name::new(key), part));
        }
        parts
    }

    fn keys(name: &str, sets: Sets<'a>, keys: &[&'static KeyField]) -> Vec<(Name, Part)> {
        let fields = collect(name, sets).into_iter().map(|(key, asked)| {
            let field = asked[0].node.name.node.as_str();
            let part = if field == "__typename" {
                Part::TypeName(name.to_owned())
            } else {
                Part::Key(keys.iter().position(|known| known.field == field))
            };
            (Name::new(key), part)
        });
        fields.collect()
    }
}
