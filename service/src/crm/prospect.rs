//! Prospects: people who work for companies.

use std::{collections::HashMap, sync::LazyLock};

use engine::{
    enum_values::{EnumValue, TransitionTable, display, enum_value, next},
    error::{Problem, Result},
    normal_form::{email, phone, profile},
    read::{self, List},
    reason::Reason,
    record::Record,
    row_scope::{AssignedRows, RowScope},
    scope::Scope,
    search::Searched,
    table::{Table, UniqueField},
    value::Value,
    write::{
        Guard, IdempotentRequest, Unit,
        counter::Counter,
        idempotency,
        ownership::{InExport, OnErase, OnMerge, Ownership},
        reference::{OnDelete, Reference},
        row::{alive, current},
        rules::{
            Check, Created, Creating, DefaultValue, Delete, Hooks, Rules, field, server_managed,
        },
    },
};
pub use entity::crm::prospect::{Column, Entity};
use futures_util::future::BoxFuture;

use super::{assignment, company, opt_out};
use crate::identity::{membership, team};

/// Prospects are assigned to the remaining company. A company with prospects can't be erased.
static COMPANY_OWNERSHIP: Ownership = Ownership {
    column: Column::CompanyId.name(),
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Repoint,
    in_export: InExport::No,
};

/// Companies count their prospects.
static COMPANY_COUNTER: Counter = Counter {
    via: Column::CompanyId.name(),
    table: company::table,
    column: company::Column::ProspectCount.name(),
};

/// A company with prospects can't be deleted.
static COMPANY: Reference = Reference {
    column: Column::CompanyId.name(),
    to: "companies",
    on_delete: OnDelete::Reject {
        reason: Reason::CompanyHasProspects,
        with_deleted: false,
        message: |prospects| {
            format!(
                "the company has {prospects} prospects that are not deleted; delete or move them first"
            )
        },
    },
    moves_on_merge: true,
};

/// Prospects that were merged into another one are erased and exported with it (`privacy.rs`).
static MERGED_INTO_OWNERSHIP: Ownership = Ownership {
    column: Column::MergedIntoId.name(),
    owner: "prospects",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// Prospects stay without a team when it is deleted.
static TEAM: Reference = Reference {
    column: Column::TeamId.name(),
    to: "teams",
    on_delete: OnDelete::Clear,
    moves_on_merge: false,
};

/// Prospects are identified by their e-mail address.
static UNIQUE: UniqueField = UniqueField {
    column: Column::EmailKey.name(),
    written_as: Column::Email.name(),
    upsert: true,
    reason: Reason::ProspectEmailTaken,
};

/// The engine assigns the duplicates of an erased or merged prospect to the oldest of them.
static DUPLICATE_OWNERSHIP: Ownership = Ownership {
    column: Column::DuplicateOf.name(),
    owner: "prospects",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 1,
    about: "Prospects, searched by name and e-mail address first, then by location, LinkedIn profile, phone number, job title and name of the company.",
    called: &[Column::FullName.name()],
    columns: &[
        Column::FullName.name(),
        Column::Email.name(),
        Column::Location.name(),
        Column::LinkedinUrl.name(),
        Column::Phone.name(),
        Column::JobTitle.name(),
    ],
};

/// A restricted member sees the prospects that it owns or that are assigned to one of its teams.
static ASSIGNED: AssignedRows = AssignedRows {
    owner: Column::OwnerId.name(),
    team: Column::TeamId.name(),
    members: ("team_members", "team_id", "membership_id"),
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("prospect")
            .scoped(RowScope::Assigned(&ASSIGNED))
            .hiding([(Column::MergedIntoId, "prospects"), (Column::DuplicateOf, "prospects")])
            .searched(&SEARCH)
            .comparing([
                (Column::EmailKey, |text| email::key(text.text(Column::Email))),
                (Column::PhoneKey, |text| phone::key(text.text(Column::Phone))),
                (Column::LinkedinKey, |text| profile::key(text.text(Column::LinkedinUrl))),
            ])
            .ranking([(Column::LifecycleRank, |text| {
                let stage = text.text(Column::LifecycleStage);
                let rank = STAGES.iter().position(|known| known.name == stage).unwrap_or_default();
                i64::try_from(rank).ok()
            })])
            .counted_in(&COMPANY_COUNTER)
            .counting_locked([Column::ResearchCount])
            .unique(&UNIQUE)
            .guarded(&GUARD)
            .refers(&COMPANY)
            .refers(&TEAM)
            .belongs_to(&COMPANY_OWNERSHIP)
            .belongs_to(&MERGED_INTO_OWNERSHIP)
            .belongs_to(&DUPLICATE_OWNERSHIP)
    });
    &TABLE
}

