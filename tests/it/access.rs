//! Authorization: the tests request every root field as every kind of caller.

use std::{collections::BTreeSet, net::SocketAddr};

use engine::{Actor, Clock, Role, Scope};
use serde_json::{Value, json};
use server::http::{Settings, connection};
use service::identity::api_key::{self, NewKey};
use tests::{App, behaviours, stored::stored};

use crate::{
    http::{JSON, beside, send},
    roots::requiring,
    write::replay::all_mutations,
};

behaviours![
    root_fields_enforce_authorization,
    owner_of_another_organization_has_no_access,
    partially_authorized_request_is_rejected_as_a_whole,
];

/// Request headers of each kind of caller. All callers except `anonymous` send an API key.
pub struct Visitors {
    /// Headers of a request without an API key.
    pub anonymous: String,
    /// Headers with the API key of an analyst.
    pub analyst: String,
    /// Headers with the API key of a restricted member.
    pub restricted: String,
    /// Headers with the API key of a member.
    pub member: String,
    /// Headers with the API key of an admin.
    pub admin: String,
    /// Headers with the API key of an owner.
    pub owner: String,
    /// Headers with the API key of an owner of another organization.
    pub stranger: String,
}

/// Creates an API key with `role` in `organization`.
pub async fn key(app: &App, organization: i64, role: Role, user: &str, worker: bool) -> String {
    let name = format!("{} key", role.name());
    let user = user.to_owned();
    let new = NewKey { name, role, worker, user, is_owner: false, expires_at: None };
    api_key::create(&app.scope(organization), new).await.unwrap()
}

pub fn head_with_key(key: &str) -> String {
    format!("{JSON}\r\nAuthorization: Bearer {key}")
}

/// Starts a server that requires API keys; returns its address and the request headers of each kind of caller.
pub async fn serve(app: &App) -> (SocketAddr, Visitors) {
    let stranger = app.organization("stranger").await;
    let of = async |role: Role| {
        let user = format!("{}@example.com", role.name());
        head_with_key(&key(app, app.organization, role, &user, false).await)
    };
    let visitors = Visitors {
        anonymous: JSON.to_owned(),
        analyst: of(Role::Analyst).await,
        restricted: of(Role::Restricted).await,
        member: of(Role::Member).await,
        admin: of(Role::Admin).await,
        owner: of(Role::Owner).await,
        stranger: head_with_key(&key(app, stranger, Role::Owner, "s@example.com", false).await),
    };
    (serve_with(app, Settings { require_keys: true, ..Settings::default() }).await, visitors)
}

/// Starts a server with these settings; returns its address.
pub async fn serve_with(app: &App, settings: Settings) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = app.server().with(settings);
    tokio::task::spawn_local(connection::serve(listener, server, std::future::pending()));
    address
}

pub async fn ask(address: SocketAddr, head: &str, query: &str) -> Value {
    let (_, _, answer) = send(address, head, &json!({ "query": query }).to_string()).await;
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{query}\n{answer}"))
}

/// The error code of the response if it is `UNAUTHENTICATED` or `FORBIDDEN`.
fn turned_away(answer: &Value) -> Option<&str> {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.filter(|code| ["UNAUTHENTICATED", "FORBIDDEN"].contains(code))
}

/// The field names of a root type.
fn roots(name: &str) -> BTreeSet<String> {
    let sdl = api::schema::sdl();
    let (_, root) = sdl.split_once(&format!("type {name} {{")).unwrap();
    let (root, _) = root.split_once("\n}").unwrap();
    let fields = root.lines().filter_map(|line| line.strip_prefix('\t'));
    let names = fields.map(|line| line.split(['(', ':']).next().unwrap());
    let proper = |name: &&str| !name.is_empty() && name.chars().all(char::is_alphanumeric);
    names.filter(proper).map(str::to_owned).collect()
}

