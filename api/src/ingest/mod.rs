//! What is brought in, in GraphQL.

pub mod acts;
pub mod import_job;
pub mod import_record;