/// Stale names are cleared and opt-outs are applied on every write path.
static GUARD: Guard = Guard(|unit, rows| {
    Box::pin(async move {
        for (before, row) in &mut *rows {
            drop_stale_names(*before, row);
        }
        opt_out::guard(unit, rows).await
    })
});

/// Lifecycle stages (`prospects.lifecycle_stage`).
pub const STAGES: &[EnumValue] = &[
    enum_value("new", "New."),
    enum_value("researched", "Researched."),
    enum_value("contacted", "Contacted."),
    enum_value("engaged", "Replied."),
    enum_value("qualified", "Qualified."),
    enum_value("opportunity", "Sales opportunity."),
    enum_value("customer", "Customer."),
    enum_value("disqualified", "Disqualified."),
];

/// Sources of prospects (`prospects.source`).
pub const SOURCES: &[EnumValue] = &[
    enum_value("manual", "Created by a person or a program."),
    enum_value("import", "Created by an import."),
];

/// Clears the first and last names if the full name changes but the first and last names don't.
pub(crate) fn drop_stale_names(before: Option<&Record>, prospect: &mut Record) {
    const PARTS: [Column; 2] = [Column::FirstName, Column::LastName];
    let Some(before) = before else { return };
    let is_same = |column: Column| before.value(column) == prospect.value(column);
    if !is_same(Column::FullName) && PARTS.iter().all(|column| is_same(*column)) {
        for column in PARTS {
            prospect.set(column, Value::Null);
        }
    }
}

/// Allowed stage transitions.
const MOVES: &TransitionTable = &[
    ("new", &["researched", "contacted", "disqualified"]),
    ("researched", &["contacted", "disqualified"]),
    ("contacted", &["engaged", "disqualified"]),
    ("engaged", &["qualified", "disqualified"]),
    ("qualified", &["opportunity", "disqualified"]),
    ("opportunity", &["customer", "disqualified"]),
    ("customer", &["engaged"]),
    ("disqualified", &["new"]),
];

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Soft,
        fields: &[
            field(Column::FullName.name()).checked(Check::Filled),
            field(Column::FirstName.name()),
            field(Column::LastName.name()),
            field(Column::Email.name()).checked(Check::Email),
            field(Column::LinkedinUrl.name()).checked(Check::Profile),
            field(Column::Location.name()),
            field(Column::Phone.name()).checked(Check::Phone),
            field(Column::JobTitle.name()),
            field(Column::CompanyId.name())
                .on_create()
                .to(company::table)
                .or_nested("company", company::rules),
            field(Column::OwnerId.name()).on_create().to(membership::table),
            field(Column::TeamId.name()).on_create().to(team::table),
            field(Column::IsActive.name()).default_value(DefaultValue::Bool(true)),
            server_managed(Column::LifecycleStage.name(), DefaultValue::Text("new")),
            server_managed(Column::Source.name(), DefaultValue::Text("manual")),
        ],
        links: &[],
        hooks: &Prospect,
    };
    &RULES
}

struct Prospect;

impl Hooks for Prospect {
    fn creating(&self) -> Option<Creating> {
        Some(|unit, prospect| Box::pin(assignment::restrict(unit, prospect)))
    }