/// A query that selects one field of the query root.
fn query(field: &str) -> String {
    match field {
        "viewer" => "{ viewer { role } }".to_owned(),
        "node" => r#"{ node(id: "Prospect:1") { id } }"#.to_owned(),
        "nodes" => r#"{ nodes(ids: ["Prospect:1", "Company:1"]) { id } }"#.to_owned(),
        "schemaVersion" => "{ schemaVersion }".to_owned(),
        "databaseStatistics" => "{ databaseStatistics { tables { rows } } }".to_owned(),
        "draftFunnel" => "{ draftFunnel { written } }".to_owned(),
        "llmCostReport" => "{ llmCostReport(groupBy: MODEL) { replies } }".to_owned(),
        "industryPerformance" => "{ industryPerformance { contacted } }".to_owned(),
        "dailyUsage" => "{ dailyUsage { calls } }".to_owned(),
        "enrichmentSuccessRate" => "{ enrichmentSuccessRate { failed } }".to_owned(),
        "importCostReport" => "{ importCostReport { dailyCost } }".to_owned(),
        "workList" => "{ workList { nodes { prospect { id } action { kind } } } }".to_owned(),
        "apiKeys" => "{ apiKeys { keyId } }".to_owned(),
        "search" => r#"{ search(query: "acme") { totalCount } }"#.to_owned(),
        list if api::catalog::entities().iter().any(|entity| entity.plural == list) => {
            format!(
                "{{ {list} {{ totalCount nodes {{ id }} aggregate {{ count }} groups(by: {{ createdAt: DAY }}) {{ totalCount }} }} }}"
            )
        }
        single => format!("{{ {single}(id: 1) {{ id }} }}"),
    }
}

fn mutations() -> impl Iterator<Item = (String, String)> {
    let of_sessions = [
        "revokeSessions(input: { sessionIds: [1] })".to_owned(),
        "updateViewer(input: { theme: DARK })".to_owned(),
        "requestEmailVerification".to_owned(),
        "markNotificationsRead(input: {})".to_owned(),
        "dismissNotifications(input: { ids: [1] })".to_owned(),
    ];
    all_mutations().into_iter().chain(of_sessions).map(|mutation| {
        let field = mutation.split('(').next().unwrap().to_owned();
        (field, format!("mutation {{ {mutation} {{ userErrors {{ code }} }} }}"))
    })
}

