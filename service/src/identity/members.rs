//! Management of the members of an organization: invitations, roles, suspension and removal.

use engine::{
    error::{Error, Problem, Result},
    policy::{Permission, Role},
    reason::Reason,
    record::Record,
    scope::Scope,
    value::Value,
    write::{
        IdempotentRequest, Unit,
        idempotency::{self},
        ownership::Tables,
    },
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    accounts::Accounts,
    departure,
    membership::{self, ACTIVE, Column, INVITED, LEFT, SUSPENDED, role_of, table},
    one_time_link::OneTimeLink,
    one_time_token::{self, Purpose},
    session, user,
};

/// Maximum length of the reason of a suspension, in characters.
const MAX_REASON_LENGTH: usize = 1_000;

/// A person to invite.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// E-mail address.
    pub email: String,
    /// Name; the invited person can change it.
    pub name: Option<String>,
    /// Role.
    pub role: Role,
}

/// A membership, and a link for its user that can't be retrieved again. A repeated request has no link.
#[derive(Clone)]
pub struct LinkedMember {
    /// Primary key of the membership.
    pub membership: i64,
    /// The link.
    pub link: Option<String>,
    /// Whether the link is sent by mail instead; false for a repeated request.
    pub is_mailed: bool,
}

impl std::fmt::Debug for LinkedMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the link.
        f.debug_struct("LinkedMember").field("membership", &self.membership).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Invites a person to the organization. A person who has left is invited again, and a repeated invitation
    /// invalidates the link of the first.
    ///
    /// # Errors
    /// [`Error::Refused`] if the address is invalid or belongs to a member; [`Error::Forbidden`].
    pub async fn invite(
        &self,
        scope: &Scope,
        new: NewMember,
        once: Option<IdempotentRequest>,
    ) -> Result<LinkedMember> {
        scope.demand(Permission::ManageMembers)?;
        may_create_links(scope)?;
        let link = OneTimeLink::new(self, Purpose::Invitation)?;
        let (issued, actor) = (link.clone(), scope.role());
        let membership = idempotency::run(scope, once, move |unit| {
            Box::pin(async move {
                may_manage(actor, new.role)?;
                let email = user::address(&new.email, "email")?;
                let name = user::name(new.name.as_deref())?;
                unit.advisory_lock(user::table(), &email).await?;
                let known = user::by_email(unit, &email).await?;
                if known.is_some_and(|known| known.is_blocked) {
                    let message = "this address can't be invited; ask the operator of the server";
                    return Err(Problem::conflict(Reason::UserNotAllowed, "email", message).into());
                }
                let user = match known {
                    Some(known) => known.id,
                    None => user::insert(unit, &email, name).await?.id(),
                };
                let membership = invited(unit, user, actor, new.role).await?;
                issued.issue(unit, user).await?;
                Ok(membership)
            })
        })
        .await?;
        Ok(LinkedMember { membership, link: link.text(self), is_mailed: link.is_mailed() })
    }

    /// A new link for a user: for an invited one an invitation, for an active one a password reset.
    ///
    /// # Errors
    /// [`Error::Refused`] if the membership has another status, or the user also belongs to other organizations;
    /// [`Error::Forbidden`].
    pub async fn new_link(
        &self,
        scope: &Scope,
        membership: i64,
        once: Option<IdempotentRequest>,
    ) -> Result<LinkedMember> {
        scope.demand(Permission::ManageMembers)?;
        may_create_links(scope)?;
        let invitation = OneTimeLink::new(self, Purpose::Invitation)?;
        let reset = OneTimeLink::new(self, Purpose::PasswordReset)?;
        let (links, actor) = ([invitation.clone(), reset.clone()], scope.role());
        idempotency::run(scope, once, move |unit| {
            Box::pin(async move {
                let row = managed(unit, actor, membership).await?;
                let user = row.key(Column::UserId)?;
                match row.text(Column::Status) {
                    INVITED => links[0].issue(unit, user).await,
                    ACTIVE => {
                        belongs_only_here(unit, user).await?;
                        links[1].issue(unit, user).await
                    }
                    _ => Err(wrong_status("links are for invited and active members")),
                }
            })
        })
        .await?;
        let link = invitation.text(self).or_else(|| reset.text(self));
        let is_mailed = invitation.is_mailed() || reset.is_mailed();
        Ok(LinkedMember { membership, link, is_mailed })
    }

    /// Changes the role of a member. It takes effect on open sessions within a second.
    ///
    /// # Errors
    /// [`Error::Refused`] if the member is the last owner, or an owner and the caller is not; [`Error::Forbidden`].
    pub async fn change_role(
        &self,
        scope: &Scope,
        membership: i64,
        role: Role,
        once: Option<IdempotentRequest>,
    ) -> Result<i64> {
        scope.demand(Permission::ManageMembers)?;
        let actor = scope.role();
        let done = idempotency::run(scope, once, move |unit| {
            Box::pin(async move {
                may_manage(actor, role)?;
                let before = managed(unit, actor, membership).await?;
                if role_of(&before) == role {
                    return Ok(membership);
                }
                if role != Role::Owner {
                    keep_an_owner(unit, &before).await?;
                }
                let mut after = before.clone();
                after.set(Column::Role, Value::Text(role.name().to_owned()));
                let user = before.key(Column::UserId)?;
                unit.update(&before, after).await?;
                // An administrator may have created a password reset for the weaker role.
                one_time_token::invalidate_resets(unit, user).await?;
                let open = session::open_sessions_in(user, unit.scope().organization());
                unit.run(&session::touch(open, unit.now())).await?;
                Ok(membership)
            })
        })
        .await?;
        self.sessions.expect_changes();
        Ok(done)
    }

    /// Suspends a member: sessions end within a second, and API keys are rejected until the member is reinstated.
    ///
    /// # Errors
    /// [`Error::Refused`] if the member is not active, is the last owner, or an owner and the caller is not;
    /// [`Error::Forbidden`].
    pub async fn suspend(
        &self,
        scope: &Scope,
        membership: i64,
        reason: Option<String>,
        once: Option<IdempotentRequest>,
    ) -> Result<i64> {
        let too_long = |reason: &String| reason.chars().count() > MAX_REASON_LENGTH;
        if reason.as_ref().is_some_and(too_long) {
            let message = format!("`reason` must have at most {MAX_REASON_LENGTH} characters");
            return Err(Problem::invalid(Reason::TextTooLong, "reason", message).into());
        }
        self.change_status(scope, membership, StatusChange::Suspend(reason), once).await
    }

    /// Reinstates a suspended member.
    ///
    /// # Errors
    /// [`Error::Refused`] if the member is not suspended, or an owner and the caller is not; [`Error::Forbidden`].
    pub async fn reinstate(
        &self,
        scope: &Scope,
        membership: i64,
        once: Option<IdempotentRequest>,
    ) -> Result<i64> {
        self.change_status(scope, membership, StatusChange::Reinstate, once).await
    }

    /// Removes a member or withdraws an invitation: sessions end within a second, API keys are revoked, and `successor`, or no
    /// member, takes over the prospects of the member. The user and the history of their actions are kept.
    ///
    /// # Errors
    /// [`Error::Refused`] if the member has left, is the last owner, or an owner and the caller is not, or if the successor
    /// is not another active member; [`Error::Forbidden`].
    pub async fn remove(
        &self,
        scope: &Scope,
        membership: i64,
        successor: Option<i64>,
        once: Option<IdempotentRequest>,
    ) -> Result<i64> {
        self.change_status(scope, membership, StatusChange::Remove(successor), once).await
    }

    async fn change_status(
        &self,
        scope: &Scope,
        membership: i64,
        change: StatusChange,
        once: Option<IdempotentRequest>,
    ) -> Result<i64> {
        scope.demand(Permission::ManageMembers)?;
        let (actor, tables) = (scope.role(), self.tables);
        let done = idempotency::run(scope, once, move |unit| {
            Box::pin(async move {
                if let StatusChange::Remove(Some(successor)) = change
                    && successor < membership
                {
                    // All departures lock memberships in the same order.
                    unit.referred(table(), successor).await?;
                }
                let before = managed(unit, actor, membership).await?;
                change.apply(unit, tables, &before).await?;
                Ok(membership)
            })
        })
        .await?;
        self.sessions.expect_changes();
        Ok(done)
    }
}

