//! Opt-outs by e-mail address. An unsubscribed address receives no more messages, regardless of which prospect has the
//! address, even after the prospect was merged, deleted, erased or imported again.
//!
//! Only a hash of an address is stored (HMAC-SHA-256 with a secret of the organization), so an address can be looked
//! up but not read. The secret is in the database and its backups, but never in an export.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Result},
    normal_form::email,
    record::Record,
    store::Engine,
    value::{Kind, Value},
    write::{Unit, Written},
};
use hmac::{Hmac, Mac};
use sea_orm::{ConnectionTrait, Value as Bind};
use sha2::Sha256;

use super::prospect;
use crate::identity::organization_secret;

/// Applies opt-outs to writes of prospects. A row with an opted-out address is marked as opted out. The address of a
/// row that opts out is recorded, and the address of a row that opts in again is removed.
pub(crate) async fn guard(unit: &mut Unit, rows: &mut [Written<'_>]) -> Result<()> {
    let is_out = |row: &Record| row.has(prospect::Column::UnsubscribedAt);
    let has_moved = |before: Option<&Record>, row: &Record| {
        before.is_none_or(|before| {
            before.text(prospect::Column::EmailKey) != row.text(prospect::Column::EmailKey)
        })
    };
    let mut forgotten = Vec::new();
    let mut asked = Vec::new();
    for (before, row) in rows.iter() {
        let address = row.text(prospect::Column::EmailKey).to_owned();
        match (before.is_some_and(is_out), is_out(row)) {
            (true, false) => forgotten.push((row.id(), address)),
            (false, false) if has_moved(*before, row) => asked.push(address),
            _ => {}
        }
    }
    if !asked.is_empty() {
        let hashes = hashes(unit, &asked).await?;
        let known = known_opt_outs(unit, &hashes).await?;
        for (before, row) in rows.iter_mut() {
            let hash = hashes.get(row.text(prospect::Column::EmailKey)).filter(|_| !is_out(row));
            let since = hash.filter(|_| has_moved(*before, row)).and_then(|hash| known.get(hash));
            if let Some(since) = since {
                row.set(prospect::Column::UnsubscribedAt, Value::Time(*since));
            }
        }
    }
    if !forgotten.is_empty() {
        forget(unit, forgotten).await?;
    }
    let noted = rows.iter().filter(|(before, row)| {
        is_out(row) && (!before.is_some_and(is_out) || has_moved(*before, row))
    });
    let noted = noted.filter_map(|(before, row)| {
        let since = row.time(prospect::Column::UnsubscribedAt)?;
        Some((before.map(Record::id), row.text(prospect::Column::EmailKey).to_owned(), since))
    });
    let mut addresses = Vec::new();
    for (id, address, since) in noted.collect::<Vec<_>>() {
        addresses.push((address, since));
        if let Some(id) = id {
            let merged = merged_addresses(unit, id).await?;
            addresses.extend(merged.into_iter().map(|address| (address, since)));
        }
    }
    note(unit, addresses).await
}

/// Addresses of rows that were merged into the row `id`, directly or transitively.
async fn merged_addresses(unit: &mut Unit, id: i64) -> Result<Vec<String>> {
    let (mut next, mut addresses) = (vec![id], Vec::new());
    while let Some(id) = next.pop() {
        for merged in unit.below(prospect::table(), prospect::Column::MergedIntoId, id).await? {
            addresses.push(merged.text(prospect::Column::EmailKey).to_owned());
            next.push(merged.id());
        }
    }
    Ok(addresses)
}

/// Records the addresses of all rows merged into `survivor` if it is opted out.
pub(crate) async fn record_merged_addresses(unit: &mut Unit, survivor: &Record) -> Result<()> {
    let Some(since) = survivor.time(prospect::Column::UnsubscribedAt) else { return Ok(()) };
    let addresses = merged_addresses(unit, survivor.id()).await?;
    note(unit, addresses.into_iter().map(|address| (address, since)).collect()).await
}

/// Opt-out timestamps of these addresses, by address; addresses without an opt-out are omitted.
pub(crate) async fn of_addresses(
    unit: &Unit,
    addresses: &[String],
) -> Result<HashMap<String, DateTime<Utc>>> {
    let keys: Vec<String> = addresses.iter().filter_map(|address| email::key(address)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let hashes = hashes(unit, &keys).await?;
    let known = known_opt_outs(unit, &hashes).await?;
    let since = |address: &String| Some(*known.get(hashes.get(&email::key(address)?)?)?);
    Ok(addresses.iter().filter_map(|one| Some((one.clone(), since(one)?))).collect())
}

/// Records opted-out addresses.
async fn note(unit: &mut Unit, mut noted: Vec<(String, DateTime<Utc>)>) -> Result<()> {
    noted.retain(|(address, _)| !address.is_empty());
    noted.sort_by(|one, other| one.0.cmp(&other.0));
    noted.dedup_by(|one, other| one.0 == other.0);
    if noted.is_empty() {
        return Ok(());
    }
    let addresses: Vec<String> = noted.iter().map(|(address, _)| address.clone()).collect();
    let hashes = hashes(unit, &addresses).await?;
    let now = unit.now();
    insert(unit, unit.scope().organization(), &hashes, &noted, now).await
}

async fn insert(
    unit: &Unit,
    organization: i64,
    hashes: &HashMap<String, String>,
    noted: &[(String, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<()> {
    for noted in noted.chunks(1_000) {
        let mut binds: Vec<Bind> = Vec::new();
        for (address, since) in noted {
            let Some(hash) = hashes.get(address) else { continue };
            binds.push(organization.into());
            binds.push(hash.clone().into());
            for time in [*since, now, now] {
                binds.push(Value::Time(time).bind(Kind::Time));
            }
        }
        let rows = vec!["({}, {}, {}, {}, {})"; noted.len()].join(", ");
        let sql = format!(
            "INSERT INTO \"opt_outs\" (\"organization_id\", \"address_hash\", \"opted_out_at\", \
             \"created_at\", \"updated_at\") VALUES {rows} \
             ON CONFLICT (\"organization_id\", \"address_hash\") DO NOTHING"
        );
        unit.execute(&sql, binds).await?;
    }
    Ok(())
}

/// Removes the opt-outs of prospects who opted in again, including addresses of rows merged into them.
async fn forget(unit: &mut Unit, rows: Vec<(i64, String)>) -> Result<()> {
    let mut addresses = Vec::new();
    for (id, address) in rows {
        addresses.push(address);
        addresses.extend(merged_addresses(unit, id).await?);
    }
    let hashes: Vec<String> = hashes(unit, &addresses).await?.into_values().collect();
    let mut binds: Vec<Bind> = vec![unit.scope().organization().into()];
    let among = unit.scope().engine().among_texts(hashes, &mut binds);
    let sql = format!(
        "DELETE FROM \"opt_outs\" WHERE \"organization_id\" = {{}} AND \"address_hash\" {among}"
    );
    unit.execute(&sql, binds).await?;
    Ok(())
}

/// Opt-out timestamps of these hashes.
async fn known_opt_outs(
    unit: &Unit,
    hashes: &HashMap<String, String>,
) -> Result<HashMap<String, DateTime<Utc>>> {
    let mut binds: Vec<Bind> = vec![unit.scope().organization().into()];
    let among = unit.scope().engine().among_texts(hashes.values().cloned().collect(), &mut binds);
    let sql = format!(
        "SELECT \"address_hash\", \"opted_out_at\" FROM \"opt_outs\" \
         WHERE \"organization_id\" = {{}} AND \"address_hash\" {among}"
    );
    let rows = unit.query(&sql, binds).await?;
    let mut known = HashMap::new();
    for row in &rows {
        if let Value::Time(since) = Value::read(row, 1, Kind::Time)? {
            known.insert(row.try_get_by_index(0)?, since);
        }
    }
    Ok(known)
}

/// Hashes of normalized addresses, by address.
async fn hashes(unit: &Unit, addresses: &[String]) -> Result<HashMap<String, String>> {
    let secret = organization_secret::get(unit).await?;
    addresses.iter().map(|address| Ok((address.clone(), hash(&secret, address)?))).collect()
}

fn hash(secret: &[u8], address: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret)
        .map_err(|error| Error::internal(error.to_string()))?;
    mac.update(address.as_bytes());
    Ok(organization_secret::hexadecimal(&mac.finalize().into_bytes()))
}

/// Records the opt-outs of rows inserted without a unit of work. `rows` holds organizations, normalized addresses and
/// opt-out timestamps. The organizations already have secrets.
pub(crate) async fn note_rows<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    rows: &[(i64, String, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let secrets = organization_secret::all(connection, engine).await?;
    for (organization, address, since) in rows {
        let Some(secret) = secrets.get(organization) else { continue };
        let time = |time: DateTime<Utc>| Value::Time(time).bind(Kind::Time);
        let hash = hash(secret.as_bytes(), address)?;
        let sql = "INSERT INTO \"opt_outs\" (\"organization_id\", \"address_hash\", \"opted_out_at\", \
                   \"created_at\", \"updated_at\") VALUES ({}, {}, {}, {}, {}) \
                   ON CONFLICT (\"organization_id\", \"address_hash\") DO NOTHING";
        let binds = vec![(*organization).into(), hash.into(), time(*since), time(now), time(now)];
        connection.execute_raw(engine.statement(sql, binds)).await?;
    }
    Ok(())
}
