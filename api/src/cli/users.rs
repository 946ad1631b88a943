//! `salesgraph users`.

use clap::{Args, Subcommand};
use engine::{Result, Store, SystemClock, change_log};
use service::identity::{
    accounts::Accounts,
    members::{LinkedMember, NewMember},
    organization,
};

use super::{
    clock,
    keys::{OrganizationOption, RoleName},
    say, scope,
};

/// Address of a server with the default settings, for links.
const DEFAULT_URL: &str = "http://localhost:8000";

/// Invites, lists, suspends and erases users.
#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Lists users with their organizations and roles.
    List,
    /// Invites a person to an organization, and prints a link with which the person chooses a password.
    Invite(Invite),
    /// Prints a link with which a user chooses a new password. It is valid for one hour.
    Reset(LinkedUser),
    /// Suspends an account in all organizations: its sessions end within a second, and its API keys are rejected.
    Suspend(Suspend),
    /// Reinstates a suspended account.
    Reinstate(OneUser),
    /// Erases the personal data of a user and ends all memberships. This cannot be undone.
    Erase(OneUser),
}

#[derive(Debug, Args)]
pub(super) struct Invite {
    #[command(flatten)]
    of: OrganizationOption,
    #[command(flatten)]
    user: LinkedUser,
    /// The role of the user.
    #[arg(long, value_enum)]
    role: RoleName,
    /// The name of the user.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct LinkedUser {
    #[command(flatten)]
    user: OneUser,
    /// The address under which browsers reach the server; the link begins with it.
    #[arg(long, env = "SALESGRAPH_PUBLIC_URL", value_name = "URL", default_value = DEFAULT_URL)]
    public_url: String,
}

#[derive(Debug, Args)]
pub(super) struct Suspend {
    #[command(flatten)]
    user: OneUser,
    /// The reason, for administrators.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct OneUser {
    /// The e-mail address of the user.
    email: String,
}

impl Users {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect_existing(url).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let accounts = |base: Option<&str>| {
            Accounts::new(store.clone(), clock(), service::catalog::tables(), base)
        };
        match self {
            Self::List => list(&accounts(None)).await?,
            Self::Invite(invite) => {
                let organization = organization::find(&store, &invite.of.organization).await?;
                let new = NewMember {
                    email: invite.user.user.email,
                    name: invite.name,
                    role: invite.role.into(),
                };
                let accounts = accounts(Some(&invite.user.public_url));
                let invited = accounts.invite(&scope(&store, organization), new, None).await?;
                let LinkedMember { link, .. } = invited;
                eprintln!("Send this link to the person only; it is valid once, for seven days.");
                say!("{}", link.unwrap_or_default());
            }
            Self::Reset(user) => {
                let accounts = accounts(Some(&user.public_url));
                let link = accounts.password_reset_link(&user.user.email).await?;
                eprintln!("Send this link to the user only; it is valid once, for one hour.");
                say!("{link}");
            }
            Self::Suspend(suspend) => {
                let reason = suspend.reason.as_deref();
                accounts(None).suspend_account(&suspend.user.email, reason).await?;
                say!("The account is suspended.");
            }
            Self::Reinstate(user) => {
                accounts(None).reinstate_account(&user.email).await?;
                say!("The account is reinstated.");
            }
            Self::Erase(user) => {
                accounts(None).erase_account(&user.email).await?;
                say!("The account is erased.");
            }
        }
        store.close().await
    }
}

async fn list(accounts: &Accounts) -> Result<()> {
    for user in accounts.list_users().await? {
        let state = match (user.suspended_at, user.has_password) {
            (Some(at), _) => format!("suspended {}", at.format("%F %R")),
            (None, true) => format!("signed in {}", user.last_signed_in.format("%F %R")),
            (None, false) => "no password".to_owned(),
        };
        let name = user.name.unwrap_or_default();
        let (organization, role, status) = (user.organization, user.role, user.status);
        say!("{}  {organization}  {role:<7} {status:<9} {state}  {name}", user.email);
    }
    Ok(())
}

/// Creates and lists organizations.
#[derive(Debug, Subcommand)]
pub(super) enum Organizations {
    /// Lists the organizations.
    List,
    /// Creates an organization.
    Create {
        /// The short name: 1 to 100 lowercase letters, digits or `-`.
        slug: String,
    },
}

impl Organizations {
    pub(super) async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect_existing(url).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        match self {
            Self::List => {
                for (slug, name) in organization::list(&store).await? {
                    say!("{slug}  {name}");
                }
            }
            Self::Create { slug } => {
                organization::ensure(&store, &SystemClock, &slug).await?;
                say!(
                    "The organization {slug} exists; invite its owner with `salesgraph users invite`."
                );
            }
        }
        store.close().await
    }
}
