//! Merges of duplicate prospects and companies in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use salesgraph_macros::permissions;
use service::{
    catalog::tables,
    crm::merge::{self, Merge, MergeRows, RULES},
};

use super::{company::Company, prospect::Prospect};
use crate::{
    catalog,
    governance::change::{ChangedEntity, displayed_value, field_name},
    usage::report::count,
};
use graph::{
    Declared, Entity, EnumType, Row, Vocabulary,
    action::{act, key},
    error::Result,
    payload::UserError,
    scalar::{EnumValueOf, JsonText},
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merges;

/// Input of `mergeProspects`.
#[derive(InputObject)]
pub struct MergeProspectsInput {
    /// The prospect whose values take precedence.
    pub keep_id: ID,
    /// The prospect whose values fill in missing ones.
    pub drop_id: ID,
    /// Whether nothing is written: the payload shows what the result would be.
    #[graphql(default)]
    pub dry_run: bool,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `mergeCompanies`.
#[derive(InputObject)]
pub struct MergeCompaniesInput {
    /// The company whose values take precedence.
    pub keep_id: ID,
    /// The company whose values fill in missing ones.
    pub drop_id: ID,
    /// Whether nothing is written: the payload shows what the result would be.
    #[graphql(default)]
    pub dry_run: bool,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `mergeProspects`.
#[derive(SimpleObject)]
pub struct MergeProspectsPayload {
    /// The surviving row; null in a dry run and after errors.
    pub prospect: Option<Row<Prospect>>,
    /// The result of the merge or of its dry run; null after errors.
    pub result: Option<MergeResult>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Payload of `mergeCompanies`.
#[derive(SimpleObject)]
pub struct MergeCompaniesPayload {
    /// The surviving row; null in a dry run and after errors.
    pub company: Option<Row<Company>>,
    /// The result of the merge or of its dry run; null after errors.
    pub result: Option<MergeResult>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

/// The result of a merge or of its dry run.
#[derive(SimpleObject)]
pub struct MergeResult {
    /// Global ID of the surviving row: the older one.
    pub survivor_id: ID,
    /// The fields in which the rows or the result differ. Empty in the response to a repeated request with the same
    /// idempotency key.
    pub fields: Vec<MergedField>,
    /// Numbers of related rows that are assigned to the surviving row; types without rows are omitted.
    pub moved_rows: Vec<MovedRows>,
}

/// A field of the result of a merge.
#[derive(SimpleObject)]
pub struct MergedField {
    /// Name of the field.
    pub name: String,
    /// Value of the row in `keepId`.
    pub keep: Option<JsonText>,
    /// Value of the row in `dropId`.
    pub drop: Option<JsonText>,
    /// Value of the result.
    pub result: Option<JsonText>,
    /// How the value of the result was chosen.
    pub rule: EnumValueOf<MergeRule>,
}

/// Related rows that a merge assigns to the surviving row.
#[derive(SimpleObject)]
pub struct MovedRows {
    /// Type of the rows.
    pub entity: EnumValueOf<ChangedEntity>,
    /// Number of rows.
    pub count: i32,
}

/// `MergeRule`.
pub enum MergeRule {}

impl Vocabulary for MergeRule {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "MergeRule",
            about: "How a merge chooses the value of a field.",
            words: RULES,
        }
    }
}

#[permissions]
#[Object]
impl Merges {
    /// Merges two prospects of the same person. The result keeps the older ID and gets the related rows of both; the other
    /// prospect is soft-deleted. An opt-out of either prospect applies to the result.
    #[permission(WriteAll)]
    async fn merge_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MergeProspectsInput,
    ) -> Result<MergeProspectsPayload> {
        let done = act(ctx, |scope, once| async move {
            let rows = rows::<Prospect>(&input.keep_id, &input.drop_id)?;
            merge::prospects(scope, tables(), rows, input.dry_run, once).await
        });
        let (merge, user_errors) = done.await?;
        let survivor = merge.as_ref().filter(|_| !input.dry_run).map(|merge| merge.survivor);
        Ok(MergeProspectsPayload {
            prospect: survivor.map(Row::of),
            result: merge.map(|merge| MergeResult::of(Prospect::entity(), &merge)),
            user_errors,
        })
    }

    /// Merges two companies. The result keeps the older ID and gets the prospects and other related rows of both; the
    /// other company is soft-deleted.
    #[permission(WriteAll)]
    async fn merge_companies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MergeCompaniesInput,
    ) -> Result<MergeCompaniesPayload> {
        let done = act(ctx, |scope, once| async move {
            let rows = rows::<Company>(&input.keep_id, &input.drop_id)?;
            merge::companies(scope, tables(), rows, input.dry_run, once).await
        });
        let (merge, user_errors) = done.await?;
        let survivor = merge.as_ref().filter(|_| !input.dry_run).map(|merge| merge.survivor);
        Ok(MergeCompaniesPayload {
            company: survivor.map(Row::of),
            result: merge.map(|merge| MergeResult::of(Company::entity(), &merge)),
            user_errors,
        })
    }
}

fn rows<E: Declared>(keep: &ID, drop: &ID) -> engine::Result<MergeRows> {
    Ok(MergeRows { keep: key::<E>(keep, "keep_id")?, drop: key::<E>(drop, "drop_id")? })
}

impl MergeResult {
    fn of(entity: &'static Entity, merge: &Merge) -> Self {
        let fields = merge.fields.iter().filter_map(|field| {
            let value =
                |value: &engine::Value| displayed_value(Some(entity), field.column, &value.json());
            Some(MergedField {
                name: field_name(entity, field.column),
                keep: value(&field.keep),
                drop: value(&field.drop),
                result: value(&field.result),
                rule: EnumValueOf::stored(field.rule)?,
            })
        });
        let moved_rows = merge.moved.iter().filter_map(|(table, rows)| {
            let count = count(i64::try_from(*rows).unwrap_or(i64::MAX));
            Some(MovedRows {
                entity: EnumValueOf::stored(catalog::of_table(table).table.called)?,
                count,
            })
        });
        Self {
            survivor_id: ID(format!("{}:{}", entity.name, merge.survivor)),
            fields: fields.collect(),
            moved_rows: moved_rows.collect(),
        }
    }
}
