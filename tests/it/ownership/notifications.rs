//! Notifications: mentions and assignments, visible to their member only.

use engine::{Role, Scope, change_log::ChangeStream};
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{
    data, done, member,
    notes::{create, edit, id},
    own, refused,
};
use crate::subscriptions::feed::{begin, next, nothing, subscribe_in};

behaviours![
    mentioned_members_are_notified_once,
    new_owners_are_notified_once_per_batch,
    notifications_are_private,
    notifications_are_marked,
    notifications_are_delivered_to_their_member,
];

const LIST: &str = "{ notifications { totalCount nodes { id kind title message prospectNote { content prospect { fullName } } readAt dismissedAt } } }";

async fn list(app: &App, scope: &Scope) -> Vec<Value> {
    data(app, scope, LIST).await["notifications"]["nodes"].as_array().unwrap().clone()
}

async fn people(app: &App) -> [Scope; 3] {
    app.world().await;
    [
        member(app, "ann", Role::Member).await,
        member(app, "bo", Role::Analyst).await,
        member(app, "cy", Role::Owner).await,
    ]
}

async fn mentioned_members_are_notified_once(app: App) {
    let [ann, bo, cy] = people(&app).await;
    let made = done(&app, &ann, &create(1, "Ask them", &[own(&ann), own(&bo), own(&bo)])).await;
    assert_eq!(made["prospectNote"]["mentions"]["nodes"].as_array().unwrap().len(), 2);
    assert!(list(&app, &ann).await.is_empty(), "the author is not notified");
    let received = list(&app, &bo).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["kind"], "MENTION");
    assert_eq!(
        received[0]["prospectNote"],
        json!({ "content": "Ask them", "prospect": { "fullName": "Ada" } })
    );
    // Members whom an edited note mentions for the first time are notified.
    let mentions = format!("content: \"Ask Cy\", mentionIds: [{}, {}]", own(&bo), own(&cy));
    let edited = done(&app, &ann, &edit(&id(&made), &mentions)).await;
    assert_eq!(edited["prospectNote"]["mentions"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!((list(&app, &bo).await.len(), list(&app, &cy).await.len()), (1, 1));
    assert_eq!(list(&app, &bo).await[0]["prospectNote"]["content"], "Ask Cy");
    // A deleted note leaves no notification.
    let delete = format!(
        "deleteProspectNote(input: {{ id: \"{}\" }}) {{ userErrors {{ reason }} }}",
        id(&made)
    );
    done(&app, &ann, &delete).await;
    assert_eq!((list(&app, &bo).await.len(), list(&app, &cy).await.len()), (0, 0));
}

async fn new_owners_are_notified_once_per_batch(app: App) {
    let [ann, bo, _] = people(&app).await;
    let assign = |prospects: &str, owner: i64| {
        format!(
            "assignProspects(input: {{ prospects: [{prospects}], ownerId: {owner} }}) {{ userErrors {{ reason }} }}"
        )
    };
    done(&app, &ann, &assign("{ id: 1 }, { id: 2 }, { id: 3 }", own(&bo))).await;
    done(&app, &ann, &assign("{ id: 3 }", own(&ann))).await;
    let received = list(&app, &bo).await;
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!(received[0]["message"], "3 prospects were assigned to you.");
    assert_eq!(received[0]["prospectNote"], Value::Null);
    assert!(list(&app, &ann).await.is_empty(), "the caller is not notified");
}

async fn notifications_are_private(app: App) {
    let [ann, bo, cy] = people(&app).await;
    done(&app, &ann, &create(1, "For Bo", &[own(&bo)])).await;
    let received = list(&app, &bo).await;
    let key = received[0]["id"].as_str().unwrap();
    let local = app.scope(app.organization);
    for scope in [&ann, &cy, &local] {
        let everything = format!(
            "{{ notifications {{ totalCount nodes {{ id }} aggregate {{ count }} groups(by: {{ createdAt: DAY }}) {{ totalCount }} }} notification(id: \"{key}\") {{ id }} node(id: \"{key}\") {{ id }} nodes(ids: [\"{key}\"]) {{ id }} }}"
        );
        let seen = data(&app, scope, &everything).await;
        assert_eq!(
            seen["notifications"],
            json!({ "totalCount": 0, "nodes": [], "aggregate": { "count": 0 }, "groups": { "totalCount": 0 } })
        );
        assert_eq!([&seen["notification"], &seen["node"], &seen["nodes"][0]], [&Value::Null; 3]);
    }
    for scope in [&ann, &cy] {
        let mark = format!(
            "markNotificationsRead(input: {{ ids: [\"{key}\"] }}) {{ userErrors {{ reason field }} }}"
        );
        assert_eq!(refused(&app, scope, &mark).await, ["ROW_NOT_FOUND ids"]);
    }
    assert_eq!(list(&app, &bo).await, received);
    // The change log shows neither that a notification was written, nor that it was read.
    done(&app, &bo, "markNotificationsRead(input: {}) { userErrors { reason } }").await;
    let entries = app.entries_of("notification").await;
    assert_eq!(entries.len(), 1, "the subscription of the member needs an entry");
    let all = format!(
        "{{ changes(first: 100) {{ totalCount nodes {{ entity recordId kind }} }} node(id: \"Change:{}\") {{ id }} }}",
        entries[0]
    );
    let shown = app.data(&all).await;
    assert!(!shown["changes"].to_string().contains("otification"), "{shown:#}");
    assert_eq!(shown["node"], Value::Null);
    assert_eq!(shown["changes"]["totalCount"], shown["changes"]["nodes"].as_array().unwrap().len());
    let feed = ChangeStream::new(app.store.clone());
    let mut changes = subscribe_in(
        app.scope(app.organization),
        &feed,
        "subscription { changes { change { entity } } }",
    );
    begin(&app, &mut changes).await;
    done(&app, &ann, &create(1, "Again", &[own(&bo)])).await;
    for _ in 0..3 {
        let event = next(&mut changes).await;
        assert_ne!(event["change"], Value::Null, "{event}");
    }
    nothing(&mut changes).await;
}

async fn notifications_are_marked(app: App) {
    let [ann, bo, _] = people(&app).await;
    for content in ["One", "Two", "Three"] {
        done(&app, &ann, &create(1, content, &[own(&bo)])).await;
    }
    let ids: Vec<String> =
        list(&app, &bo).await.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    let marked = |payload: &Value| payload["markedNotifications"].as_i64().unwrap();
    let mark = |arguments: &str| {
        format!(
            "markNotificationsRead(input: {{ {arguments} }}) {{ markedNotifications userErrors {{ reason field }} }}"
        )
    };
    let unread = "{ notifications(filter: { readAt: { isNull: true } }) { totalCount } }";
    let unread =
        async || data(&app, &bo, unread).await["notifications"]["totalCount"].as_i64().unwrap();
    assert_eq!(unread().await, 3);
    // An analyst marks their own notifications.
    let first = mark(&format!("ids: [\"{0}\", \"{0}\"]", ids[0]));
    assert_eq!(marked(&done(&app, &bo, &first).await), 1);
    assert_eq!(marked(&done(&app, &bo, &first).await), 0);
    let dismiss = format!(
        "dismissNotifications(input: {{ ids: [\"{}\"] }}) {{ markedNotifications userErrors {{ reason }} }}",
        ids[1]
    );
    assert_eq!(marked(&done(&app, &bo, &dismiss).await), 1);
    assert_eq!(unread().await, 1);
    // Either all are marked, or none.
    let foreign = mark(&format!("ids: [\"{}\", \"Notification:99\"]", ids[2]));
    assert_eq!(refused(&app, &bo, &foreign).await, ["ROW_NOT_FOUND ids"]);
    assert_eq!(unread().await, 1);
    let many: Vec<String> = (1..=101).map(|id| format!("\"Notification:{id}\"")).collect();
    assert_eq!(
        refused(&app, &bo, &mark(&format!("ids: [{}]", many.join(", ")))).await,
        ["TOO_MANY_ITEMS ids"]
    );
    assert_eq!(marked(&done(&app, &bo, &mark("")).await), 1);
    assert_eq!(unread().await, 0);
    let dismissed = "{ notifications(filter: { dismissedAt: { isNull: true } }) { totalCount } }";
    assert_eq!(data(&app, &bo, dismissed).await["notifications"]["totalCount"], 2);
    assert_eq!(refused(&app, &app.scope(app.organization), &mark("")).await, ["MEMBER_REQUIRED -"]);
}

async fn notifications_are_delivered_to_their_member(app: App) {
    let [ann, bo, cy] = people(&app).await;
    let query = "subscription { notificationCreated { cursor notification { message prospectNote { content } } } }";
    let feed = ChangeStream::new(app.store.clone());
    let mut of_bo = subscribe_in(bo.clone(), &feed, query);
    let mut of_cy = subscribe_in(cy.clone(), &feed, query);
    for events in [&mut of_bo, &mut of_cy] {
        begin(&app, events).await;
    }
    done(&app, &ann, &create(1, "For Bo", &[own(&bo)])).await;
    let event = next(&mut of_bo).await;
    assert_eq!(event["notification"]["prospectNote"]["content"], "For Bo");
    nothing(&mut of_cy).await;
    drop(of_bo);
    done(&app, &ann, &create(1, "For Cy", &[own(&cy)])).await;
    done(&app, &ann, &create(1, "Again for Bo", &[own(&bo)])).await;
    assert_eq!(next(&mut of_cy).await["notification"]["prospectNote"]["content"], "For Cy");
    let cursor = event["cursor"].as_str().unwrap();
    let resumed =
        query.replace("notificationCreated", &format!("notificationCreated(after: \"{cursor}\")"));
    let mut of_bo = subscribe_in(bo.clone(), &feed, &resumed);
    assert_eq!(next(&mut of_bo).await["notification"]["prospectNote"]["content"], "Again for Bo");
    // The local user has no notifications.
    let mut of_none = subscribe_in(app.scope(app.organization), &feed, query);
    begin(&app, &mut of_none).await;
    done(&app, &ann, &create(1, "Last", &[own(&bo)])).await;
    nothing(&mut of_none).await;
}
