//! Secrets of organizations: random bytes, with which values are hashed so that they can be compared but not read. A secret
//! is in the database and its backups, but never in an export.

use std::{collections::HashMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Result},
    store::Engine,
    value::{Kind, Value},
    write::Unit,
};
use sea_orm::{ConnectionTrait, Value as Bind};

/// Purpose of the secret: the hashes of addresses that receive no messages.
const PURPOSE: &str = "opt_outs";

/// Length of a secret in bytes.
const LENGTH: usize = 32;

/// The secret of the organization of the unit, which is created if missing.
pub(crate) async fn get(unit: &Unit) -> Result<Vec<u8>> {
    let organization = unit.scope().organization();
    let cache = unit.scope().store().secrets();
    if let Some(secret) = cache.get(organization) {
        return Ok(secret);
    }
    let sql = "SELECT \"secret\" FROM \"organization_secrets\" WHERE \"organization_id\" = {} AND \"purpose\" = {}";
    let binds = || vec![organization.into(), PURPOSE.into()];
    let rows = unit.query(sql, binds()).await?;
    if let Some(row) = rows.first() {
        let secret = row.try_get_by_index::<String>(0)?.into_bytes();
        // Caches only a secret that existed before this transaction, because the transaction may roll back.
        if !unit.has_made_secret() {
            cache.put(organization, secret.clone());
        }
        return Ok(secret);
    }
    unit.made_secret();
    let (sql_insert, binds_insert) = insertion(organization, unit.now())?;
    unit.execute(sql_insert, binds_insert).await?;
    let rows = unit.query(sql, binds()).await?;
    let row = rows.first().ok_or_else(|| Error::internal("organization secret was not stored"))?;
    Ok(row.try_get_by_index::<String>(0)?.into_bytes())
}

/// Creates the secret of an organization if it has none.
pub(crate) async fn seed<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    organization: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let (sql, binds) = insertion(organization, now)?;
    connection.execute_raw(engine.statement(sql, binds)).await?;
    Ok(())
}

/// The secrets of all organizations.
pub(crate) async fn all<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
) -> Result<HashMap<i64, String>> {
    let sql = "SELECT \"organization_id\", \"secret\" FROM \"organization_secrets\" WHERE \"purpose\" = {}";
    let rows = connection.query_all_raw(engine.statement(sql, vec![PURPOSE.into()])).await?;
    let secrets = rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
    secrets.collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn insertion(organization: i64, now: DateTime<Utc>) -> Result<(&'static str, Vec<Bind>)> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    let now = || Value::Time(now).bind(Kind::Time);
    let sql = "INSERT INTO \"organization_secrets\" (\"organization_id\", \"purpose\", \"secret\", \
               \"created_at\", \"updated_at\") VALUES ({}, {}, {}, {}, {}) \
               ON CONFLICT (\"organization_id\", \"purpose\") DO NOTHING";
    Ok((sql, vec![organization.into(), PURPOSE.into(), hexadecimal(&bytes).into(), now(), now()]))
}
