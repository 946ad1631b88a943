//! `salesgraph keys`.

use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use engine::{Clock, Result, Role, Store, SystemClock, change_log};
use service::identity::{
    api_key::{self, NewKey},
    organization,
};

use super::{say, scope};

/// Creates, lists and revokes API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Creates an API key and prints it once: only its hash is stored.
    Create(Create),
    /// Lists the API keys without their secrets.
    List(OrganizationOption),
    /// Revokes an API key; all servers reject it within two seconds.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct OrganizationOption {
    /// The organization.
    #[arg(long, default_value = organization::DEFAULT)]
    pub(super) organization: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    of: OrganizationOption,
    /// The role of the key.
    #[arg(long, value_enum)]
    role: RoleName,
    /// The name of the key: its purpose or location. Rows that a worker writes carry this name.
    #[arg(long, default_value = "command line")]
    name: String,
    /// The e-mail address of the responsible user, who is created if missing. Default: the owner of the organization.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// The key is for a program: drafts that it writes must be approved by a person.
    #[arg(long)]
    worker: bool,
    /// Creates the organization if it does not exist.
    #[arg(long = "create-organization", alias = "found")]
    with_organization: bool,
    /// Days until the key expires. Default: the key does not expire.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    of: OrganizationOption,
    /// The prefix of the key, up to the dot, as shown by `keys list`.
    prefix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// Every permission in the organization.
    Owner,
    /// Reads, writes, exports and erases personal data.
    Admin,
    /// Reads and writes.
    Member,
    /// Reads only.
    Analyst,
    /// Reads and writes only assigned prospects, and what belongs to them.
    Restricted,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Admin => Self::Admin,
            RoleName::Member => Self::Member,
            RoleName::Analyst => Self::Analyst,
            RoleName::Restricted => Self::Restricted,
        }
    }
}

impl Keys {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = match &self {
            Self::Create(_) => Store::connect(url).await?,
            Self::List(_) | Self::Revoke(_) => Store::connect_existing(url).await?,
        };
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let slug = match &self {
            Self::Create(create) => &create.of.organization,
            Self::List(of) => &of.organization,
            Self::Revoke(revoke) => &revoke.of.organization,
        };
        let organization = match &self {
            // An explicitly named organization must exist: a typo should not create one.
            Self::Create(create) if create.with_organization || slug == organization::DEFAULT => {
                organization::ensure(&store, &SystemClock, slug).await?
            }
            _ => organization::find(&store, slug).await?,
        };
        let scope = scope(&store, organization);
        match self {
            Self::Create(create) => {
                // A reserved address (RFC 2606) is used until the owner sets their own.
                let owner = format!("owner@{}.invalid", create.of.organization);
                let new = NewKey {
                    name: create.name,
                    role: create.role.into(),
                    worker: create.worker,
                    is_owner: create.user.is_none(),
                    user: create.user.unwrap_or_else(|| owner.clone()),
                    expires_at: create
                        .days
                        .map(|days| SystemClock.now() + TimeDelta::days(days.into())),
                };
                if new.is_owner && !new.worker {
                    eprintln!("The key acts as {owner}; set the responsible person with --user.");
                }
                let key = api_key::create(&scope, new).await?;
                eprintln!("Store this key now; it can't be shown again.");
                say!("{key}");
            }
            Self::List(_) => {
                for key in api_key::list(&scope).await? {
                    let state = match (key.revoked_at, key.expires_at) {
                        (Some(at), _) => format!("revoked {}", at.format("%F %R")),
                        (_, Some(at)) if at <= SystemClock.now() => {
                            format!("expired {}", at.format("%F %R"))
                        }
                        (_, Some(at)) => format!("until {}", at.format("%F %R")),
                        (None, None) => "no expiry".to_owned(),
                    };
                    let used = key.last_used_at.map_or_else(
                        || "never used".to_owned(),
                        |at| format!("used {}", at.format("%F %R")),
                    );
                    let api_key::ApiKey { prefix, role, kind, user, name, .. } = key;
                    say!("sg_{prefix}  {role:<7} {kind:<6} {state}, {used}  {user}  {name}");
                }
            }
            Self::Revoke(revoke) => {
                api_key::revoke(&scope, &revoke.prefix).await?;
                say!("The key is revoked.");
            }
        }
        store.close().await
    }
}
