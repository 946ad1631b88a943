//! Outreach drafts: messages before they are sent. Every version is a row.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    search::Searched,
    table::Table,
    value::Value,
    write::{
        Unit,
        join_table::JoinTable,
        ownership::{InExport, OnErase, OnMerge, Ownership, Tables},
        reference::{OnDelete, Reference},
        rules::{
            Check, DefaultValue, Delete, Hooks, LinkRule, NestedRows, Rules, field, server_managed,
        },
    },
};
pub use entity::outreach::outreach_draft::{Column, Entity};
use entity::usage::outreach_draft_usage;
use futures_util::future::BoxFuture;

use super::{
    claim,
    draft_state::{self, Action},
    interaction::{self, CHANNELS},
    message_template,
};
use crate::{crm::prospect, offer::event, usage::llm_usage_log};

/// Drafts belong to their prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership {
    column: Column::ProspectId.name(),
    owner: "prospects",
    on_erase: OnErase::DeleteBy(erase),
    on_merge: OnMerge::Repoint,
    in_export: InExport::Rows,
};

/// Erases the drafts of a prospect, including the personal data of the language-model calls.
fn erase<'a>(unit: &'a mut Unit, _: Tables, person: &'a Record) -> BoxFuture<'a, Result<usize>> {
    Box::pin(llm_usage_log::erase_linked(unit, (table(), Column::ProspectId), &USAGES, person))
}

/// A draft belongs to its prospect, also if it was generated for an import record.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: Column::ImportRecordId.name(),
    owner: "import_records",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// Drafts of a deleted event are kept without their reference to it.
static EVENT: Reference = Reference {
    column: Column::EventId.name(),
    to: "events",
    on_delete: OnDelete::Clear,
    moves_on_merge: true,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 6,
    about: "Outreach drafts, searched by subject first, then by content and review notes.",
    called: &[Column::Subject.name()],
    columns: &[Column::Subject.name(), Column::Content.name(), Column::ReviewNote.name()],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("outreach_draft")
            .scoped(RowScope::Through(Column::ProspectId.name(), "prospects"))
            .hiding([
                (Column::ImportRecordId, "import_records"),
                (Column::ParentDraftId, "outreach_drafts"),
            ])
            .searched(&SEARCH)
            .keeping_secret([Column::ApprovedAddress])
            .hidden_with(Column::ProspectId, prospect::table)
            .refers(&EVENT)
            .belongs_to(&PROSPECT_OWNERSHIP)
            .belongs_to(&IMPORT_RECORD_OWNERSHIP)
    });
    &TABLE
}

/// Draft statuses (`outreach_drafts.status`).
pub const STATUSES: &[EnumValue] = &[
    enum_value("draft", "In writing."),
    enum_value("pending_review", "Waiting for review."),
    enum_value("approved", "Approved; the content is frozen."),
    enum_value("rejected", "Rejected in review."),
    enum_value("scheduled", "Approved, and scheduled to be sent."),
    enum_value("sending", "Being sent."),
    enum_value(
        "uncertain",
        "The claim expired while the draft was being sent, so the outcome is unknown until a person or evidence of delivery confirms it.",
    ),
    enum_value("sent", "Sent."),
    enum_value("failed", "Sending failed."),
    enum_value("replied", "The prospect replied."),
    enum_value("bounced", "Bounced."),
    enum_value("superseded", "Superseded by a newer version."),
    enum_value("discarded", "Discarded before sending."),
];

/// Content types (`outreach_drafts.content_type`).
pub const CONTENT_TYPES: &[EnumValue] =
    &[enum_value("text", "Plain text."), enum_value("html", "HTML.")];

/// The language model calls that produced a draft.
pub(crate) static USAGES: JoinTable = USAGE_LINKS;

const USAGE_LINKS: JoinTable = JoinTable {
    table: "outreach_draft_usages",
    near: outreach_draft_usage::Column::OutreachDraftId.name(),
    far: outreach_draft_usage::Column::LlmUsageLogId.name(),
    near_table: table,
    far_table: llm_usage_log::table,
};

