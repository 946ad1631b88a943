//! Pagination returns every row exactly once and in order, forward and backward, with any filter and sort order.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, app::texts, behaviours};

behaviours![
    pagination_returns_each_row_once_in_order,
    nested_pagination_returns_each_row_once_in_order,
    page_info_reports_adjacent_pages,
    after_and_before_can_be_combined,
    page_past_the_end_is_empty,
    cursor_of_another_list_is_rejected,
    malformed_cursor_is_rejected,
    cursor_under_several_parents_is_rejected,
    cursor_works_after_its_row_is_deleted,
    nullable_numbers_paginate_in_every_order,
];

/// Number of generated cases.
const CASES: u32 = 60;

const DIRECTIONS: [&str; 6] =
    ["ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"];

/// Sort order, filter and page size of a list.
#[derive(Debug, Clone)]
struct Case {
    keys: Vec<(&'static str, &'static str)>,
    order: String,
    filter: &'static str,
    size: usize,
}

fn cases() -> Vec<Case> {
    let key = prop_oneof![
        Just("fullName"),
        Just("email"),
        Just("lastContactedAt"),
        Just("createdAt"),
        Just("id"),
        Just("company.name"),
        Just("company.domain"),
        Just("company.industry.name"),
    ];
    let sort = (key, prop::sample::select(&DIRECTIONS[..]));
    let filter = prop_oneof![
        Just("{}"),
        Just("{ lastContactedAt: { isNull: false } }"),
        Just("{ fullName: { contains: \"a\" } }"),
        Just("{ company: { name: { ne: \"acme\" } } }"),
        Just("{ not: { interactions: { some: {} } } }"),
    ];
    let case =
        (prop::collection::vec(sort, 0..4), filter, 1_usize..8).prop_map(|(keys, filter, size)| {
            let sorts = keys.iter().map(|(key, direction)| {
                let parts = key.rsplit('.');
                parts.fold((*direction).to_owned(), |inner, part| format!("{{ {part}: {inner} }}"))
            });
            let order = format!("[{}]", sorts.collect::<Vec<_>>().join(", "));
            Case { keys, order, filter, size }
        });
    let config = Config { rng_seed: RngSeed::Fixed(20_261_121), ..Config::default() };
    let mut runner = TestRunner::new(config);
    (0..CASES).map(|_| case.new_tree(&mut runner).unwrap().current()).collect()
}

/// 40 prospects with ties, nulls, case variants and accents in every sortable field.
async fn crowd(app: &App) {
    let industries = [app.industry("Logistics").await, app.industry("banking").await];
    let mut companies = Vec::new();
    for (index, name) in ["Acme", "acme", "Bank", "Ärzte"].into_iter().enumerate() {
        let domain = (index % 2 == 0).then(|| format!("{name}.example"));
        let company =
            app.company_with(name, industries[index % 2], |row| row.domain = Set(domain)).await;
        companies.push(company);
    }
    let names = ["Ada", "ada", "ADA", "bob", "Çelik", "Zoë", "zoe", "", "a%b", "~"];
    for number in 0..40_usize {
        let contacted = match number % 4 {
            0 => None,
            kind => Some(app.hours(i64::try_from(number % 3 * kind).unwrap())),
        };
        let made = app.hours(i64::try_from(number % 5).unwrap());
        let prospect = app
            .prospect_with("x", companies[number % 4], |row| {
                row.full_name = Set(names[number * 7 % 10].to_owned());
                row.email = Set(format!("P{}@x.example", number % 20));
                row.last_contacted_at = Set(contacted);
                row.created_at = Set(made);
            })
            .await;
        if number % 3 == 0 {
            app.interaction(prospect, None, "x", 0).await;
        }
    }
}

