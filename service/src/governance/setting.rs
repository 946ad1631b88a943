//! Organization settings.

use std::sync::LazyLock;

use engine::{
    clock::Clock,
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    reason::Reason,
    record::Record,
    scope::Scope,
    store::Engine,
    table::{Table, UniqueField},
    value::Value,
    write::{
        Unit,
        rules::{Check, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
use entity::governance::setting::ActiveModel;
pub use entity::governance::setting::{Column, Entity};
use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::OnConflict,
};
use serde_json::{Value as Json, json};

/// Settings are identified by their key.
static UNIQUE: UniqueField = UniqueField {
    column: Column::Key.name(),
    written_as: Column::Key.name(),
    upsert: true,
    reason: Reason::SettingKeyTaken,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::of::<Entity>("setting").unique(&UNIQUE));
    &TABLE
}

/// Scopes of settings (`settings.scope`).
pub const SCOPES: &[EnumValue] = &[
    enum_value("system", "A built-in setting, which can't be deleted."),
    enum_value("organization", "A setting added by the organization."),
];

/// Value types (`settings.value_type`).
pub const TYPES: &[EnumValue] = &[
    enum_value("string", "String."),
    enum_value("integer", "Integer."),
    enum_value("float", "Floating-point number."),
    enum_value("boolean", "Boolean."),
    enum_value("json", "JSON."),
];

/// Language model provider: `openai`, or the name of a service with a compatible API.
pub const LLM_PROVIDER: &str = "llm_provider";
/// Name of the language model.
pub const LLM_MODEL: &str = "llm_model";
/// Maximum number of records that are sent to external providers concurrently.
pub const CONCURRENCY: &str = "max_concurrent_enrichments";
/// TTL of provider cache entries, in days.
pub const CACHE_DAYS: &str = "cache_ttl_days";
/// Daily spend limit, in US dollars.
pub const SPEND_LIMIT: &str = "daily_spend_limit";
/// Whether more than one provider may be used per record.
pub const DEEP_SEARCH: &str = "enable_deep_search";
/// Prices of language models: `{"MODEL": {"input": 0.15, "output": 0.6}}`, in US dollars per million tokens.
pub const LLM_PRICES: &str = "llm_prices";

/// A setting that the server uses.
struct Known {
    key: &'static str,
    of_type: &'static str,
    usual: fn() -> Json,
    /// Description from the specification of the enrichment; `None` for settings added later.
    about: Option<&'static str>,
    allowed: fn(&Json) -> Option<&'static str>,
}

fn number_between(
    value: &Json,
    least: f64,
    most: f64,
    message: &'static str,
) -> Option<&'static str> {
    let within = value.as_f64().is_some_and(|number| (least..=most).contains(&number));
    (!within).then_some(message)
}