/// A change of the status of a membership.
#[derive(Clone, Debug)]
enum StatusChange {
    Suspend(Option<String>),
    Reinstate,
    /// With the successor.
    Remove(Option<i64>),
}

impl StatusChange {
    async fn apply(self, unit: &mut Unit, tables: Tables, before: &Record) -> Result<()> {
        let allowed: &[&str] = match self {
            Self::Suspend(_) => &[ACTIVE],
            Self::Reinstate => &[SUSPENDED],
            Self::Remove(_) => &[INVITED, ACTIVE, SUSPENDED],
        };
        if !allowed.contains(&before.text(Column::Status)) {
            return Err(wrong_status(&format!(
                "the status of the membership must be {}",
                allowed.join(" or ")
            )));
        }
        if !matches!(self, Self::Reinstate) {
            keep_an_owner(unit, before).await?;
        }
        let (status, reason) = match self {
            Self::Suspend(reason) => (SUSPENDED, reason),
            Self::Reinstate => (ACTIVE, None),
            Self::Remove(successor) => {
                return departure::leave(unit, tables, before, successor).await;
            }
        };
        let user = before.key(Column::UserId)?;
        if status == SUSPENDED {
            let open = session::open_sessions_in(user, unit.scope().organization());
            unit.run(&session::revoke(open, unit.now())).await?;
        }
        one_time_token::invalidate_resets(unit, user).await?;
        let mut after = before.clone();
        after.set(Column::Status, Value::Text(status.to_owned()));
        after.set(Column::SuspensionReason, reason.map_or(Value::Null, Value::Text));
        unit.update(before, after).await?;
        Ok(())
    }
}

