//! Sales analytics: rule-based computed fields and reports.

use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    engagement_level_follows_the_last_reply,
    next_best_action_follows_from_the_history,
    next_best_action_is_null_for_opted_out_or_inactive_prospects,
    suggested_mutation_can_be_sent_unchanged,
    solutions_come_from_research_or_the_industry,
    an_event_suggests_prospects_of_its_industries,
    draft_funnel_counts_stages,
    cost_report_totals_are_consistent,
    industry_performance_is_ordered_by_reply_rate,
    analytics_execute_few_statements,
];

async fn engaged(
    app: &App,
    name: &str,
    company: i64,
    contacted: Option<i64>,
    engaged: Option<i64>,
) -> i64 {
    let hours = |hours: Option<i64>| hours.map(|hours| app.hours(-hours));
    let (contacted, engaged) = (hours(contacted), hours(engaged));
    app.prospect_with(name, company, |row| {
        row.last_contacted_at = Set(contacted);
        row.last_engagement_date = Set(engaged);
    })
    .await
}

const DAY: i64 = 24;

async fn engagement_level_follows_the_last_reply(app: App) {
    let industry = app.industry("Logistics").await;
    for (name, contacted, answered) in [
        ("hot", Some(9 * DAY), Some(7 * DAY)),
        ("warm", Some(1), Some(7 * DAY + 1)),
        ("cold", Some(1), Some(31 * DAY)),
        ("contacted", Some(1), None),
        ("untouched", None, None),
    ] {
        let company = app.company(name, industry).await;
        engaged(&app, "a", company, contacted, answered).await;
        engaged(&app, "b", company, None, None).await;
        let gone = engaged(&app, "c", company, Some(1), Some(1)).await;
        app.done(&format!("mutation {{ deleteProspect(input: {{ id: {gone} }}) {{ deletedId userErrors {{ message }} }} }}"))
            .await;
    }
    app.company("empty", industry).await;
    let data = app
        .data("{ companies { nodes { name engagement { level prospects contacted replied replyRate lastEngagementDate } } } }")
        .await;
    let told: Vec<_> = data["companies"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|company| {
            let engagement = &company["engagement"];
            let numbers = ["prospects", "contacted", "replied"]
                .map(|name| engagement[name].as_i64().unwrap());
            (company["name"].as_str().unwrap(), engagement["level"].as_str().unwrap(), numbers)
        })
        .collect();
    let expected = [
        ("hot", "HOT", [2, 1, 1]),
        ("warm", "WARM", [2, 1, 1]),
        ("cold", "COLD", [2, 1, 1]),
        ("contacted", "COLD", [2, 1, 0]),
        ("untouched", "UNTOUCHED", [2, 0, 0]),
        ("empty", "UNTOUCHED", [0, 0, 0]),
    ];
    assert_eq!(told, expected);
    let first = &data["companies"]["nodes"][0]["engagement"];
    assert_eq!(first["replyRate"], 1.0);
    assert_eq!(first["lastEngagementDate"], "2026-02-22T12:00:00Z");
}

/// The next best action of each prospect, by name.
async fn next(app: &App) -> Vec<(String, Value)> {
    let data = app
        .data("{ prospects { nodes { fullName nextBestAction { kind reason evidence dueAt mutation variables } } } }")
        .await;
    let prospects = data["prospects"]["nodes"].as_array().unwrap();
    prospects
        .iter()
        .map(|one| (one["fullName"].as_str().unwrap().to_owned(), one["nextBestAction"].clone()))
        .collect()
}

