//! Test support: a server with its own database on either engine.

pub mod app;
pub mod committed;
pub mod database;
pub mod enrichment_source;
pub mod found;
pub mod plain_mutations;
pub mod plan;
pub mod rows;
pub mod sales_assistant;
pub mod stored;

use std::pin::Pin;

pub use app::App;
pub use database::Engine;

/// A test that runs on each engine.
pub struct Behaviour {
    /// The module path and function name.
    pub name: &'static str,
    /// The test.
    pub run: fn(App) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// A test that needs no database.
pub struct Plain {
    /// The module path and function name.
    pub name: &'static str,
    /// The test.
    pub run: fn(),
}

/// Lists the tests of a file that run on each engine. A test missing from the list is dead code, which the compiler
/// reports.
#[macro_export]
macro_rules! behaviours {
    ($($test:ident),* $(,)?) => {
        /// The tests of this file that run on each engine.
        pub fn behaviours() -> Vec<$crate::Behaviour> {
            vec![$($crate::Behaviour {
                name: concat!(module_path!(), "::", stringify!($test)),
                run: |app| Box::pin($test(app)),
            }),*]
        }
    };
}

/// Lists the tests of a file that need no database.
#[macro_export]
macro_rules! plain {
    ($($test:ident),* $(,)?) => {
        /// The tests of this file that need no database.
        pub fn plain() -> Vec<$crate::Plain> {
            vec![$($crate::Plain {
                name: concat!(module_path!(), "::", stringify!($test)),
                run: $test,
            }),*]
        }
    };
}
