//! The rule provider, which derives values from known values without network access.

use engine::normal_form::{country, domain, person};
use futures_util::future::BoxFuture;

use super::{
    field::Field,
    provider::{Provider, ProviderRequest, ProviderResponse, ProviderResult, Value},
};

/// Provider with built-in rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleProvider;

/// Length of the word prefix that identifies an industry, e.g. in `Logistik` and `Logistics`.
const STEM: usize = 6;

impl Provider for RuleProvider {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn is_outside(&self) -> bool {
        false
    }

    fn most(&self, _: &ProviderRequest) -> f64 {
        0.0
    }

    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse> {
        let found = |field: &Field| {
            let (value, confidence) = match field {
                Field::Website => website(ask)?,
                Field::Location => location(ask)?,
                Field::Industry => industry(ask)?,
                _ => return None,
            };
            Some(Value { field: *field, value, confidence })
        };
        let values = ask.wanted.iter().filter_map(found).collect();
        let outcome = Ok(ProviderResult { values, variants: Vec::new() });
        Box::pin(std::future::ready(ProviderResponse { outcome, charge: None, said: None }))
    }
}

/// The domain of a business e-mail address. The confidence is higher if the domain matches the company name.
fn website(ask: &ProviderRequest) -> Option<(String, f64)> {
    let own = domain::business(&ask.known.email)?;
    let confidence = if domain::names_company(&own, &ask.known.company_name) { 0.9 } else { 0.6 };
    Some((own, confidence))
}

/// The country of the phone number, or of the top-level domain.
fn location(ask: &ProviderRequest) -> Option<(String, f64)> {
    if let Some(country) = country::of_phone(&ask.known.phone) {
        return Some((country, 0.5));
    }
    let host = ask.known.website.as_str();
    let host = domain::host(host).or_else(|| domain::business(&ask.known.email))?;
    let code = host.rsplit('.').next()?;
    Some((country::name_of(code)?, 0.4))
}

/// The industry that has a word in common with the company name.
fn industry(ask: &ProviderRequest) -> Option<(String, f64)> {
    let company = person::folded(&ask.known.company_name);
    let stem = |word: &str| word.chars().take(STEM).collect::<String>();
    let has = |industry: &&String| {
        person::folded(industry).split_whitespace().any(|word| {
            word.chars().count() >= STEM
                && company.split_whitespace().any(|own| stem(own) == stem(word))
        })
    };
    let mut named = ask.industries.iter().filter(has);
    let only = named.next()?;
    // An ambiguous match is no match.
    named.next().is_none().then(|| (only.clone(), 0.5))
}
