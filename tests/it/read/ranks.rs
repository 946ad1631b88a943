//! Sort orders other than that of the displayed values: lifecycle stages, company sizes, numbers of prospects.

use engine::{clock::SystemClock, progress::Unwatched};
use futures_util::future::{join, join_all};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use service::{
    demo,
    operations::{comparison, maintenance},
};
use tests::{App, app::texts, behaviours};

behaviours![
    lifecycle_stages_are_sorted_by_their_order,
    companies_are_sorted_by_the_lower_bound_of_their_size,
    companies_count_their_prospects,
    concurrent_writes_are_counted,
    deleted_companies_get_no_prospects,
    rejected_items_are_not_counted,
    existing_rows_get_their_ranks,
    demo_rows_are_counted,
];

async fn company(app: &App, name: &str, size: &str) -> String {
    let mutation = format!(
        "mutation {{ createCompany(input: {{ name: \"{name}\", size: \"{size}\", industryId: \"Industry:1\" }}) \
         {{ company {{ id }} userErrors {{ message }} }} }}"
    );
    app.done(&mutation).await["company"]["id"].as_str().unwrap().to_owned()
}

async fn prospect(app: &App, name: &str, company: &str) -> String {
    let mutation = format!(
        "mutation {{ createProspect(input: {{ fullName: \"{name}\", email: \"{name}@acme.example\", \
         companyId: \"{company}\" }}) {{ prospect {{ id }} userErrors {{ message }} }} }}"
    );
    app.done(&mutation).await["prospect"]["id"].as_str().unwrap().to_owned()
}

async fn act(app: &App, mutation: &str) {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
}

/// The names of the companies in this order.
async fn companies(app: &App, order: &str) -> Vec<String> {
    let query = format!("{{ companies(orderBy: {order}) {{ nodes {{ name }} }} }}");
    texts(&app.data(&query).await["companies"]["nodes"], "name")
}

/// The number of prospects of each company, by name. The stored numbers are correct.
async fn counts(app: &App) -> Vec<(String, i64)> {
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 0);
    let query = "{ companies(orderBy: { name: ASC }) { nodes { name prospectCount prospects { totalCount } } } }";
    let data = app.data(query).await;
    let count = |company: &Value| {
        assert_eq!(company["prospectCount"], company["prospects"]["totalCount"]);
        let name = company["name"].as_str().unwrap().to_owned();
        (name, company["prospectCount"].as_i64().unwrap())
    };
    data["companies"]["nodes"].as_array().unwrap().iter().map(count).collect()
}

async fn lifecycle_stages_are_sorted_by_their_order(app: App) {
    app.industry("Logistics").await;
    let acme = company(&app, "Acme", "10").await;
    let stages = [
        "CUSTOMER",
        "DISQUALIFIED",
        "NEW",
        "QUALIFIED",
        "ENGAGED",
        "RESEARCHED",
        "OPPORTUNITY",
        "CONTACTED",
    ];
    for stage in stages {
        let id = prospect(&app, stage, &acme).await;
        let log = |direction: &str| {
            format!(
                "logInteraction(input: {{ prospectId: \"{id}\", interactionType: \"email\", subject: \"Hello\", \
                 content: \"Hello\", direction: {direction} }})"
            )
        };
        match stage {
            "NEW" => {}
            "RESEARCHED" => {
                let research = format!(
                    "saveProspectResearch(input: {{ prospectId: \"{id}\", researchSummary: \"Found out\" }})"
                );
                act(&app, &research).await;
            }
            "CONTACTED" => act(&app, &log("OUTBOUND")).await,
            "DISQUALIFIED" => {
                let advance = format!(
                    "advanceProspect(input: {{ id: \"{id}\", lifecycleStage: DISQUALIFIED }})"
                );
                act(&app, &advance).await;
            }
            _ => {
                act(&app, &log("INBOUND")).await;
                for step in ["QUALIFIED", "OPPORTUNITY", "CUSTOMER"] {
                    if stage == "ENGAGED" {
                        break;
                    }
                    let advance = format!(
                        "advanceProspect(input: {{ id: \"{id}\", lifecycleStage: {step} }})"
                    );
                    act(&app, &advance).await;
                    if stage == step {
                        break;
                    }
                }
            }
        }
    }
    let expected = [
        "NEW",
        "RESEARCHED",
        "CONTACTED",
        "ENGAGED",
        "QUALIFIED",
        "OPPORTUNITY",
        "CUSTOMER",
        "DISQUALIFIED",
    ];
    for (order, backward) in [("ASC", false), ("DESC", true)] {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let query = format!(
                "{{ prospects(first: 3, after: {after}, orderBy: {{ lifecycleStage: {order} }}) \
                 {{ nodes {{ fullName lifecycleStage }} pageInfo {{ endCursor hasNextPage }} }} }}"
            );
            let page = app.data(&query).await["prospects"].clone();
            for node in page["nodes"].as_array().unwrap() {
                assert_eq!(node["fullName"], node["lifecycleStage"]);
            }
            found.extend(texts(&page["nodes"], "lifecycleStage"));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        if backward {
            found.reverse();
        }
        assert_eq!(found, expected, "{order}");
    }
}

