//! The published schema: complete, documented and consistent with the conventions.

use api::product_server::executor;
use async_graphql::{Executor, Request};
use serde_json::Value;
use tests::plain;

plain![
    served_schema_matches_the_committed_file,
    every_schema_element_has_a_description,
    connections_follow_the_relay_specification,
    every_entity_has_single_and_list_root_fields,
    custom_scalars_have_a_specification_url,
    only_nodes_have_an_id_field,
];

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn introspect() -> Vec<Value> {
    let query = "{ __schema { types { kind name description specifiedByURL isOneOf \
                 fields { name description args { name description } type { kind name ofType { kind name ofType { kind name ofType { name } } } } } \
                 inputFields { name description } enumValues { name description } interfaces { name } } } }";
    let executor = executor();
    let answer = tests::database::block_on(executor.execute(Request::new(query)));
    let answer: Value = serde_json::from_str(&graph::json_text::response(&answer)).unwrap();
    let types = answer["data"]["__schema"]["types"].as_array().unwrap().clone();
    types.into_iter().filter(|ty| !ty["name"].as_str().unwrap().starts_with("__")).collect()
}

fn served_schema_matches_the_committed_file() {
    let committed = std::fs::read_to_string(root().join("schema.graphql")).unwrap();
    let served = api::schema::sdl();
    assert!(
        committed.trim_end() == served.trim_end(),
        "schema.graphql is out of date; run `cargo run -- schema > schema.graphql`"
    );
}

/// Clients normalize their cache by `id` alone, so objects of another type with an `id` field would overwrite cached
/// nodes.
fn only_nodes_have_an_id_field() {
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

fn every_schema_element_has_a_description() {
    let mut missing = Vec::new();
    for ty in introspect() {
        let name = ty["name"].as_str().unwrap();
        let described =
            |value: &Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
        // The built-in scalars need no description.
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
    assert!(missing.is_empty(), "schema elements without a description: {missing:#?}");
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
        assert_eq!(connection, ["nodes", "edges", "pageInfo", "totalCount", "aggregate", "groups"]);
        assert_eq!(names(find(&format!("{}Edge", entity.name))), ["cursor", "node"]);
        assert_eq!(find(entity.name)["interfaces"][0]["name"], "Node");
        assert_eq!(find(&format!("{}Order", entity.name))["isOneOf"], true);
    }
    let info = names(find("PageInfo"));
    assert_eq!(info, ["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"]);
}

fn every_entity_has_single_and_list_root_fields() {
    let types = introspect();
    let query = types.iter().find(|ty| ty["name"] == "Query").unwrap();
    let roots: Vec<&str> =
        query["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    for entity in api::catalog::entities() {
        assert!(roots.contains(&entity.single.as_str()) && roots.contains(&entity.plural));
    }
    assert!(roots.contains(&"node") && roots.contains(&"nodes"));
}

fn custom_scalars_have_a_specification_url() {
    for ty in introspect() {
        let own =
            !["String", "Int", "Float", "Boolean", "ID"].contains(&ty["name"].as_str().unwrap());
        if ty["kind"] == "SCALAR" && own {
            assert!(ty["specifiedByURL"].is_string(), "{}", ty["name"]);
        }
    }
}
