//! Runs every example in the user documentation.

use std::{fs, path::Path, time::Duration};

use api::graphiql::EXAMPLES;
use engine::{change_log::ChangeStream, progress::Unwatched};
use futures_util::StreamExt;
use service::demo;
use tests::{App, behaviours};

behaviours![
    page_examples_run_on_demo_data,
    documented_queries_run_on_demo_data,
    examples_state_their_number_of_statements,
];

async fn seeded(app: &App) {
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
}

async fn page_examples_run_on_demo_data(app: App) {
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
        assert!(!is_empty, "{name} returns no rows");
    }
}

fn queries_of(document: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(document);
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```graphql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The queries in the README and the guides.
fn queries_of_documents() -> Vec<String> {
    ["README.md", "docs/ASKING.md", "docs/ACCOUNTS.md", "docs/OWNERSHIP.md"]
        .map(queries_of)
        .concat()
}

async fn documented_queries_run_on_demo_data(app: App) {
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

/// A subscription receives a draft that is created after the subscription starts.
async fn subscribe(app: &App, query: &str) {
    // Earlier writes must be below the watermark; otherwise they would be delivered as new.
    app.settled().await;
    let feed = ChangeStream::new(app.store.clone());
    let mut events = super::subscriptions::feed::subscribe(app, &feed, query);
    let write = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "initial", content: "new" }) { userErrors { code } } }"#;
    let written = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.done(write).await;
    };
    let (event, ()) = futures_util::join!(events.next(), written);
    let event = graph::json_text::response(&event.unwrap());
    assert!(event.contains(r#""content":"new""#), "{event}");
}

/// A query with the comment `# 5 statements` executes exactly 5 statements.
async fn examples_state_their_number_of_statements(app: App) {
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
        "expected four in the README, two in the guide, and every example of the page except the subscription"
    );
}