/// Validation rules. Statuses are changed by the actions of [`draft_state`].
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::ProspectId.name()).on_create().to(prospect::table).first(),
            field(Column::EventId.name()).to(event::table),
            field(Column::DraftType.name()).checked(Check::Filled),
            field(Column::Subject.name()).checked(Check::AtMost(255)),
            field(Column::Content.name()).checked(Check::Filled),
            field(Column::Channel.name())
                .checked(Check::OneOf(CHANNELS))
                .default_value(DefaultValue::Text("email")),
            field(Column::ContentType.name())
                .checked(Check::OneOf(CONTENT_TYPES))
                .default_value(DefaultValue::Text("text")),
            field(Column::Variant.name()).on_create(),
            field(Column::Tone.name()),
            field(Column::Model.name()),
            field(Column::Metadata.name()).checked(Check::Object),
            field(Column::MessageTemplateId.name()).on_create().to(message_template::table),
            server_managed(Column::Status.name(), DefaultValue::Text("draft")),
            server_managed(Column::Version.name(), DefaultValue::Int(1)),
        ],
        links: &[LinkRule {
            keys: "llm_usage_log_ids",
            pairs: USAGE_LINKS,
            rows: Some(NestedRows { name: "llm_usage_logs", rules: llm_usage_log::rules }),
        }],
        hooks: &Draft,
    };
    &RULES
}

struct Draft;

impl Hooks for Draft {
    fn complete(
        &self,
        scope: &Scope,
        before: Option<&Record>,
        draft: &mut Record,
        _: &mut Vec<Problem>,
    ) {
        // A draft written by a program keeps its author if a person edits it; a draft written by a person that a
        // program edits is attributed to the program.
        let written = |before: &Record| {
            [Column::Content, Column::Subject]
                .into_iter()
                .any(|part| before.value(part) != draft.value(part))
        };
        if before.is_none_or(|before| scope.actor().is_worker() && written(before)) {
            sign(draft, scope, [Column::AuthorKind, Column::AuthorName]);
        }
    }

    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(edit(unit, before, after))
    }

    fn deleting<'u>(&'u self, unit: &'u mut Unit, draft: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            let status = draft.text(Column::Status);
            if !matches!(status, "draft" | "pending_review" | "rejected" | "discarded") {
                let message = format!(
                    "a draft in status {} can't be deleted; discard it before it is sent",
                    status.to_ascii_uppercase()
                );
                return Err(
                    Problem::conflict(engine::Reason::DraftStatusConflict, "id", message).into()
                );
            }
            unit.unlink_all(&USAGES, draft.id()).await?;
            unit.point(table(), Column::ParentDraftId, draft.id(), None).await?;
            unit.point(
                interaction::table(),
                interaction::Column::OutreachDraftId,
                draft.id(),
                None,
            )
            .await?;
            Ok(())
        })
    }
}

/// Stores the kind and name of the actor in the two columns.
pub(super) fn sign(draft: &mut Record, scope: &Scope, [kind, name]: [Column; 2]) {
    let actor = scope.actor();
    draft.set(kind, Value::Text(actor.kind().to_owned()));
    let own = actor.name().map_or(Value::Null, |name| Value::Text(name.to_owned()));
    draft.set(name, own);
}

/// Saves an edited draft: before and during review in place, after approval as a new version that supersedes the old
/// version.
async fn edit(unit: &mut Unit, before: Record, mut after: Record) -> Result<Record> {
    if before.difference(&after).is_empty() {
        return Ok(before);
    }
    claim::refuse_claimed_by_another(unit, &before)?;
    match before.text(Column::Status) {
        "draft" | "pending_review" => unit.update(&before, after).await,
        "rejected" => {
            after.set(Column::Status, Value::Text("draft".to_owned()));
            unit.update(&before, after).await
        }
        "approved" | "scheduled" | "failed" => {
            let mut next = Record::new(table());
            for rule in rules().fields {
                next.copy(rule.column, &after);
            }
            let version = before.number(Column::Version).unwrap_or(1) + 1;
            next.set(Column::Version, Value::Int(version));
            next.set(Column::Status, Value::Text("draft".to_owned()));
            next.set(Column::ParentDraftId, Value::Int(before.id()));
            sign(&mut next, unit.scope(), [Column::AuthorKind, Column::AuthorName]);
            let mut old = before;
            if old.text(Column::Status) != "approved" {
                old = draft_state::put(unit, &old, "approved").await?;
            }
            draft_state::put(unit, &old, "superseded").await?;
            unit.insert(next).await
        }
        status => Err(draft_state::refusal(status, Action::Edit).into()),
    }
}
