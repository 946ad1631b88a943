//! Message variants from language models and templates.

use serde_json::json;
use service::ingest::enrichment::{Answer, Found};
use tests::{App, behaviours};

use super::{Fake, ask, enrich, people, tokens, variants};

behaviours![
    variants_become_drafts_pending_review,
    unsubscribed_prospects_get_no_drafts,
    templates_generate_drafts_without_a_language_model,
    new_template_text_creates_a_new_version,
    declared_template_variables_are_kept,
    missing_and_unknown_template_variables_are_rejected,
];

fn writes(app: &mut App) {
    let fake = Fake::new("llm", 0.5, |asked, _| Answer {
        outcome: Ok(Found { values: Vec::new(), variants: variants(asked.variants) }),
        charge: tokens("gpt", 100, 50, 0.02),
        said: None,
    });
    ask(app, vec![fake]);
}

async fn variants_become_drafts_pending_review(mut app: App) {
    let ids = people(&app, 1).await;
    writes(&mut app);
    enrich(&app, &ids, "providers: [LLM], variants: 2").await;
    let drafts = "{ outreachDrafts { nodes { prospect { id } variant subject content status authorKind authorName model \
                  submittedAt costToDate importRecord { generatedContent } } } }";
    let told = app.data(drafts).await["outreachDrafts"]["nodes"].clone();
    let content = json!({ "variants": [
        { "variant": "A", "subject": "Subject 1", "content": "Content 1", "outreachDraftId": "OutreachDraft:1" },
        { "variant": "B", "subject": "Subject 2", "content": "Content 2", "outreachDraftId": "OutreachDraft:2" },
    ] });
    let draft = |variant: &str, number: u32| {
        json!({ "prospect": { "id": "Prospect:1" }, "variant": variant, "subject": format!("Subject {number}"),
            "content": format!("Content {number}"), "status": "PENDING_REVIEW", "authorKind": "WORKER",
            "authorName": "enrichment", "model": "gpt-4o-mini", "submittedAt": "2026-03-01T12:00:00Z",
            "costToDate": 0.01, "importRecord": { "generatedContent": content } })
    };
    assert_eq!(told, json!([draft("A", 1), draft("B", 2)]));
    // Undoing the enrichment deletes the drafts, except those that were reviewed.
    app.done("mutation { approveOutreachDraft(input: { id: 1, expectedRevision: 2 }) { userErrors { message } } }").await;
    crate::ingest::lists::act(&app, "undoImportJob", 1).await;
    let left = app.data("{ outreachDrafts { nodes { id } } }").await;
    assert_eq!(left["outreachDrafts"]["nodes"], json!([{ "id": "OutreachDraft:1" }]));
}

async fn unsubscribed_prospects_get_no_drafts(mut app: App) {
    let ids = people(&app, 1).await;
    app.done("mutation { unsubscribeProspect(input: { id: 1 }) { userErrors { message } } }").await;
    writes(&mut app);
    enrich(&app, &ids, "providers: [LLM], variants: 2").await;
    assert_eq!(
        app.data("{ outreachDrafts { totalCount } }").await["outreachDrafts"]["totalCount"],
        0
    );
}

async fn template(app: &App, name: &str, kind: &str, text: &str) {
    let create = format!(
        "mutation {{ createMessageTemplate(input: {{ name: \"{name}\", templateType: {kind}, templateText: \"{text}\" }}) \
         {{ userErrors {{ message }} }} }}"
    );
    app.done(&create).await;
}

async fn templates_generate_drafts_without_a_language_model(app: App) {
    let ids = people(&app, 1).await;
    template(&app, "Intro", "BODY", "Dear {{ first_name }} of {{company_name}}").await;
    template(&app, "Intro", "SUBJECT", "For {{full_name}}").await;
    template(&app, "Called", "BODY", "We call you at {{phone}}").await;
    enrich(&app, &ids, "variants: 3").await;
    let drafts = "{ outreachDrafts { nodes { subject content model messageTemplate { id } } } }";
    // The phone number is unknown, so that template generates no draft.
    assert_eq!(
        app.data(drafts).await["outreachDrafts"]["nodes"],
        json!([{ "subject": "For Person 0", "content": "Dear Person of Company 0", "model": null,
            "messageTemplate": { "id": "MessageTemplate:1" } }])
    );
    let used = app.data("{ messageTemplates { nodes { usageCount successRate } } }").await;
    assert_eq!(
        used["messageTemplates"]["nodes"],
        json!([{ "usageCount": 1, "successRate": null }, { "usageCount": 1, "successRate": null },
            { "usageCount": 0, "successRate": null }])
    );
    for act in [
        "approveOutreachDraft(input: { id: 1, expectedRevision: 2 })",
        "markOutreachDraftSent(input: { id: 1 })",
        "markOutreachDraftReplied(input: { id: 1, content: \"yes\" })",
    ] {
        app.done(&format!("mutation {{ {act} {{ userErrors {{ message }} }} }}")).await;
    }
    let rate = app.data("{ messageTemplate(id: 1) { successRate } }").await;
    assert_eq!(rate["messageTemplate"]["successRate"], 1.0);
}

