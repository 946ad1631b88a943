//! Puts the declared graph into the schema: the one file that touches async-graphql's hidden
//! `registry`, so that another version of it is a day's work.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult,
    Value,
    parser::types::Field as AskedField,
    registry::{MetaEnumValue, MetaField, MetaInputValue, MetaType, MetaTypeId, Registry},
    resolver_utils::resolve_container,
};
use indexmap::IndexMap;

use super::{
    declaration::{Entity, Field, Gives, Scalar, apart},
    filter::{TESTS, offers},
    order::DIRECTIONS,
    root,
    scalar::{DATE_TIME_SPECIFICATION, JSON_SPECIFICATION, enum_value, type_name},
};
use crate::{catalog, schema::Written};

/// Puts a type of async-graphql's own into the schema and gives its name in full.
pub type Register = fn(&mut Registry) -> String;

/// See [`Register`].
pub fn register<T: OutputType>(registry: &mut Registry) -> String {
    T::create_type_info(registry)
}

/// The query root: the declared entities, and the fields written by hand beside them.
#[derive(Debug, Clone, Copy)]
pub struct Query;

impl OutputType for Query {
    fn type_name() -> Cow<'static, str> {
        "Query".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let mut schema = Schema { registry };
            schema.shared();
            let mut fields: Vec<MetaField> = Vec::new();
            for entity in catalog::entities() {
                schema.entity(entity);
                fields.push(single(entity));
                let mut about =
                    format!("{} of the organization, a page at a time.", plural_words(entity));
                about[..1].make_ascii_uppercase();
                fields.push(list(entity.plural, &about, entity));
            }
            fields.extend(node_roots());
            if let MetaType::Object { fields: written, .. } =
                schema.registry.create_fake_output_type::<Written>()
            {
                fields.extend(written.into_values());
            }
            let about = "Where every question starts. Each kind of thing has two fields here: one \
                         by its id, and the list, with filter, order and pages.";
            object("Query", about, fields)
        })
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        _field: &Positioned<AskedField>,
    ) -> ServerResult<Value> {
        resolve_container(context, self).await
    }
}

impl ContainerType for Query {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        let resolved = match root::resolve(context).await {
            Ok(None) => Written.resolve_field(context).await,
            resolved => resolved,
        };
        match resolved {
            Err(error) if may_be_null(context) => {
                context.add_error(error);
                Ok(Some(Value::Null))
            }
            resolved => resolved,
        }
    }
}

impl ObjectType for Query {}

/// Whether the root field that is being resolved may be null.
fn may_be_null(context: &Context<'_>) -> bool {
    let query = context.schema_env.registry.types.get("Query");
    let field = query.and_then(|query| query.field_by_name(&context.item.node.name.node));
    field.is_some_and(|field| !field.ty.ends_with('!'))
}

struct Schema<'r> {
    registry: &'r mut Registry,
}

