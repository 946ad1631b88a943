//! Declarations of row scopes, and the intersection of roles.

use std::sync::Arc;

use engine::{
    Clock, Permission, Role, Scope, authentication::Authenticator, policy::RowAccess,
    row_scope::RowScope,
};
use serde_json::json;
use service::{
    catalog,
    identity::{api_key, authenticator::CredentialCache},
};
use tests::{App, behaviours};

use crate::{
    access::key,
    ownership::{data, done, member, own},
};

behaviours![
    visible_rows_refer_to_visible_rows,
    roles_intersect,
    keys_do_not_exceed_the_rows_of_their_user,
    restricted_members_take_turns,
];

/// A required reference of a visible row must lead to a visible row; otherwise a query of it would fail.
async fn visible_rows_refer_to_visible_rows(_: App) {
    for entity in api::catalog::entities() {
        let Some(scope) = entity.table.row_scope() else { continue };
        for field in &entity.fields {
            // The global ID of a hidden row is hidden, too.
            if let graph::declaration::FieldKind::Reference { column, to, .. } = &field.gives {
                let name = entity.table.columns[*column].name;
                let is_visible = matches!(to().table.row_scope(), Some(RowScope::Organization))
                    || matches!(scope, RowScope::Through(via, _) | RowScope::ThroughAny(via, _) if via == name)
                    || matches!(to().table.row_scope(), Some(RowScope::ReferencedBy(from, back))
                        if from == entity.table.name && back == name);
                assert!(is_visible || entity.table.hides(*column), "{}.{name}", entity.table.name);
            }
            let graph::declaration::FieldKind::One { via, to, .. } = &field.gives else { continue };
            let column = &entity.table.columns[*via];
            let to = to().table;
            let is_visible = column.nullable
                || matches!(to.row_scope(), Some(RowScope::Organization))
                || matches!(scope, RowScope::Through(through, _) if through == column.name)
                || matches!(to.row_scope(), Some(RowScope::ReferencedBy(from, back))
                    if from == entity.table.name && back == column.name);
            assert!(is_visible, "{}.{}", entity.table.name, column.name);
        }
    }
    // A new table is hidden until it declares its scope.
    let hidden: Vec<_> = catalog::tables()
        .iter()
        .filter(|table| table.row_scope().is_none())
        .map(|table| table.name)
        .collect();
    assert_eq!(
        hidden,
        [
            "llm_usage_logs",
            "service_usage_logs",
            "daily_cost_summaries",
            "api_keys",
            "settings",
            "import_jobs",
            "import_records",
            "field_provenance",
            "enrichment_cache",
            "extractions",
            "external_ids",
            "template_performance",
        ]
    );
}

async fn roles_intersect(_: App) {
    for one in Role::ALL {
        for other in Role::ALL {
            let (role, rows) = one.intersection(other);
            assert_eq!(other.intersection(one), (role, rows));
            let both: Vec<Permission> =
                one.permissions().filter(|permission| other.may(*permission)).collect();
            assert_eq!(role.permissions().collect::<Vec<_>>(), both, "{one:?} {other:?}");
            let is_all = [one, other].iter().all(|role| *role != Role::Restricted);
            assert_eq!(rows == RowAccess::All, is_all, "{one:?} {other:?}");
        }
    }
    assert!(Role::Restricted.is_within(Role::Member));
    assert!(!Role::Analyst.is_within(Role::Restricted), "an analyst reads all rows");
    assert!(!Role::Restricted.is_within(Role::Analyst), "a restricted member writes");
}

async fn keys_do_not_exceed_the_rows_of_their_user(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Member).await;
    let text = key(&app, app.organization, Role::Member, "ann@example.com", false).await;
    let all = "{ prospects { totalCount } viewer { role rowAccess permissions } }";
    assert_eq!(data(&app, &ann, all).await["prospects"]["totalCount"], 4);
    let owner = member(&app, "owner", Role::Owner).await;
    let change = format!(
        "changeMemberRole(input: {{ id: {}, role: RESTRICTED }}) {{ userErrors {{ reason }} }}",
        own(&ann)
    );
    done(&app, &owner, &change).await;
    // The key was created for a member.
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let sessions = app.accounts.sessions().clone();
    let keys = CredentialCache::new(app.store.clone(), Arc::clone(&clock), sessions);
    let identity = keys.holder(&text).await.unwrap().unwrap();
    let scopes = catalog::row_scopes();
    let restricted = Scope::authenticated(app.store.clone(), &identity, &scopes, clock);
    let seen = data(&app, &restricted, all).await;
    assert_eq!(
        seen,
        json!({ "prospects": { "totalCount": 0 },
            "viewer": { "role": "RESTRICTED", "rowAccess": "ASSIGNED", "permissions": ["READ", "WRITE"] } })
    );
    // A key of another role that would read all rows is not created.
    let new = api_key::NewKey {
        name: "all".to_owned(),
        role: Role::Analyst,
        worker: false,
        user: "ann@example.com".to_owned(),
        is_owner: false,
        expires_at: None,
    };
    let error = api_key::create(&app.scope(app.organization), new).await.unwrap_err();
    assert_eq!(error.reason(), engine::Reason::UserNotAllowed);
}

async fn restricted_members_take_turns(app: App) {
    app.world().await;
    let admin = member(&app, "admin", Role::Admin).await;
    let rita = member(&app, "rita", Role::Restricted).await;
    let deal = format!(
        "assignProspects(input: {{ prospects: [{{ id: 1 }}], roundRobin: {{ memberIds: [{}] }} }}) {{ userErrors {{ reason }} }}",
        own(&rita)
    );
    done(&app, &admin, &deal).await;
    assert_eq!(
        data(&app, &rita, "{ prospects { totalCount } }").await["prospects"]["totalCount"],
        1
    );
}
