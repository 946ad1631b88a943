//! HTTP providers: the requests that are sent and the processing of responses.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use api::provider::ProviderOptions;
use serde_json::{Value, json};
use tests::{App, behaviours};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
};

use super::{enrich, job, people, provenance, set, work};
use crate::http::beside;

behaviours![
    language_model_fills_fields_and_logs_usage,
    http_lookup_fills_fields_and_logs_usage,
    provider_errors_have_readable_messages,
    model_without_price_is_not_called,
    implausible_numbers_are_clamped,
];

/// An HTTP server with scripted responses that records its requests.
pub struct Elsewhere {
    pub address: String,
    pub asked: Arc<Mutex<Vec<String>>>,
}

pub async fn elsewhere(answers: Vec<(u16, String)>) -> Elsewhere {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, number) = (Arc::clone(&asked), AtomicUsize::new(0));
    tokio::task::spawn_local(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 16_384];
            loop {
                let read = stream.read(&mut buffer).await.unwrap();
                text.extend(&buffer[..read]);
                let told = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = told.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length || read == 0 {
                    kept.lock().await.push(told);
                    break;
                }
            }
            let place = number.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let (status, body) = &answers[place];
            let answer = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nX-Request-Id: req{place}\r\nContent-Length: {}\r\n\
                 Location: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Elsewhere { address, asked }
}

pub fn completion(content: &str) -> String {
    json!({
        "id": "cmpl-1",
        "choices": [{ "message": { "content": content }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1_000, "completion_tokens": 200 },
    })
    .to_string()
}

pub fn with(app: &mut App, options: &ProviderOptions) {
    app.providers = options.providers().unwrap();
}

pub fn llm(elsewhere: &Elsewhere) -> ProviderOptions {
    ProviderOptions {
        llm_url: Some(format!("{}/v1", elsewhere.address)),
        llm_key: Some("secret-key".to_owned()),
        ..ProviderOptions::default()
    }
}

async fn language_model_fills_fields_and_logs_usage(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let content = json!({
            "fields": {
                "job_title": { "value": "CTO", "confidence": 0.9 },
                "location": "Berlin",
                "phone": { "value": 7 },
                "nonsense": "x",
                "size": { "value": "11-50", "confidence": 0.1 },
            },
            "variants": [{ "subject": "Hello", "content": "Dear Person" }, { "content": "" }],
        });
        let there = elsewhere(vec![(200, completion(&format!("```json\n{content}\n```")))]).await;
        with(&mut app, &llm(&there));
        let begun = enrich(&app, &ids, "providers: [LLM], variants: 2").await;
        assert_eq!(
            provenance(&app).await,
            [
                "phone 7 REJECTED gpt-4o-mini",
                "job_title CTO APPLIED gpt-4o-mini",
                "location Berlin APPLIED gpt-4o-mini"
            ]
        );
        let asked = there.asked.lock().await[0].clone();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
        assert!(head.to_lowercase().contains("authorization: bearer secret-key"), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["model"], &body["max_tokens"]), (&json!("gpt-4o-mini"), &json!(1_900)));
        let record: Value =
            serde_json::from_str(body["messages"][1]["content"].as_str().unwrap()).unwrap();
        assert_eq!(record["record"]["full_name"], "Person 0");
        assert_eq!(
            record["wanted"],
            json!(["phone", "job_title", "linkedin_url", "location", "website", "size", "industry"])
        );
        // 1,000 tokens at 0.15 US dollars per million and 200 tokens at 0.6 US dollars per million.
        let told = job(
            &app,
            begun,
            "actualCost importRecords { nodes { cost llmTokensUsed } } llmUsageLogs { nodes { provider model endpoint promptTokens completionTokens \
             totalTokens cost statusCode requestId finishReason error workflowName outreachDrafts { totalCount } } }",
        )
        .await;
        assert_eq!(
            told,
            json!({ "actualCost": 0.00027, "importRecords": { "nodes": [{ "cost": 0.00027, "llmTokensUsed": 1_200 }] },
                "llmUsageLogs": { "nodes": [{ "provider": "openai", "model": "gpt-4o-mini", "endpoint": "/chat/completions",
                    "promptTokens": 1_000, "completionTokens": 200, "totalTokens": 1_200, "cost": 0.00027, "statusCode": 200,
                    "requestId": "req0", "finishReason": "stop", "error": null, "workflowName": "enrichment",
                    "outreachDrafts": { "totalCount": 1 } }] } })
        );
    }))
    .await;
}

async fn http_lookup_fills_fields_and_logs_usage(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 2).await;
        let known = json!({ "phone": "+49 30 12345678", "size": { "value": "51-200", "confidence": 0.95 } });
        let there = elsewhere(vec![(200, known.to_string()), (404, "{}".to_owned())]).await;
        with(
            &mut app,
            &ProviderOptions {
                lookup_url: Some(format!("{}/find?e={{email}}&n={{name}}&x={{other}}", there.address)),
                lookup_key: Some("k".to_owned()),
                lookup_cost: 0.05,
                ..ProviderOptions::default()
            },
        );
        set(&app, "max_concurrent_enrichments", "1").await;
        let begun = enrich(&app, &ids, "providers: [HTTP]").await;
        assert_eq!(
            provenance(&app).await,
            ["phone +493012345678 APPLIED http", "size 51-200 APPLIED http"]
        );
        let asked = there.asked.lock().await.clone();
        let email = app.data("{ prospect(id: 1) { email } }").await["prospect"]["email"].clone();
        let email = email.as_str().unwrap().replace('@', "%40").replace('.', "%2E");
        let line = asked[0].lines().next().unwrap();
        assert_eq!(line, format!("GET /find?e={email}&n=Person%200&x={{other}} HTTP/1.1"));
        // A lookup without a result costs nothing.
        let told = job(&app, begun, "status actualCost enrichedRecords serviceUsageLogs { nodes { cost status statusCode operation } }").await;
        assert_eq!(
            told,
            json!({ "status": "COMPLETED", "actualCost": 0.05, "enrichedRecords": 2, "serviceUsageLogs": { "nodes": [
                { "cost": 0.05, "status": "success", "statusCode": 200, "operation": "look_up" },
                { "cost": 0.0, "status": "success", "statusCode": 404, "operation": "look_up" },
            ] } })
        );
    }))
    .await;
}