async fn next_best_action_follows_from_the_history(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    for (name, contacted, answered) in [
        ("answer", Some(48), Some(2)),
        ("waiting", Some(48), Some(50)),
        ("follow up", Some(8 * DAY), None),
        ("research", None, None),
        ("first contact", None, None),
        ("review", Some(48), Some(2)),
        ("send", None, None),
        ("finish", None, None),
        ("mend", None, None),
        ("sending", None, None),
        ("answer meanwhile", Some(48), Some(2)),
    ] {
        engaged(&app, name, company, contacted, answered).await;
    }
    app.done(
        r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "email", subject: "Re", content: "Yes?",
           direction: INBOUND, interactionDate: "2026-03-01T11:00:00Z" }) { interaction { id } userErrors { message } } }"#,
    )
    .await;
    app.research(5, "Found out", |_| {}).await;
    let review = app.draft(6, None, "pending_review").await;
    app.draft(6, None, "draft").await;
    app.draft(7, None, "approved").await;
    app.draft(8, None, "draft").await;
    app.draft(9, None, "rejected").await;
    app.draft(10, None, "scheduled").await;
    app.draft(11, None, "sending").await;
    let next = next(&app).await;
    let kinds: Vec<_> =
        next.iter().map(|(_, action)| action["kind"].as_str().unwrap_or("-")).collect();
    let expected = [
        "REPLY",
        "-",
        "FOLLOW_UP",
        "RESEARCH",
        "FIRST_CONTACT",
        "REVIEW_DRAFT",
        "SEND_DRAFT",
        "FINISH_DRAFT",
        "REVISE_DRAFT",
        "-",
        "REPLY",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        next[0].1,
        json!({ "kind": "REPLY", "reason": "The inbound interaction of 2026-03-01 has no reply.",
            "evidence": "Interaction:1", "dueAt": "2026-03-02T11:00:00Z", "mutation": "createOutreachDraft",
            "variables": { "input": { "prospectId": "Prospect:1", "draftType": "reply", "content": "" } } })
    );
    assert_eq!(next[2].1["dueAt"], "2026-02-28T12:00:00Z");
    assert_eq!(next[5].1["evidence"], format!("OutreachDraft:{review}"));
}

async fn next_best_action_is_null_for_opted_out_or_inactive_prospects(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    let now = app.now();
    app.prospect_with("left", company, |row| row.unsubscribed_at = Set(Some(now))).await;
    app.prospect_with("idle", company, |row| row.is_active = Set(false)).await;
    app.prospect_with("out", company, |row| row.lifecycle_stage = Set("disqualified".to_owned()))
        .await;
    for (name, action) in next(&app).await {
        assert_eq!(action, Value::Null, "{name}");
    }
}

async fn suggested_mutation_can_be_sent_unchanged(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    for _ in 0..4 {
        engaged(&app, "x", company, None, None).await;
    }
    app.draft(1, None, "pending_review").await;
    app.draft(2, None, "approved").await;
    app.draft(3, None, "draft").await;
    app.draft(4, None, "rejected").await;
    for ((_, action), kind) in
        next(&app).await.iter().zip(["approve", "schedule", "submit", "reopen"])
    {
        let name = action["mutation"].as_str().unwrap();
        assert_eq!(name, format!("{kind}OutreachDraft"));
        let input = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let input = if matches!(kind, "submit" | "reopen") {
            "OutreachDraftActionInput".to_owned()
        } else {
            format!("{input}Input")
        };
        let query = format!(
            "mutation ($input: {input}!) {{ {name}(input: $input) {{ outreachDraft {{ status }} userErrors {{ message }} }} }}"
        );
        let answer = app.answer_to(app.organization, &query, action["variables"].clone()).await;
        let errors = &answer["data"][name]["userErrors"];
        if kind == "approve" {
            // Approval requires a named actor.
            assert!(errors.to_string().contains("a named person"), "{answer}");
        } else {
            assert_eq!(*errors, json!([]), "{answer}");
        }
    }
}

async fn solutions_come_from_research_or_the_industry(app: App) {
    app.world().await;
    let recommend = |row: &mut entity::crm::prospect_research::ActiveModel, list: Value| {
        row.recommended_solutions = Set(Some(list));
    };
    let later = app.hours(1);
    // Ada: only the newest research is used. Solutions are found by name and by ID; unknown solutions are skipped.
    app.research(1, "old", |row| recommend(row, json!(["Radar"]))).await;
    app.research(1, "new", |row| {
        recommend(row, json!(["planner", "Nothing", 1, "Solution:2"]));
        row.created_at = Set(later);
    })
    .await;
    // The newest research of Cleo names only unknown solutions.
    app.research(3, "new", |row| {
        recommend(row, json!(["Nothing"]));
        row.created_at = Set(later);
    })
    .await;
    let data = app.data("{ prospects { nodes { fullName recommendedSolutions { name } } } }").await;
    let names: Vec<_> = data["prospects"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let solutions = one["recommendedSolutions"].as_array().unwrap();
            let names: Vec<_> = solutions.iter().map(|one| one["name"].as_str().unwrap()).collect();
            (one["fullName"].as_str().unwrap(), names)
        })
        .collect();
    let expected = [
        ("Ada", vec!["Planner", "Radar"]),
        ("bob", vec!["Planner", "Radar"]),
        ("Cleo", vec!["Planner", "Radar"]),
        ("Dan", vec!["Radar"]),
    ];
    assert_eq!(names, expected);
}

