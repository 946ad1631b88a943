//! Enrichment costs, spend limits and the cache.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::enrichment::{self, Field};
use tests::{App, behaviours};

use super::{
    Fake, ask, begin, charge, company, enrich, found, job, people, set, tokens, work, worker,
};

behaviours![
    costs_add_up_in_all_reports,
    daily_spend_limit_is_enforced,
    cached_responses_are_free,
    person_cache_entries_are_not_shared_with_colleagues,
    cache_entries_expire,
    cache_entries_without_a_result_are_ignored,
    usage_logs_and_daily_summaries_agree,
    concurrent_usage_logs_sum_up_correctly,
    invalid_enrichment_plans_and_settings_are_rejected,
];

async fn costs_add_up_in_all_reports(mut app: App) {
    let ids = people(&app, 12).await;
    set(&app, "max_concurrent_enrichments", "5").await;
    let http = Fake::new("http", 0.02, |asked, number| {
        let cost = f64::from(u32::try_from(number).unwrap()).mul_add(0.001, 0.000_000_01);
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(cost))
    });
    let llm = Fake::new("llm", 0.02, |asked, _| {
        found(asked, &[(Field::JobTitle, "CTO", 0.9)], tokens("gpt", 100, 20, 0.000_027))
    });
    ask(&mut app, vec![http, llm]);
    let begun = enrich(&app, &ids, "providers: [HTTP, LLM]").await;
    // The sum of 0, 0.001, … 0.011, plus twelve times 0.00000001 and twelve times 0.000027.
    let planted: f64 = 0.066_324_12;
    let near = |told: &serde_json::Value| {
        assert!((told.as_f64().unwrap() - planted).abs() < 1e-10, "{told}");
    };
    let fields = "actualCost status importRecords { nodes { cost llmTokensUsed } }";
    let told = job(&app, begun, fields).await;
    near(&told["actualCost"]);
    let rows = told["importRecords"]["nodes"].as_array().unwrap().clone();
    near(&json!(rows.iter().map(|row| row["cost"].as_f64().unwrap()).sum::<f64>()));
    assert!(rows.iter().all(|row| row["llmTokensUsed"] == 120));
    let days = app.data("{ dailyUsage { date provider calls tokens cost meanLatencyMs } }").await;
    let days = days["dailyUsage"].as_array().unwrap().clone();
    near(&json!(days.iter().map(|day| day["cost"].as_f64().unwrap()).sum::<f64>()));
    let of = |day: &serde_json::Value| {
        (day["date"].clone(), day["provider"].clone(), day["calls"].clone())
    };
    assert_eq!(of(&days[0]), (json!("2026-03-01"), json!("acme"), json!(12.0)));
    assert_eq!(of(&days[1]), (json!("2026-03-01"), json!("openai"), json!(12.0)));
    assert_eq!((&days[1]["tokens"], &days[1]["meanLatencyMs"]), (&json!(1440.0), &json!(100.0)));
    let report = app
        .data("{ importCostReport { date dailyCost jobsProcessed recordsProcessed } enrichmentSuccessRate { totalRecords successful successRate } }")
        .await;
    near(&report["importCostReport"][0]["dailyCost"]);
    assert_eq!(report["importCostReport"][0]["recordsProcessed"], 12.0);
    assert_eq!(
        report["enrichmentSuccessRate"],
        json!([{ "totalRecords": 12, "successful": 12, "successRate": 100.0 }])
    );
}

