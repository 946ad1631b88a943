//! Every example that users are shown runs.

use std::{fs, path::Path, time::Duration};

use api::http::graphiql::EXAMPLES;
use futures_util::StreamExt;
use service::{demo, governance::change_log::Feed, progress::Unwatched};
use tests::{App, behaviours};

behaviours![
    every_example_of_the_page_runs_on_the_demo_set,
    every_query_of_the_documents_runs_on_the_demo_set,
    examples_tell_the_statements_they_take,
];

async fn seeded(app: &App) {
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
}

async fn every_example_of_the_page_runs_on_the_demo_set(app: App) {
    seeded(&app).await;
    assert!(EXAMPLES.len() >= 15);
    for (name, query) in EXAMPLES {
        if query.contains("subscription ") {
            subscribe(&app, query).await;
            continue;
        }
        let data = app.data(query).await;
        let (_, shown) = data.as_object().unwrap().iter().next().unwrap();
        let list = shown.get("groups").unwrap_or(shown);
        let rows = list.get("nodes").unwrap_or(list);
        let is_empty = rows.as_array().is_some_and(Vec::is_empty);
        assert!(!is_empty, "{name} shows nothing");
    }
}

fn queries_of(document: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(document);
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```graphql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The queries of the README and of the guide to queries.
fn queries_of_documents() -> Vec<String> {
    [queries_of("README.md"), queries_of("docs/ASKING.md")].concat()
}

async fn every_query_of_the_documents_runs_on_the_demo_set(app: App) {
    seeded(&app).await;
    let queries = queries_of_documents();
    assert!(queries.len() >= 5);
    for query in queries {
        if query.contains("subscription ") {
            subscribe(&app, &query).await;
        } else if query.contains("mutation ") {
            app.done(&query).await;
        } else {
            app.data(&query).await;
        }
    }
}

/// A subscription gets the draft that is written after it began.
async fn subscribe(app: &App, query: &str) {
    // What was written before can be read, and so is not taken for new.
    app.settled().await;
    let feed = Feed::new(app.store.clone());
    let mut events = super::subscriptions::feed::subscribe(app, &feed, query);
    let write = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "initial", content: "new" }) { userErrors { code } } }"#;
    let written = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.done(write).await;
    };
    let (event, ()) = futures_util::join!(events.next(), written);
    let event = api::text::response(&event.unwrap());
    assert!(event.contains(r#""content":"new""#), "{event}");
}

/// A query that says `# 5 statements` takes so many.
async fn examples_tell_the_statements_they_take(app: App) {
    seeded(&app).await;
    let mut told = 0;
    let mut queries = queries_of_documents();
    queries.extend(EXAMPLES.iter().map(|(_, query)| (*query).to_owned()));
    for query in queries {
        let Some((head, _)) = query.split_once(" statement") else { continue };
        let Ok(expected) = head.rsplit(' ').next().unwrap().parse::<u64>() else { continue };
        assert_eq!(app.counted(&query).await.1, expected, "{query}");
        told += 1;
    }
    assert_eq!(
        told,
        6 + EXAMPLES.len() - 1,
        "four in the README, two in the guide, and all of the page that do not subscribe"
    );
}