const KNOWN: [Known; 7] = [
    Known {
        key: LLM_PROVIDER,
        of_type: "string",
        usual: || json!("openai"),
        about: Some("LLM provider to use"),
        allowed: |value| {
            let filled =
                value.as_str().is_some_and(|name| !name.trim().is_empty() && name.len() <= 50);
            (!filled).then_some("`value` must be a provider name of 1 to 50 characters")
        },
    },
    Known {
        key: LLM_MODEL,
        of_type: "string",
        usual: || json!("gpt-4o-mini"),
        about: Some("Model name"),
        allowed: |value| {
            let filled =
                value.as_str().is_some_and(|name| !name.trim().is_empty() && name.len() <= 200);
            (!filled).then_some("`value` must be a model name of 1 to 200 characters")
        },
    },
    Known {
        key: CONCURRENCY,
        of_type: "integer",
        usual: || json!(3),
        about: Some("Max parallel enrichments"),
        allowed: |value| number_between(value, 1.0, 100.0, "`value` must be from 1 to 100"),
    },
    Known {
        key: CACHE_DAYS,
        of_type: "integer",
        usual: || json!(7),
        about: Some("Cache expiry in days"),
        allowed: |value| number_between(value, 0.0, 3_650.0, "`value` must be from 0 to 3650 days"),
    },
    Known {
        key: SPEND_LIMIT,
        of_type: "float",
        usual: || json!(100.0),
        about: Some("Maximum daily API spend"),
        allowed: |value| {
            number_between(value, 0.0, 1e9, "`value` must be from 0 to 1000000000 US dollars")
        },
    },
    Known {
        key: DEEP_SEARCH,
        of_type: "boolean",
        usual: || json!(true),
        about: Some("Enable deep web search"),
        allowed: |_| None,
    },
    Known {
        key: LLM_PRICES,
        of_type: "json",
        // https://openai.com/api/pricing, gpt-4o-mini, US dollars per million tokens.
        usual: || json!({ "gpt-4o-mini": { "input": 0.15, "output": 0.6, "cached_input": 0.075 } }),
        about: None,
        allowed: |value| {
            let price =
                |price: &Json| price.as_f64().is_some_and(|price| (0.0..1e6).contains(&price));
            let proper = value.as_object().is_some_and(|models| {
                models.values().all(|model| {
                    let cached = &model["cached_input"];
                    price(&model["input"])
                        && price(&model["output"])
                        && (cached.is_null() || price(cached))
                })
            });
            (!proper).then_some(
                "`value` must give the prices per million tokens of each model; `cached_input` is optional: \
                 {\"MODEL\": {\"input\": 0.15, \"output\": 0.6, \"cached_input\": 0.075}}",
            )
        },
    },
];

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::Key.name()).on_create().checked(Check::Filled),
            field(Column::Value.name()),
            field(Column::ValueType.name())
                .on_create()
                .checked(Check::OneOf(TYPES))
                .default_value(DefaultValue::Follows),
            field(Column::Description.name()).checked(Check::AtMost(1_000)),
            server_managed(Column::Scope.name(), DefaultValue::Text("organization")),
        ],
        links: &[],
        hooks: &Setting,
    };
    &RULES
}

struct Setting;

impl Hooks for Setting {
    fn complete(
        &self,
        _: &Scope,
        _: Option<&Record>,
        setting: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        complete(setting, problems);
    }

    fn deleting<'u>(&'u self, _: &'u mut Unit, setting: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            if setting.text(Column::Scope) == "system" {
                let message = "a built-in setting can't be deleted; change its value instead";
                return Err(Problem::conflict(engine::Reason::SettingBuiltIn, "id", message).into());
            }
            Ok(())
        })
    }
}

/// Determines the type of a setting and validates its value.
fn complete(setting: &mut Record, problems: &mut Vec<Problem>) {
    let known = KNOWN.iter().find(|known| known.key == setting.text(Column::Key));
    let Value::Json(value) = setting.value(Column::Value).clone() else { return };
    let told = setting.text(Column::ValueType).to_owned();
    let of_type = match known {
        Some(known) => known.of_type,
        None if told.is_empty() => type_of(&value),
        None => told.as_str(),
    };
    if !told.is_empty() && told != of_type {
        let message = format!(
            "setting `{}` must have type {}",
            setting.text(Column::Key),
            of_type.to_uppercase()
        );
        problems.push(Problem::invalid(engine::Reason::SettingTypeMismatch, "value_type", message));
    }
    let fits = match of_type {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "float" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => true,
    };
    if !fits {
        let message = format!("`value` must have type {}", of_type.to_uppercase());
        problems.push(Problem::invalid(engine::Reason::SettingTypeMismatch, "value", message));
    } else if let Some(message) = known.and_then(|known| (known.allowed)(&value)) {
        problems.push(Problem::invalid(engine::Reason::ValueInvalid, "value", message));
    }
    setting.set(Column::ValueType, Value::Text(of_type.to_owned()));
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::String(_) => "string",
        Json::Number(number) if number.is_i64() => "integer",
        Json::Number(_) => "float",
        Json::Bool(_) => "boolean",
        _ => "json",
    }
}

