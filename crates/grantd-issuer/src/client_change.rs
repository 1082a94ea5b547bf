//! Changes of one client, decided: what becomes of it, and which tokens die.

use std::collections::{BTreeMap, BTreeSet};

use grantd_core::{
    Algorithm, ClientState, Credential, CredentialId, GrantTypes, Permission, Pkce, RoleName,
    Timestamp, TokenFormat, Ttl,
};

use crate::{
    change_log::Changed,
    client_edit::Setting,
    registration::{CredentialSummary, Owner, Registration},
    storage::Conflict,
};

/// A client with what its secrets are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// What an operator sees.
    pub client: Registration,
    /// What decisions compare with, in the order of `client.credentials`.
    pub credentials: Vec<Credential>,
}

/// The permissions and roles of the server, which clients' and users' rights are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// All permissions.
    pub permissions: BTreeSet<Permission>,
    /// All roles with theirs.
    pub roles: BTreeMap<RoleName, Vec<Permission>>,
    /// The names of all APIs.
    pub apis: BTreeSet<String>,
}

impl Catalog {
    /// Whether everything that a client is given exists.
    pub fn check(&self, client: &Registration) -> Result<(), Conflict> {
        self.check_permissions(
            client.permissions.iter().chain(client.default_scope.iter().flatten()),
        )?;
        self.check_roles(&client.roles)?;
        match client.serves.iter().find(|name| !self.apis.contains(*name)) {
            Some(unknown) => Err(Conflict::ApiUnknown(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Whether these permissions exist.
    pub fn check_permissions<'a>(
        &self,
        names: impl IntoIterator<Item = &'a Permission>,
    ) -> Result<(), Conflict> {
        match names.into_iter().find(|name| !self.permissions.contains(*name)) {
            Some(unknown) => Err(Conflict::PermissionUnknown(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Whether these roles exist.
    pub fn check_roles(&self, names: &[RoleName]) -> Result<(), Conflict> {
        match names.iter().find(|name| !self.roles.contains_key(*name)) {
            Some(unknown) => Err(Conflict::RoleUnknown(unknown.clone())),
            None => Ok(()),
        }
    }

    /// A client's direct permissions and those of its roles.
    pub fn effective<'a>(&'a self, client: &'a Registration) -> BTreeSet<&'a Permission> {
        self.rights(&client.permissions, &client.roles)
    }

    /// These permissions and those of these roles.
    pub fn rights<'a>(
        &'a self,
        permissions: &'a [Permission],
        roles: &'a [RoleName],
    ) -> BTreeSet<&'a Permission> {
        let of_roles = roles.iter().filter_map(|name| self.roles.get(name)).flatten();
        permissions.iter().chain(of_roles).collect()
    }
}

/// Changes of what is said about a client; `None`, [`Setting::Keep`] and empty lists leave things as
/// they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientEdit {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other grant types.
    pub grants: Option<GrantTypes>,
    /// Other redirect URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// Another owner, or none.
    pub owner: Setting<Owner>,
    /// Permissions to give.
    pub add_permissions: Vec<Permission>,
    /// Permissions to take.
    pub remove_permissions: Vec<Permission>,
    /// Roles to give.
    pub add_roles: Vec<RoleName>,
    /// Roles to take.
    pub remove_roles: Vec<RoleName>,
    /// What a request without `scope` gets; an empty list: everything.
    pub default_scope: Option<Vec<Permission>>,
    /// The APIs it serves from now on.
    pub serves: Option<Vec<String>>,
    /// Format of its tokens.
    pub format: Setting<TokenFormat>,
    /// Time to live of its tokens.
    pub access_token_ttl: Setting<Ttl>,
    /// Signing algorithm of its tokens.
    pub signing_alg: Setting<Algorithm>,
    /// Another PKCE policy.
    pub pkce: Option<Pkce>,
    /// How long it may send the refresh token before the present one again.
    pub refresh_retry: Setting<Ttl>,
}

/// A change of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientChange {
    /// What is said about it.
    Edit(Box<ClientEdit>),
    /// Revoke, delete, restore.
    State(ClientState),
    /// A new secret; the others end when `overlap` is over, at once where there is none.
    Rotate {
        /// The new secret.
        credential: Credential,
        /// How long the others still work.
        overlap: Option<Ttl>,
    },
    /// All secrets but the newest end now.
    FinishRotation(Finish),
    /// One secret ends now.
    RevokeSecret(CredentialId),
}

/// How a rotation is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Only if the old secret was not used since.
    IfUnused,
    /// Whoever still uses it.
    Anyway,
}

/// Which tokens a change kills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// All that the client has so far.
    pub generation: bool,
    /// Those that these credentials obtained.
    pub credentials: Vec<CredentialId>,
    /// What users allowed it so far.
    pub approvals: Fate,
}

/// What becomes of what users allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    #[default]
    Stays,
    /// It ends: codes and refresh tokens are dead with it.
    Ends,
}

impl Killed {
    /// The entries of the change log for a client that was changed so.
    pub fn changes(&self, client: &Registration) -> Vec<Changed> {
        let killed_below = self.generation.then_some(client.generation);
        let of_client = Changed::Client { id: client.id.clone(), killed_below };
        let of_credentials = self.credentials.iter().copied().map(Changed::Credential);
        std::iter::once(of_client).chain(of_credentials).collect()
    }
}

