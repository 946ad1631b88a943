//! Actors: who performs a write.

/// The actor of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The local user of a server that listens on a loopback address.
    LocalUser,
    /// The command line.
    CommandLine,
    /// A person, identified by name.
    Person(String),
    /// A program that writes research and drafts, identified by name.
    Worker(String),
}

impl Actor {
    /// The kind of the actor, as stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LocalUser => "visitor",
            Self::CommandLine => "command_line",
            Self::Person(_) => "person",
            Self::Worker(_) => "worker",
        }
    }

    /// The name of the actor, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::LocalUser | Self::CommandLine => None,
            Self::Person(name) | Self::Worker(name) => Some(name),
        }
    }

    /// The kind and the name combined: `worker/research`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.name() {
            Some(name) => format!("{}/{name}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// Parses a [`label`](Self::label).
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        match label.split_once('/') {
            Some(("person", name)) => Some(Self::Person(name.to_owned())),
            Some(("worker", name)) => Some(Self::Worker(name.to_owned())),
            None if label == Self::LocalUser.kind() => Some(Self::LocalUser),
            None if label == Self::CommandLine.kind() => Some(Self::CommandLine),
            _ => None,
        }
    }

    /// Whether the actor can approve drafts. The local user and the command line can't, because they have no name.
    #[must_use]
    pub fn may_approve(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Worker(_))
    }

    /// Whether the actor is a worker.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }
}