async fn companies_are_sorted_by_the_lower_bound_of_their_size(app: App) {
    app.industry("Logistics").await;
    for (name, size) in
        [("c", "1,001-5,000"), ("a", "11-50"), ("x", "enterprise"), ("d", "10k+"), ("b", "51-250")]
    {
        company(&app, name, size).await;
    }
    assert_eq!(companies(&app, "{ size: ASC }").await, ["a", "b", "c", "d", "x"]);
    assert_eq!(companies(&app, "{ size: DESC }").await, ["d", "c", "b", "a", "x"]);
    assert_eq!(companies(&app, "{ size: DESC_NULLS_FIRST }").await, ["x", "d", "c", "b", "a"]);
    act(&app, "updateCompany(input: { id: \"Company:1\", patch: { size: \"4\" } })").await;
    assert_eq!(companies(&app, "[{ size: ASC }, { name: ASC }]").await, ["c", "a", "b", "d", "x"]);
}

async fn companies_count_their_prospects(app: App) {
    app.industry("Logistics").await;
    let (acme, other) = (company(&app, "Acme", "10").await, company(&app, "Other", "10").await);
    let mut prospects = Vec::new();
    for name in ["a", "b", "c", "d"] {
        prospects.push(prospect(&app, name, &acme).await);
    }
    prospects.push(prospect(&app, "e", &other).await);
    let expected =
        |acme: i64, other: i64| vec![("Acme".to_owned(), acme), ("Other".to_owned(), other)];
    assert_eq!(counts(&app).await, expected(4, 1));
    assert_eq!(companies(&app, "{ prospectCount: DESC }").await, ["Acme", "Other"]);
    let revision = app.data("{ company(id: 1) { revision history { totalCount } } }").await;
    for (mutation, count) in [
        (
            format!("moveProspect(input: {{ id: \"{}\", companyId: \"{other}\" }})", prospects[0]),
            (3, 2),
        ),
        (format!("deleteProspect(input: {{ id: \"{}\" }})", prospects[1]), (2, 2)),
        (format!("restoreProspect(input: {{ id: \"{}\" }})", prospects[1]), (3, 2)),
        (
            format!(
                "updateProspect(input: {{ id: \"{}\", patch: {{ location: \"Berlin\" }} }})",
                prospects[1]
            ),
            (3, 2),
        ),
        (
            format!(
                "mergeProspects(input: {{ keepId: \"{}\", dropId: \"{}\" }})",
                prospects[2], prospects[4]
            ),
            (3, 1),
        ),
        (format!("eraseProspect(input: {{ id: \"{}\" }})", prospects[3]), (2, 1)),
        // The row that was merged was not counted.
        (format!("eraseProspect(input: {{ id: \"{}\" }})", prospects[2]), (1, 1)),
    ] {
        act(&app, &mutation).await;
        assert_eq!(counts(&app).await, expected(count.0, count.1), "{mutation}");
    }
    // Counting is not a change of the company.
    assert_eq!(app.data("{ company(id: 1) { revision history { totalCount } } }").await, revision);
    // Another program deletes a row.
    app.db.execute_unprepared("DELETE FROM prospects WHERE company_id = 1").await.unwrap();
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 1);
    assert_eq!(counts(&app).await, expected(0, 1));
}

async fn concurrent_writes_are_counted(app: App) {
    app.industry("Logistics").await;
    let companies = [company(&app, "Acme", "10").await, company(&app, "Other", "10").await];
    let mut prospects = Vec::new();
    for number in 0..8 {
        prospects.push(prospect(&app, &format!("p{number}"), &companies[number % 2]).await);
    }
    for round in 1..4 {
        // Half of the prospects move in each direction, and new ones are created at the same time.
        let moves = prospects.iter().enumerate().map(|(number, id)| {
            format!(
                "moveProspect(input: {{ id: \"{id}\", companyId: \"{}\" }})",
                companies[(number + round) % 2]
            )
        });
        let items = companies.iter().rev().enumerate().map(|(number, company)| {
            format!(
                "createProspects(input: {{ prospects: [{{ fullName: \"x\", email: \"{round}{number}@a.example\", \
                 companyId: \"{company}\" }}, {{ fullName: \"x\", email: \"{round}{number}@b.example\", \
                 companyId: \"{}\" }}] }})",
                companies[number]
            )
        });
        join_all(moves.chain(items).map(|mutation| {
            let app = &app;
            async move { act(app, &mutation).await }
        }))
        .await;
        counts(&app).await;
    }
    let total: i64 = counts(&app).await.iter().map(|(_, count)| count).sum();
    assert_eq!(total, 8 + 3 * 4);
}

