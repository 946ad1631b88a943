//! Interactions with prospects.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    record::Record,
    row_scope::RowScope,
    search::Searched,
    table::Table,
    value::Value,
    write::{
        Unit,
        ownership::Ownership,
        reference::{OnDelete, Reference},
        rules::{Check, Created, DefaultValue, Delete, Hooks, Rules, field},
    },
};
pub use entity::outreach::interaction::{Column, Entity};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::outreach_draft;
use crate::{crm::prospect, offer::event};

/// Interactions belong to their prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// Interactions of a deleted event are kept without their reference to it.
static EVENT: Reference = Reference {
    column: Column::EventId.name(),
    to: "events",
    on_delete: OnDelete::Clear,
    moves_on_merge: true,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 5,
    about: "Interactions, searched by subject first, then by content and outcome.",
    called: &[Column::Subject.name()],
    columns: &[Column::Subject.name(), Column::Content.name(), Column::Outcome.name()],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("interaction")
            .scoped(RowScope::Through(Column::ProspectId.name(), "prospects"))
            .hiding([(Column::OutreachDraftId, "outreach_drafts")])
            .searched(&SEARCH)
            .hidden_with(Column::ProspectId, prospect::table)
            .refers(&EVENT)
            .belongs_to(&PROSPECT_OWNERSHIP)
    });
    &TABLE
}

/// Directions (`interactions.direction`).
pub const DIRECTIONS: &[EnumValue] =
    &[enum_value("inbound", "From the prospect."), enum_value("outbound", "To the prospect.")];

/// Channels (`interactions.channel`, `outreach_drafts.channel`).
pub const CHANNELS: &[EnumValue] = &[
    enum_value("email", "E-mail."),
    enum_value("call", "Phone call."),
    enum_value("sms", "Text message."),
    enum_value("linkedin", "LinkedIn."),
    enum_value("meeting", "Meeting."),
    enum_value("webhook", "Webhook of another system."),
];

/// Validation rules. The facts of an interaction are immutable; its assessment can be changed.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("log"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::ProspectId.name())
                .on_create()
                .to_written(prospect::table)
                .first()
                .or_with_parent("interactions"),
            field(Column::EventId.name()).on_create().to(event::table),
            field(Column::InteractionType.name()).on_create().checked(Check::Filled),
            field(Column::InteractionDate.name())
                .on_create()
                .checked(Check::NotLater)
                .default_value(DefaultValue::Now),
            field(Column::Subject.name()).on_create().checked(Check::Filled),
            field(Column::Content.name()).on_create().checked(Check::Filled),
            field(Column::Sentiment.name()),
            field(Column::Outcome.name()),
            field(Column::Direction.name())
                .on_create()
                .checked(Check::OneOf(DIRECTIONS))
                .default_value(DefaultValue::Text("outbound")),
            field(Column::Channel.name()).on_create().checked(Check::OneOf(CHANNELS)),
            field(Column::Metadata.name()).on_create().checked(Check::Object),
            field(Column::OutreachDraftId.name()).on_create().to(outreach_draft::table),
        ],
        links: &[],
        hooks: &Interaction,
    };
    &RULES
}

struct Interaction;

impl Hooks for Interaction {
    fn created(&self) -> Option<Created> {
        Some(|unit, interaction| {
            Box::pin(async move {
                if let Some(draft) = interaction.number(Column::OutreachDraftId) {
                    let draft = unit.referred(outreach_draft::table(), draft).await?;
                    let whose =
                        draft.and_then(|draft| draft.number(outreach_draft::Column::ProspectId));
                    if whose != interaction.number(Column::ProspectId) {
                        let message = "`outreachDraftId` belongs to another prospect";
                        return Err(Problem::invalid(
                            engine::Reason::DraftOfOtherProspect,
                            "outreach_draft_id",
                            message,
                        )
                        .into());
                    }
                }
                happened(unit, interaction).await
            })
        })
    }

    fn deleted<'u>(
        &'u self,
        unit: &'u mut Unit,
        interaction: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(unhappened(unit, interaction))
    }
}

/// The column of the prospect for the date of the newest interaction in this direction. Interactions without a
/// direction, from another system, count as outbound.
fn newest(direction: &str) -> prospect::Column {
    if direction == "inbound" {
        prospect::Column::LastEngagementDate
    } else {
        prospect::Column::LastContactedAt
    }
}

/// Updates the prospect after an interaction.
pub(crate) async fn happened(unit: &mut Unit, interaction: &Record) -> Result<()> {
    let prospect = interaction.key(Column::ProspectId)?;
    let date = interaction.time(Column::InteractionDate);
    in_step(unit, prospect, interaction.text(Column::Direction), date).await
}

/// Updates the prospect after an interaction in this direction.
pub(crate) async fn in_step(
    unit: &mut Unit,
    prospect: i64,
    direction: &str,
    date: Option<DateTime<Utc>>,
) -> Result<()> {
    let before = unit.get(prospect::table(), prospect, "prospect_id").await?;
    let mut after = before.clone();
    let column = newest(direction);
    if before.time(column) < date {
        after.set(column, date.map_or(Value::Null, Value::Time));
    }
    prospect::forward(&mut after, if direction == "inbound" { "engaged" } else { "contacted" });
    unit.update(&before, after).await?;
    Ok(())
}

/// Updates the prospect if its newest interaction was removed.
async fn unhappened(unit: &mut Unit, interaction: &Record) -> Result<()> {
    let id = interaction.key(Column::ProspectId)?;
    let before = unit.get(prospect::table(), id, "prospect_id").await?;
    let column = newest(interaction.text(Column::Direction));
    if before.time(column) != interaction.time(Column::InteractionDate) {
        return Ok(());
    }
    let mut after = before.clone();
    after.set(column, newest_date(unit, id, column).await?);
    unit.update(&before, after).await?;
    Ok(())
}

/// Date of the newest interaction for `column` of the prospect.
pub(crate) async fn newest_date(
    unit: &Unit,
    prospect: i64,
    column: prospect::Column,
) -> Result<Value> {
    let direction = if matches!(column, prospect::Column::LastEngagementDate) {
        Column::Direction.eq("inbound")
    } else {
        Column::Direction.is_null().or(Column::Direction.ne("inbound"))
    };
    let newest = unit
        .scope()
        .select::<Entity>()
        .filter(Column::ProspectId.eq(prospect))
        .filter(direction)
        .order_by_desc(Column::InteractionDate)
        .select_only()
        .column(Column::InteractionDate);
    Ok(unit.tuple::<DateTime<Utc>, _>(newest).await?.map_or(Value::Null, Value::Time))
}
