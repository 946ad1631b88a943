//! Outreach drafts in GraphQL.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value, parser::types::Field,
};
use engine::Scope;
use salesgraph_macros::Entity;
use service::{
    outreach::{
        draft_state::{self, ACTIONS, Action, DraftState},
        outreach_draft::{CONTENT_TYPES, STATUSES, rules, table},
    },
    usage::cost,
};

use super::{
    interaction::{Channel, Interaction},
    message_template::MessageTemplate,
};
use crate::{
    crm::prospect::Prospect,
    identity::actor_kind::ActorKind,
    ingest::import_record::ImportRecord,
    offer::event::Event,
    usage::{costs, llm_usage_log::LlmUsageLog},
};
use graph::{
    DateTime, EnumColumn, EnumType, Json, Many, One, RowView, Vocabulary, error::Result,
    registration::Registry, registry::enumeration, scalar::enum_value,
};

/// An outreach draft: a message to a prospect, and its status.
#[derive(Entity)]
#[entity(table = table, plural = "outreachDrafts", read = Read, writes = rules, write = Write)]
pub struct OutreachDraft {
    /// The recipient.
    pub prospect: One<Prospect>,
    /// The event that the message is about; null if none.
    pub event: Option<One<Event>>,
    /// Type of message, as free text: `initial`, `follow_up`, `event_invitation`.
    pub draft_type: String,
    /// Subject: one line. Maximum: 255 characters.
    pub subject: Option<String>,
    /// Content of the message.
    pub content: String,
    /// Status.
    pub status: EnumColumn<OutreachDraftStatus>,
    /// Channel.
    pub channel: EnumColumn<Channel>,
    /// Content type.
    pub content_type: EnumColumn<ContentType>,
    /// Version number of the message, starting at 1.
    pub version: i32,
    /// The previous version, which this one supersedes; null for the first version.
    pub parent_draft: Option<One<OutreachDraft>>,
    /// Versions that supersede this one.
    #[entity(via = "parent_draft_id")]
    pub newer_versions: Many<OutreachDraft>,
    /// Variant label.
    pub variant: Option<String>,
    /// Tone.
    pub tone: Option<String>,
    /// The language model that wrote the message; null if it was not written by a model.
    pub model: Option<String>,
    /// Kind of the author; null if unknown. A person must approve drafts of workers.
    pub author_kind: Option<EnumColumn<ActorKind>>,
    /// Name of the author.
    pub author_name: Option<String>,
    /// Time of submission for review.
    #[entity(sort)]
    pub submitted_at: Option<DateTime>,
    /// Time of the approval.
    pub approved_at: Option<DateTime>,
    /// Kind of the approver.
    pub approver_kind: Option<EnumColumn<ActorKind>>,
    /// Name of the approver.
    pub approver_name: Option<String>,
    /// Reason for the rejection.
    pub review_note: Option<String>,
    /// Scheduled time to send.
    #[entity(sort)]
    pub scheduled_for: Option<DateTime>,
    /// Actor with the claim to send the draft: `worker/NAME`.
    pub claimed_by: Option<String>,
    /// End of the claim.
    pub claim_expires_at: Option<DateTime>,
    /// Time when the message was sent.
    #[entity(sort)]
    pub sent_at: Option<DateTime>,
    /// Message ID of the provider.
    pub provider_message_id: Option<String>,
    /// Reason for the failure or bounce.
    pub error: Option<String>,
    /// Application-defined metadata.
    pub metadata: Option<Json>,
    /// The message template.
    pub message_template: Option<One<MessageTemplate>>,
    /// The enrichment record that the draft was written for.
    pub import_record: Option<One<ImportRecord>>,
    /// Actions that the caller may take now.
    #[entity(computed = available_actions, needs("status", "author_kind", "prospect_id", "claimed_by", "claim_expires_at"))]
    pub available_actions: Vec<OutreachDraftAction>,
    /// Interactions that record that the draft was sent or replied to.
    pub interactions: Many<Interaction>,
    /// Language-model calls that produced the row.
    #[entity(pairs("outreach_draft_usages", "outreach_draft_id", "llm_usage_log_id"))]
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// Cost of the calls that produced the row, in US dollars. The cost of a call for several rows is divided among
    /// the rows.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn available_actions(
    scope: &Scope,
    rows: Vec<RowView<'_>>,
) -> Result<Vec<Vec<OutreachDraftAction>>> {
    let drafts: Vec<DraftState> = rows
        .iter()
        .map(|row| DraftState {
            status: row.text(0).to_owned(),
            by_worker: row.text(1) == "worker",
            prospect: row.cell(2).key().unwrap_or_default(),
            claim: row.cell(4).time().map(|until| (row.text(3).to_owned(), until)),
        })
        .collect();
    let available = draft_state::available(scope, &drafts).await?;
    Ok(available
        .into_iter()
        .map(|actions| actions.into_iter().map(OutreachDraftAction).collect())
        .collect())
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::CostSubject::Drafts, &rows).await
}

/// Action on an outreach draft.
pub struct OutreachDraftAction(Action);

impl OutputType for OutreachDraftAction {
    fn type_name() -> Cow<'static, str> {
        ACTION.name.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        enumeration(registry, &ACTION);
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(enum_value(&ACTION, self.0.name()))))
    }
}

static ACTION: EnumType =
    EnumType { name: "OutreachDraftAction", about: "Action on an outreach draft.", words: ACTIONS };

/// `outreach_drafts.status`.
pub enum OutreachDraftStatus {}

impl Vocabulary for OutreachDraftStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "OutreachDraftStatus",
            about: "Status of an outreach draft.",
            words: STATUSES,
        }
    }
}

/// `outreach_drafts.content_type`.
pub enum ContentType {}

impl Vocabulary for ContentType {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ContentType", about: "Content type of a message.", words: CONTENT_TYPES }
    }
}