async fn provider_errors_have_readable_messages(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        set(&app, "cache_ttl_days", "0").await;
        let wrong = r#"{ "error": { "message": "Incorrect API key provided: secret-key" } }"#;
        for (status, body, state, message) in [
            (
                401,
                wrong,
                "FAILED",
                "the language model gpt-4o-mini answered with status 401: check its API key",
            ),
            (400, "{}", "FAILED", "the language model gpt-4o-mini answered with status 400"),
            (429, "", "PENDING", "the language model gpt-4o-mini answered with status 429"),
            (503, "<html>", "PENDING", "the language model gpt-4o-mini answered with status 503"),
            (200, "<html>", "PENDING", "the response of the language model gpt-4o-mini can't be parsed"),
            (
                200,
                &completion("{\"phone_number\": \"1\"}"),
                "PENDING",
                "the response of the language model gpt-4o-mini can't be parsed",
            ),
            (
                302,
                "",
                "PENDING",
                "the language model gpt-4o-mini answered with status 302; redirects are not followed",
            ),
        ] {
            let there = elsewhere(vec![(status, body.to_owned())]).await;
            with(&mut app, &llm(&there));
            let begun = enrich(&app, &ids, "providers: [LLM]").await;
            let told = job(
                &app,
                begun,
                "status error actualCost importRecords { nodes { status lastError } }",
            )
            .await;
            let record = &told["importRecords"]["nodes"][0];
            assert_eq!(record["lastError"], message);
            let state = if status == 401 { "PENDING" } else { state };
            assert_eq!(record["status"], state, "{status}");
            // A response that does not report its usage is charged at the maximum cost.
            assert_eq!(told["actualCost"].as_f64().unwrap() > 0.0, status == 200, "{told}");
            assert!(!told.to_string().contains("secret-key"));
        }
        // No server listens on this port.
        with(
            &mut app,
            &ProviderOptions {
                llm_url: Some("http://127.0.0.1:1".to_owned()),
                ..ProviderOptions::default()
            },
        );
        let begun = enrich(&app, &ids, "providers: [LLM]").await;
        let told = job(&app, begun, "importRecords { nodes { lastError } }").await;
        assert_eq!(
            told["importRecords"]["nodes"][0]["lastError"],
            "the language model gpt-4o-mini can't be reached"
        );
        assert_eq!(work(&app).await, 0);
    }))
    .await;
}

async fn model_without_price_is_not_called(mut app: App) {
    beside(Box::pin(async {
        people(&app, 1).await;
        let there = elsewhere(vec![(200, completion("{}"))]).await;
        // If the operator has no API key, the price of a model comes only from the organization's settings.
        with(&mut app, &ProviderOptions { llm_key: None, ..llm(&there) });
        set(&app, "llm_model", "\"own\"").await;
        let mutation = "mutation { enrichProspects(input: { ids: [1], providers: [LLM] }) { importJob { id } userErrors { field message } } }";
        let refused = app.data(mutation).await["enrichProspects"]["userErrors"].clone();
        let message = refused[0]["message"].as_str().unwrap();
        assert!(message.starts_with("the price of own is unknown"), "{message}");
        set(&app, "llm_prices", "{ own: { input: 0, output: 0 } }").await;
        let begun = super::begin(&app, &[1], "providers: [LLM]").await;
        // The price is removed before the model is called.
        set(&app, "llm_model", "\"other\"").await;
        assert_eq!(work(&app).await, 0);
        let told = job(&app, begun, "status error").await;
        assert_eq!(told["status"], "FAILED");
        assert!(told["error"].as_str().unwrap().starts_with("the price of other is unknown"));
        set(&app, "llm_model", "\"own\"").await;
        enrich(&app, &[1], "providers: [LLM]").await;
        assert_eq!(there.asked.lock().await.len(), 1);
    }))
    .await;
}

async fn implausible_numbers_are_clamped(mut app: App) {
    beside(Box::pin(async {
        let ids = people(&app, 1).await;
        let answer = json!({
            "choices": [{ "message": { "content": "{\"fields\": {\"location\": {\"value\": \"Ber\\u0000lin\", \"confidence\": 7}}}" } }],
            "usage": { "prompt_tokens": 9_000_000_000_000_000_000_i64, "completion_tokens": 9_000_000_000_000_000_000_i64 },
        });
        let there = elsewhere(vec![(200, answer.to_string())]).await;
        with(&mut app, &llm(&there));
        let begun = enrich(&app, &ids, "providers: [LLM]").await;
        assert_eq!(provenance(&app).await, ["location Berlin APPLIED gpt-4o-mini"]);
        let told = job(&app, begun, "actualCost llmUsageLogs { nodes { totalTokens } } fieldProvenances { nodes { confidence } }").await;
        // The charge is capped at the maximum cost.
        let cost = told["actualCost"].as_f64().unwrap();
        assert!(cost > 0.0003 && cost < 0.002, "{cost}");
        assert_eq!(told["llmUsageLogs"]["nodes"][0]["totalTokens"], i32::MAX);
        assert_eq!(told["fieldProvenances"]["nodes"][0]["confidence"], 0.5);
    }))
    .await;
}