impl Schema<'_> {
    fn add(&mut self, ty: MetaType) {
        self.registry.types.insert(ty.name().to_owned(), ty);
    }

    fn scalar(&mut self, name: &str, about: &str, specification: &str) {
        self.add(MetaType::Scalar {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            is_valid: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: Some(specification.to_owned()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        });
    }

    fn enumeration(&mut self, name: &str, about: &str, values: Vec<(String, &str)>) {
        let values = values.into_iter().map(|(name, about)| {
            let value = MetaEnumValue {
                name: name.clone(),
                description: Some(about.to_owned()),
                deprecation: Default::default(),
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                directive_invocations: Vec::new(),
            };
            (name, value)
        });
        self.add(MetaType::Enum {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            enum_values: values.collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        });
    }

    fn input(&mut self, name: &str, about: &str, oneof: bool, fields: Vec<MetaInputValue>) {
        self.add(MetaType::InputObject {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            input_fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            oneof,
            directive_invocations: Vec::new(),
        });
    }

    /// What all entities share.
    fn shared(&mut self) {
        self.scalar(
            "DateTime",
            "A moment in UTC, ISO 8601 with up to microseconds: `2026-03-01T09:00:00Z`. As input any \
             offset is taken.",
            DATE_TIME_SPECIFICATION,
        );
        self.scalar("JSON", "Any JSON value, as it was stored.", JSON_SPECIFICATION);

        let directions =
            DIRECTIONS.iter().map(|(name, _, _, about)| ((*name).to_owned(), *about)).collect();
        self.enumeration(
            "OrderDirection",
            "In which direction a list is sorted, and where absent values stand. Text is compared \
             without regard to the case of A–Z.",
            directions,
        );

        self.add(object(
            "PageInfo",
            "What stands around a page of a list.",
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
        ));

        let id = field("id", "ID!", "Global id, unique in the whole graph: the type and the key.");
        self.add(MetaType::Interface {
            name: "Node".to_owned(),
            description: Some("Anything with a global id.".to_owned()),
            fields: IndexMap::from([("id".to_owned(), id)]),
            possible_types: catalog::entities().iter().map(|e| e.name.to_owned()).collect(),
            extends: false,
            inaccessible: false,
            tags: Vec::new(),
            keys: None,
            visible: None,
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        });

        for (scalar, what) in [
            ("ID", "an id; a global one, or the bare key"),
            ("String", "text, without regard to the case of A–Z"),
            ("Int", "a whole number"),
            ("Float", "a number"),
            ("Boolean", "true or false"),
            ("DateTime", "a moment"),
            ("JSON", "a JSON value"),
        ] {
            self.tests(scalar, what);
        }
    }

    /// The filter of a scalar or an enum.
    fn tests(&mut self, scalar: &str, what: &str) {
        let offered = TESTS.iter().filter(|(test, _)| offers(scalar, test));
        let fields = offered.map(|(test, about)| {
            let ty = match *test {
                "isNull" => "Boolean".to_owned(),
                "has" => "String".to_owned(),
                "in" | "notIn" => format!("[{scalar}!]"),
                _ => scalar.to_owned(),
            };
            argument(test, &ty, about)
        });
        let fields = fields.collect();
        let about = format!("Tests of {what}. Those that are given must all pass.");
        self.input(&format!("{scalar}Filter"), &about, false, fields);
    }

    fn entity(&mut self, entity: &'static Entity) {
        let name = entity.name;
        let mut fields = Vec::new();
        for declared in &entity.fields {
            fields.push(self.field(entity, declared));
        }
        self.add(object(name, entity.about, fields));
        self.registry.add_implements(name, "Node");

        let words = plural_words(entity);
        let node_list = format!("[{name}!]!");
        let edge_list = format!("[{name}Edge!]!");
        self.add(object(
            &format!("{name}Connection"),
            &format!("A page of a list of {words}."),
            vec![
                field("nodes", &node_list, "The rows of this page."),
                field("edges", &edge_list, "The rows of this page, each with its cursor."),
                field("pageInfo", "PageInfo!", "What stands around this page."),
                field("totalCount", "Int!", "How many rows the whole list has, with its filter."),
            ],
        ));
        self.add(object(
            &format!("{name}Edge"),
            &format!("A row of a list of {words}, with its cursor."),
            vec![
                field(
                    "cursor",
                    "String!",
                    "Marks this row in this list, with its filter and order.",
                ),
                field("node", &format!("{name}!"), "The row."),
            ],
        ));

        self.filter(entity, &words);
        self.order(entity, &words);
    }

    fn field(&mut self, entity: &'static Entity, declared: &Field) -> MetaField {
        let about = declared.about.as_str();
        let or_null = |ty: &str, optional: bool| {
            if optional { ty.to_owned() } else { format!("{ty}!") }
        };
        match &declared.gives {
            Gives::Id => field(&declared.name, "ID!", about),
            Gives::Column { scalar, optional, .. } => {
                if let Scalar::Enum(ty) = scalar {
                    let words = ty.words.iter().map(|word| (enum_value(word.name), word.about));
                    self.enumeration(ty.name, ty.about, words.collect());
                    self.tests(ty.name, &format!("`{}.{}`", entity.name, declared.name));
                }
                field(&declared.name, &or_null(type_name(*scalar), *optional), about)
            }
            Gives::Reference { optional, .. } => {
                field(&declared.name, &or_null("ID", *optional), about)
            }
            Gives::One { to, optional, .. } => {
                field(&declared.name, &or_null(to().name, *optional), about)
            }
            Gives::Many { to, .. } => list(&declared.name, about, to()),
            Gives::Newest { to, .. } => field(&declared.name, to().name, about),
            Gives::Computed { register, .. } => {
                let ty = register(self.registry);
                field(&declared.name, &ty, about)
            }
        }
    }

    fn filter(&mut self, entity: &'static Entity, words: &str) {
        let own = format!("{}Filter", entity.name);
        let mut fields = vec![
            argument("and", &format!("[{own}!]"), "All of these pass."),
            argument("or", &format!("[{own}!]"), "At least one of these passes."),
            argument("not", &own, "This does not pass."),
        ];
        for declared in &entity.fields {
            let (ty, about) = match &declared.gives {
                Gives::Id | Gives::Reference { .. } => {
                    ("IDFilter".to_owned(), declared.about.clone())
                }
                Gives::Column { scalar, .. } => {
                    (format!("{}Filter", type_name(*scalar)), declared.about.clone())
                }
                Gives::One { to, .. } => {
                    (format!("{}Filter", to().name), format!("What `{}` passes.", declared.name))
                }
                Gives::Many { to, .. } => {
                    let about =
                        format!("What some, none or every one of `{}` passes.", declared.name);
                    (format!("{}ListFilter", to().name), about)
                }
                Gives::Newest { .. } | Gives::Computed { .. } => continue,
            };
            fields.push(argument(&declared.name, &ty, &about));
        }
        let about = format!("Which {words}. What is given must all pass; `not` is the rest.");
        self.input(&own, &about, false, fields);

        let about = format!("Which rows, by the {words} that belong to them.");
        let quantifiers = vec![
            argument("some", &own, "At least one passes."),
            argument("none", &own, "Not a single one passes."),
            argument("every", &own, "All pass; also when there are none."),
        ];
        self.input(&format!("{}ListFilter", entity.name), &about, false, quantifiers);
    }

    fn order(&mut self, entity: &'static Entity, words: &str) {
        let fields = entity.fields.iter().filter_map(|declared| {
            let (ty, about) = match &declared.gives {
                Gives::Id => {
                    ("OrderDirection".to_owned(), "By id: the order without `orderBy`.".to_owned())
                }
                Gives::Column { .. } if declared.sort => {
                    ("OrderDirection".to_owned(), format!("By `{}`.", declared.name))
                }
                Gives::One { to, .. } => {
                    let about = format!("By a field of `{}`; costs more.", declared.name);
                    (format!("{}Order", to().name), about)
                }
                _ => return None,
            };
            Some(argument(&declared.name, &ty, &about))
        });
        let about = format!("By what a list of {words} is sorted: exactly one field.");
        let fields = fields.collect();
        self.input(&format!("{}Order", entity.name), &about, true, fields);
    }
}

