//! What is brought in: databases of other systems, and lists of people.

pub mod import_job;
pub mod import_record;
pub mod list;
pub mod sales_assistant;
