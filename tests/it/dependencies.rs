//! Dependencies between modules: they form no cycles, except the declarations of entities, and the dependencies of crates
//! and contexts on each other are recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use tests::{committed::assert_committed, plain};

use crate::architecture::{files, root};

plain![
    modules_form_no_cycle,
    dependencies_of_contexts_match_the_committed_file,
    use_trees_are_expanded,
];

/// The modules that each top-level module of a crate imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The paths of a use tree: `a::{b, c::d}` has the paths `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    let ends = inner.char_indices().chain([(inner.len(), ',')]);
    for (place, letter) in ends {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = inner[start..place].trim();
                if !branch.is_empty() {
                    paths.extend(expand(branch).iter().map(|path| format!("{prefix}{path}")));
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    paths
}

/// The absolute paths inside its crate that a source file names.
fn named(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let code = code.join("\n");
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let statement = statement.trim_start();
        // The statement may follow an item without a semicolon, and may be a re-export.
        let starts = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
        let line = |start: &&str| statement.rfind(&format!("\n{start}")).map(|place| place + 1);
        let place = starts.iter().filter_map(line).max().unwrap_or(0);
        let tree = starts.iter().find_map(|start| statement[place..].strip_prefix(start));
        paths.extend(tree.into_iter().flat_map(expand));
    }
    for (place, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        if code[..place].ends_with("::") {
            continue;
        }
        let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let end = code[place..].find(|c| !is_path(c)).unwrap_or(code.len() - place);
        paths.push(code[place..place + end].to_owned());
    }
    let absolute = |path: String| {
        let mut steps = path.split("::").map(str::trim).peekable();
        let mut absolute = match steps.peek() {
            Some(&"crate") => Vec::new(),
            Some(&"super" | &"self") => module.to_vec(),
            _ => return None,
        };
        for step in steps {
            match step {
                "crate" | "self" | "" => {}
                "super" => drop(absolute.pop()),
                name => absolute.push(name.to_owned()),
            }
        }
        Some(absolute)
    };
    paths.into_iter().filter_map(absolute).collect()
}

fn graph(folder: &str) -> Graph {
    let folder = root().join(folder);
    let mut graph = Graph::new();
    for path in files(&folder, ".rs") {
        let relative = path.strip_prefix(&folder).unwrap().with_extension("");
        let steps = relative.iter().map(|step| step.to_string_lossy().into_owned());
        let module: Vec<String> = steps.filter(|step| step != "mod" && step != "lib").collect();
        let Some(own) = module.first() else { continue };
        let edges = graph.entry(own.clone()).or_default();
        for path in named(&fs::read_to_string(&path).unwrap(), &module) {
            edges.extend(path.first().filter(|other| *other != own).cloned());
        }
    }
    let modules: BTreeSet<String> = graph.keys().cloned().collect();
    for edges in graph.values_mut() {
        edges.retain(|other| modules.contains(other));
    }
    graph
}

/// The modules that form dependency cycles, without the modules that only depend on a cycle or are only used by one.
fn cyclic(mut graph: Graph) -> Graph {
    loop {
        let is_used = |name: &String| graph.values().any(|edges| edges.contains(name));
        let outer = graph.iter().find(|(name, edges)| edges.is_empty() || !is_used(name));
        let Some(outer) = outer.map(|(name, _)| name.clone()) else { return graph };
        graph.remove(&outer);
        for edges in graph.values_mut() {
            edges.remove(&outer);
        }
    }
}

fn modules_form_no_cycle() {
    assert!(graph("service/engine/src")["write"].contains("change_log"));
    for folder in ["service/engine/src", "service/src", "api/graph/src", "api/server/src"] {
        let cyclic = cyclic(graph(folder));
        assert!(cyclic.is_empty(), "cycle in {folder}: {cyclic:#?}");
    }
    // The declarations of entities name each other as targets of relations, and some use their list.
    let declarations =
        ["alerts", "catalog", "crm", "governance", "ingest", "offer", "outreach", "usage"];
    let cyclic = cyclic(graph("api/src"));
    for module in cyclic.keys() {
        assert!(declarations.contains(&module.as_str()), "{module}: {cyclic:#?}");
    }
}

fn dependencies_of_contexts_match_the_committed_file() {
    let mut lines = String::from("# Crates\n");
    let crates = [
        ("entity", "entity"),
        ("migration", "migration"),
        ("service/engine", "engine"),
        ("service", "service"),
        ("api/graph", "graph"),
        ("api/server", "server"),
        ("api", "salesgraph"),
    ];
    for (folder, name) in crates {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let is_used =
            |other: &str| dependencies.lines().any(|line| line.split('.').next() == Some(other));
        let used = crates.iter().map(|(_, other)| *other).filter(|other| is_used(other));
        lines += &used.fold(format!("{name}:"), |line, other| line + " " + other);
        lines.push('\n');
    }
    for folder in ["service/src", "api/src"] {
        lines.extend(["\n# Modules of ", folder, "\n"]);
        for (module, edges) in graph(folder) {
            let line = edges.iter().fold(format!("{module}:"), |line, edge| line + " " + edge);
            lines += &line;
            lines.push('\n');
        }
    }
    assert_committed("dependencies.txt", &lines);
}

fn use_trees_are_expanded() {
    let tree = "crate::{\n    a::{self, b},\n    c,\n}";
    assert_eq!(expand(tree), ["crate::a::self", "crate::a::b", "crate::c"]);
    let text = "mod m;\n\npub use crate::{a, b::c};\nuse super::d;\nfn f() {}\n";
    let module = ["own".to_owned(), "m".to_owned()];
    assert_eq!(
        named(text, &module),
        [vec!["a"], vec!["b", "c"], vec!["own", "d"], vec![], vec!["own", "d"]]
    );
}
