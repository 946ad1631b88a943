//! The provider that asks nobody: what follows from what is known already.

use futures_util::future::BoxFuture;

use super::{
    field::Field,
    provider::{Answer, Ask, Found, Provider, Value},
};
use crate::normal_form::{country, domain, person};

/// Rules of our own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

/// How many letters of a word must be the same to mean the same industry: `Logistik`, `Logistics`.
const STEM: usize = 6;

impl Provider for Offline {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn is_outside(&self) -> bool {
        false
    }

    fn most(&self, _: &Ask) -> f64 {
        0.0
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
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
        let outcome = Ok(Found { values, variants: Vec::new() });
        Box::pin(std::future::ready(Answer { outcome, charge: None, said: None }))
    }
}

/// The host of an address that is not a provider's; surely so when it begins like the name of the company.
fn website(ask: &Ask) -> Option<(String, f64)> {
    let own = domain::business(&ask.known.email)?;
    let confidence = if domain::names_company(&own, &ask.known.company_name) { 0.9 } else { 0.6 };
    Some((own, confidence))
}

/// The country of the phone number, or of the host.
fn location(ask: &Ask) -> Option<(String, f64)> {
    if let Some(country) = country::of_phone(&ask.known.phone) {
        return Some((country, 0.5));
    }
    let host = ask.known.website.as_str();
    let host = domain::host(host).or_else(|| domain::business(&ask.known.email))?;
    let code = host.rsplit('.').next()?;
    Some((country::name_of(code)?, 0.4))
}

/// An industry of which a word stands in the name of the company.
fn industry(ask: &Ask) -> Option<(String, f64)> {
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
    // Two that may be meant are none.
    named.next().is_none().then(|| (only.clone(), 0.5))
}
