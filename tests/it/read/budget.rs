//! The number of SQL statements per request.

use api::catalog;
use graph::declaration::{Entity, FieldKind};
use tests::{App, behaviours};

behaviours![
    available_actions_execute_one_more_statement,
    list_executes_one_statement_and_total_count_another,
    to_one_relation_executes_no_additional_statement,
    to_many_relation_executes_one_statement_for_all_parents,
    latest_of_a_relation_executes_one_statement_for_all_parents,
    prospect_with_company_and_industry_executes_one_statement,
    nested_query_executes_the_same_statements_for_1_20_and_100_parents,
    total_count_alone_reads_no_rows,
    empty_page_executes_no_nested_statements,
    nodes_executes_one_statement_per_type,
];

fn entities() -> Vec<&'static Entity> {
    catalog::entities().to_vec()
}

async fn list_executes_one_statement_and_total_count_another(app: App) {
    app.world().await;
    for entity in entities() {
        let list = format!("{{ {} {{ nodes {{ id }} }} }}", entity.plural);
        assert_eq!(app.counted(&list).await.1, 1, "{list}");
        let edges =
            format!("{{ {} {{ edges {{ cursor }} pageInfo {{ endCursor }} }} }}", entity.plural);
        assert_eq!(app.counted(&edges).await.1, 1, "{edges}");
        let counted = format!("{{ {} {{ nodes {{ id }} totalCount }} }}", entity.plural);
        assert_eq!(app.counted(&counted).await.1, 2, "{counted}");
    }
}

async fn to_one_relation_executes_no_additional_statement(app: App) {
    app.world().await;
    let (mut relations, mut references) = (0, 0);
    for entity in entities() {
        for field in &entity.fields {
            match field.gives {
                FieldKind::One { .. } => {
                    let query = format!(
                        "{{ {} {{ nodes {{ {} {{ id }} }} }} }}",
                        entity.plural, field.name
                    );
                    assert_eq!(app.counted(&query).await.1, 1, "{query}");
                    relations += 1;
                }
                FieldKind::Reference { .. } => references += 1,
                _ => {}
            }
        }
    }
    assert!(relations > 0);
    assert_eq!(relations, references, "each to-one relation has a field with the global ID");
}

async fn to_many_relation_executes_one_statement_for_all_parents(app: App) {
    app.world().await;
    let note = r#"createProspectNote(input: { prospectId: 1, content: "x" })"#;
    app.done(&format!("mutation {{ {note} {{ userErrors {{ message }} }} }}")).await;
    let mut seen = 0;
    for entity in entities() {
        for field in &entity.fields {
            if let FieldKind::Many { .. } | FieldKind::History = field.gives {
                let query = |of: &str| {
                    format!("{{ {} {{ nodes {{ {} {{ {of} }} }} }} }}", entity.plural, field.name)
                };
                assert_eq!(app.counted(&query("nodes { id }")).await.1, 2, "{}", query(""));
                assert_eq!(app.counted(&query("totalCount")).await.1, 2, "{}", query(""));
                assert_eq!(app.counted(&query("nodes { id } totalCount")).await.1, 3);
                seen += 1;
            }
        }
    }
    let schema =
        app.data("{ __schema { types { name fields { type { ofType { name } } } } } }").await;
    let entities = entities();
    let connections: Vec<_> =
        entities.iter().map(|entity| format!("{}Connection", entity.name)).collect();
    let of_entities = schema["__schema"]["types"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|ty| entities.iter().any(|entity| ty["name"] == entity.name));
    let fields = of_entities.flat_map(|ty| ty["fields"].as_array().unwrap());
    let published = fields.filter(|field| {
        field["type"]["ofType"]["name"]
            .as_str()
            .is_some_and(|name| connections.iter().any(|c| c == name))
    });
    assert_eq!(seen, published.count(), "relations that the schema publishes");
}

async fn latest_of_a_relation_executes_one_statement_for_all_parents(app: App) {
    app.world().await;
    let query = "{ prospects { nodes { latestResearch { researchSummary } } } }";
    assert_eq!(app.counted(query).await.1, 2);
}

async fn prospect_with_company_and_industry_executes_one_statement(app: App) {
    app.world().await;
    let query = "{ prospect(id: 1) { fullName company { name industry { name } } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(data["prospect"]["company"]["industry"]["name"], "Logistics");
    assert_eq!(statements, 1);
}

async fn nested_query_executes_the_same_statements_for_1_20_and_100_parents(app: App) {
    let industry = app.industry("Logistics").await;
    for number in 0..100 {
        let company = app.company(&format!("Company {number:03}"), industry).await;
        let prospect = app.prospect(&format!("Person {number}"), company).await;
        app.interaction(prospect, None, "First words", number).await;
    }
    for parents in [1, 20, 100] {
        let query = format!(
            "{{ companies(first: {parents}) {{ nodes {{ industry {{ name }} prospects(first: 5, \
             filter: {{ isActive: {{ eq: true }} }}, orderBy: [{{ fullName: ASC }}]) {{ nodes {{ \
             interactions(first: 3) {{ nodes {{ subject }} }} }} totalCount }} }} }} }}"
        );
        let (data, statements) = app.counted(&query).await;
        assert_eq!(data["companies"]["nodes"].as_array().unwrap().len(), parents);
        assert_eq!(statements, 4, "expected companies, prospects, their count and interactions");
    }
}

async fn total_count_alone_reads_no_rows(app: App) {
    app.world().await;
    let (data, statements) = app.counted("{ prospects { totalCount } }").await;
    assert_eq!(data["prospects"]["totalCount"], 4);
    assert_eq!(statements, 1);
}

async fn empty_page_executes_no_nested_statements(app: App) {
    let query = "{ companies { nodes { prospects { nodes { interactions { totalCount } } } } } }";
    assert_eq!(app.counted(query).await.1, 1);
}

async fn nodes_executes_one_statement_per_type(app: App) {
    app.world().await;
    let query = r#"{ nodes(ids: ["Prospect:1", "Company:1", "Prospect:2"]) { id } }"#;
    let (data, statements) = app.counted(query).await;
    assert_eq!(tests::app::texts(&data["nodes"], "id"), ["Prospect:1", "Company:1", "Prospect:2"]);
    assert_eq!(statements, 2);
}

async fn available_actions_execute_one_more_statement(app: App) {
    app.world().await;
    for _ in 0..5 {
        app.draft(2, None, "approved").await;
    }
    let (_, statements) =
        app.counted("{ outreachDrafts(first: 100) { nodes { availableActions } } }").await;
    assert_eq!(statements, 2);
}
