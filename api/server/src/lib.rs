//! The server of a GraphQL schema: checks of documents, execution, HTTP, WebSocket, exports and metrics.
//!
//! This crate knows no entity. The product provides the schema, the permissions of its root fields, the accepted API
//! keys and additional routes ([`http::Server`]).

pub mod csv;
pub mod document;
pub mod execute;
pub mod http;
pub mod permission;