/// The root field that gives one row by its id.
fn single(entity: &'static Entity) -> MetaField {
    let about = format!("One {} by its id; null when there is none.", apart(entity.name, ' '));
    let id = argument("id", "ID!", &format!("`{}:` and its key, or the key.", entity.name));
    with_arguments(field(&entity.single, entity.name, &about), vec![id])
}

/// A field that gives a list.
fn list(name: &str, about: &str, entity: &'static Entity) -> MetaField {
    let (filter, order) = (format!("{}Filter", entity.name), format!("[{}Order!]", entity.name));
    let ty = format!("{}Connection!", entity.name);
    let arguments = vec![
        argument("first", "Int", "The first so many rows: 0 to 100, 25 when nothing is said."),
        argument("after", "String", "Only rows after the one with this cursor."),
        argument("last", "Int", "The last so many rows: 0 to 100. Not together with `first`."),
        argument("before", "String", "Only rows before the one with this cursor."),
        argument("filter", &filter, "Which rows."),
        argument("orderBy", &order, "In which order; by id when nothing is said. At most 5 keys."),
    ];
    with_arguments(field(name, &ty, about), arguments)
}

fn node_roots() -> [MetaField; 2] {
    let id = argument("id", "ID!", "Global id: the type and the key, like `Prospect:42`.");
    let ids = argument("ids", "[ID!]!", "Global ids, at most 100.");
    [
        with_arguments(
            field("node", "Node", "Anything by its global id; null when there is none."),
            vec![id],
        ),
        with_arguments(
            field(
                "nodes",
                "[Node]!",
                "Things by their global ids, in that order; null where there is none.",
            ),
            vec![ids],
        ),
    ]
}

fn with_arguments(mut field: MetaField, arguments: Vec<MetaInputValue>) -> MetaField {
    field.args = arguments.into_iter().map(|one| (one.name.clone(), one)).collect();
    field
}

fn field(name: &str, ty: &str, about: &str) -> MetaField {
    MetaField {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        args: IndexMap::new(),
        ty: ty.to_owned(),
        deprecation: Default::default(),
        cache_control: Default::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

fn argument(name: &str, ty: &str, about: &str) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        ty: ty.to_owned(),
        deprecation: Default::default(),
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}

fn object(name: &str, about: &str, fields: Vec<MetaField>) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        keys: None,
        visible: None,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// `outreachDrafts` → `outreach drafts`.
fn plural_words(entity: &Entity) -> String {
    apart(entity.plural, ' ')
}