async fn new_template_text_creates_a_new_version(app: App) {
    template(&app, "Intro", "BODY", "One {{first_name}}").await;
    let update = r#"mutation { updateMessageTemplate(input: { id: 1, patch: { templateText: "Two {{last_name}}" } }) { messageTemplate { id version isActive variables } userErrors { message } } }"#;
    let second = app.done(update).await["messageTemplate"].clone();
    assert_eq!(
        second,
        json!({ "id": "MessageTemplate:2", "version": 2, "isActive": true, "variables": ["last_name"] })
    );
    // A template created with the same name and type is the next version.
    template(&app, "Intro", "BODY", "Three").await;
    template(&app, "Intro", "SUBJECT", "Other").await;
    let all = "{ messageTemplates { nodes { version isActive } } }";
    assert_eq!(
        app.data(all).await["messageTemplates"]["nodes"],
        json!([{ "version": 1, "isActive": false }, { "version": 2, "isActive": false },
            { "version": 3, "isActive": true }, { "version": 1, "isActive": true }])
    );
    app.done("mutation { updateMessageTemplate(input: { id: 1, patch: { isActive: true } }) { userErrors { message } } }").await;
    let active = "{ messageTemplates(filter: { isActive: { eq: true } }) { nodes { id } } }";
    assert_eq!(
        app.data(active).await["messageTemplates"]["nodes"],
        json!([{ "id": "MessageTemplate:1" }, { "id": "MessageTemplate:4" }])
    );
}

async fn declared_template_variables_are_kept(app: App) {
    let create = "mutation { createMessageTemplate(input: { name: \"N\", templateType: BODY, templateText: \"{{b}} {{a}}\", \
                  variables: [\"a\", \"b\", \"c\"] }) { userErrors { message } } }";
    app.done(create).await;
    let retire = "mutation { updateMessageTemplate(input: { id: 1, patch: { isActive: false } }) \
                  { messageTemplate { id isActive variables } userErrors { message } } }";
    assert_eq!(
        app.done(retire).await["messageTemplate"],
        json!({ "id": "MessageTemplate:1", "isActive": false, "variables": ["a", "b", "c"] })
    );
}

async fn missing_and_unknown_template_variables_are_rejected(app: App) {
    people(&app, 1).await;
    let create = "mutation { createMessageTemplate(input: { name: \"Intro\", templateType: BODY, \
                  templateText: \"Dear {{first_name}}, {{offer}}\", variables: [\"first_name\", \"offer\"] }) \
                  { userErrors { message } } }";
    app.done(create).await;
    let render = |variables: &str| {
        format!(
            "mutation {{ renderMessageTemplate(input: {{ id: 1, prospectId: 1 {variables} }}) {{ text messageTemplate {{ usageCount }} userErrors {{ field message }} }} }}"
        )
    };
    let refused = app.data(&render("")).await["renderMessageTemplate"].clone();
    assert_eq!(
        refused,
        json!({ "text": null, "messageTemplate": null,
            "userErrors": [{ "field": "variables", "message": "missing values for the template variables offer" }] })
    );
    let done = app.done(&render("variables: { offer: \"{{first_name}}\" }")).await;
    // Inserted values are not expanded again.
    assert_eq!(done["text"], "Dear Person, {{first_name}}");
    assert_eq!(done["messageTemplate"]["usageCount"], 1);
    let change = |text: &str| {
        format!(
            "mutation {{ updateMessageTemplate(input: {{ id: 1, patch: {{ templateText: \"{text}\" }} }}) {{ userErrors {{ field message }} }} }}"
        )
    };
    app.done(&change("{{offer}} for {{first_name}}")).await;
    let refused = app.data(&change("{{ofer}} for {{fist_name}}")).await;
    assert_eq!(
        refused["updateMessageTemplate"]["userErrors"],
        json!([
            { "field": "patch.templateText", "message": "unknown variable `{{ofer}}`; variables that are only passed when the template is rendered must be declared in `variables`" },
            { "field": "patch.templateText", "message": "unknown variable `{{fist_name}}` (did you mean `first_name`?); variables that are only passed when the template is rendered must be declared in `variables`" },
        ])
    );
    for (text, variables) in [
        ("Dear {{first name}}", ""),
        ("Dear {{frist_name}}", ""),
        ("Dear {{first_name", ""),
        ("Dear {{a}}", ", variables: [\"b\"]"),
    ] {
        let create = format!(
            "mutation {{ createMessageTemplate(input: {{ name: \"N\", templateType: BODY, templateText: \"{text}\" {variables} }}) {{ userErrors {{ message }} }} }}"
        );
        let refused = app.data(&create).await["createMessageTemplate"]["userErrors"].clone();
        assert_eq!(refused.as_array().unwrap().len(), 1, "{text}: {refused}");
    }
}