async fn daily_spend_limit_is_enforced(mut app: App) {
    let ids = people(&app, 10).await;
    set(&app, "daily_spend_limit", "1.0").await;
    set(&app, "max_concurrent_enrichments", "10").await;
    // The maximum cost is 0.3, the actual cost 0.2.
    let fake = Fake::new("http", 0.3, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.2))
    });
    ask(&mut app, vec![fake.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let (mut one, mut other) = (worker(&app), worker(&app));
    for _ in 0..3 {
        let (first, second) = futures_util::join!(one.round(), other.round());
        first.unwrap();
        second.unwrap();
    }
    // The fifth call may cost up to 0.3, but only 0.2 of the limit remains.
    assert_eq!(fake.asked.load(Ordering::SeqCst), 4);
    let told = job(&app, begun, "status error actualCost enrichedRecords").await;
    assert_eq!((&told["status"], &told["actualCost"]), (&json!("PENDING"), &json!(0.8)));
    let why = told["error"].as_str().unwrap();
    assert!(why.starts_with("the daily spend limit is reached: 0.8000 of 1.0000"), "{why}");
    // All reservations are released, and the job resumes automatically on the next day.
    app.clock.advance(TimeDelta::hours(11));
    assert_eq!(work(&app).await, 0);
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(work(&app).await, 4);
    // A user raises the limit and resumes the job.
    set(&app, "daily_spend_limit", "5.0").await;
    let resume = format!(
        "mutation {{ resumeImportJob(input: {{ id: {begun} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&resume).await;
    assert_eq!(work(&app).await, 2);
    assert_eq!(
        job(&app, begun, "status error").await,
        json!({ "status": "COMPLETED", "error": null })
    );
}

async fn cached_responses_are_free(mut app: App) {
    let industry = app.industry("Unclassified").await;
    let company = company(&app, "Acme GmbH", industry).await;
    let first = app.prospect("Ada", company).await;
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9), (Field::Size, "11-50", 0.8)], charge(0.5))
    });
    ask(&mut app, vec![fake.clone()]);
    enrich(&app, &[first], "providers: [HTTP]").await;
    let undo = app.data("{ importJobs { nodes { id } } }").await;
    assert_eq!(undo["importJobs"]["nodes"][0]["id"], "ImportJob:1");
    crate::imports::act(&app, "undoImportJob", 1).await;
    let again = enrich(&app, &[first], "providers: [HTTP]").await;
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    assert_eq!(job(&app, again, "actualCost").await["actualCost"], 0.0);
    let person = "{ prospect(id: 1) { location company { size } } }";
    let berlin = json!({ "location": "Berlin", "company": { "size": "11-50" } });
    assert_eq!(app.data(person).await["prospect"], berlin);
    let hits = "{ enrichmentCacheEntries { nodes { lookupType hitCount source confidenceScore prospect { id } expiresAt } } }";
    assert_eq!(
        app.data(hits).await["enrichmentCacheEntries"]["nodes"],
        json!([
            { "lookupType": "company/http", "hitCount": 1, "source": "http", "confidenceScore": 0.8,
              "prospect": null, "expiresAt": "2026-03-08T12:00:00Z" },
            { "lookupType": "person/http", "hitCount": 1, "source": "http", "confidenceScore": 0.9,
              "prospect": { "id": "Prospect:1" }, "expiresAt": "2026-03-08T12:00:00Z" },
        ])
    );
}

async fn person_cache_entries_are_not_shared_with_colleagues(mut app: App) {
    let industry = app.industry("Unclassified").await;
    let company = company(&app, "Acme", industry).await;
    let (ada, bob) = (app.prospect("Ada", company).await, app.prospect("Bob", company).await);
    let fake = Fake::new("http", 0.5, |asked, _| {
        let title = format!("Boss of {}", asked.known.full_name);
        found(asked, &[(Field::JobTitle, &title, 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake.clone()]);
    enrich(&app, &[ada], "providers: [HTTP]").await;
    enrich(&app, &[bob], "providers: [HTTP]").await;
    let told = app.data("{ prospects { nodes { jobTitle } } }").await;
    assert_eq!(
        told["prospects"]["nodes"],
        json!([{ "jobTitle": "Boss of Ada" }, { "jobTitle": "Boss of Bob" }])
    );
    assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
}

async fn cache_entries_expire(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake]);
    enrich(&app, &ids, "providers: [HTTP]").await;
    let kept = async |app: &App| {
        app.data("{ enrichmentCacheEntries { totalCount } }").await["enrichmentCacheEntries"]
            ["totalCount"]
            .clone()
    };
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    enrichment::expire(&app.store, engine::Clock::now(app.clock.as_ref())).await.unwrap();
    // The cache has one entry for the person and one empty entry for the company.
    assert_eq!(kept(&app).await, 2);
    app.clock.advance(TimeDelta::seconds(1));
    enrichment::expire(&app.store, engine::Clock::now(app.clock.as_ref())).await.unwrap();
    assert_eq!(kept(&app).await, 0);
}

async fn cache_entries_without_a_result_are_ignored(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake.clone()]);
    enrich(&app, &ids, "providers: [HTTP]").await;
    // Imported entries may have no result.
    let clear = "UPDATE enrichment_cache SET result_data = NULL";
    app.db.execute_unprepared(clear).await.unwrap();
    crate::imports::act(&app, "undoImportJob", 1).await;
    let again = enrich(&app, &ids, "providers: [HTTP]").await;
    assert_eq!(job(&app, again, "status").await["status"], "COMPLETED");
    assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
}

