//! The cache of provider responses.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::Result,
    normal_form::{company, person::folded},
    store::Store,
    write::Unit,
};
use entity::ingest::enrichment_cache_entry::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
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
    let entry = unit
        .scope()
        .select::<Entity>()
        .filter(Column::LookupType.eq(about.lookup_type(provider)))
        .filter(Column::CacheKey.eq(about.key(known)))
        .filter(Column::ExpiresAt.gt(unit.now()));
    let data = entry.select_only().column(Column::ResultData);
    let data = unit.tuple::<Option<Json>, _>(data).await?.flatten();
    Ok(data.and_then(|found| serde_json::from_value(found).ok()))
}

/// Counts a cache hit.
pub(super) async fn hit(unit: &Unit, provider: &str, known: &Known) -> Result<()> {
    for about in [About::Company, About::Person] {
        let entry = unit
            .scope()
            .update::<Entity>()
            .col_expr(Column::HitCount, Expr::col(Column::HitCount).add(1))
            .filter(Column::LookupType.eq(about.lookup_type(provider)))
            .filter(Column::CacheKey.eq(about.key(known)));
        unit.run(&entry).await?;
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
        let now = unit.now().fixed_offset();
        let entry = ActiveModel {
            lookup_type: Set(about.lookup_type(provider)),
            cache_key: Set(about.key(&claimed.ask.known)),
            result_data: Set(Some(found)),
            confidence_score: Set(confidence),
            source: Set(Some((*provider).to_owned())),
            prospect_id: Set(matches!(about, About::Person).then_some(claimed.prospect)),
            expires_at: Set(now + TimeDelta::days(claimed.cache_days)),
            created_at: Set(now),
            updated_at: Set(now),
            ..ActiveModel::default()
        };
        let key = [Column::OrganizationId, Column::LookupType, Column::CacheKey];
        let replaced = [
            Column::ResultData,
            Column::ConfidenceScore,
            Column::ProspectId,
            Column::ExpiresAt,
            Column::UpdatedAt,
        ];
        let replace = OnConflict::columns(key).update_columns(replaced).to_owned();
        unit.run(&unit.scope().insert([entry]).on_conflict(replace)).await?;
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
#[expect(clippy::disallowed_methods, reason = "expired entries of all organizations")]
pub async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    store.run(&Entity::delete_many().filter(Column::ExpiresAt.lte(now))).await?;
    Ok(())
}