impl ClientChange {
    /// What the audit log calls it.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Edit(_) => "client.update",
            Self::State(ClientState::Active) => "client.restore",
            Self::State(ClientState::Revoked) => "client.revoke",
            Self::State(ClientState::Deleted) => "client.delete",
            Self::Rotate { .. } => "client.rotate",
            Self::FinishRotation(_) => "client.finish-rotation",
            Self::RevokeSecret(_) => "client.revoke-secret",
        }
    }

    /// Makes the change on a record, or says what stands against it.
    pub fn apply(
        &self,
        record: &mut ClientRecord,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Killed, Conflict> {
        let killed = match self {
            Self::Edit(edit) => edit.apply(&mut record.client, catalog)?,
            Self::State(state) => {
                // Who restores an active client, to be sure, must not kill what it has.
                let differs = record.client.state != *state;
                record.client.state = *state;
                let off = *state != ClientState::Active;
                let approvals = if off { Fate::Ends } else { Fate::Stays };
                Killed { generation: differs, credentials: Vec::new(), approvals }
            }
            Self::Rotate { credential, overlap } => rotate(record, credential, *overlap, now)?,
            Self::FinishRotation(finish) => finish_rotation(record, *finish, now)?,
            Self::RevokeSecret(id) => {
                let known = record.credentials.iter().any(|credential| credential.id == *id);
                if !known {
                    return Err(Conflict::CredentialUnknown(*id));
                }
                end(record, now, now, |credential| credential == *id);
                // Its tokens die even where the secret itself has ended before.
                Killed { credentials: vec![*id], ..Killed::default() }
            }
        };
        if killed.generation {
            record.client.generation += 1;
        }
        record.client.version += 1;
        record.client.updated_at = now;
        Ok(killed)
    }
}

impl ClientEdit {
    /// Narrowing kills: a permission, role or grant that is taken must not live on in a token.
    fn apply(&self, client: &mut Registration, catalog: &Catalog) -> Result<Killed, Conflict> {
        let before = client.clone();
        let set = |field: &mut String, new: &Option<String>| {
            if let Some(new) = new {
                field.clone_from(new);
            }
        };
        set(&mut client.name, &self.name);
        set(&mut client.description, &self.description);
        client.grants = self.grants.unwrap_or(client.grants);
        if let Some(uris) = &self.redirect_uris {
            client.redirect_uris.clone_from(uris);
        }
        client.owner = self.owner.over(client.owner.take());
        client.permissions =
            merged(&before.permissions, &self.add_permissions, &self.remove_permissions);
        client.roles = merged(&before.roles, &self.add_roles, &self.remove_roles);
        if let Some(scope) = &self.default_scope {
            client.default_scope = Some(merged(&[], scope, &[])).filter(|names| !names.is_empty());
        }
        if let Some(serves) = &self.serves {
            client.serves = merged(&[], serves, &[]);
        }
        client.format = self.format.over(client.format);
        client.access_token_ttl = self.access_token_ttl.over(client.access_token_ttl);
        client.signing_alg = self.signing_alg.over(client.signing_alg);
        client.pkce = self.pkce.unwrap_or(client.pkce);
        client.refresh_retry = self.refresh_retry.over(client.refresh_retry);
        catalog.check(client)?;
        let kept = catalog.effective(client);
        let lost = catalog.effective(&before).iter().any(|name| !kept.contains(*name));
        let grant_lost = before.grants.iter().any(|grant| !client.grants.contains(grant));
        let role_lost = before.roles.iter().any(|role| !client.roles.contains(role));
        Ok(Killed { generation: lost || grant_lost || role_lost, ..Killed::default() })
    }
}

/// What somebody had, with what is given and without what is taken, sorted.
pub(crate) fn merged<T: Ord + Clone>(had: &[T], add: &[T], remove: &[T]) -> Vec<T> {
    let all: BTreeSet<_> = had.iter().chain(add).filter(|name| !remove.contains(name)).collect();
    all.into_iter().cloned().collect()
}

fn rotate(
    record: &mut ClientRecord,
    new: &Credential,
    overlap: Option<Ttl>,
    now: Timestamp,
) -> Result<Killed, Conflict> {
    if record.client.kind == grantd_core::ClientKind::Public {
        return Err(Conflict::PublicClientHasNoSecret(record.client.id.clone()));
    }
    let last = overlap.map_or(now, |overlap| now.after(overlap));
    let killed = end(record, last, now, |_| true);
    record.client.credentials.push(CredentialSummary::of(new, now));
    record.credentials.push(new.clone());
    Ok(killed)
}

fn finish_rotation(
    record: &mut ClientRecord,
    finish: Finish,
    now: Timestamp,
) -> Result<Killed, Conflict> {
    let newest = record.client.newest_secret(now).map(|newest| newest.id);
    let Some(newest) = newest else { return Ok(Killed::default()) };
    match record.client.old_secret_in_use(now) {
        Some(used) if finish == Finish::IfUnused => Err(Conflict::secret_still_used(used)),
        _ => Ok(end(record, now, now, |credential| credential != newest)),
    }
}

/// Ends the live credentials that are meant at `last`; what ends at once kills its tokens.
fn end(
    record: &mut ClientRecord,
    last: Timestamp,
    now: Timestamp,
    meant: impl Fn(CredentialId) -> bool,
) -> Killed {
    let mut killed = Killed::default();
    for (credential, summary) in record.credentials.iter_mut().zip(&mut record.client.credentials) {
        if !meant(credential.id) || !credential.is_live(now) {
            continue;
        }
        let ends = credential.expires_at.map_or(last, |end| end.min(last));
        credential.expires_at = Some(ends);
        summary.expires_at = Some(ends);
        if ends <= now {
            killed.credentials.push(credential.id);
        }
    }
    killed
}
