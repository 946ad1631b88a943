//! A lookup service for people and companies: one request returns one JSON object.

use std::time::Instant;

use engine::normal_form::domain;
use futures_util::future::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Client;
use serde_json::Value as Json;
use service::{
    enrichment::{
        Failure, Provider, ProviderRequest, ProviderResponse, ProviderResult, UsageCharge,
    },
    ingest::note::{Note, NoteCode},
};

use super::{PROVIDER, body, broken, named, refusal, retry_after, said, size, values};

/// Default confidence if the service returns none.
const DEFAULT_CONFIDENCE: f64 = 0.7;

/// A lookup service provider.
pub(super) struct Lookup {
    client: Client,
    url: String,
    host: String,
    key: Option<String>,
    cost: f64,
}

impl Lookup {
    pub(super) fn new(client: Client, url: String, key: Option<String>, cost: f64) -> Self {
        let host = domain::host(&url.replace(['{', '}'], "")).unwrap_or_else(|| "http".to_owned());
        Self { client, url, host, key, cost }
    }

    /// The URL of a lookup: scheme, host, port and number of path segments are those of the template, regardless of
    /// the inserted values.
    ///
    /// # Errors
    /// [`Failure::Never`] if a value would change the path, for example by turning a segment into `..`.
    fn address(&self, ask: &ProviderRequest) -> Result<reqwest::Url, Failure> {
        let filled = reqwest::Url::parse(&self.filled(ask)).ok();
        let template = reqwest::Url::parse(&self.url.replace(['{', '}'], "")).ok();
        let place = |url: &reqwest::Url| {
            let parts = url.path_segments().map_or(0, Iterator::count);
            (url.origin(), url.username().to_owned(), parts)
        };
        filled
            .filter(|filled| template.is_some_and(|template| place(&template) == place(filled)))
            .ok_or_else(|| Failure::Never(Note::new(NoteCode::ProviderValueUnusable, [PROVIDER])))
    }

    fn filled(&self, ask: &ProviderRequest) -> String {
        let known = &ask.known;
        let domain = domain::host(&known.website)
            .or_else(|| known.email.rsplit_once('@').map(|(_, host)| host.to_lowercase()));
        let domain = domain.unwrap_or_default();
        let parts = [
            ("{email}", known.email.as_str()),
            ("{domain}", domain.as_str()),
            ("{name}", known.full_name.as_str()),
            ("{company}", known.company_name.as_str()),
            ("{location}", known.location.as_str()),
            ("{linkedin}", known.linkedin_url.as_str()),
        ];
        // The template is processed piece by piece, so inserted values are never searched for placeholders.
        let mut address = String::new();
        let mut rest = self.url.as_str();
        while let Some(begin) = rest.find('{') {
            address.push_str(&rest[..begin]);
            rest = &rest[begin..];
            let part = parts.iter().find(|(name, _)| rest.starts_with(name));
            if let Some((name, value)) = part {
                address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
                rest = &rest[name.len()..];
            } else {
                address.push('{');
                rest = &rest[1..];
            }
        }
        address + rest
    }

    async fn answer(&self, ask: &ProviderRequest) -> ProviderResponse {
        let address = self.address(ask);
        let length = address.as_ref().map_or(0, |address| address.as_str().len());
        let mut charge = UsageCharge {
            provider: self.host.chars().take(50).collect(),
            operation: "look_up".to_owned(),
            request_size: size(length),
            ..UsageCharge::default()
        };
        let begun = Instant::now();
        let mut said = None;
        let outcome = match address {
            Ok(address) => self.exchange(address, &mut charge, &mut said).await,
            Err(failure) => Err(failure),
        };
        charge.latency_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let outcome = outcome.map_err(|failure| named(failure, "the lookup service"));
        charge.error = outcome.as_ref().err().map(|failure| failure.note().message());
        ProviderResponse { outcome, charge: Some(charge), said }
    }

    async fn exchange(
        &self,
        address: reqwest::Url,
        charge: &mut UsageCharge,
        told: &mut Option<String>,
    ) -> Result<ProviderResult, Failure> {
        let mut get = self.client.get(address).header("accept", "application/json");
        if let Some(key) = &self.key {
            get = get.bearer_auth(key);
        }
        let response = get.send().await;
        let response = response.map_err(|error| {
            let (failure, is_sent) = broken(error);
            if is_sent {
                // The service may have processed the request, so its cost is charged.
                charge.cost = self.cost;
            }
            failure
        })?;
        let status = response.status();
        let wait = retry_after(response.headers());
        charge.status_code = Some(status.as_u16().into());
        if status.is_success() {
            charge.cost = self.cost;
        }
        let bytes = body(response).await?;
        charge.response_size = size(bytes.len());
        match status.as_u16() {
            // No result.
            204 | 404 => return Ok(ProviderResult::default()),
            _ if !status.is_success() => {
                *told = said(&bytes, self.key.as_ref());
                return Err(refusal(status, wait, &bytes));
            }
            _ => {}
        }
        let told: Option<Json> = serde_json::from_slice(&bytes).ok();
        let told = told.filter(Json::is_object);
        let told = told.ok_or_else(|| {
            Failure::Later(Note::new(NoteCode::ProviderAnswerUnreadable, [PROVIDER]), None)
        })?;
        Ok(ProviderResult { values: values(&told, DEFAULT_CONFIDENCE), variants: Vec::new() })
    }
}

impl Provider for Lookup {
    fn name(&self) -> &'static str {
        "http"
    }

    fn most(&self, _: &ProviderRequest) -> f64 {
        self.cost
    }

    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse> {
        Box::pin(self.answer(ask))
    }
}