/// The primary key of the membership of an invited user.
async fn invited(unit: &mut Unit, user: i64, actor: Role, role: Role) -> Result<i64> {
    let Some(before) = membership::of_user(unit, user).await? else {
        return Ok(membership::insert(unit, user, role, INVITED).await?.id());
    };
    let refused = match before.text(Column::Status) {
        INVITED | LEFT => None,
        SUSPENDED => Some("the user is a suspended member; reinstate the membership"),
        _ => Some("the user already is a member"),
    };
    if let Some(message) = refused {
        return Err(Problem::conflict(Reason::MemberExists, "email", message).into());
    }
    may_manage(actor, role_of(&before))?;
    let mut after = before.clone();
    after.set(Column::Status, Value::Text(INVITED.to_owned()));
    after.set(Column::Role, Value::Text(role.name().to_owned()));
    Ok(unit.update(&before, after).await?.id())
}

/// The membership with this primary key, if the caller may manage it.
async fn managed(unit: &mut Unit, actor: Role, membership: i64) -> Result<Record> {
    let row = unit.get(table(), membership, "id").await?;
    may_manage(actor, role_of(&row))?;
    Ok(row)
}

/// A link leads to a session of a person without the limits of an API key, so keys of programs and keys that expire can't
/// create links.
fn may_create_links(scope: &Scope) -> Result<()> {
    if !scope.actor().is_worker() && scope.key_expires_at().is_none() {
        return Ok(());
    }
    let message = "an API key of a program, or one that expires, can't create links for people";
    Err(Problem::conflict(Reason::UserNotAllowed, "", message).into())
}

/// Only owners manage owners.
fn may_manage(actor: Role, role: Role) -> Result<()> {
    if actor == Role::Owner || role != Role::Owner {
        return Ok(());
    }
    let message = "only an owner can invite owners and manage their memberships";
    Err(Problem::conflict(Reason::UserNotAllowed, "role", message).into())
}

/// Rejects a change of the last active owner of the organization.
async fn keep_an_owner(unit: &mut Unit, row: &Record) -> Result<()> {
    if role_of(row) != Role::Owner || row.text(Column::Status) != ACTIVE {
        return Ok(());
    }
    unit.advisory_lock(table(), "owners").await?;
    let others = membership::with_users(unit.scope())
        .filter(Column::Role.eq(Role::Owner.name()))
        .filter(Column::Status.eq(ACTIVE))
        .filter(Column::Id.ne(row.id()))
        .filter(user::Column::PasswordHash.is_not_null())
        .filter(user::Column::SuspendedAt.is_null());
    if unit.tuple::<i64, _>(others.select_only().column(Column::Id)).await?.is_some() {
        return Ok(());
    }
    let message =
        "the organization must keep an owner who can sign in; make another member an owner first";
    Err(Problem::conflict(Reason::LastOwner, "id", message).into())
}

/// Rejects a password reset by an administrator of one of several organizations, who could otherwise act in the others.
async fn belongs_only_here(unit: &mut Unit, user: i64) -> Result<()> {
    if user::belongs_only_to(unit, user).await? {
        return Ok(());
    }
    let message = "the user belongs to several organizations; only the operator of the server can reset the password";
    Err(Problem::conflict(Reason::UserNotAllowed, "id", message).into())
}

fn wrong_status(message: &str) -> Error {
    Problem::conflict(Reason::MemberStatusConflict, "id", message).into()
}
