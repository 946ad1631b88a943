//! The derived schema types for reading.

use super::{
    aggregate,
    declaration::{Entity, Field, FieldKind, Scalar, apart},
    filter::{TESTS, offers},
    order::DIRECTIONS,
    registry::{ArgumentType, FieldType, Schema, argument, field, with_arguments},
    scalar::{DATE_TIME_SPECIFICATION, JSON_SPECIFICATION, type_name},
};

/// Adds the types of all entities; returns the fields of the query root.
pub(super) fn roots(schema: &mut Schema<'_>) -> Vec<FieldType> {
    let mut fields = Vec::new();
    for entity in schema.catalog.entities() {
        schema.entity(entity);
        fields.push(single(entity));
        let mut about =
            format!("{} of the organization, as a paginated list.", entity.plural_words());
        about[..1].make_ascii_uppercase();
        if entity.log {
            fields.push(log(entity));
        } else {
            fields.push(list(entity.plural, &about, entity));
        }
    }
    fields.extend(node_roots());
    fields
}

impl Schema<'_> {
    /// Adds the types that all entities share.
    pub(super) fn shared(&mut self) {
        self.scalar(
            "DateTime",
            "Date and time in UTC, ISO 8601 with up to six decimal places: `2026-03-01T09:00:00Z`. Input accepts any \
             offset.",
            DATE_TIME_SPECIFICATION,
        );
        self.scalar("JSON", "Any JSON value, returned as stored.", JSON_SPECIFICATION);

        let directions =
            DIRECTIONS.iter().map(|(name, _, _, about)| ((*name).to_owned(), *about)).collect();
        self.enumeration(
            "OrderDirection",
            "Sort direction and position of nulls. Comparison of text ignores the case of A–Z.",
            directions,
        );

        self.object(
            "PageInfo",
            "Information about a page of a list.",
            vec![
                field("hasPreviousPage", "Boolean!", "Whether there are rows before this page."),
                field("hasNextPage", "Boolean!", "Whether there are rows after this page."),
                field(
                    "startCursor",
                    "String",
                    "The cursor of the first row; null on an empty page.",
                ),
                field("endCursor", "String", "The cursor of the last row; null on an empty page."),
            ],
        );

        let id = field(
            "id",
            "ID!",
            "Global ID: the type and the primary key, unique in the whole graph.",
        );
        self.node(id);

        for (scalar, what) in [
            ("ID", "IDs: global IDs, or primary keys"),
            ("String", "text; the case of A–Z is ignored"),
            ("Int", "integers"),
            ("Float", "numbers"),
            ("Boolean", "Boolean values"),
            ("DateTime", "timestamps"),
            ("JSON", "JSON values"),
        ] {
            self.tests(scalar, what);
        }
        aggregate::put_shared(self);
    }

    /// Adds the filter of a scalar or an enum.
    fn tests(&mut self, scalar: &str, what: &str) {
        let offered = TESTS.iter().filter(|(test, _)| offers(scalar, test));
        let fields = offered.map(|(test, about)| {
            let ty = match *test {
                "isNull" => "Boolean".to_owned(),
                "has" => "String".to_owned(),
                "cyclic" => "CyclicTimeFilter".to_owned(),
                "in" | "notIn" => format!("[{scalar}!]"),
                _ => scalar.to_owned(),
            };
            argument(test, &ty, about)
        });
        let fields = fields.collect();
        let about = format!("Conditions on {what}. All conditions must match.");
        self.input(&format!("{scalar}Filter"), &about, false, fields);
    }

    fn entity(&mut self, entity: &'static Entity) {
        let name = entity.name;
        let mut fields = Vec::new();
        for declared in &entity.fields {
            fields.push(self.field(entity, declared));
        }
        self.object(name, entity.about, fields);
        self.implements_node(name);

        let words = entity.plural_words();
        let node_list = format!("[{name}!]!");
        let edge_list = format!("[{name}Edge!]!");
        let [aggregate, groups] = aggregate::types::fields(entity);
        self.object(
            &format!("{name}Connection"),
            &format!("A page of a list of {words}."),
            vec![
                field("nodes", &node_list, "The rows of this page."),
                field("edges", &edge_list, "The rows of this page, with cursors."),
                field("pageInfo", "PageInfo!", "Information about this page."),
                field("totalCount", "Int!", "Number of rows that match the filter."),
                aggregate,
                groups,
            ],
        );
        self.object(
            &format!("{name}Edge"),
            &format!("A row of a list of {words} and its cursor."),
            vec![
                field(
                    "cursor",
                    "String!",
                    "Opaque cursor for `after` and `before`; valid for the same filter and order.",
                ),
                field("node", &format!("{name}!"), "The row."),
            ],
        );

        self.filter(entity, &words);
        self.order(entity, &words);
        aggregate::types::put(self, entity);
    }

    fn field(&mut self, entity: &'static Entity, declared: &Field) -> FieldType {
        let about = declared.about.as_str();
        let or_null = |ty: &str, optional: bool| {
            if optional { ty.to_owned() } else { format!("{ty}!") }
        };
        match &declared.gives {
            FieldKind::Id => field(&declared.name, "ID!", about),
            FieldKind::Column { scalar, optional, .. } => {
                if let Scalar::Enum(ty) = scalar {
                    let words = ty.words.iter().map(|word| (word.enum_value(), word.about));
                    self.enumeration(ty.name, ty.about, words.collect());
                    self.tests(ty.name, &format!("`{}.{}`", entity.name, declared.name));
                }
                field(&declared.name, &or_null(type_name(*scalar), *optional), about)
            }
            FieldKind::Reference { optional, .. } => {
                field(&declared.name, &or_null("ID", *optional), about)
            }
            FieldKind::One { to, optional, .. } => {
                field(&declared.name, &or_null(to().name, *optional), about)
            }
            FieldKind::Many { to, .. } => list(&declared.name, about, to()),
            FieldKind::History => list(&declared.name, about, self.catalog.log()),
            FieldKind::Newest { to, .. } => field(&declared.name, to().name, about),
            FieldKind::Computed { register, paged, .. } => {
                let ty = self.register(*register);
                let field = field(&declared.name, &ty, about);
                if *paged { with_arguments(field, forward()) } else { field }
            }
        }
    }

    fn filter(&mut self, entity: &'static Entity, words: &str) {
        let own = format!("{}Filter", entity.name);
        let mut fields = vec![
            argument("and", &format!("[{own}!]"), "All of these filters match."),
            argument("or", &format!("[{own}!]"), "At least one of these filters matches."),
            argument("not", &own, "This filter does not match."),
        ];
        for declared in &entity.fields {
            let (ty, about) = match &declared.gives {
                FieldKind::Id | FieldKind::Reference { .. } => {
                    ("IDFilter".to_owned(), declared.about.clone())
                }
                FieldKind::Column { scalar, .. } => {
                    (format!("{}Filter", type_name(*scalar)), declared.about.clone())
                }
                FieldKind::One { to, .. } => {
                    (format!("{}Filter", to().name), format!("Filter of `{}`.", declared.name))
                }
                FieldKind::Many { to, .. } => {
                    let about =
                        format!("Filter that some, none or all of `{}` match.", declared.name);
                    (format!("{}ListFilter", to().name), about)
                }
                FieldKind::Newest { .. } | FieldKind::History | FieldKind::Computed { .. } => {
                    continue;
                }
            };
            fields.push(argument(&declared.name, &ty, &about));
        }
        let about = format!("Filter of {words}. All conditions must match.");
        self.input(&own, &about, false, fields);

        let about = format!("Filter of rows by their {words}.");
        let quantifiers = vec![
            argument("some", &own, "At least one matches."),
            argument("none", &own, "None matches."),
            argument("every", &own, "All match; also true if there are none."),
        ];
        self.input(&format!("{}ListFilter", entity.name), &about, false, quantifiers);
    }

    fn order(&mut self, entity: &'static Entity, words: &str) {
        let fields = entity.fields.iter().filter_map(|declared| {
            let (ty, about) = match &declared.gives {
                FieldKind::Id => {
                    ("OrderDirection".to_owned(), "Sort by ID: the default order.".to_owned())
                }
                FieldKind::Column { .. } if declared.sort => {
                    ("OrderDirection".to_owned(), format!("Sort by `{}`.", declared.name))
                }
                FieldKind::One { to, .. } => {
                    let about =
                        format!("Sort by a field of `{}`; has a higher query cost.", declared.name);
                    (format!("{}Order", to().name), about)
                }
                _ => return None,
            };
            Some(argument(&declared.name, &ty, &about))
        });
        let about = format!("Sort key of a list of {words}: exactly one field.");
        let fields = fields.collect();
        self.input(&format!("{}Order", entity.name), &about, true, fields);
    }
}

