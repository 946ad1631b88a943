//! The machinery of salesgraph, which knows no entity of the product: [`mod@table`] describes tables, [`read`] reads
//! nested lists level by level, [`mod@write`] writes rows, [`change_log`] records and delivers every write, [`search`]
//! implements full-text search, [`normal_form`] normalizes values for comparison, and [`store`] holds the connections
//! to the database. Every call takes a [`Scope`]: the actor, the organization, the time and the database.

pub mod actor;
pub mod authentication;
pub mod change_log;
pub mod clock;
mod column;
mod counter;
pub mod entity_statement;
pub mod enum_values;
pub mod error;
pub mod normal_form;
pub mod policy;
pub mod progress;
pub mod read;
pub mod reason;
pub mod record;
pub mod row_scope;
mod row_source;
pub mod scope;
pub mod search;
pub mod store;
pub mod table;
pub mod value;
pub mod words;
pub mod write;

pub use clock::{Clock, FixedClock, SystemClock};
pub use error::{Error, Problem, ProblemCode, Result};
pub use policy::{Permission, Role};
pub use reason::Reason;
pub use record::Record;
pub use scope::{Actor, Scope};
pub use store::{
    Engine, MIN_CONNECTIONS, SentStatement, StatementStats, Store, record_statements,
    retry_while_unavailable,
};
pub use table::Table;
pub use value::{Kind, Value};