async fn page(app: &App, root: &str, case: &Case, window: &str) -> Value {
    let (open, close) = root.split_once("…").unwrap();
    let query = format!(
        "{{ {open} prospects({window}, filter: {}, orderBy: {}) {{ totalCount edges {{ cursor node {{ id fullName email lastContactedAt \
         createdAt company {{ name domain industry {{ name }} }} }} }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} {close} }}",
        case.filter, case.order
    );
    let mut data = app.data(&query).await;
    if root == "…" { data["prospects"].take() } else { data["company"]["prospects"].take() }
}

fn ids(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect()
}

/// The value of a sort key in the form that both engines must compare: text with ASCII letters in lowercase.
fn sort_value(node: &Value, key: &str) -> Option<Vec<u8>> {
    let value = key.split('.').fold(node, |value, part| &value[part]);
    let text = value.as_str()?.to_ascii_lowercase();
    // Primary keys sort as numbers.
    let number = text.strip_prefix("prospect:").map(|id| format!("{id:0>9}"));
    // The timestamps of `crowd` have whole seconds, so they sort as text.
    Some(number.unwrap_or(text).into_bytes())
}

/// Asserts that the page has the documented order, which is computed here independently of the engines.
fn assert_sorted(page: &Value, case: &Case) {
    use std::cmp::Ordering;
    let mut keys = case.keys.clone();
    let descending = keys.last().is_some_and(|(_, direction)| direction.starts_with("DESC"));
    keys.push(("id", if descending { "DESC" } else { "ASC" }));
    let edges = page["edges"].as_array().unwrap();
    for pair in edges.windows(2) {
        let order = keys.iter().fold(Ordering::Equal, |order, (key, direction)| {
            let [one, other] = [0, 1].map(|side| sort_value(&pair[side]["node"], key));
            let nulls_first = matches!(*direction, "DESC" | "ASC_NULLS_FIRST" | "DESC_NULLS_FIRST");
            order.then_with(|| match (one, other) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) if nulls_first => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) if nulls_first => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(one), Some(other)) if direction.starts_with("DESC") => other.cmp(&one),
                (Some(one), Some(other)) => one.cmp(&other),
            })
        });
        assert_eq!(order, Ordering::Less, "{case:?}: {pair:#?}");
    }
}