async fn deleted_companies_get_no_prospects(app: App) {
    app.industry("Logistics").await;
    let acme = company(&app, "Acme", "10").await;
    let mut done = [0, 0];
    for round in 0..20 {
        let create = format!(
            "mutation {{ createProspect(input: {{ fullName: \"x\", email: \"{round}@acme.example\", companyId: \"{acme}\" }}) \
             {{ prospect {{ id }} userErrors {{ field message reason }} }} }}"
        );
        let delete = format!(
            "mutation {{ deleteCompany(input: {{ id: \"{acme}\" }}) {{ deletedId userErrors {{ reason }} }} }}"
        );
        let (created, deleted) = join(app.answer(&create), app.answer(&delete)).await;
        let [created, deleted] =
            [&created["data"]["createProspect"], &deleted["data"]["deleteCompany"]];
        if deleted["deletedId"].is_null() {
            assert_eq!(deleted["userErrors"][0]["reason"], "COMPANY_HAS_PROSPECTS", "{deleted}");
            let prospect = created["prospect"]["id"].as_str().unwrap();
            act(&app, &format!("eraseProspect(input: {{ id: \"{prospect}\" }})")).await;
            done[0] += 1;
        } else {
            let error = json!([{ "field": "companyId", "reason": "ROW_DELETED",
                "message": "the company is deleted; restore it first" }]);
            assert_eq!(created["userErrors"], error, "{created}");
            assert_eq!(created["prospect"], Value::Null);
            act(&app, &format!("restoreCompany(input: {{ id: \"{acme}\" }})")).await;
            done[1] += 1;
        }
        assert_eq!(counts(&app).await, [("Acme".to_owned(), 0)]);
    }
    assert_eq!(done[0] + done[1], 20);
}

async fn rejected_items_are_not_counted(app: App) {
    app.industry("Logistics").await;
    let acme = company(&app, "Acme", "10").await;
    let item =
        |email: &str| format!("{{ fullName: \"x\", email: \"{email}\", companyId: \"{acme}\" }}");
    let items = ["a@x.example", "no address", "b@x.example", "A@x.example"].map(item).join(", ");
    for on_error in ["REJECT_ALL", "SKIP_FAILED"] {
        let mutation = format!(
            "mutation {{ createProspects(input: {{ prospects: [{items}], onError: {on_error} }}) {{ userErrors {{ message }} }} }}"
        );
        let answer = app.answer(&mutation).await;
        let errors = answer["data"]["createProspects"]["userErrors"].as_array().unwrap().len();
        assert_eq!(errors, 2, "{answer}");
    }
    assert_eq!(counts(&app).await, [("Acme".to_owned(), 2)]);
}

async fn existing_rows_get_their_ranks(app: App) {
    app.industry("Logistics").await;
    for (name, size) in [("big", "5000"), ("small", "9")] {
        company(&app, name, size).await;
    }
    for statement in [
        "UPDATE companies SET size_lower_bound = NULL",
        "UPDATE comparison_progress SET version = 1, last_id = 0",
    ] {
        app.db.execute_unprepared(statement).await.unwrap();
    }
    assert_eq!(companies(&app, "{ size: ASC }").await, ["big", "small"]);
    comparison::fill(&app.store, &SystemClock, &Unwatched).await.unwrap();
    assert_eq!(companies(&app, "{ size: ASC }").await, ["small", "big"]);
}

async fn demo_rows_are_counted(app: App) {
    let scope = app.scope(app.organization);
    demo::seed(&scope, demo::Scale::Small, &Unwatched).await.unwrap();
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 0);
    let query =
        "{ companies(first: 1, orderBy: { prospectCount: DESC }) { nodes { prospectCount } } }";
    let largest = app.data(query).await["companies"]["nodes"][0]["prospectCount"].as_i64().unwrap();
    assert!(largest > 100, "{largest}");
    demo::remove(&scope, true, &Unwatched).await.unwrap();
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 0);
}
