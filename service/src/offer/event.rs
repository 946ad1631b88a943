//! Events at which the sales team meets prospects.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, TransitionTable, display, enum_value, next},
    error::{Problem, Result},
    row_scope::RowScope,
    scope::Scope,
    search::Searched,
    table::Table,
    value::Value,
    write::{
        IdempotentRequest, idempotency,
        row::current,
        rules::{Check, DefaultValue, Rules, field, server_managed},
    },
};
pub use entity::offer::event::{Column, Entity};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 4,
    about: "Events, searched by type and location first, then by description.",
    called: &[Column::EventType.name(), Column::Location.name()],
    columns: &[Column::EventType.name(), Column::Location.name(), Column::Description.name()],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("event").searched(&SEARCH).scoped(RowScope::Organization)
    });
    &TABLE
}

/// Event statuses (`events.status`).
pub const STATUSES: &[EnumValue] = &[
    enum_value("planned", "Planned."),
    enum_value("open", "Open for invitations."),
    enum_value("completed", "Completed."),
    enum_value("cancelled", "Cancelled."),
];

/// Allowed status transitions.
const MOVES: &TransitionTable =
    &[("planned", &["open", "cancelled"]), ("open", &["completed", "cancelled"])];

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules::plain(
        table,
        &[
            field(Column::EventType.name()).checked(Check::Filled),
            field(Column::EventDate.name()),
            field(Column::Description.name()).checked(Check::Filled),
            field(Column::Location.name()).checked(Check::Filled),
            field(Column::TargetIndustries.name()).checked(Check::List),
            field(Column::TargetRoles.name()).checked(Check::List),
            field(Column::SolutionsFeatured.name()).checked(Check::List),
            server_managed(Column::Status.name(), DefaultValue::Text("planned")),
        ],
    );
    &RULES
}

/// Changes the status of an event. Returns its primary key.
///
/// # Errors
/// [`engine::Error::Refused`] if the transition is not allowed; the message lists the allowed statuses.
pub async fn advance(
    scope: &Scope,
    id: i64,
    status: &'static str,
    expected_revision: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules(), id, expected_revision).await?;
            let from = before.text(Column::Status);
            let to = next(MOVES, from);
            if !to.contains(&status) {
                let from = from.to_ascii_uppercase();
                let message = if to.is_empty() {
                    format!("the status {from} of an event can't be changed")
                } else {
                    format!("an event in status {from} can only change to {}", display(to))
                };
                return Err(
                    Problem::conflict(engine::Reason::TransitionNotAllowed, "id", message).into()
                );
            }
            let mut after = before.clone();
            after.set(Column::Status, Value::Text(status.to_owned()));
            unit.update(&before, after).await?;
            Ok(id)
        })
    })
    .await
}
