//! The demo set.

use serde_json::json;
use service::{Error, demo, progress::Unwatched};
use tests::{App, behaviours};

behaviours![
    the_demo_set_is_complete_and_consistent,
    the_demo_set_is_the_same_every_time,
    the_demo_set_goes_into_an_empty_organization_only,
    keys_go_on_after_the_demo_set,
];

async fn seed(app: &App, organization: i64) -> service::Result<u64> {
    demo::seed(&app.scope(organization), demo::Scale::Small, &Unwatched).await
}

const COUNTS: &str = "{ industries { totalCount } solutions { totalCount } events { totalCount } \
    companies { totalCount } prospects { totalCount } interactions { totalCount } \
    outreachDrafts { totalCount } prospectResearches { totalCount } llmUsageLogs { totalCount } }";

async fn the_demo_set_is_complete_and_consistent(app: App) {
    seed(&app, app.organization).await.unwrap();
    let counts = app.data(COUNTS).await;
    assert_eq!(counts["companies"]["totalCount"], 200);
    assert_eq!(counts["prospects"]["totalCount"], 2_000);
    for list in counts.as_object().unwrap().values() {
        assert!(list["totalCount"].as_i64().unwrap() >= 12, "{counts}");
    }
    // The last contact is the newest interaction from us, the last engagement the newest from them; every industry
    // has companies.
    let newest = |direction: &str| {
        format!(
            "interactions(first: 1, orderBy: {{ interactionDate: DESC }}, filter: {{ direction: \
             {{ eq: {direction} }} }}) {{ nodes {{ interactionDate }} }}"
        )
    };
    let query = format!(
        "{{ prospects(first: 100) {{ nodes {{ lastContactedAt lastEngagementDate ours: {} theirs: {} }} }} \
         industries {{ nodes {{ companies {{ totalCount }} }} }} }}",
        newest("OUTBOUND"),
        newest("INBOUND")
    );
    let data = app.data(&query).await;
    for prospect in data["prospects"]["nodes"].as_array().unwrap() {
        let newest = |side: &str| prospect[side]["nodes"][0]["interactionDate"].clone();
        assert_eq!(prospect["lastContactedAt"], newest("ours"));
        assert_eq!(prospect["lastEngagementDate"], newest("theirs"));
    }
    for industry in data["industries"]["nodes"].as_array().unwrap() {
        assert!(industry["companies"]["totalCount"].as_i64().unwrap() > 0);
    }
}

async fn the_demo_set_is_the_same_every_time(app: App) {
    seed(&app, app.organization).await.unwrap();
    let other = app.organization("other").await;
    seed(&app, other).await.unwrap();
    let query = "{ prospects(first: 50, orderBy: [{ email: ASC }]) { nodes { fullName email lastContactedAt \
                 company { name } outreachDrafts { nodes { content status } } } } }";
    let first = app.answer_to(app.organization, query, json!({})).await;
    assert_eq!(first, app.answer_to(other, query, json!({})).await);
}

async fn the_demo_set_goes_into_an_empty_organization_only(app: App) {
    app.industry("Logistics").await;
    let refused = seed(&app, app.organization).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(app.data("{ solutions { totalCount } }").await["solutions"]["totalCount"], 0);
}

async fn keys_go_on_after_the_demo_set(app: App) {
    seed(&app, app.organization).await.unwrap();
    let industry = app.industry("New").await;
    assert_eq!(industry, 13);
    assert_eq!(app.company("New", industry).await, 201);
}