async fn an_event_suggests_prospects_of_its_industries(app: App) {
    app.world().await;
    let when = app.hours(-5);
    let event = app
        .event("Hamburg", |row| {
            row.target_industries = Set(Some(json!(["logistics", "Industry:2"])));
        })
        .await;
    app.event("Oslo", |row| {
        row.target_industries = Set(Some(json!(["Logistics"])));
        row.status = Set("completed".to_owned());
    })
    .await;
    app.event("Rome", |row| row.target_industries = Set(Some(json!({ "not": "a list" })))).await;
    app.prospect_with("Eve", 1, |row| row.last_engagement_date = Set(Some(when))).await;
    app.prospect_with("gone", 1, |row| row.is_active = Set(false)).await;
    app.prospect_with("left", 1, |row| row.unsubscribed_at = Set(Some(when))).await;
    app.draft(1, Some(event), "draft").await;
    let data = app
        .data("{ events { nodes { location suggestedProspects { fullName company { name } } } } }")
        .await;
    let names = |place: usize| -> Vec<&str> {
        let list = data["events"]["nodes"][place]["suggestedProspects"].as_array().unwrap();
        list.iter().map(|one| one["fullName"].as_str().unwrap()).collect()
    };
    assert_eq!(names(0), Vec::<&str>::new());
    // Engaged prospects come first; the rest are sorted by ID. Ada is omitted because she already has a draft.
    assert_eq!(names(1), ["Eve", "bob", "Cleo", "Dan"]);
    // Completed events and events without target industries suggest no prospects.
    assert_eq!(names(2), Vec::<&str>::new());
    assert_eq!(names(3), Vec::<&str>::new());
}

async fn draft_funnel_counts_stages(app: App) {
    app.world().await;
    for mutation in [
        r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) { userErrors { message } }"#,
        "submitOutreachDraft(input: { id: 9 }) { userErrors { message } }",
        "approveOutreachDraft(input: { id: 9, expectedRevision: 2 }) { userErrors { message } }",
        "submitOutreachDraft(input: { id: 1 }) { userErrors { message } }",
        "rejectOutreachDraft(input: { id: 1 }) { userErrors { message } }",
    ] {
        app.done(&format!("mutation {{ {mutation} }}")).await;
    }
    let data = app
        .data(
            r"{ draftFunnel { written submitted approved sent replied rejected approvalRate replyRate }
               ada: draftFunnel(filter: { prospectId: { eq: 1 } }) { written } }",
        )
        .await;
    assert_eq!(
        data["draftFunnel"],
        // The drafts of the test data have no `sent_at`.
        json!({ "written": 9, "submitted": 2, "approved": 1, "sent": 0, "replied": 0, "rejected": 1,
            "approvalRate": 0.5, "replyRate": null })
    );
    assert_eq!(data["ada"]["written"], 3);
}

