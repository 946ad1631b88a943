//! Limits set by the operator, whose API keys the providers use, and the costs that count toward these limits.

use api::provider::{AllowedModel, ProviderOptions};
use serde_json::json;
use service::enrichment::{Failure, Field, Provider, ProviderResponse, Providers};
use std::sync::Arc;
use tests::{App, behaviours};

use super::{
    Fake, ask, begin, charge, enrich, found, job, people,
    providers::{completion, elsewhere, llm, with},
    set, work,
};
use crate::{
    access::{ask as ask_over_http, serve},
    http::beside,
};

behaviours![
    operator_key_is_limited_to_allowed_models,
    operator_price_overrides_organization_price,
    cached_tokens_use_their_own_price,
    organization_can_only_lower_the_daily_spend_limit,
    client_reported_costs_do_not_count_toward_server_limit,
    provider_messages_are_visible_to_owners_and_admins_only,
];

fn allowed(models: &[&str]) -> Vec<AllowedModel> {
    models.iter().map(|model| model.parse().unwrap()).collect()
}

async fn refusal(app: &App) -> String {
    let mutation = "mutation { enrichProspects(input: { ids: [1], providers: [LLM] }) { userErrors { message } } }";
    let refused = app.data(mutation).await["enrichProspects"]["userErrors"].clone();
    refused[0]["message"].as_str().unwrap_or_default().to_owned()
}

async fn operator_key_is_limited_to_allowed_models(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let there = elsewhere(vec![(200, completion("{}"))]).await;
        with(&mut app, &llm(&there));
        // The price set by the organization does not replace the price that the operator pays.
        set(&app, "llm_prices", "{ dear: { input: 0, output: 0 } }").await;
        set(&app, "llm_model", "\"dear\"").await;
        assert_eq!(
            refusal(&app).await,
            "the server does not allow the model dear: start the server with `--llm-model dear=INPUT/OUTPUT`, or choose another model in the setting llm_model"
        );
        let llm_models = allowed(&["dear=10/30", "small=1/2/0.5"]);
        with(&mut app, &ProviderOptions { llm_models, ..llm(&there) });
        enrich(&app, &ids, "providers: [LLM]").await;
        assert_eq!(there.asked.lock().await.len(), 1);
        set(&app, "llm_model", "\"gpt-4o-mini\"").await;
        assert!(refusal(&app).await.starts_with("the server does not allow the model gpt-4o-mini"));
    }))
    .await;
    for wrong in ["", "m", "m=1", "=1/2", "m=1/2/3/4", "m=1/-2", "m=a/b"] {
        assert!(wrong.parse::<AllowedModel>().is_err(), "{wrong}");
    }
    assert_eq!("a=b=1/2".parse::<AllowedModel>().unwrap().name, "a=b");
}

async fn operator_price_overrides_organization_price(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let there = elsewhere(vec![(200, completion("{}"))]).await;
        set(&app, "llm_prices", "{ small: { input: 0, output: 0 } }").await;
        set(&app, "llm_model", "\"small\"").await;
        let llm_models = allowed(&["small=0.15/0.6"]);
        with(&mut app, &ProviderOptions { llm_models, ..llm(&there) });
        let begun = enrich(&app, &ids, "providers: [LLM]").await;
        // 1,000 tokens at 0.15 US dollars per million and 200 tokens at 0.6 US dollars per million.
        assert_eq!(job(&app, begun, "actualCost").await["actualCost"], 0.00027);
    }))
    .await;
}

async fn cached_tokens_use_their_own_price(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let answer = json!({
            "choices": [{ "message": { "content": "{}" }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 1_000, "completion_tokens": 200,
                "prompt_tokens_details": { "cached_tokens": 800 } },
        });
        let there = elsewhere(vec![(200, answer.to_string())]).await;
        set(&app, "cache_ttl_days", "0").await;
        // 800 of the 1,000 prompt tokens were cached.
        for (model, cost) in [("m=1/2/0.5", 0.001), ("m=1/2", 0.0014)] {
            with(&mut app, &ProviderOptions { llm_models: allowed(&[model]), ..llm(&there) });
            set(&app, "llm_model", "\"m\"").await;
            let begun = enrich(&app, &ids, "providers: [LLM]").await;
            assert_eq!(job(&app, begun, "actualCost").await["actualCost"], cost, "{model}");
        }
    }))
    .await;
}

