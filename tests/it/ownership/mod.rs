//! Owners of prospects, teams, notes and notifications.

pub mod assignments;
pub mod departures;
pub mod notes;
pub mod notifications;
pub mod rules;
pub mod teams;

use std::sync::Arc;

use engine::{Clock, Role, Scope, authentication::Authenticator};
use serde_json::Value;
use service::identity::authenticator::CredentialCache;
use tests::{App, Behaviour};

use crate::access::key;

pub fn behaviours() -> Vec<Behaviour> {
    [
        assignments::behaviours(),
        departures::behaviours(),
        notes::behaviours(),
        notifications::behaviours(),
        rules::behaviours(),
        teams::behaviours(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The scope of an active member with this name and role.
pub async fn member(app: &App, name: &str, role: Role) -> Scope {
    member_of(app, app.organization, name, role).await
}

/// As [`member`], in another organization.
pub async fn member_of(app: &App, organization: i64, name: &str, role: Role) -> Scope {
    let text = key(app, organization, role, &format!("{name}@example.com"), false).await;
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let sessions = app.accounts.sessions().clone();
    let keys = CredentialCache::new(app.store.clone(), Arc::clone(&clock), sessions);
    let identity = keys.holder(&text).await.unwrap().unwrap();
    Scope::authenticated(app.store.clone(), &identity, &service::catalog::row_scopes(), clock)
}

/// The primary key of the membership of a member.
pub fn own(scope: &Scope) -> i64 {
    scope.membership().unwrap()
}

/// The payload of a mutation that succeeds.
pub async fn done(app: &App, scope: &Scope, mutation: &str) -> Value {
    let answer = app.answer_in(scope.clone(), &format!("mutation {{ {mutation} }}")).await;
    let payload = answer["data"].as_object().and_then(|data| data.values().next()).cloned();
    let payload = payload.unwrap_or_else(|| panic!("{mutation}\n{answer:#}"));
    let errors = payload["userErrors"].as_array();
    assert!(errors.is_some_and(Vec::is_empty), "{mutation}\n{answer:#}");
    payload
}

/// The user errors of a mutation, as `REASON field`.
pub async fn refused(app: &App, scope: &Scope, mutation: &str) -> Vec<String> {
    let answer = app.answer_in(scope.clone(), &format!("mutation {{ {mutation} }}")).await;
    let payload = answer["data"].as_object().and_then(|data| data.values().next()).cloned();
    let payload = payload.unwrap_or_else(|| panic!("{mutation}\n{answer:#}"));
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or("-").to_owned();
    errors
        .iter()
        .map(|error| format!("{} {}", text(error, "reason"), text(error, "field")))
        .collect()
}

/// The data of a query that succeeds.
pub async fn data(app: &App, scope: &Scope, query: &str) -> Value {
    let answer = app.answer_in(scope.clone(), query).await;
    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
    answer["data"].clone()
}
