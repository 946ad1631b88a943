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
pub use entity::usage::service_usage_log::{Column, Entity};

/// A call keeps its costs when its import record is erased, but not the error
/// message and the address, which may contain data of the person.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: Column::ImportRecordId.name(),
    owner: "import_records",
    on_erase: OnErase::Redact(&[Column::Error.name(), Column::Resource.name()]),
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("service_usage_log")
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
            field(Column::Kind.name())
                .checked(Check::OneOf(KINDS))
                .default_value(DefaultValue::Text("api_call")),
            field(Column::Provider.name()).checked(Check::Filled),
            field(Column::Operation.name()).checked(Check::Filled),
            field(Column::Resource.name()),
            field(Column::Bucket.name()),
            field(Column::Quantity.name()).checked(Check::Between(0.0, 1e12)),
            field(Column::Unit.name()),
            field(Column::UnitCost.name()).checked(MONEY),
            field(Column::Charges.name()).checked(Check::Any),
            field(Column::Cost.name()).checked(MONEY).default_value(DefaultValue::Follows),
            field(Column::Tokens.name()).checked(COUNT),
            field(Column::RequestId.name()),
            field(Column::SizeBytes.name()).checked(COUNT),
            field(Column::ContentType.name()),
            field(Column::LatencyMs.name()).checked(COUNT),
            field(Column::DurationMs.name()).checked(COUNT),
            field(Column::Status.name()),
            field(Column::StatusCode.name()).checked(Check::Between(0.0, 999.0)),
            field(Column::RequestSizeBytes.name()).checked(COUNT),
            field(Column::ResponseSizeBytes.name()).checked(COUNT),
            field(Column::Error.name()).checked(Check::AtMost(10_000)),
            field(Column::StartedAt.name()),
            field(Column::CompletedAt.name()),
            server_managed(Column::IsPaidByServer.name(), DefaultValue::Bool(false)),
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
        let number = |usage: &Record, column: Column| match usage.value(column) {
            Value::Double(number) => Some(*number),
            _ => None,
        };
        // The cost is the sum of the charges, or quantity times unit cost.
        let charges = match usage.value(Column::Charges) {
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
        let priced = number(usage, Column::Quantity).zip(number(usage, Column::UnitCost));
        let follows: Option<f64> = charges.or_else(|| priced.map(|(many, price)| many * price));
        match (number(usage, Column::Cost), charges) {
            (None, _) => {
                if let Some(cost) = follows {
                    usage.set(Column::Cost, Value::Double(rounded(cost)));
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