async fn organization_can_only_lower_the_daily_spend_limit(mut app: App) {
    let ids = people(&app, 3).await;
    let fake = || {
        Fake::new("http", 0.5, |asked, _| {
            found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.5))
        })
    };
    set(&app, "daily_spend_limit", "1000").await;
    let providers = || Providers::new(vec![fake() as Arc<dyn Provider>]);
    app.providers = providers().limited(Some(0.5));
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    while work(&app).await > 0 {}
    let told = job(&app, begun, "status error actualCost").await;
    assert_eq!((&told["status"], &told["actualCost"]), (&json!("PENDING"), &json!(0.5)));
    let why = told["error"].as_str().unwrap();
    assert!(why.contains("0.5000 of 0.5000 US dollars"), "{why}");
    assert!(why.ends_with("the job resumes tomorrow (UTC)"), "{why}");
    // A lower limit set by the organization takes precedence.
    app.providers = providers().limited(Some(9.0));
    set(&app, "daily_spend_limit", "1").await;
    let resume = format!(
        "mutation {{ resumeImportJob(input: {{ id: {begun} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&resume).await;
    while work(&app).await > 0 {}
    let why = job(&app, begun, "error").await["error"].clone();
    assert!(
        why.as_str()
            .unwrap()
            .ends_with("raise the setting daily_spend_limit and call resumeImportJob"),
        "{why}"
    );
}

async fn client_reported_costs_do_not_count_toward_server_limit(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake]);
    set(&app, "daily_spend_limit", "1").await;
    let logs = "mutation { \
        a: createLlmUsageLog(input: { workflowName: \"w\", nodeName: \"n\", model: \"m\", promptTokens: 1, completionTokens: 1, cost: 500 }) \
            { llmUsageLog { isPaidByServer latencyMs } userErrors { message } } \
        b: createServiceUsageLog(input: { provider: \"maps\", operation: \"geocode\", cost: 500 }) { userErrors { message } } }";
    let logged = app.data(logs).await;
    assert_eq!(logged["a"]["llmUsageLog"], json!({ "isPaidByServer": false, "latencyMs": null }));
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    let told = job(&app, begun, "status serviceUsageLogs { nodes { isPaidByServer } }").await;
    assert_eq!(
        told,
        json!({ "status": "COMPLETED", "serviceUsageLogs": { "nodes": [{ "isPaidByServer": true }] } })
    );
    let days = app
        .data("{ dailyCostSummaries(orderBy: [{ id: ASC }]) { nodes { provider calls timedCalls costUsd serverCostUsd } } dailyUsage { provider meanLatencyMs } }")
        .await;
    assert_eq!(
        days["dailyCostSummaries"]["nodes"],
        json!([
            { "provider": "", "calls": 1, "timedCalls": 0, "costUsd": 500.0, "serverCostUsd": 0.0 },
            { "provider": "maps", "calls": 1, "timedCalls": 0, "costUsd": 500.0, "serverCostUsd": 0.0 },
            { "provider": "acme", "calls": 1, "timedCalls": 1, "costUsd": 0.5, "serverCostUsd": 0.5 },
        ])
    );
    // If no calls were timed, the mean is null, not 0.
    assert_eq!(
        days["dailyUsage"],
        json!([{ "provider": null, "meanLatencyMs": null }, { "provider": "acme", "meanLatencyMs": 20.0 },
            { "provider": "maps", "meanLatencyMs": null }])
    );
}

async fn provider_messages_are_visible_to_owners_and_admins_only(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let fake = Fake::new("http", 0.1, |_, _| ProviderResponse {
            outcome: Err(Failure::Never("HTTP status 422".into())),
            charge: charge(0.0),
            said: Some("Ada is not a customer of ours".to_owned()),
        });
        ask(&mut app, vec![fake]);
        enrich(&app, &ids, "providers: [HTTP]").await;
        let (address, visitors) = serve(&app).await;
        let query = "{ importRecords { nodes { lastError providerMessage } } }";
        for (head, expected) in [
            (&visitors.owner, json!("Ada is not a customer of ours")),
            (&visitors.admin, json!("Ada is not a customer of ours")),
            (&visitors.member, json!(null)),
            (&visitors.analyst, json!(null)),
        ] {
            let told = ask_over_http(address, head, query).await;
            let record = &told["data"]["importRecords"]["nodes"][0];
            assert_eq!(record["lastError"], "HTTP status 422");
            assert_eq!(record["providerMessage"], expected, "{told}");
        }
    }))
    .await;
}
