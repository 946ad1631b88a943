//! Calls of the providers of a plan for one record.

use super::{
    LEAST_CONFIDENCE, ProviderRequest, apply,
    lease::Lease,
    provider::{ProviderResult, Providers, UsageCharge},
    record_result::{Answered, Outcome, Sourced},
};

/// Calls the providers of a plan in order, each for the fields that are still unknown.
pub(super) async fn ask(claimed: &Lease, providers: &Providers) -> Outcome {
    let mut outcome = Outcome::default();
    let mut ask = claimed.ask.clone();
    let mut asked_outside = false;
    for provider in providers.named(&claimed.plan.providers) {
        let name = provider.name();
        let writes = name == "llm" && ask.variants > 0;
        if ask.wanted.is_empty() && !writes {
            continue;
        }
        let outside = provider.is_outside();
        if outside && asked_outside && !claimed.deep {
            if !writes {
                continue;
            }
            ask.wanted.clear();
        }
        asked_outside |= outside;
        if let Some((_, found)) = claimed.cached.iter().find(|(known, _)| *known == name) {
            outcome.hits.push(name);
            take(&mut outcome, &mut ask, found.clone(), &format!("cache:{name}"), 0.0);
            continue;
        }
        let answer = provider.ask(&ask).await;
        let cost = answer.charge.as_ref().map_or(0.0, |charge: &UsageCharge| charge.cost);
        let source = match answer.charge.as_ref().and_then(|charge| charge.model.clone()) {
            Some(model) => model,
            None => name.to_owned(),
        };
        outcome.charges.extend(answer.charge);
        match answer.outcome {
            Ok(found) => {
                let found = without_nul(found);
                if outside {
                    let wanted = ask.wanted.clone();
                    outcome.answers.push(Answered { provider: name, wanted, found: found.clone() });
                }
                take(&mut outcome, &mut ask, found, &source, cost);
            }
            Err(failure) => {
                outcome.failure = Some(failure);
                outcome.said = answer.said;
                break;
            }
        }
    }
    outcome.values.sort_by_key(|value| apply::place(value.found.field));
    outcome
}

/// Removes NUL characters, which Postgres rejects.
fn without_nul(mut found: ProviderResult) -> ProviderResult {
    let clean = |text: &mut String| text.retain(|c| c != '\0');
    found.values.iter_mut().for_each(|value| clean(&mut value.value));
    for variant in &mut found.variants {
        clean(&mut variant.content);
        variant.subject.iter_mut().for_each(clean);
    }
    found
}

/// Accepts the requested values of a provider whose confidence is at least the minimum.
fn take(
    outcome: &mut Outcome,
    ask: &mut ProviderRequest,
    found: ProviderResult,
    source: &str,
    cost: f64,
) {
    let sure: Vec<_> = found
        .values
        .into_iter()
        .filter(|value| value.confidence >= LEAST_CONFIDENCE && ask.wanted.contains(&value.field))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "there are only a few values")]
    let share = cost / sure.len().max(1) as f64;
    for mut value in sure {
        if !ask.wanted.contains(&value.field) {
            continue;
        }
        ask.wanted.retain(|field| *field != value.field);
        value.confidence = value.confidence.clamp(0.0, 1.0);
        outcome.values.push(Sourced { found: value, source: source.to_owned(), cost: share });
    }
    let variants = found.variants.into_iter().filter(|one| !one.content.trim().is_empty());
    outcome.variants.extend(variants.map(|variant| (variant, source.to_owned())));
}
