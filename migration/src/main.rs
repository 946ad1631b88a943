//! Migrates the database whose URL is the first argument. Entity generation uses this program because it builds even
//! if the crates that depend on the entities do not. Users run `salesgraph migrate` instead.

use migration::{Migrator, MigratorTrait};
use sea_orm_migration::sea_orm::Database;

#[tokio::main]
async fn main() {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: migration DATABASE_URL");
        std::process::exit(2);
    };
    let done = async { Migrator::up(&Database::connect(&url).await?, None).await }.await;
    if let Err(error) = done {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
