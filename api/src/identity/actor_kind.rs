//! Kinds of actors in GraphQL.

use engine::change_log::ACTORS;
use graph::{EnumType, Vocabulary};

/// `changes.actor_kind`, and the kind of the author and approver of a draft.
pub enum ActorKind {}

impl Vocabulary for ActorKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ActorKind", about: "Kind of actor.", words: ACTORS }
    }
}
