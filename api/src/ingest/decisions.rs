//! Decisions on import rows in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    Rows,
    action::{act, act_on_many, key},
    error::Result,
    payload::UserError,
    scalar::EnumValueOf,
    write_types::OnErrorChoice,
};
use salesgraph_macros::permissions;
use service::imports::{Decision, decide, decide_all};

use super::{
    actions::ImportRecordActionPayload,
    import_record::{ImportDecision, ImportRecord},
};
use crate::crm::prospect::Prospect;

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportDecisions;

/// Input of `decideImportRecord`.
#[derive(InputObject)]
pub struct DecideImportRecordInput {
    /// The import record.
    pub id: ID,
    /// Decision.
    pub decision: EnumValueOf<ImportDecision>,
    /// With MERGE, the prospect to fill in. Default: the most likely of `candidates`.
    pub prospect_id: Option<ID>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// A decision in `decideImportRecords`.
#[derive(InputObject)]
pub struct DecideImportRecordItem {
    /// The import record.
    pub id: ID,
    /// Decision.
    pub decision: EnumValueOf<ImportDecision>,
    /// With MERGE, the prospect to fill in. Default: the most likely of `candidates`.
    pub prospect_id: Option<ID>,
}

/// Input of `decideImportRecords`.
#[derive(InputObject)]
pub struct DecideImportRecordsInput {
    /// Import records with their decisions. Maximum: 100.
    pub import_records: Vec<DecideImportRecordItem>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `decideImportRecords`.
#[derive(SimpleObject)]
pub struct DecideImportRecordsPayload {
    /// The import records, in the order of the input; null where rejected. Null if nothing was written.
    pub import_records: Option<Rows<ImportRecord>>,
    /// Errors of the input, each with the index of its item; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl ImportDecisions {
    /// Decides on a row that may match an existing prospect. If the import is already committed, the row is written
    /// shortly afterwards.
    #[permission(WriteAll)]
    async fn decide_import_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: DecideImportRecordInput,
    ) -> Result<ImportRecordActionPayload> {
        let decision = of_ids(&input.id, &input.decision, input.prospect_id.as_ref());
        Ok(act(ctx, |scope, once| decide(scope, decision, once)).await?.into())
    }

    /// Decides on rows that may match existing prospects. Rows of imports that are already committed are written shortly
    /// afterwards.
    #[permission(WriteAll)]
    async fn decide_import_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: DecideImportRecordsInput,
    ) -> Result<DecideImportRecordsPayload> {
        let decisions = input.import_records.iter();
        let decisions =
            decisions.map(|one| of_ids(&one.id, &one.decision, one.prospect_id.as_ref()));
        let done =
            act_on_many(ctx, "import_records", decisions.collect(), input.on_error, decide_all);
        let (import_records, user_errors) = done.await?;
        Ok(DecideImportRecordsPayload { import_records, user_errors })
    }
}

fn of_ids(record: &ID, decision: &EnumValueOf<ImportDecision>, prospect: Option<&ID>) -> Decision {
    Decision {
        record: key::<ImportRecord>(record, "id").ok(),
        decision: decision.name().to_owned(),
        prospect: prospect.map(|id| key::<Prospect>(id, "prospect_id").ok()),
    }
}