async fn root_fields_enforce_authorization(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let (address, visitors) = serve(&app).await;
        let Visitors { anonymous, analyst, restricted, member, admin, owner, stranger } = &visitors;
        let nobody: &[&String] = &[];
        let everybody: &[&String] = &[analyst, restricted, member, admin, owner, stranger];
        let (writers, leaders) =
            ([restricted, member, admin, owner, stranger], [admin, owner, stranger]);
        let expect = async |request: &str, may: &[&String]| {
            for visitor in [anonymous, analyst, restricted, member, admin, owner, stranger] {
                let answer = ask(address, visitor, request).await;
                let expected = match () {
                    () if std::ptr::eq(may, nobody) || may.contains(&visitor) => None,
                    () if visitor == anonymous => Some("UNAUTHENTICATED"),
                    () => Some("FORBIDDEN"),
                };
                assert_eq!(turned_away(&answer), expected, "{request}\n{visitor}\n{answer:#}");
            }
        };
        let mut left = roots("Query");
        // If there are two organizations, only the operator may access the whole database.
        for (permission, may) in [
            ("PUBLIC", nobody),
            ("READ", everybody),
            ("VIEW_STATISTICS", &leaders[..0]),
            ("MANAGE_API_KEYS", &leaders[1..]),
        ] {
            for field in requiring("query", permission) {
                expect(&query(&field), may).await;
                assert!(left.remove(&field), "{field}");
            }
        }
        assert!(left.is_empty(), "query fields without an authorization rule: {left:?}");
        let mut left = roots("Mutation");
        let by_leaders = [
            requiring("mutation", "MANAGE_PERSONAL_DATA"),
            requiring("mutation", "VIEW_STATISTICS"),
            requiring("mutation", "MANAGE_MEMBERS"),
        ]
        .concat();
        let by_owners = requiring("mutation", "MANAGE_API_KEYS");
        let by_all = requiring("mutation", "READ");
        let by_writers = requiring("mutation", "WRITE");
        let by_members = requiring("mutation", "WRITE_ALL");
        for (field, mutation) in mutations() {
            let may = match () {
                () if by_leaders.contains(&field) => &leaders[..],
                () if by_owners.contains(&field) => &leaders[1..],
                () if by_all.contains(&field) => everybody,
                () if by_members.contains(&field) => &writers[1..],
                () => &writers[..],
            };
            let is_known = by_writers.contains(&field)
                || by_members.contains(&field)
                || by_leaders.contains(&field)
                || by_owners.contains(&field)
                || by_all.contains(&field);
            assert!(is_known, "{field}");
            expect(&mutation, may).await;
            left.remove(&field);
        }
        assert!(left.is_empty(), "mutations without an authorization rule: {left:?}");
        let mut left = roots("Subscription");
        for field in requiring("subscription", "READ") {
            assert!(left.remove(&field), "{field}");
            let request = format!("subscription {{ {field} {{ cursor }} }}");
            for (visitor, expected) in [
                (anonymous, "UNAUTHENTICATED"),
                (analyst, "NOT_ACCEPTABLE"),
                (stranger, "NOT_ACCEPTABLE"),
            ] {
                // Over plain HTTP, an authorized subscription request returns NOT_ACCEPTABLE.
                let answer = ask(address, visitor, &request).await;
                assert_eq!(answer["errors"][0]["extensions"]["code"], expected, "{request}");
            }
        }
        assert!(left.is_empty(), "subscriptions without an authorization rule: {left:?}");
    }))
    .await;
}

async fn owner_of_another_organization_has_no_access(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let (address, visitors) = serve(&app).await;
        let own = |rows: std::collections::BTreeMap<(String, i64), Value>| {
            let mut rows = rows;
            rows.retain(|_, row| row["organization_id"] == app.organization);
            rows
        };
        let before = own(stored(&app).await);
        for field in requiring("query", "READ") {
            let answer = ask(address, &visitors.stranger, &query(&field)).await.to_string();
            for row in ["Prospect:1", "Company:1", "Industry:1"] {
                assert!(!answer.contains(&format!("{row}\"")), "{field}: {answer}");
            }
        }
        for (_, mutation) in mutations() {
            ask(address, &visitors.stranger, &mutation).await;
        }
        assert_eq!(own(stored(&app).await), before);
    }))
    .await;
}

async fn partially_authorized_request_is_rejected_as_a_whole(app: App) {
    beside(async {
        let (address, visitors) = serve(&app).await;
        let both = r#"mutation { createIndustry(input: { name: "Zoos" }) { industry { id } } eraseProspect(input: { id: 1 }) { erasedId } }"#;
        let answer = ask(address, &visitors.member, both).await;
        assert_eq!(turned_away(&answer), Some("FORBIDDEN"));
        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 0);
        // The service crate also checks permissions, independently of the API.
        let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn Clock>;
        let (store, organization) = (app.store.clone(), app.organization);
        let scope = Scope::new(store, organization, Actor::LocalUser, Role::Analyst, clock);
        let refused = service::crm::privacy::export(&scope, service::catalog::tables(), 1).await.unwrap_err();
        assert!(matches!(refused, engine::Error::Forbidden { role: "analyst", .. }), "{refused}");
        let refused = service::offer::industry::merge(&scope, service::catalog::tables(), 1, 2, None).await.unwrap_err();
        assert!(matches!(refused, engine::Error::Forbidden { role: "analyst", .. }), "{refused}");
    })
    .await;
}
