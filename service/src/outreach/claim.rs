//! Claims: a sender leases drafts that are ready to be sent, so no other sender can claim them.
//!
//! A claim is a lease. If it expires before sending begins, the draft becomes available again. If it expires while the
//! draft is being sent, the draft becomes `uncertain`: the message may have been sent, so the draft stays unavailable
//! until a person or evidence of delivery confirms the outcome.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    clock::Clock,
    error::{Problem, Result},
    policy::Permission,
    policy::Role,
    record::Record,
    scope::{Actor, Scope},
    store::{Engine, Store},
    value::{Kind, Value},
    write::{IdempotentRequest, Unit, idempotency},
};
use sea_orm::{ConnectionTrait, Statement};

use super::outreach_draft;
use crate::crm::prospect;

/// Maximum number of drafts per claim.
pub const MAX_DRAFTS: i64 = 100;

/// Maximum duration of a lease, in seconds.
pub const MAX_LEASE: i64 = 3_600;

/// Number of drafts checked for expired leases per transaction.
const CHUNK: usize = 100;

/// Claims at most `limit` drafts for `lease` seconds, earliest first: approved drafts, and scheduled drafts that are
/// due, whose recipients may be contacted. Returns the primary keys of the claimed drafts.
///
/// # Errors
/// [`engine::Error::Refused`] if a number is out of range, or if the actor has no name.
pub async fn claim(
    scope: &Scope,
    limit: i64,
    lease: i64,
    once: Option<IdempotentRequest>,
) -> Result<Vec<i64>> {
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            within("limit", limit, MAX_DRAFTS)?;
            within("lease_seconds", lease, MAX_LEASE)?;
            let owner = owner(unit.scope())?;
            let until = unit.now() + TimeDelta::seconds(lease);
            let mut claimed = Vec::new();
            for draft in ready(unit, limit).await? {
                let mut after = draft.clone();
                after.set(outreach_draft::Column::ClaimedBy, Value::Text(owner.clone()));
                after.set(outreach_draft::Column::ClaimExpiresAt, Value::Time(until));
                unit.update(&draft, after).await?;
                claimed.push(draft.id());
            }
            Ok(claimed)
        })
    })
    .await
}

fn within(field: &str, number: i64, most: i64) -> Result<()> {
    if (1..=most).contains(&number) {
        return Ok(());
    }
    Err(Problem::invalid(
        engine::Reason::ValueOutOfRange,
        field,
        format!("the value must be from 1 to {most}"),
    )
    .into())
}

/// The drafts that can be claimed, locked until the transaction ends.
async fn ready(unit: &Unit, limit: i64) -> Result<Vec<Record>> {
    let table = outreach_draft::table();
    let columns: Vec<_> =
        table.columns.iter().map(|column| format!("d.\"{}\"", column.name)).collect();
    let lock = match unit.scope().engine() {
        Engine::Postgres => " FOR NO KEY UPDATE OF d SKIP LOCKED",
        // SQLite has a single writer, so no row lock is needed.
        Engine::Sqlite => "",
    };
    let sql = format!(
        "SELECT {} FROM \"outreach_drafts\" d JOIN \"prospects\" p ON p.\"id\" = d.\"prospect_id\" \
         WHERE d.\"organization_id\" = {{}} AND (d.\"status\" = 'approved' OR (d.\"status\" = 'scheduled' \
         AND d.\"scheduled_for\" <= {{}})) AND (d.\"claim_expires_at\" IS NULL OR d.\"claim_expires_at\" <= {{}}) \
         AND p.\"deleted_at\" IS NULL AND p.\"unsubscribed_at\" IS NULL \
         AND (d.\"approved_address\" IS NULL OR d.\"approved_address\" = p.\"email_key\") \
         ORDER BY COALESCE(d.\"scheduled_for\", d.\"approved_at\", d.\"created_at\"), d.\"id\" LIMIT {limit}{lock}",
        columns.join(", ")
    );
    let now = || Value::Time(unit.now()).bind(Kind::Time);
    let binds = vec![unit.scope().organization().into(), now(), now()];
    let rows = unit.query(&sql, binds).await?;
    rows.iter().map(|row| Record::read(table, row, 0)).collect()
}

/// Releases a claim before sending begins; returns the primary key of the draft.
///
/// # Errors
/// [`engine::Error::Refused`] if the actor has no claim on the draft, or if the draft is being sent.
pub async fn release(scope: &Scope, id: i64, once: Option<IdempotentRequest>) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let draft = unit.get(outreach_draft::table(), id, "id").await?;
            demand_claim(unit, &draft)?;
            if draft.text(outreach_draft::Column::Status) == "sending" {
                let message = "the draft is being sent; record the outcome (markOutreachDraftSent, \
                               markOutreachDraftFailed)";
                return Err(
                    Problem::conflict(engine::Reason::DraftStatusConflict, "id", message).into()
                );
            }
            let mut after = draft.clone();
            clear(&mut after);
            unit.update(&draft, after).await?;
            Ok(id)
        })
    })
    .await
}