/// The root field that returns one row by ID.
fn single(entity: &'static Entity) -> FieldType {
    let about = format!("One {} by its ID; null if there is none.", apart(entity.name, ' '));
    let id = argument(
        "id",
        "ID!",
        &format!("`{}:` and the primary key, or the key alone.", entity.name),
    );
    with_arguments(field(&entity.single, entity.name, &about), vec![id])
}

/// A field that returns a list.
fn list(name: &str, about: &str, entity: &'static Entity) -> FieldType {
    let (filter, order) = (format!("{}Filter", entity.name), format!("[{}Order!]", entity.name));
    let ty = format!("{}Connection!", entity.name);
    let arguments = vec![
        argument("first", "Int", "Page size, from 0 to 100. Default: 25."),
        argument("after", "String", "Only rows after this cursor."),
        argument(
            "last",
            "Int",
            "Page size from the end of the list, from 0 to 100. Can't be combined with `first`.",
        ),
        argument("before", "String", "Only rows before this cursor."),
        argument("filter", &filter, "Filter."),
        argument("orderBy", &order, "Sort keys. Default: by ID. Maximum: 5."),
    ];
    with_arguments(field(name, &ty, about), arguments)
}

/// The pagination arguments of a list with forward pagination only.
fn forward() -> Vec<ArgumentType> {
    vec![
        argument("first", "Int", "Page size, from 0 to 100. Default: 25."),
        argument("after", "String", "Only items after the item with this cursor."),
    ]
}

