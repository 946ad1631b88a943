//! The published contract: complete, described, by the conventions.

use api::execute::SchemaExecutor;
use async_graphql::{Executor, Request};
use serde_json::Value;
use tests::plain;

plain![
    the_served_schema_is_the_committed_one,
    everything_is_described,
    connections_follow_the_relay_specification,
    every_entity_has_its_two_roots,
    custom_scalars_say_where_they_are_specified,
    an_id_is_the_id_of_a_node,
];

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn introspect() -> Vec<Value> {
    let query = "{ __schema { types { kind name description specifiedByURL isOneOf \
                 fields { name description args { name description } type { kind name ofType { kind name ofType { kind name ofType { name } } } } } \
                 inputFields { name description } enumValues { name description } interfaces { name } } } }";
    let executor = SchemaExecutor::new();
    let answer = tests::database::block_on(executor.execute(Request::new(query)));
    let answer = serde_json::to_value(answer).unwrap();
    let types = answer["data"]["__schema"]["types"].as_array().unwrap().clone();
    types.into_iter().filter(|ty| !ty["name"].as_str().unwrap().starts_with("__")).collect()
}

fn the_served_schema_is_the_committed_one() {
    let committed = std::fs::read_to_string(root().join("schema.graphql")).unwrap();
    let served = api::schema::sdl();
    assert!(
        committed.trim_end() == served.trim_end(),
        "schema.graphql is not what is served: cargo run -- schema > schema.graphql"
    );
}

/// Clients keep objects by their `id` alone: a second type with such a field overwrites the first one's.
fn an_id_is_the_id_of_a_node() {
    let types = introspect();
    let fields_of = |ty: &Value| ty["fields"].as_array().cloned().unwrap_or_default();
    let has_id = |ty: &&Value| fields_of(ty).iter().any(|field| field["name"] == "id");
    let is_node = |ty: &&Value| {
        let interfaces = ty["interfaces"].as_array().cloned().unwrap_or_default();
        ty["name"] == "Node" || interfaces.iter().any(|one| one["name"] == "Node")
    };
    let nodes = types.iter().filter(has_id).filter(is_node).count();
    assert!(nodes > 20, "{nodes}");
    let others = types.iter().filter(has_id).filter(|ty| !is_node(ty)).map(|ty| &ty["name"]);
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&Value>::new());
}

fn everything_is_described() {
    let mut missing = Vec::new();
    for ty in introspect() {
        let name = ty["name"].as_str().unwrap();
        let described =
            |value: &Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
        // The scalars of the specification describe themselves.
        let own = !["String", "Int", "Float", "Boolean", "ID"].contains(&name);
        if own && !described(&ty) {
            missing.push(name.to_owned());
        }
        for kind in ["fields", "inputFields", "enumValues"] {
            for part in ty[kind].as_array().into_iter().flatten() {
                if !described(part) {
                    missing.push(format!("{name}.{}", part["name"]));
                }
                for argument in part["args"].as_array().into_iter().flatten() {
                    if !described(argument) {
                        missing.push(format!("{name}.{}({})", part["name"], argument["name"]));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "not described: {missing:#?}");
}

fn connections_follow_the_relay_specification() {
    let types = introspect();
    let find = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    let names = |ty: &Value| -> Vec<String> {
        ty["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for entity in api::catalog::entities() {
        let connection = names(find(&format!("{}Connection", entity.name)));
        assert_eq!(connection, ["nodes", "edges", "pageInfo", "totalCount"]);
        assert_eq!(names(find(&format!("{}Edge", entity.name))), ["cursor", "node"]);
        assert_eq!(find(entity.name)["interfaces"][0]["name"], "Node");
        assert_eq!(find(&format!("{}Order", entity.name))["isOneOf"], true);
    }
    let info = names(find("PageInfo"));
    assert_eq!(info, ["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"]);
}

fn every_entity_has_its_two_roots() {
    let types = introspect();
    let query = types.iter().find(|ty| ty["name"] == "Query").unwrap();
    let roots: Vec<&str> =
        query["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    for entity in api::catalog::entities() {
        assert!(roots.contains(&entity.single.as_str()) && roots.contains(&entity.plural));
    }
    assert!(roots.contains(&"node") && roots.contains(&"nodes"));
}

fn custom_scalars_say_where_they_are_specified() {
    for ty in introspect() {
        let own =
            !["String", "Int", "Float", "Boolean", "ID"].contains(&ty["name"].as_str().unwrap());
        if ty["kind"] == "SCALAR" && own {
            assert!(ty["specifiedByURL"].is_string(), "{}", ty["name"]);
        }
    }
}
