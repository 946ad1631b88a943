//! The cache of provider responses.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::Result,
    normal_form::{company, person::folded},
    store::Store,
    value::{Kind, Value},
    write::Unit,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    LEAST_CONFIDENCE,
    field::Field,
    lease::Lease,
    provider::{Known, ProviderResult, Variant},
    record_result::Answered,
};

/// The subject of a cached response: a company or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Company,
    Person,
}

impl About {
    fn lookup_type(self, provider: &str) -> String {
        match self {
            Self::Company => format!("company/{provider}"),
            Self::Person => format!("person/{provider}"),
        }
    }

    /// The cache key: a hash of name and location of a company, or of company, e-mail address and name of a person.
    /// A response about a person must not be used for their colleagues.
    fn key(self, known: &Known) -> String {
        let company = company::key(&known.company_name);
        let told = match self {
            Self::Company => format!("{company}|{}", folded(&known.location)),
            // The name is included because a mailbox may be reassigned. The location is not included, because it may be
            // a result of the enrichment.
            Self::Person => {
                let (email, name) = (known.email.to_lowercase(), folded(&known.full_name));
                format!("{company}|{email}|{name}")
            }
        };
        format!("{:x}", Sha256::digest(told.as_bytes()))
    }

    pub(super) fn has(self, field: Field) -> bool {
        field.is_of_company() == (self == Self::Company)
    }
}

/// A cache entry.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Requested fields.
    #[serde(default)]
    pub(super) wanted: Vec<Field>,
    /// Result of the provider.
    #[serde(flatten)]
    pub(super) found: ProviderResult,
}

/// Looks up an unexpired cache entry.
pub(super) async fn find(
    unit: &Unit,
    about: About,
    provider: &str,
    known: &Known,
) -> Result<Option<Kept>> {
    let sql = "SELECT \"result_data\" FROM \"enrichment_cache\" \
               WHERE \"organization_id\" = {} AND \"lookup_type\" = {} AND \"cache_key\" = {} \
               AND \"expires_at\" > {}";
    let binds = vec![
        unit.scope().organization().into(),
        about.lookup_type(provider).into(),
        about.key(known).into(),
        Value::Time(unit.now()).bind(Kind::Time),
    ];
    let rows = unit.query(sql, binds).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(match Value::read(row, 0, Kind::Json)? {
        Value::Json(found) => serde_json::from_value(found).ok(),
        _ => None,
    })
}

/// Counts a cache hit.
pub(super) async fn hit(unit: &Unit, provider: &str, known: &Known) -> Result<()> {
    for about in [About::Company, About::Person] {
        let sql = "UPDATE \"enrichment_cache\" SET \"hit_count\" = \"hit_count\" + 1 \
                   WHERE \"organization_id\" = {} AND \"lookup_type\" = {} AND \"cache_key\" = {}";
        let binds = vec![
            unit.scope().organization().into(),
            about.lookup_type(provider).into(),
            about.key(known).into(),
        ];
        unit.execute(sql, binds).await?;
    }
    Ok(())
}

/// Caches a provider response for the configured number of days, with separate entries for the company and the person.
/// Empty results are cached too; results with a low confidence are not.
pub(super) async fn keep(unit: &Unit, claimed: &Lease, answer: &Answered) -> Result<()> {
    if claimed.cache_days <= 0 {
        return Ok(());
    }
    let Answered { provider, wanted, found } = answer;
    for about in [About::Company, About::Person] {
        let values: Vec<_> =
            found.values.iter().filter(|value| about.has(value.field)).cloned().collect();
        let variants: Vec<Variant> = match about {
            About::Person => found.variants.clone(),
            About::Company => Vec::new(),
        };
        let is_asked = wanted.iter().any(|field| about.has(*field));
        if !is_asked && variants.is_empty() {
            continue;
        }
        let confidence = mean(values.iter().map(|value| value.confidence));
        if confidence.is_some_and(|confidence| confidence < LEAST_CONFIDENCE) {
            continue;
        }
        let wanted = wanted.iter().copied().filter(|field| about.has(*field)).collect();
        let found = ProviderResult { values, variants };
        let found = serde_json::to_value(Kept { wanted, found }).unwrap_or_default();
        let now = || Value::Time(unit.now()).bind(Kind::Time);
        let person = match about {
            About::Person => Value::Int(claimed.prospect),
            About::Company => Value::Null,
        };
        let sql = "INSERT INTO \"enrichment_cache\" (\"organization_id\", \"lookup_type\", \"cache_key\", \
                   \"result_data\", \"confidence_score\", \"source\", \"prospect_id\", \"expires_at\", \
                   \"created_at\", \"updated_at\") VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}) \
                   ON CONFLICT (\"organization_id\", \"lookup_type\", \"cache_key\") DO UPDATE SET \
                   \"result_data\" = excluded.\"result_data\", \
                   \"confidence_score\" = excluded.\"confidence_score\", \
                   \"prospect_id\" = excluded.\"prospect_id\", \
                   \"expires_at\" = excluded.\"expires_at\", \"updated_at\" = excluded.\"updated_at\"";
        let binds = vec![
            unit.scope().organization().into(),
            about.lookup_type(provider).into(),
            about.key(&claimed.ask.known).into(),
            Value::Json(found).bind(Kind::Json),
            confidence.map_or(Value::Null, Value::Double).bind(Kind::Double),
            (*provider).into(),
            person.bind(Kind::BigInt),
            Value::Time(unit.now() + TimeDelta::days(claimed.cache_days)).bind(Kind::Time),
            now(),
            now(),
        ];
        unit.execute(sql, binds).await?;
    }
    Ok(())
}

/// The mean of the numbers, rounded to four decimal places; `None` if there are no numbers.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    (count > 0.0).then(|| (sum / count * 10_000.0_f64).round() / 10_000.0)
}

/// Deletes the expired entries of all organizations.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database does not respond.
pub async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let now = Value::Time(now).bind(Kind::Time);
    store.execute("DELETE FROM \"enrichment_cache\" WHERE \"expires_at\" <= {}", vec![now]).await
}