    fn created(&self) -> Option<Created> {
        Some(|unit, prospect| Box::pin(assignment::begin(unit, prospect)))
    }

    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(assignment::update(unit, before, after))
    }

    fn restoring<'u>(
        &'u self,
        unit: &'u mut Unit,
        prospect: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            if let Some(other) = prospect.number(Column::MergedIntoId) {
                let message =
                    format!("the prospect was merged into Prospect:{other} and can't be restored");
                return Err(Problem::conflict(engine::Reason::RowMerged, "id", message).into());
            }
            let company = prospect.key(Column::CompanyId)?;
            match unit.referred(company::table(), company).await? {
                None => Err(Problem::not_found("id", "company").into()),
                Some(company) => alive(&company, "id"),
            }
        })
    }
}

/// Moves a prospect to another stage manually. Returns its primary key.
///
/// # Errors
/// [`engine::Error::Refused`] if the transition is not allowed; the message lists the allowed stages.
pub async fn advance(
    scope: &Scope,
    id: i64,
    stage: String,
    expected_revision: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules(), id, expected_revision).await?;
            let from = before.text(Column::LifecycleStage);
            let to = next(MOVES, from);
            if !to.contains(&stage.as_str()) {
                let message = format!(
                    "a prospect in stage {} can only move to {}, not to {}",
                    from.to_ascii_uppercase(),
                    display(to),
                    stage.to_ascii_uppercase()
                );
                return Err(Problem::conflict(
                    engine::Reason::TransitionNotAllowed,
                    "lifecycle_stage",
                    message,
                )
                .into());
            }
            let mut after = before.clone();
            after.set(Column::LifecycleStage, Value::Text(stage));
            unit.update(&before, after).await?;
            Ok(id)
        })
    })
    .await
}

/// Unsubscribes a prospect, or reverts the unsubscription. Returns its primary key.
///
/// # Errors
/// [`engine::Error::Refused`] if the prospect doesn't exist.
pub async fn unsubscribe(
    scope: &Scope,
    id: i64,
    unsubscribed: bool,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = current(unit, rules(), id, None).await?;
            if before.has(Column::UnsubscribedAt) != unsubscribed {
                let mut after = before.clone();
                let time = if unsubscribed { Value::Time(unit.now()) } else { Value::Null };
                after.set(Column::UnsubscribedAt, time);
                unit.update(&before, after).await?;
            }
            Ok(id)
        })
    })
    .await
}

/// Advances the stage because of an event. Never moves the prospect back to an earlier stage, and never changes a
/// stage that can only be set manually.
pub(crate) fn forward(prospect: &mut Record, stage: &str) {
    let order = ["new", "researched", "contacted", "engaged"];
    let place = |stage: &str| order.iter().position(|known| *known == stage);
    let (from, to) = (place(prospect.text(Column::LifecycleStage)), place(stage));
    if from.is_some() && from < to {
        prospect.set(Column::LifecycleStage, Value::Text(stage.to_owned()));
    }
}

/// Whether each of these prospects may be contacted: not deleted and not unsubscribed. One statement, or none if
/// there are no prospects.
pub(crate) async fn reachable(scope: &Scope, prospects: &[i64]) -> Result<HashMap<i64, bool>> {
    if prospects.is_empty() {
        return Ok(HashMap::new());
    }
    let table = table();
    let mut list = List::new(table, String::new());
    let places = [Column::Id, Column::DeletedAt, Column::UnsubscribedAt]
        .map(|column| list.cell(0, table.column(column)));
    let mut keys = prospects.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let loaded = read::by_keys(scope, &list, &keys).await?;
    let rows = loaded.rows.iter().filter_map(|row| {
        let reachable = row[places[1]] == Value::Null && row[places[2]] == Value::Null;
        Some((row[places[0]].key()?, reachable))
    });
    Ok(rows.collect())
}
