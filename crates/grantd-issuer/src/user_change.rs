//! Changes of one user, decided: what becomes of them, which tokens die and which sessions end.

use grantd_core::{Permission, RoleName, SessionId, Timestamp, UserState};

use crate::{
    change_log::Changed,
    client_change::{Catalog, Fate, merged},
    client_edit::lacking,
    password::PasswordHash,
    storage::Conflict,
    user::{User, UserName, UserRecord},
};

/// Changes of what is said about a user; `None` and empty lists leave things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserEdit {
    /// Another name to sign in with.
    pub name: Option<UserName>,
    /// Permissions to give.
    pub add_permissions: Vec<Permission>,
    /// Permissions to take.
    pub remove_permissions: Vec<Permission>,
    /// Roles to give.
    pub add_roles: Vec<RoleName>,
    /// Roles to take.
    pub remove_roles: Vec<RoleName>,
}

/// A change of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// What is said about them.
    Edit(UserEdit),
    /// Disable, enable.
    State(UserState),
    /// Another password; all their sessions end but the one that is kept.
    Password {
        /// Its hash.
        hash: PasswordHash,
        /// The session of who changes it, where that is the user.
        keep: Option<SessionId>,
        /// Only in the place of this one, where somebody proved themselves by it.
        instead_of: Option<PasswordHash>,
    },
}

/// What a change of a user ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserKilled {
    /// Whether all tokens on their behalf so far die.
    pub generation: bool,
    /// Which of their sessions end.
    pub sessions: Ended,
    /// What becomes of what they allowed clients.
    pub approvals: Fate,
}

/// Which sessions of a user end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// All but this one.
    AllBut(SessionId),
}

impl UserKilled {
    /// The entry of the change log for a user who was changed so.
    pub fn change(&self, user: &User) -> Changed {
        Changed::User { id: user.id, killed_below: self.generation.then_some(user.generation) }
    }
}

impl UserChange {
    /// What the audit log calls it.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Edit(_) => "user.update",
            Self::State(UserState::Active) => "user.enable",
            Self::State(UserState::Disabled) => "user.disable",
            Self::Password { .. } => "user.password",
        }
    }

    /// Makes the change on a record, or says what stands against it.
    pub fn apply(
        &self,
        record: &mut UserRecord,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<UserKilled, Conflict> {
        let user = &mut record.user;
        let killed = match self {
            Self::Edit(edit) => edit.apply(user, catalog)?,
            Self::State(state) => {
                // Who enables an active user, to be sure, must not kill what they have.
                let differs = user.state != *state;
                user.state = *state;
                let off = *state == UserState::Disabled;
                let sessions = if off { Ended::All } else { Ended::None };
                let approvals = if off { Fate::Ends } else { Fate::Stays };
                UserKilled { generation: differs, sessions, approvals }
            }
            Self::Password { hash, keep, instead_of } => {
                if instead_of.is_some() && *instead_of != record.password {
                    return Err(Conflict::PasswordDiffers(user.name.clone()));
                }
                record.password = Some(hash.clone());
                let sessions = keep.map_or(Ended::All, Ended::AllBut);
                // Somebody else sets a password where an account is lost or was taken: then what was
                // allowed in its name ends too. One's own change leaves it: apps were allowed, not told it.
                let approvals = if keep.is_none() { Fate::Ends } else { Fate::Stays };
                UserKilled { sessions, approvals, ..UserKilled::default() }
            }
        };
        let user = &mut record.user;
        if killed.generation {
            user.generation += 1;
        }
        user.version += 1;
        user.updated_at = now;
        Ok(killed)
    }
}

impl UserEdit {
    /// The edit that makes of one user all that is said of another.
    pub fn between(from: &User, to: &User) -> Self {
        Self {
            name: (from.name != to.name).then(|| to.name.clone()),
            add_permissions: lacking(&from.permissions, &to.permissions),
            remove_permissions: lacking(&to.permissions, &from.permissions),
            add_roles: lacking(&from.roles, &to.roles),
            remove_roles: lacking(&to.roles, &from.roles),
        }
    }

    /// What the edit makes of a user, whether that can be or not.
    pub fn over(&self, user: &User) -> User {
        User {
            name: self.name.as_ref().unwrap_or(&user.name).clone(),
            permissions: merged(&user.permissions, &self.add_permissions, &self.remove_permissions),
            roles: merged(&user.roles, &self.add_roles, &self.remove_roles),
            ..user.clone()
        }
    }

    /// Narrowing kills: a permission or role that is taken must not live on in a token.
    fn apply(&self, user: &mut User, catalog: &Catalog) -> Result<UserKilled, Conflict> {
        let before = user.clone();
        *user = self.over(&before);
        catalog.check_permissions(&user.permissions)?;
        catalog.check_roles(&user.roles)?;
        let kept = catalog.rights(&user.permissions, &user.roles);
        let had = catalog.rights(&before.permissions, &before.roles);
        let lost = had.iter().any(|name| !kept.contains(*name));
        let role_lost = before.roles.iter().any(|role| !user.roles.contains(role));
        Ok(UserKilled { generation: lost || role_lost, ..UserKilled::default() })
    }
}