/// Whether the server uses a setting.
pub(crate) fn is_known(key: &str) -> bool {
    KNOWN.iter().any(|known| known.key == key)
}

/// Validation error for the value of a setting, if any.
pub(crate) fn refusal(setting: &Record) -> Option<String> {
    let mut problems = Vec::new();
    complete(&mut setting.clone(), &mut problems);
    problems.into_iter().next().map(|problem| problem.message)
}

/// Settings of an organization, with default values for missing settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    told: std::collections::HashMap<String, Json>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`engine::Error::Unavailable`] if the database doesn't respond.
    pub async fn read(scope: &Scope) -> Result<Self> {
        Ok(Self::of(scope.store().tuples(&stored(scope)).await?))
    }

    /// Reads the settings within the transaction of a unit of work.
    pub(crate) async fn within(unit: &Unit) -> Result<Self> {
        Ok(Self::of(unit.tuples(&stored(unit.scope())).await?))
    }

    fn of(rows: Vec<(String, Json)>) -> Self {
        Self { told: rows.into_iter().collect() }
    }

    fn value(&self, key: &str) -> Json {
        let usual = || KNOWN.iter().find(|known| known.key == key).map(|known| (known.usual)());
        self.told.get(key).cloned().or_else(usual).unwrap_or_default()
    }

    /// Text value of a setting.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.value(key).as_str().unwrap_or_default().to_owned()
    }

    /// Numeric value of a setting.
    #[must_use]
    pub fn number(&self, key: &str) -> f64 {
        self.value(key).as_f64().unwrap_or_default()
    }

    /// Integer value of a setting.
    #[must_use]
    pub fn count(&self, key: &str) -> i64 {
        self.value(key).as_i64().unwrap_or_default()
    }

    /// Boolean value of a setting.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.value(key).as_bool().unwrap_or_default()
    }

    /// Price of a model, as configured by the organization or built in.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        Price::read(self.value(LLM_PRICES).get(model)).or_else(|| Price::built_in(model))
    }
}

/// Price of a language model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Price of prompt tokens.
    pub input: f64,
    /// Price of completion tokens.
    pub output: f64,
    /// Price of prompt tokens served from the provider's cache; `input` applies if it is unknown.
    pub cached_input: Option<f64>,
}

impl Price {
    /// Built-in price of a model.
    #[must_use]
    pub fn built_in(model: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.key == LLM_PRICES)?;
        Self::read((known.usual)().get(model))
    }

    fn read(price: Option<&Json>) -> Option<Self> {
        let price = price?;
        Some(Self {
            input: price["input"].as_f64()?,
            output: price["output"].as_f64()?,
            cached_input: price["cached_input"].as_f64(),
        })
    }
}

/// The keys and values of the stored settings.
fn stored(scope: &Scope) -> Select<Entity> {
    let settings = scope.select::<Entity>().order_by_asc(Column::Id);
    settings.select_only().columns([Column::Key, Column::Value])
}

/// Inserts missing built-in settings of an organization.
pub(crate) async fn seed<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    clock: &dyn Clock,
    organization: i64,
) -> Result<()> {
    for known in KNOWN.iter().filter(|known| known.about.is_some()) {
        let now = clock.now().fixed_offset();
        let setting = ActiveModel {
            organization_id: Set(organization),
            scope: Set("system".to_owned()),
            key: Set(known.key.to_owned()),
            value: Set((known.usual)()),
            value_type: Set(known.of_type.to_owned()),
            description: Set(known.about.map(str::to_owned)),
            created_at: Set(now),
            updated_at: Set(now),
            ..ActiveModel::default()
        };
        let missing = OnConflict::new().do_nothing().to_owned();
        let insert = Entity::insert(setting).on_conflict(missing);
        connection.execute_raw(insert.build(engine.backend())).await?;
    }
    Ok(())
}
