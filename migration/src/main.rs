//! Migrates the database in the first argument. Entity generation uses this program because it builds even if the
//! crates above do not. Users run `salesgraph migrate`.

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