async fn cost_report_totals_are_consistent(app: App) {
    app.world().await;
    for (model, cost) in [("small", 0.25), ("large", 1.5), ("large", 0.5)] {
        app.usage(model, cost).await;
    }
    for _ in 0..2 {
        app.done(
            r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "email", subject: "Re", content: "x",
               direction: INBOUND }) { interaction { id } userErrors { message } } }"#,
        )
        .await;
    }
    let report = "{ groups { key calls cost share } total { key calls cost costPerCall } replies costPerReply }";
    let late = r#"{ llmCostReport(groupBy: DAY, since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z") { replies } }"#;
    assert_eq!(app.error(late).await, "INVALID: `until` must be after `since`");
    let data = app
        .data(&format!(
            r#"{{ models: llmCostReport(groupBy: MODEL) {report}
                  days: llmCostReport(groupBy: DAY, timeZone: "Pacific/Auckland") {{ groups {{ key calls }} }}
                  none: llmCostReport(groupBy: MODEL, until: "2020-01-01T00:00:00Z") {report} }}"#
        ))
        .await;
    let models = &data["models"];
    let keys: Vec<_> = models["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["large", "small"]);
    assert_eq!(models["groups"][0]["cost"], 2.0);
    assert_eq!(models["total"]["calls"], 4);
    assert!((models["total"]["cost"].as_f64().unwrap() - 2.26).abs() < 1e-9);
    assert_eq!(models["replies"], 2);
    assert!((models["costPerReply"].as_f64().unwrap() - 1.13).abs() < 1e-9);
    assert_eq!(data["days"]["groups"], json!([{ "key": "2026-03-02", "calls": 4 }]));
    app.done("mutation { deleteProspect(input: { id: 1 }) { deletedId userErrors { message } } }")
        .await;
    let left = app.data("{ llmCostReport(groupBy: MODEL) { replies } }").await;
    assert_eq!(left["llmCostReport"]["replies"], 0, "replies of deleted prospects are not counted");
    let nothing = json!({ "key": null, "calls": 0, "cost": 0.0, "costPerCall": null });
    assert_eq!(
        data["none"],
        json!({ "groups": [], "total": nothing, "replies": 0, "costPerReply": null })
    );
}

async fn industry_performance_is_ordered_by_reply_rate(app: App) {
    app.world().await;
    app.done(
        r#"mutation { logInteraction(input: { prospectId: 4, interactionType: "email", subject: "Re", content: "x",
           direction: INBOUND, interactionDate: "2026-03-01T12:00:00Z" }) { interaction { id } userErrors { message } } }"#,
    )
    .await;
    let fields =
        "{ industryName companies prospects contacted replied replyRate outbound inbound }";
    let data = app
        .data(&format!(
            r#"{{ industryPerformance {fields}
                  before: industryPerformance(until: "2026-03-01T12:00:00Z") {{ contacted }}
                  first: industryPerformance(since: "2026-03-01T12:00:00Z", until: "2026-03-01T12:30:00Z") {{ industryName outbound }} }}"#
        ))
        .await;
    assert_eq!(
        data["industryPerformance"],
        json!([
            { "industryName": "banking", "companies": 1, "prospects": 1, "contacted": 1, "replied": 1,
              "replyRate": 1.0, "outbound": 5, "inbound": 1 },
            { "industryName": "Logistics", "companies": 1, "prospects": 3, "contacted": 3, "replied": 0,
              "replyRate": 0.0, "outbound": 9, "inbound": 0 },
            { "industryName": "Zoos", "companies": 0, "prospects": 0, "contacted": 0, "replied": 0,
              "replyRate": null, "outbound": 0, "inbound": 0 },
        ])
    );
    assert_eq!(data["before"], json!([{ "contacted": 0 }, { "contacted": 0 }, { "contacted": 0 }]));
    let outbound: Vec<_> =
        data["first"].as_array().unwrap().iter().map(|one| &one["outbound"]).collect();
    assert_eq!(outbound, [1, 3, 0]);
}

async fn analytics_execute_few_statements(app: App) {
    app.world().await;
    for (query, statements) in [
        ("{ companies { nodes { engagement { level replied } } } }", 2),
        ("{ prospects { nodes { nextBestAction { kind } } } }", 2),
        // Reads the prospects, their research and industries, solutions by name and by industry, and the solution rows.
        ("{ prospects { nodes { recommendedSolutions { name } } } }", 5),
        // None of these events has target industries.
        ("{ events { nodes { suggestedProspects { fullName } } } }", 2),
        ("{ draftFunnel { written sent } }", 1),
        ("{ llmCostReport(groupBy: MODEL) { replies } }", 3),
        ("{ industryPerformance { replyRate } }", 1),
    ] {
        assert_eq!(app.counted(query).await.1, statements, "{query}");
    }
}
