//! Next best actions for prospects in GraphQL.

use async_graphql::{ID, SimpleObject};
use chrono::{TimeDelta, Utc};
use serde_json::{Value as Json, json};
use service::crm::next_action::{KINDS, NextAction};

use crate::catalog;
use graph::{
    EnumType, Vocabulary,
    scalar::{EnumValueOf, JsonText, Moment},
};

/// The next best action for a prospect: the first of `NextBestActionKind` that applies. It is a recommendation only.
#[derive(Clone, SimpleObject)]
pub struct NextBestAction {
    /// Kind of action.
    pub kind: EnumValueOf<NextBestActionKind>,
    /// Reason, as a sentence.
    pub reason: String,
    /// Global ID of the subject, such as the inbound interaction or the pending draft.
    pub evidence: Option<ID>,
    /// Due time; null if there is none.
    pub due_at: Option<Moment>,
    /// Name of the mutation that performs the action.
    pub mutation: String,
    /// Input of the mutation; values that a person has to write are empty.
    pub variables: JsonText,
}

/// `NextBestActionKind`.
pub enum NextBestActionKind {}

impl Vocabulary for NextBestActionKind {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "NextBestActionKind",
            about: "Kind of next best action, in order of precedence.",
            words: KINDS,
        }
    }
}

impl NextBestAction {
    /// The action for the prospect with this primary key.
    #[must_use]
    pub fn of(action: &NextAction, prospect: i64, now: chrono::DateTime<Utc>) -> Option<Self> {
        let prospect = format!("Prospect:{prospect}");
        let draft =
            |kind: &str| json!({ "prospectId": prospect, "draftType": kind, "content": "" });
        let waiting = |more: Json| {
            let mut input = json!({});
            if let Some((id, revision)) = action.draft {
                input =
                    json!({ "id": format!("OutreachDraft:{id}"), "expectedRevision": revision });
            }
            if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
                input.extend(more);
            }
            input
        };
        let tomorrow = || Moment(now + TimeDelta::days(1)).text();
        let (mutation, input) = match action.kind {
            "review_draft" => ("approveOutreachDraft", waiting(json!({}))),
            "send_draft" => {
                ("scheduleOutreachDraft", waiting(json!({ "scheduledFor": tomorrow() })))
            }
            "finish_draft" => ("submitOutreachDraft", waiting(json!({}))),
            "revise_draft" => ("reopenOutreachDraft", waiting(json!({}))),
            "reply" => ("createOutreachDraft", draft("reply")),
            "research" => {
                let input = json!({ "prospectId": prospect, "researchSummary": "" });
                ("saveProspectResearch", input)
            }
            "first_contact" => ("createOutreachDraft", draft("initial")),
            _ => ("createOutreachDraft", draft("follow_up")),
        };
        let evidence = action
            .evidence
            .and_then(|(called, id)| Some(ID(format!("{}:{id}", catalog::called(called)?.name))));
        Some(Self {
            kind: EnumValueOf::stored(action.kind)?,
            reason: action.reason.clone(),
            evidence,
            due_at: action.due_at.map(Moment),
            mutation: mutation.to_owned(),
            variables: JsonText(json!({ "input": input })),
        })
    }
}
