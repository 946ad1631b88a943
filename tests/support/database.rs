//! A separate database for each test: a SQLite file or a copy of a migrated Postgres database.

use std::sync::OnceLock;

use engine::Store;
use sea_orm::{ConnectionTrait, Database};

/// The database engine on which a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, with a temporary file.
    Sqlite,
    /// The Postgres server in `SALESGRAPH_TEST_POSTGRES`.
    Postgres,
}

/// The Postgres server for the tests, if one is configured. `DATABASE_URL` is never read here.
#[expect(clippy::disallowed_methods, reason = "the only setting of the tests")]
pub fn postgres() -> Option<String> {
    std::env::var("SALESGRAPH_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A database that is deleted on drop.
pub struct TestDatabase {
    /// The URL of the database.
    pub url: String,
    name: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl TestDatabase {
    /// A migrated database.
    pub async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let database = Self::empty(engine).await;
                std::fs::copy(sqlite_template(), database.path()).unwrap();
                database
            }
            Engine::Postgres => {
                let template = postgres_template();
                let name = next_name();
                let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
                // Postgres cannot copy a template database several times concurrently.
                let _turn = TURN.lock().await;
                admin(&sql).await;
                Self { url: sibling(&name), name: Some(name), _folder: None }
            }
        }
    }

    /// A database without tables.
    pub async fn empty(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                Self { url, name: None, _folder: Some(folder) }
            }
            Engine::Postgres => {
                let name = next_name();
                admin(&format!("CREATE DATABASE {name}")).await;
                Self { url: sibling(&name), name: Some(name), _folder: None }
            }
        }
    }

    fn path(&self) -> &str {
        self.url.trim_start_matches("sqlite:")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let drop = async move { admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await };
            // A separate runtime, because the runtime of the test may be shutting down.
            std::thread::spawn(|| block_on(drop)).join().ok();
        }
    }
}

/// Runs `future` on a separate runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

fn next_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("salesgraph_test_{}_{number}", std::process::id())
}

fn sibling(name: &str) -> String {
    let server = postgres().expect("`SALESGRAPH_TEST_POSTGRES` should be set");
    let (head, _) =
        server.rsplit_once('/').expect("`SALESGRAPH_TEST_POSTGRES` should be a database URL");
    format!("{head}/{name}")
}

async fn admin(sql: &str) {
    let server = postgres().expect("`SALESGRAPH_TEST_POSTGRES` should be set");
    let connection = Database::connect(server).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

fn sqlite_template() -> &'static std::path::Path {
    static TEMPLATE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("template.db").display());
        migrate(url);
        folder
    });
    Box::leak(folder.path().join("template.db").into_boxed_path())
}

fn postgres_template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("salesgraph_template_{}", std::process::id());
        let create = format!("CREATE DATABASE {name}");
        std::thread::spawn(move || block_on(async move { admin(&create).await })).join().unwrap();
        migrate(sibling(&name));
        name
    })
}

/// Drops the template after all tests have finished.
pub fn clean_up() {
    if postgres().is_some() {
        let name = format!("salesgraph_template_{}", std::process::id());
        block_on(admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
    }
}

fn migrate(url: String) {
    let work = async move {
        let store = Store::connect(&url).await.unwrap();
        service::operations::migrate(&store).await.unwrap();
        store.close().await.unwrap();
    };
    std::thread::spawn(|| block_on(work)).join().unwrap();
}