/// Rejects an actor without an active claim on the draft.
pub(super) fn demand_claim(unit: &Unit, draft: &Record) -> Result<()> {
    let owner = owner(unit.scope())?;
    if is_claimed(draft, unit.now()) && draft.text(outreach_draft::Column::ClaimedBy) == owner {
        return Ok(());
    }
    let message = "you hold no active claim on the draft; claim it first (claimOutreachDrafts)";
    Err(Problem::conflict(engine::Reason::ClaimNotHeld, "id", message).into())
}

/// Rejects a write while another actor has a claim on the draft.
pub(super) fn refuse_claimed_by_another(unit: &Unit, draft: &Record) -> Result<()> {
    let owner = unit.scope().actor().label();
    match draft.time(outreach_draft::Column::ClaimExpiresAt) {
        Some(until)
            if until > unit.now() && draft.text(outreach_draft::Column::ClaimedBy) != owner =>
        {
            let until = until.format("%Y-%m-%dT%H:%M:%SZ");
            let message = format!(
                "the draft is claimed by {} until {until}",
                draft.text(outreach_draft::Column::ClaimedBy)
            );
            Err(Problem::conflict(engine::Reason::DraftClaimed, "id", message).into())
        }
        _ => Ok(()),
    }
}

fn is_claimed(draft: &Record, now: DateTime<Utc>) -> bool {
    draft.time(outreach_draft::Column::ClaimExpiresAt).is_some_and(|until| until > now)
}

/// Whether a draft is being sent under an expired claim.
pub(super) fn is_uncertain(draft: &Record, now: DateTime<Utc>) -> bool {
    draft.text(outreach_draft::Column::Status) == "sending"
        && draft.has(outreach_draft::Column::ClaimExpiresAt)
        && !is_claimed(draft, now)
}

/// Clears the claim of a draft.
pub(super) fn clear(draft: &mut Record) {
    draft.set(outreach_draft::Column::ClaimedBy, Value::Null);
    draft.set(outreach_draft::Column::ClaimExpiresAt, Value::Null);
}

/// The holder of a claim, as stored.
fn owner(scope: &Scope) -> Result<String> {
    if scope.actor().name().is_some() {
        return Ok(scope.actor().label());
    }
    let message =
        "a claim needs a named actor: send `Salesgraph-Actor: worker/NAME`, or an API key";
    Err(Problem::conflict(engine::Reason::ActorUnnamed, "", message).into())
}

/// Rejects sending to an address other than the approved address.
pub(super) fn refuse_other_address(draft: &Record, prospect: &Record) -> Result<()> {
    let approved = draft.text(outreach_draft::Column::ApprovedAddress);
    if approved.is_empty() || approved == prospect.text(prospect::Column::EmailKey) {
        return Ok(());
    }
    let message = "the draft was approved for another e-mail address of the prospect: edit it and have it \
                   approved again";
    Err(Problem::conflict(engine::Reason::RecipientChanged, "id", message).into())
}

/// Stores the address that an approval applies to.
pub(super) async fn bind_address(unit: &mut Unit, draft: &mut Record) -> Result<()> {
    let id = draft.key(outreach_draft::Column::ProspectId)?;
    if let Some(prospect) = unit.peek(prospect::table(), id).await? {
        draft.set(
            outreach_draft::Column::ApprovedAddress,
            prospect.value(prospect::Column::EmailKey).clone(),
        );
    }
    Ok(())
}

/// Marks drafts of all organizations as `uncertain` if their claim expired while they were being sent.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn expire(store: &Store, clock: std::sync::Arc<dyn Clock>) -> Result<()> {
    let engine = store.engine();
    let sql = format!(
        "SELECT \"organization_id\", \"id\" FROM \"outreach_drafts\" WHERE \"status\" = 'sending' \
         AND \"claim_expires_at\" <= {{}} ORDER BY \"id\" LIMIT {CHUNK}"
    );
    let now = Value::Time(clock.now()).bind(Kind::Time);
    let statement: Statement = engine.statement(&sql, vec![now]);
    let mut found = Vec::new();
    for row in store.write().query_all_raw(statement).await? {
        let place: (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        found.push(place);
    }
    for (organization, id) in found {
        let clock = std::sync::Arc::clone(&clock);
        let actor = Actor::Worker("server".to_owned());
        let scope = Scope::new(store.clone(), organization, actor, Role::Owner, clock);
        let mut unit = Unit::begin(&scope).await?;
        if let Some(draft) = unit.find(outreach_draft::table(), id).await?
            && is_uncertain(&draft, unit.now())
        {
            super::draft_state::put(&mut unit, &draft, "uncertain").await?;
            unit.commit().await?;
        }
    }
    Ok(())
}