async fn check(app: &App, root: &str, case: &Case) {
    let all = page(app, root, case, "first: 100").await;
    let expected = ids(&all);
    assert_sorted(&all, case);
    assert_eq!(all["totalCount"], expected.len(), "{case:?}");

    let mut forwards = Vec::new();
    let mut after = String::new();
    loop {
        let window = format!("first: {}{after}", case.size);
        let page = page(app, root, case, &window).await;
        forwards.extend(ids(&page));
        assert_eq!(
            page["pageInfo"]["hasNextPage"],
            json!(forwards.len() < expected.len()),
            "{case:?}"
        );
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(forwards, expected, "forwards: {case:?}");

    let mut backwards = Vec::new();
    let mut before = String::new();
    loop {
        let window = format!("last: {}{before}", case.size);
        let page = page(app, root, case, &window).await;
        backwards.splice(0..0, ids(&page));
        let more = json!(backwards.len() < expected.len());
        assert_eq!(page["pageInfo"]["hasPreviousPage"], more, "{case:?}");
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
        before = format!(", before: {}", page["pageInfo"]["startCursor"]);
    }
    assert_eq!(backwards, expected, "backwards: {case:?}");
}

async fn pagination_returns_each_row_once_in_order(app: App) {
    crowd(&app).await;
    for case in cases() {
        check(&app, "…", &case).await;
    }
}

async fn nested_pagination_returns_each_row_once_in_order(app: App) {
    crowd(&app).await;
    for case in cases().into_iter().take(20) {
        check(&app, "company(id: 2) { … }", &case).await;
    }
}

async fn page_info_reports_adjacent_pages(app: App) {
    app.world().await;
    let info = async |window: &str| {
        let query = format!(
            "{{ prospects({window}) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        app.data(&query).await["prospects"].clone()
    };
    let first = info("first: 2").await;
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["pageInfo"]["hasPreviousPage"], false);
    let second = info(&format!("first: 2, after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(texts(&second["nodes"], "id"), ["Prospect:3", "Prospect:4"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    let back = info(&format!("last: 1, before: {}", second["pageInfo"]["startCursor"])).await;
    assert_eq!(texts(&back["nodes"], "id"), ["Prospect:2"]);
    assert_eq!(back["pageInfo"]["hasNextPage"], true);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], true);
}

async fn after_and_before_can_be_combined(app: App) {
    crowd(&app).await;
    let data = app.data("{ prospects(first: 10, orderBy: [{ fullName: DESC }]) { edges { cursor node { id } } } }").await;
    let edges = data["prospects"]["edges"].as_array().unwrap();
    let query = format!(
        "{{ prospects(first: 50, after: {}, before: {}, orderBy: [{{ fullName: DESC }}]) {{ edges {{ cursor node {{ id }} }} }} }}",
        edges[2]["cursor"], edges[7]["cursor"]
    );
    assert_eq!(app.data(&query).await["prospects"]["edges"], json!(edges[3..7]));
    let around = query.replace("edges {", "pageInfo { hasNextPage hasPreviousPage } edges {");
    let info = json!({ "hasNextPage": true, "hasPreviousPage": true });
    assert_eq!(app.data(&around).await["prospects"]["pageInfo"], info);
}

async fn page_past_the_end_is_empty(app: App) {
    app.world().await;
    let data = app.data("{ prospects { pageInfo { endCursor } } }").await;
    let query = format!(
        "{{ prospects(after: {}) {{ nodes {{ id }} totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}",
        data["prospects"]["pageInfo"]["endCursor"]
    );
    let expected = json!({ "nodes": [], "totalCount": 4, "pageInfo": {
        "hasNextPage": false, "hasPreviousPage": true, "startCursor": null, "endCursor": null } });
    assert_eq!(app.data(&query).await["prospects"], expected);
}

async fn cursor(app: &App) -> String {
    let data = app.data("{ prospects(first: 1) { pageInfo { endCursor } } }").await;
    data["prospects"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned()
}

async fn cursor_of_another_list_is_rejected(app: App) {
    app.world().await;
    let cursor = cursor(&app).await;
    for list in [
        format!("companies(after: \"{cursor}\") {{ nodes {{ id }} }}"),
        format!(
            "prospects(after: \"{cursor}\", orderBy: [{{ fullName: ASC }}]) {{ nodes {{ id }} }}"
        ),
        format!(
            "prospects(after: \"{cursor}\", filter: {{ isActive: {{ eq: true }} }}) {{ nodes {{ id }} }}"
        ),
        format!("prospects(before: \"{cursor}\", orderBy: [{{ id: DESC }}]) {{ nodes {{ id }} }}"),
        format!("company(id: 1) {{ prospects(after: \"{cursor}\") {{ nodes {{ id }} }} }}"),
    ] {
        let error = app.error(&format!("{{ {list} }}")).await;
        assert!(error.starts_with("BAD_CURSOR: "), "{list}: {error}");
    }
    let below =
        app.data("{ company(id: 1) { prospects(first: 1) { pageInfo { endCursor } } } }").await;
    let cursor = &below["company"]["prospects"]["pageInfo"]["endCursor"];
    let same =
        format!("{{ company(id: 1) {{ prospects(after: {cursor}) {{ nodes {{ fullName }} }} }} }}");
    let rest = app.data(&same).await;
    assert_eq!(texts(&rest["company"]["prospects"]["nodes"], "fullName"), ["bob", "Cleo"]);
    let other =
        format!("{{ company(id: 2) {{ prospects(after: {cursor}) {{ nodes {{ id }} }} }} }}");
    assert!(app.error(&other).await.starts_with("BAD_CURSOR: "));
}

async fn malformed_cursor_is_rejected(app: App) {
    app.world().await;
    let good = cursor(&app).await;
    let cut = &good[..good.len() - 4];
    let mut changed = good.clone().into_bytes();
    let last = changed.len() - 3;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let long = "A".repeat(100_000);
    for garbage in ["", "x", "AAAA", "%00", "Prospect:1", "ß", cut, &changed, &long] {
        let query = format!("{{ prospects(after: \"{garbage}\") {{ nodes {{ id }} }} }}");
        let error = app.error(&query).await;
        assert!(error.starts_with("BAD_CURSOR: "), "{error}");
    }
}

async fn cursor_under_several_parents_is_rejected(app: App) {
    app.world().await;
    let below =
        app.data("{ company(id: 1) { prospects(first: 1) { pageInfo { endCursor } } } }").await;
    let cursor = &below["company"]["prospects"]["pageInfo"]["endCursor"];
    let query = format!(
        "{{ companies {{ nodes {{ prospects(after: {cursor}) {{ nodes {{ id }} }} }} }} }}"
    );
    let error = app.error(&query).await;
    assert!(error.starts_with("BAD_CURSOR: ") && error.contains("several rows"), "{error}");
}

async fn cursor_works_after_its_row_is_deleted(app: App) {
    use sea_orm::ConnectionTrait;
    app.world().await;
    let data = app.data("{ llmUsageLogs(first: 1) { nodes { id } pageInfo { endCursor } } }").await;
    app.usage("later", 1.0).await;
    app.db.execute_unprepared("DELETE FROM llm_usage_logs WHERE model = 'small'").await.unwrap();
    let query = format!(
        "{{ llmUsageLogs(after: {}) {{ nodes {{ model }} }} }}",
        data["llmUsageLogs"]["pageInfo"]["endCursor"]
    );
    assert_eq!(texts(&app.data(&query).await["llmUsageLogs"]["nodes"], "model"), ["later"]);
}

async fn nullable_numbers_paginate_in_every_order(app: App) {
    let industry = app.industry("All").await;
    let company = app.company("Acme", industry).await;
    let prospect = app.prospect("Ada", company).await;
    for number in 0..12 {
        let score = (number % 3 != 0).then(|| f64::from(number % 4) - 1.5);
        app.research(prospect, "x", |row| row.confidence_score = Set(score)).await;
    }
    for direction in DIRECTIONS {
        let list = |window: &str| {
            format!(
                "{{ prospectResearches({window}, orderBy: [{{ confidenceScore: {direction} }}]) {{ nodes {{ id confidenceScore }} pageInfo {{ hasNextPage endCursor }} }} }}"
            )
        };
        let all = app.data(&list("first: 100")).await["prospectResearches"]["nodes"].clone();
        let scores: Vec<Option<f64>> =
            all.as_array().unwrap().iter().map(|node| node["confidenceScore"].as_f64()).collect();
        let nulls_first = matches!(direction, "DESC" | "ASC_NULLS_FIRST" | "DESC_NULLS_FIRST");
        let (head, tail) = scores.split_at(if nulls_first { 4 } else { 8 });
        let (nulls, numbers) = if nulls_first { (head, tail) } else { (tail, head) };
        assert!(nulls.iter().all(Option::is_none), "{direction}: {scores:?}");
        let rising = numbers.is_sorted_by(|one, other| one <= other);
        let falling = numbers.is_sorted_by(|one, other| one >= other);
        assert!(
            if direction.starts_with("ASC") { rising } else { falling },
            "{direction}: {scores:?}"
        );

        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.data(&list(&format!("first: 5{after}"))).await;
            paged.extend(page["prospectResearches"]["nodes"].as_array().unwrap().clone());
            if page["prospectResearches"]["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
            after = format!(", after: {}", page["prospectResearches"]["pageInfo"]["endCursor"]);
        }
        assert_eq!(json!(paged), all, "{direction}");
    }
}