async fn usage_logs_and_daily_summaries_agree(app: App) {
    let call = |model: &str, cost: f64| {
        format!(
            "{{ workflowName: \"w\", nodeName: \"n\", model: \"{model}\", provider: \"openai\", promptTokens: 10, \
             completionTokens: 5, latencyMs: 100, cost: {cost} }}"
        )
    };
    let one = call("a", 0.1);
    app.done(&format!(
        "mutation {{ createLlmUsageLog(input: {one}) {{ userErrors {{ message }} }} }}"
    ))
    .await;
    let many = [call("b", 0.2), call("a", 0.3), call("b", 0.4)].join(", ");
    app.done(&format!(
        "mutation {{ createLlmUsageLogs(input: {{ llmUsageLogs: [{many}] }}) {{ userErrors {{ message }} }} }}"
    ))
    .await;
    app.clock.advance(TimeDelta::hours(12));
    app.done(
        "mutation { createServiceUsageLog(input: { provider: \"maps\", operation: \"geocode\", \
         charges: [{ amount: 0.25 }, { amount: 0.5 }] }) { userErrors { message } } }",
    )
    .await;
    let days = "{ dailyCostSummaries { nodes { date category provider model calls inputTokens outputTokens latencyMsTotal costUsd } } }";
    assert_eq!(
        app.data(days).await["dailyCostSummaries"]["nodes"],
        json!([
            { "date": "2026-03-01T00:00:00Z", "category": "LLM", "provider": "openai", "model": "a", "calls": 2,
              "inputTokens": 20.0, "outputTokens": 10.0, "latencyMsTotal": 200.0, "costUsd": 0.4 },
            { "date": "2026-03-01T00:00:00Z", "category": "LLM", "provider": "openai", "model": "b", "calls": 2,
              "inputTokens": 20.0, "outputTokens": 10.0, "latencyMsTotal": 200.0, "costUsd": 0.6 },
            { "date": "2026-03-02T00:00:00Z", "category": "API", "provider": "maps", "model": "geocode", "calls": 1,
              "inputTokens": 0.0, "outputTokens": 0.0, "latencyMsTotal": 0.0, "costUsd": 0.75 },
        ])
    );
    let wrong = "mutation { createServiceUsageLog(input: { provider: \"maps\", operation: \"x\", cost: 1, \
                 charges: [{ amount: 0.25 }] }) { userErrors { field message } } }";
    assert_eq!(
        app.data(wrong).await["createServiceUsageLog"]["userErrors"][0]["message"],
        "`cost` must be the sum of the charges (0.25)"
    );
}

async fn concurrent_usage_logs_sum_up_correctly(app: App) {
    let batch = |order: &[&str]| {
        let rows: Vec<_> = order
            .iter()
            .map(|provider| format!("{{ provider: \"{provider}\", operation: \"x\", cost: 0.25 }}"))
            .collect();
        format!(
            "mutation {{ createServiceUsageLogs(input: {{ serviceUsageLogs: [{}] }}) {{ userErrors {{ message }} }} }}",
            rows.join(", ")
        )
    };
    let orders =
        [["a", "b", "c", "d"], ["d", "c", "b", "a"], ["b", "d", "a", "c"], ["c", "a", "d", "b"]];
    let writing = orders.iter().map(async |order| {
        for _ in 0..5 {
            app.done(&batch(order)).await;
        }
    });
    futures_util::future::join_all(writing).await;
    let days = app.data("{ dailyCostSummaries { nodes { calls costUsd } } }").await;
    let day = json!({ "calls": 20, "costUsd": 5.0 });
    assert_eq!(days["dailyCostSummaries"]["nodes"], json!([day, day, day, day]));
}

async fn invalid_enrichment_plans_and_settings_are_rejected(app: App) {
    people(&app, 1).await;
    for (how, field) in [
        ("providers: [LLM]", "providers"),
        ("providers: []", "providers"),
        ("variants: 11", "variants"),
        ("variants: 1", "variants"),
        ("variants: -1", "variants"),
    ] {
        let mutation = format!(
            "mutation {{ enrichProspects(input: {{ ids: [1], {how} }}) {{ importJob {{ id }} userErrors {{ field message }} }} }}"
        );
        let refused = app.data(&mutation).await["enrichProspects"]["userErrors"].clone();
        assert_eq!(refused[0]["field"], field, "{how}: {refused}");
    }
    for (input, field) in [
        ("ids: [], filter: {}", "ids"),
        ("filter: { fullName: { eq: \"nobody\" } }", "ids"),
        ("ids: [99]", "ids"),
    ] {
        let mutation = format!(
            "mutation {{ enrichProspects(input: {{ {input} }}) {{ userErrors {{ field message }} }} }}"
        );
        let refused = app.data(&mutation).await["enrichProspects"]["userErrors"].clone();
        assert_eq!(refused[0]["field"], field, "{input}: {refused}");
    }
    assert_eq!(app.data("{ importJobs { totalCount } }").await["importJobs"]["totalCount"], 0);
    for (key, value) in [
        ("daily_spend_limit", "-1"),
        ("daily_spend_limit", "\"much\""),
        ("max_concurrent_enrichments", "0"),
        ("max_concurrent_enrichments", "1.5"),
        ("llm_prices", "{ gpt: 1 }"),
    ] {
        let mutation = format!(
            "mutation {{ upsertSettings(input: {{ settings: [{{ key: \"{key}\", value: {value} }}] }}) {{ userErrors {{ field message }} }} }}"
        );
        let refused = app.data(&mutation).await["upsertSettings"]["userErrors"].clone();
        assert!(
            refused[0]["field"].as_str().is_some_and(|f| f.ends_with("value")),
            "{key}: {refused}"
        );
    }
}
