//! Checks of the architecture and code conventions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tests::plain;

plain![
    paths_in_docs_exist,
    every_entity_has_a_file_in_service_and_api,
    files_stay_under_400_lines,
    modules_and_types_have_meaningful_names,
    api_crate_has_no_database_access,
    the_readme_is_short,
    every_dependency_states_its_reason,
    migrations_do_not_depend_on_entities,
    only_units_of_work_and_imports_write,
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files below a folder whose names end with `ending`.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') && name != "node_modules" {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found
}

fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for room in ["entity", "migration", "service", "api", "tests"] {
        sources.extend(files(&root().join(room), ".rs"));
    }
    sources.retain(|path| !path.to_string_lossy().contains("entity/src/generated"));
    sources
}

fn paths_in_docs_exist() {
    let mut documents = files(&root().join("docs"), ".md");
    documents.push(root().join("README.md"));
    let mut dead = Vec::new();
    let mut seen = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for (place, named) in text.split('`').enumerate() {
            let path_like = named.contains('/')
                && named.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
                && !named.starts_with('/');
            let target = named == "README.md" || path_like;
            if place % 2 == 1 && target {
                seen += 1;
                // These paths are created at runtime.
                let made = named.starts_with("data/") || named.starts_with("target/");
                if !made && !root().join(named.trim_end_matches('/')).exists() {
                    dead.push(format!("{}: {named}", document.display()));
                }
            }
        }
    }
    assert!(dead.is_empty(), "the docs mention paths that do not exist: {dead:#?}");
    assert!(seen > 20, "expected more than 20 paths in backticks in the docs");
}

fn every_entity_has_a_file_in_service_and_api() {
    let entities = fs::read_to_string(root().join("entity/src/lib.rs")).unwrap();
    // Tables without an API entity: organizations, join tables and the state of imports.
    let internal = [
        "organization",
        "industry_solution",
        "team_member",
        "prospect_note_mention",
        "source_import",
        "source_import_table",
        "alembic_version",
        "change_log",
        "idempotency_key",
        "outreach_draft_usage",
        "prospect_research_usage",
        "user",
        "api_key",
    ];
    let mut context = String::new();
    let mut seen = 0;
    for word in entities.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        if let Some(name) =
            ["alerts", "crm", "offer", "outreach", "usage", "governance", "identity", "ingest"]
                .iter()
                .find(|name| **name == word)
        {
            (*name).clone_into(&mut context);
        }
        let is_declared = service::catalog::tables().iter().any(|table| table.called == word);
        if is_declared && !internal.contains(&word) {
            for room in ["service", "api"] {
                let path = root().join(format!("{room}/src/{context}/{word}.rs"));
                assert!(path.exists(), "{}", path.display());
            }
            seen += 1;
        }
    }
    // The change log has its own folder in the service crate.
    assert!(root().join("service/engine/src/change_log/mod.rs").exists());
    assert!(seen >= api::catalog::entities().len() - 1);
}