fn node_roots() -> [FieldType; 2] {
    let id = argument("id", "ID!", "Global ID: the type and the primary key, like `Prospect:42`.");
    let ids = argument("ids", "[ID!]!", "Global IDs. Maximum: 100.");
    [
        with_arguments(
            field("node", "Node", "An object by its global ID; null if there is none."),
            vec![id],
        ),
        with_arguments(
            field(
                "nodes",
                "[Node]!",
                "Objects by their global IDs, in the order of the IDs; null where there is no object.",
            ),
            vec![ids],
        ),
    ]
}

/// The root field that returns the change log.
fn log(entity: &'static Entity) -> FieldType {
    let about = "Change log: all writes, in commit order. A cursor is a position in the log; \
                 it can be used with any filter and with subscriptions.";
    let arguments = vec![
        argument("first", "Int", "Page size, from 0 to 100. Default: 25."),
        argument("after", "String", "Only entries after the entry with this cursor."),
        argument(
            "last",
            "Int",
            "Page size, counted from the end of the log, from 0 to 100. Can't be combined with `first`.",
        ),
        argument("before", "String", "Only entries before the entry with this cursor."),
        argument(
            "entities",
            "[ChangedEntity!]",
            "Only entries about these entities. Default: all.",
        ),
        argument("filter", &format!("{}Filter", entity.name), "Filter."),
    ];
    with_arguments(field(entity.plural, &format!("{}Connection!", entity.name), about), arguments)
}
