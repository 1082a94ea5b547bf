//! The tables of storage in memory, and what every change writes beside itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use grantd_core::{
    Api, ApprovalId, ClientApi, ClientId, PasskeyId, Permission, RoleName, SecretHash, SessionId,
    Timestamp, Ttl, UserId,
};

use super::approvals::Kept;
use crate::{
    admin::Stamp,
    approvals::Consent,
    audit::{AuditEvent, Deed, Held, ROUTINE, routine_since},
    change_log::{ChangeEntry, Changed},
    client_change::{Catalog, ClientRecord},
    passkey::{Answered, PasskeyRecord},
    registration::{PermissionEntry, Registration, RoleEntry},
    session::Session,
    usage::{UsageCount, UsageKey},
    user::{User, UserRecord},
};

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) clients: BTreeMap<ClientId, ClientRecord>,
    pub(super) permissions: BTreeMap<Permission, PermissionEntry>,
    pub(super) roles: BTreeMap<RoleName, RoleEntry>,
    pub(super) apis: BTreeMap<String, Arc<Api>>,
    pub(super) audit: Vec<AuditEvent>,
    pub(super) changes: Vec<ChangeEntry>,
    pub(super) seq: u64,
    pub(super) longest_ttl: Ttl,
    pub(super) usage: BTreeMap<UsageKey, UsageCount>,
    pub(super) users: BTreeMap<UserId, UserRecord>,
    pub(super) sessions: BTreeMap<SessionId, (Session, SecretHash)>,
    pub(super) approvals: BTreeMap<ApprovalId, Kept>,
    pub(super) consents: BTreeMap<(UserId, ClientId), Consent>,
    pub(super) passkeys: BTreeMap<PasskeyId, PasskeyRecord>,
    pub(super) answered: Vec<Answered>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            clients: BTreeMap::new(),
            permissions: BTreeMap::new(),
            roles: BTreeMap::new(),
            apis: BTreeMap::from([(Api::DEFAULT.to_owned(), Arc::new(Api::default_api()))]),
            audit: Vec::new(),
            changes: Vec::new(),
            seq: 0,
            longest_ttl: Ttl::DEFAULT,
            usage: BTreeMap::new(),
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            approvals: BTreeMap::new(),
            consents: BTreeMap::new(),
            passkeys: BTreeMap::new(),
            answered: Vec::new(),
        }
    }
}

impl Tables {
    pub(super) fn catalog(&self) -> Catalog {
        let roles = self.roles.iter().map(|(name, role)| (name.clone(), role.permissions.clone()));
        Catalog {
            permissions: self.permissions.keys().cloned().collect(),
            roles: roles.collect(),
            apis: self.apis.keys().cloned().collect(),
        }
    }

    /// Effective permissions API by API, `default` first.
    pub(super) fn client_apis(&self, client: &Registration) -> Vec<ClientApi> {
        let catalog = self.catalog();
        let effective: BTreeSet<_> = catalog.effective(client);
        let default_first = |name: &&String| (name.as_str() != Api::DEFAULT, (*name).clone());
        let mut names: Vec<_> = self.apis.keys().collect();
        names.sort_by_key(default_first);
        let in_api = |name: &String, permission: &Permission| {
            self.permissions.get(permission).is_some_and(|entry| entry.api == *name)
        };
        let of_api = |name: &String| ClientApi {
            api: Arc::clone(&self.apis[name]),
            permissions: effective
                .iter()
                .filter(|permission| in_api(name, permission))
                .map(|permission| (*permission).clone())
                .collect(),
        };
        let all = names.into_iter().map(of_api);
        all.filter(|known| known.api.name == Api::DEFAULT || !known.permissions.is_empty())
            .collect()
    }

    /// The clients like this, for the audit log.
    pub(super) fn clients_with(&self, like: impl Fn(&Registration) -> bool) -> Held {
        let all = self.clients.values().map(|record| &record.client);
        Held::by(all.filter(|client| like(client)).map(|client| &client.id))
    }

    /// The users like this, for the audit log.
    pub(super) fn users_with(&self, like: impl Fn(&User) -> bool) -> Held {
        let all = self.users.values().map(|record| &record.user);
        Held::by(all.filter(|user| like(user)).map(|user| user.id))
    }

    /// Writes the audit event and the entries of the change log.
    pub(super) fn record(&mut self, deed: &Deed, changes: &[Changed], stamp: &Stamp) {
        let previous = self.audit.last().map_or([0; 32], |event| event.hash);
        let seq = self.audit.len() as u64 + 1;
        self.audit.push(AuditEvent::next(seq, &previous, deed, stamp));
        self.log(changes, stamp.at);
    }

    /// Writes the audit event of what needs no right, unless the actor has done it too often.
    pub(super) fn record_routine(&mut self, deed: &Deed, stamp: &Stamp) {
        let since = routine_since(stamp.at);
        let same = |event: &&AuditEvent| event.actor == stamp.actor && event.action == deed.action;
        let last = self.audit.iter().rev().filter(same).take(ROUTINE as usize);
        if last.filter(|event| event.at > since).count() < ROUTINE as usize {
            self.record(deed, &[], stamp);
        }
    }

    /// Writes the entries of the change log alone.
    pub(super) fn log(&mut self, changes: &[Changed], now: Timestamp) {
        let end = now.after(self.longest_ttl);
        for changed in changes {
            self.seq += 1;
            let (kind, id) = (changed.kind(), changed.id());
            let same = |entry: &ChangeEntry| entry.kind == kind && entry.id == id;
            let before = self.changes.iter().position(same).map(|at| self.changes.remove(at));
            let (generation, until) =
                before.map_or((None, None), |entry| (entry.generation, entry.until));
            self.changes.push(ChangeEntry {
                seq: self.seq,
                kind: kind.to_owned(),
                id,
                generation: changed.killed_below().or(generation),
                until: changed.until(end).max(until),
            });
        }
    }

    /// Raises the generation of the clients and users who lose something, and says so.
    pub(super) fn raise(
        &mut self,
        meant: impl Fn(&[Permission], &[RoleName]) -> bool,
        now: Timestamp,
    ) -> Vec<Changed> {
        let mut raised = Vec::new();
        for client in self.clients.values_mut().map(|record| &mut record.client) {
            if meant(&client.permissions, &client.roles) {
                client.generation += 1;
                client.version += 1;
                client.updated_at = now;
                let killed_below = Some(client.generation);
                raised.push(Changed::Client { id: client.id.clone(), killed_below });
            }
        }
        for user in self.users.values_mut().map(|record| &mut record.user) {
            if meant(&user.permissions, &user.roles) {
                user.generation += 1;
                user.version += 1;
                user.updated_at = now;
                raised.push(Changed::User { id: user.id, killed_below: Some(user.generation) });
            }
        }
        raised
    }
}