fn files_stay_under_400_lines() {
    let mut long = Vec::new();
    for path in sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        // Two files may be longer: the SQL for pages on both engines, and the schema registry.
        let whole =
            ["read/sql.rs", "graph/src/registry.rs"].iter().any(|name| path.ends_with(name));
        if lines > if whole { 500 } else { 400 } {
            long.push(format!("{lines} {}", path.display()));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

fn modules_and_types_have_meaningful_names() {
    let banned = ["utils", "helpers", "common", "misc", "manager", "data", "info"];
    let mut found = Vec::new();
    for path in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
        if banned.contains(&stem.as_str()) {
            found.push(path.display().to_string());
        }
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.windows(2) {
                let name = pair[1].split(['<', '(', '{', ';', ':']).next().unwrap().to_lowercase();
                let kind = ["struct", "enum", "mod", "trait"].contains(&pair[0]);
                if kind && !line.trim_start().starts_with("//") && banned.contains(&name.as_str()) {
                    found.push(format!("{}: {line}", path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn api_crate_has_no_database_access() {
    let manifest = fs::read_to_string(root().join("api/Cargo.toml")).unwrap();
    // Benchmarks may access tables because they compare the server with plain SQL.
    let (manifest, _) = manifest.split_once("[dev-dependencies]").unwrap();
    for crate_name in ["sea-orm", "sqlx", "entity", "migration"] {
        assert!(!manifest.lines().any(|line| line.starts_with(crate_name)), "{crate_name}");
    }
    for path in sources().iter().filter(|path| path.starts_with(root().join("api/src"))) {
        let text = fs::read_to_string(path).unwrap();
        for access in [".store()", "store.query(", "store.execute(", "store.begin(", "store.write("]
        {
            assert!(!text.contains(access), "{}: {access}", path.display());
        }
    }
    for (manifest, forbidden) in [
        ("service/Cargo.toml", ["async-graphql", "axum", "salesgraph"].as_slice()),
        ("service/engine/Cargo.toml", &["async-graphql", "axum", "salesgraph", "service"]),
        (
            "api/graph/Cargo.toml",
            &["axum", "salesgraph.", "server", "service", "entity", "sea-orm"],
        ),
        ("api/server/Cargo.toml", &["salesgraph", "service", "entity", "sea-orm"]),
    ] {
        let manifest = fs::read_to_string(root().join(manifest)).unwrap();
        for crate_name in forbidden {
            assert!(!manifest.lines().any(|line| line.starts_with(crate_name)), "{crate_name}");
        }
    }
}

fn the_readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 130, "{lines} lines");
}

fn every_dependency_states_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    let mut before = "";
    for line in dependencies.lines() {
        let outside = line.contains('=') && !line.starts_with('#') && !line.contains("path =");
        assert!(
            !outside || before.starts_with('#'),
            "the line above this dependency should be a comment that states the reason: {line}"
        );
        before = line;
    }
}

fn migrations_do_not_depend_on_entities() {
    let manifest = fs::read_to_string(root().join("migration/Cargo.toml")).unwrap();
    assert!(!manifest.contains("entity.workspace") && !manifest.contains("service.workspace"));
}

/// Writes outside these files would be missing from the change log.
fn only_units_of_work_and_imports_write() {
    let may = [
        "write/unit.rs",
        "write/item.rs",
        "write/redaction.rs",
        "write/duplicate_mark.rs",
        "write/join_table.rs",
        "write/insert_plan.rs",
        "write/row_batch.rs",
        // The statements of the following files that are built from entities.
        "entity_statement.rs",
        // Bulk loads, which write one change log entry per chunk.
        "write/bulk_load.rs",
        "systems/sales_assistant/copy.rs",
        "systems/sales_assistant/target.rs",
        // Import records. The change log contains their import job, which counts their outcomes.
        "imports/rows.rs",
        "imports/job_actions.rs",
        "ingest/import_record.rs",
        "ingest/privacy.rs",
        // Start, lease and attempts of enrichment records; cache entries, which expire and belong to no organization.
        "enrichment/start.rs",
        "enrichment/lease.rs",
        "enrichment/cache.rs",
        "enrichment/run.rs",
        // Usage counts of templates.
        "enrichment/drafts.rs",
        // Sync times of imported rows. The rows themselves are in the change log.
        "systems/enrichment/finalize.rs",
        // The demo data, with one change log entry per table, and its daily cost summaries.
        "demo/remove.rs",
        "usage/daily_cost_summary.rs",
        // Progress of an import.
        "systems/enrichment/import_rows.rs",
        // Default settings of every organization.
        "governance/setting.rs",
        // The change log itself and idempotency keys.
        "change_log/append.rs",
        "change_log/retention.rs",
        "write/idempotency.rs",
        // Planner statistics.
        "write/growth.rs",
        // Backup, maintenance and restore of whole databases.
        "operations/backup.rs",
        "operations/maintenance.rs",
        "operations/postponed.rs",
        "operations/restore.rs",
        // Counters, derived from other rows.
        "write/counter.rs",
        // Opt-outs by e-mail address, derived from prospects; comparison columns of existing rows.
        "crm/opt_out.rs",
        "identity/organization_secret.rs",
        "operations/comparison.rs",
        "operations/duplicates.rs",
        // Migrations; organizations, which the change log does not cover; the time of last use of an API key.
        "store/mod.rs",
        "store/migrations.rs",
        "identity/organization.rs",
        "identity/api_key_cache.rs",
        // Sessions, one-time tokens and sign-in attempts, which belong to no organization; the change log has an entry for
        // each write of a user by the following files.
        "identity/session.rs",
        "identity/session_cache.rs",
        "identity/one_time_token.rs",
        "identity/login_attempt.rs",
        "identity/sign_in.rs",
        "identity/links.rs",
        "identity/preference.rs",
        "identity/account_actions.rs",
        "identity/user.rs",
        "identity/outgoing_mail.rs",
    ];
    let writes = [
        "INSERT INTO",
        "UPDATE \\\"",
        "DELETE FROM",
        "Query::insert",
        "Query::update",
        "Query::delete",
        "ActiveModelTrait",
        ".update::<",
        ".delete::<",
        "scope().insert(",
        "Entity::update_many",
        "Entity::delete_many",
        "Entity::insert",
        "execute_raw",
        "execute_unprepared",
    ];
    let mut found = 0;
    for (folder, path) in ["service/src", "service/engine/src"].iter().flat_map(|folder| {
        let folder = root().join(folder);
        files(&folder, ".rs").into_iter().map(move |path| (folder.clone(), path))
    }) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let hit = writes.iter().find(|write| text.contains(**write));
        assert!(hit.is_none() || may.contains(&name.as_str()), "{name}: {hit:?}");
        found += usize::from(hit.is_some());
    }
    assert_eq!(found, may.len());
}
