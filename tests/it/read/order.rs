//! Sort order of lists.

use sea_orm::ActiveValue::Set;
use tests::{App, app::texts, behaviours};

behaviours![
    text_is_sorted_case_insensitively,
    nulls_are_placed_as_in_postgres,
    several_sort_keys_and_directions_can_be_combined,
    rows_can_be_sorted_by_fields_of_related_rows,
    tie_breaker_follows_the_direction_of_the_last_sort_key,
    invalid_sort_orders_are_rejected,
];

async fn names(app: &App, order: &str) -> Vec<String> {
    let query = format!("{{ prospects(orderBy: {order}) {{ nodes {{ fullName }} }} }}");
    texts(&app.data(&query).await["prospects"]["nodes"], "fullName")
}

async fn text_is_sorted_case_insensitively(app: App) {
    app.world().await;
    assert_eq!(names(&app, "[{ fullName: ASC }]").await, ["Ada", "bob", "Cleo", "Dan"]);
    assert_eq!(names(&app, "{ fullName: DESC }").await, ["Dan", "Cleo", "bob", "Ada"]);
}

async fn nulls_are_placed_as_in_postgres(app: App) {
    app.world().await;
    let contacted =
        async |direction: &str| names(&app, &format!("[{{ lastContactedAt: {direction} }}]")).await;
    assert_eq!(contacted("ASC").await, ["Dan", "Cleo", "Ada", "bob"]);
    assert_eq!(contacted("ASC_NULLS_LAST").await, ["Dan", "Cleo", "Ada", "bob"]);
    assert_eq!(contacted("DESC").await, ["bob", "Ada", "Cleo", "Dan"]);
    assert_eq!(contacted("DESC_NULLS_FIRST").await, ["bob", "Ada", "Cleo", "Dan"]);
    assert_eq!(contacted("ASC_NULLS_FIRST").await, ["bob", "Dan", "Cleo", "Ada"]);
    assert_eq!(contacted("DESC_NULLS_LAST").await, ["Ada", "Cleo", "Dan", "bob"]);
}

async fn several_sort_keys_and_directions_can_be_combined(app: App) {
    let industry = app.industry("All").await;
    let company = app.company("Acme", industry).await;
    for (name, hours) in [("b", Some(1)), ("a", None), ("B", None), ("a", Some(2)), ("A", Some(2))]
    {
        let contacted = hours.map(|hours| app.hours(hours));
        app.prospect_with("x", company, |row| {
            row.full_name = Set(name.to_owned());
            row.last_contacted_at = Set(contacted);
        })
        .await;
    }
    let ids = async |order: &str| {
        let query = format!("{{ prospects(orderBy: {order}) {{ nodes {{ id }} }} }}");
        texts(&app.data(&query).await["prospects"]["nodes"], "id")
            .join(" ")
            .replace("Prospect:", "")
    };
    assert_eq!(ids("[{ fullName: ASC }, { lastContactedAt: DESC_NULLS_LAST }]").await, "5 4 2 1 3");
    assert_eq!(ids("[{ fullName: DESC }, { lastContactedAt: ASC }]").await, "1 3 4 5 2");
    assert_eq!(
        ids("[{ lastContactedAt: ASC_NULLS_FIRST }, { fullName: DESC }, { id: ASC }]").await,
        "3 2 1 4 5"
    );
}

async fn rows_can_be_sorted_by_fields_of_related_rows(app: App) {
    app.world().await;
    let by_company = "[{ company: { name: DESC } }, { fullName: ASC }]";
    assert_eq!(names(&app, by_company).await, ["Dan", "Ada", "bob", "Cleo"]);
    let by_industry = "[{ company: { industry: { name: ASC } } }, { fullName: DESC }]";
    assert_eq!(names(&app, by_industry).await, ["Dan", "Cleo", "bob", "Ada"]);
    let nested = "{ companies { nodes { prospects(first: 2, orderBy: [{ company: { industry: { name: DESC } } }, \
                  { fullName: DESC }]) { nodes { fullName } } } } }";
    let data = app.data(nested).await;
    let first = &data["companies"]["nodes"][0]["prospects"]["nodes"];
    assert_eq!(texts(first, "fullName"), ["Cleo", "bob"]);
    let absent = "{ interactions(first: 6, orderBy: [{ event: { eventDate: DESC_NULLS_LAST } }]) { nodes { subject } } }";
    let data = app.data(absent).await;
    let subjects = texts(&data["interactions"]["nodes"], "subject");
    assert_eq!(subjects, ["Dan 0", "Cleo 0", "bob 0", "Ada 0", "Dan 4", "Dan 3"]);
}

async fn tie_breaker_follows_the_direction_of_the_last_sort_key(app: App) {
    app.world().await;
    let subjects = async |direction: &str| {
        let query = format!(
            "{{ outreachDrafts(orderBy: [{{ createdAt: {direction} }}]) {{ nodes {{ id }} }} }}"
        );
        texts(&app.data(&query).await["outreachDrafts"]["nodes"], "id")
    };
    let ascending = subjects("ASC").await;
    let mut descending = subjects("DESC").await;
    descending.reverse();
    assert_eq!(ascending, descending);
    assert_eq!(ascending[0], "OutreachDraft:1");
}

async fn invalid_sort_orders_are_rejected(app: App) {
    let error = async |order: &str| {
        app.error(&format!("{{ prospects(orderBy: {order}) {{ nodes {{ id }} }} }}")).await
    };
    let six = "[{ id: ASC }, { id: ASC }, { id: ASC }, { id: ASC }, { id: ASC }, { id: ASC }]";
    assert_eq!(error(six).await, "INVALID: `orderBy` must have at most 5 sort keys");
    let two = error("[{ id: ASC, fullName: ASC }]").await;
    assert!(two.contains("one"), "{two}");
}
