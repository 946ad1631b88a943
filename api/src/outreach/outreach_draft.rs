//! Outreach drafts in GraphQL.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value, parser::types::Field,
};
use salesgraph_macros::Entity;
use service::{
    Scope,
    outreach::{
        draft_life::{self, ACTIONS, Action, DraftState},
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
    error::Result,
    governance::change::ActorKind,
    graph::{
        DateTime, EnumType, Json, Many, Of, One, RowView, Vocabulary,
        registry::{Registry, enumeration},
        scalar::enum_value,
    },
    ingest::import_record::ImportRecord,
    offer::event::Event,
    usage::{costs, llm_usage_log::LlmUsageLog},
};

/// A message to a prospect before it is sent, and what became of it.
#[derive(Entity)]
#[entity(table = table, plural = "outreachDrafts", writes = rules)]
pub struct OutreachDraft {
    /// The person it is for.
    pub prospect: One<Prospect>,
    /// The event it is about; null when it is about none.
    pub event: Option<One<Event>>,
    /// Kind of message, in words of your own: `initial`, `follow_up`, `event_invitation`.
    pub draft_type: String,
    /// What it is about, in one line of at most 255 characters.
    pub subject: Option<String>,
    /// The message.
    pub content: String,
    /// How far it has come.
    pub status: Of<OutreachDraftStatus>,
    /// Which way it is to take.
    pub channel: Of<Channel>,
    /// How the content is written.
    pub content_type: Of<ContentType>,
    /// Counts the versions of a message, starting at 1.
    pub version: i32,
    /// The version before, which this one has superseded; null when this is the first.
    pub parent_draft: Option<One<OutreachDraft>>,
    /// The versions that were made of this one.
    #[entity(via = "parent_draft_id")]
    pub newer_versions: Many<OutreachDraft>,
    /// Which of several ways to say it.
    pub variant: Option<String>,
    /// In which tone it is said.
    pub tone: Option<String>,
    /// The language model that wrote it; null when none did.
    pub model: Option<String>,
    /// What kind of actor wrote it; null when that isn't known. What a worker wrote is approved by a person.
    pub author_kind: Option<Of<ActorKind>>,
    /// The name of who wrote it.
    pub author_name: Option<String>,
    /// When it was handed to a person to be read.
    pub submitted_at: Option<DateTime>,
    /// When it was approved.
    pub approved_at: Option<DateTime>,
    /// What kind of actor approved it.
    pub approver_kind: Option<Of<ActorKind>>,
    /// The name of who approved it.
    pub approver_name: Option<String>,
    /// Why it was rejected.
    pub review_note: Option<String>,
    /// When it is to be sent.
    pub scheduled_for: Option<DateTime>,
    /// Who has a claim on it to send it: `worker/NAME`.
    pub claimed_by: Option<String>,
    /// When the claim ends.
    pub claim_expires_at: Option<DateTime>,
    /// When it was sent.
    pub sent_at: Option<DateTime>,
    /// What the provider calls the message.
    pub provider_message_id: Option<String>,
    /// Why it could not be sent, or came back.
    pub error: Option<String>,
    /// What a program keeps of it.
    pub metadata: Option<Json>,
    /// The template that it was made of.
    pub message_template: Option<One<MessageTemplate>>,
    /// The record of an enrichment that it was made for.
    pub import_record: Option<One<ImportRecord>>,
    /// What can be done with it now, by whoever asks.
    #[entity(computed = available_actions, needs("status", "author_kind", "prospect_id", "claimed_by", "claim_expires_at"))]
    pub available_actions: Vec<OutreachDraftAction>,
    /// The interactions that tell of it: that it was sent, that it was answered.
    pub interactions: Many<Interaction>,
    /// The calls to language models that made it.
    #[entity(pairs("outreach_draft_usages", "outreach_draft_id", "llm_usage_log_id"))]
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// What those calls have cost, in US dollars; one that made several things counts its share.
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
    let available = draft_life::available(scope, &drafts).await?;
    Ok(available
        .into_iter()
        .map(|actions| actions.into_iter().map(OutreachDraftAction).collect())
        .collect())
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::Of::Drafts, &rows).await
}

/// Something that can be done with a draft.
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
        Ok(Value::Enum(Name::new(enum_value(self.0.name()))))
    }
}

static ACTION: EnumType = EnumType {
    name: "OutreachDraftAction",
    about: "What can be done with an outreach draft.",
    words: ACTIONS,
};

/// `outreach_drafts.status`.
pub enum OutreachDraftStatus {}

impl Vocabulary for OutreachDraftStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "OutreachDraftStatus",
            about: "How far an outreach draft has come.",
            words: STATUSES,
        }
    }
}

/// `outreach_drafts.content_type`.
pub enum ContentType {}

impl Vocabulary for ContentType {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ContentType",
            about: "How the content of a message is written.",
            words: CONTENT_TYPES,
        }
    }
}
