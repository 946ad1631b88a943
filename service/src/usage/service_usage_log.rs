//! Service usage log: paid calls other than language model calls.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    error::Problem,
    record::Record,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        ownership::{InExport, OnErase, OnMerge, Ownership},
        rules::{Check, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
use entity::usage::service_usage_log;

/// A call keeps its costs when its import record is erased, but not the error
/// message and the address, which may contain data of the person.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: "import_record_id",
    owner: "import_records",
    on_erase: OnErase::Redact(&["error", "resource"]),
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<service_usage_log::Entity>("service_usage_log")
            .described("A paid service call.")
            .belongs_to(&IMPORT_RECORD_OWNERSHIP)
    });
    &TABLE
}

/// Kinds of paid calls (`service_usage_logs.kind`).
pub const KINDS: &[EnumValue] = &[
    enum_value("api_call", "An API call."),
    enum_value("browser_session", "A remote browser session."),
    enum_value("storage", "An object-storage operation."),
];

/// Validation rules. The log is append-only.
pub fn rules() -> &'static Rules {
    const COUNT: Check = Check::Between(0.0, 2_147_483_647.0);
    const MONEY: Check = Check::Between(0.0, 1_000_000.0);
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: false,
        delete: Delete::Never,
        fields: &[
            field("kind")
                .checked(Check::OneOf(KINDS))
                .default_value(DefaultValue::Text("api_call")),
            field("provider").checked(Check::Filled),
            field("operation").checked(Check::Filled),
            field("resource"),
            field("bucket"),
            field("quantity").checked(Check::Between(0.0, 1e12)),
            field("unit"),
            field("unit_cost").checked(MONEY),
            field("charges").checked(Check::Any),
            field("cost").checked(MONEY).default_value(DefaultValue::Follows),
            field("tokens").checked(COUNT),
            field("request_id"),
            field("size_bytes").checked(COUNT),
            field("content_type"),
            field("latency_ms").checked(COUNT),
            field("duration_ms").checked(COUNT),
            field("status"),
            field("status_code").checked(Check::Between(0.0, 999.0)),
            field("request_size_bytes").checked(COUNT),
            field("response_size_bytes").checked(COUNT),
            field("error").checked(Check::AtMost(10_000)),
            field("started_at"),
            field("completed_at"),
            server_managed("is_paid_by_server", DefaultValue::Bool(false)),
        ],
        links: &[],
        hooks: &Usage,
    };
    &RULES
}

struct Usage;

impl Hooks for Usage {
    fn complete(
        &self,
        _: &Scope,
        _: Option<&Record>,
        usage: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        let number = |usage: &Record, column: &str| match usage.value(column) {
            Value::Double(number) => Some(*number),
            _ => None,
        };
        // The cost is the sum of the charges, or quantity times unit cost.
        let charges = match usage.value("charges") {
            Value::Json(serde_json::Value::Array(charges)) => {
                let amounts: Option<Vec<f64>> =
                    charges.iter().map(|charge| charge["amount"].as_f64()).collect();
                if amounts.is_none() {
                    let message = "each item of `charges` must have an `amount` in US dollars";
                    problems.push(Problem::invalid(
                        engine::Reason::ValueInvalid,
                        "charges",
                        message,
                    ));
                }
                amounts.map(|amounts| amounts.iter().sum())
            }
            Value::Null => None,
            _ => {
                problems.push(Problem::invalid(
                    engine::Reason::ValueInvalid,
                    "charges",
                    "`charges` must be a list",
                ));
                None
            }
        };
        let priced = number(usage, "quantity").zip(number(usage, "unit_cost"));
        let follows: Option<f64> = charges.or_else(|| priced.map(|(many, price)| many * price));
        match (number(usage, "cost"), charges) {
            (None, _) => {
                if let Some(cost) = follows {
                    usage.set("cost", Value::Double(rounded(cost)));
                }
            }
            (Some(cost), Some(charges)) if (cost - charges).abs() > 5e-9 => {
                let message =
                    format!("`cost` must be the sum of the charges ({})", rounded(charges));
                problems.push(Problem::invalid(engine::Reason::SumMismatch, "cost", message));
            }
            _ => {}
        }
    }
}

/// US dollars with eight decimal places, as stored in the usage logs.
pub(crate) fn rounded(cost: f64) -> f64 {
    (cost * 1e8).round() / 1e8
}
