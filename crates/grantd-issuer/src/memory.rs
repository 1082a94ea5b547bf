//! Storage in memory: for tests, and for hosts whose clients live in their configuration.

mod approvals;
mod passkeys;
mod sessions;
mod survey;
mod tables;
mod usage;
mod users;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use grantd_core::{
    Api, Client, ClientId, CredentialId, Permission, RoleName, Standing, Timestamp, TokenId,
    TokenNames, Ttl, UserId,
};

use tables::Tables;

use crate::{
    admin::Stamp,
    audit::{AuditEvent, AuditQuery, Deed, Held, Order},
    change_log::{ChangeEntry, Changed},
    client_change::{ClientChange, ClientRecord, Fate},
    fault::StorageFault,
    registration::{ClientFilter, LastUse, PermissionEntry, Registration, RoleEntry},
    storage::{Clients, Conflict, Registry, RegistryError, Tokens},
};

/// Everything in one process; gone with it.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Tables>);

impl Memory {
    /// Every change below is complete before its guard is gone, so a poisoned lock is still sound.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clients for Memory {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        let tables = self.tables();
        Ok(tables.clients.get(id).map(|record| {
            let client = &record.client;
            let serves = client.serves.iter().filter_map(|name| tables.apis.get(name)).cloned();
            let apis = tables.client_apis(client);
            client.to_client(record.credentials.clone(), apis, serves.collect())
        }))
    }

    async fn revision(&self) -> Result<u64, StorageFault> {
        Ok(self.tables().seq)
    }

    async fn changes(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Option<Vec<ChangeEntry>>, StorageFault> {
        let tables = self.tables();
        let behind = tables.changes.iter().filter(|entry| entry.seq > after);
        Ok(Some(behind.take(limit as usize).cloned().collect()))
    }
}

#[async_trait]
impl Tokens for Memory {
    async fn standing(&self, token: &TokenNames) -> Result<Standing, StorageFault> {
        let tables = self.tables();
        let found = tables.clients.get(token.client.as_str()).map(|record| &record.client);
        let dead = |kind: &str, id: String| {
            tables.changes.iter().any(|entry| entry.kind == kind && entry.id == id)
        };
        Ok(Standing {
            client: found.map(|client| (client.state, client.generation)),
            credential_dead: token.credential.is_some_and(|id| dead("credential", id.to_string())),
            token_dead: dead("token", token.token.to_string()),
            key_dead: token.key.clone().is_some_and(|kid| dead("key", kid)),
            user: token.on_behalf.and_then(|(user, _)| {
                tables.users.get(&user).map(|record| (record.user.state, record.user.generation))
            }),
            approval_dead: token.on_behalf.is_some_and(|(_, id)| dead("grant", id.to_string())),
        })
    }

    async fn revoke_token(
        &self,
        id: TokenId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        tables.log(&[Changed::Token(id, until)], now);
        Ok(())
    }
}

#[async_trait]
impl Registry for Memory {
    async fn create_client(
        &self,
        record: &ClientRecord,
        stamp: &Stamp,
    ) -> Result<Registration, RegistryError> {
        let mut tables = self.tables();
        let id = &record.client.id;
        if tables.clients.contains_key(id) {
            return Err(Conflict::ClientExists(id.clone()).into());
        }
        if id.as_str().parse().is_ok_and(|user: UserId| tables.users.contains_key(&user)) {
            return Err(Conflict::ClientIdIsUsers(id.clone()).into());
        }
        tables.catalog().check(&record.client)?;
        tables.clients.insert(id.clone(), record.clone());
        let deed = Deed::on_client("client.create", None, &record.client);
        let changed = Changed::Client { id: id.clone(), killed_below: None };
        tables.record(&deed, &[changed], stamp);
        // No backup is restored into memory, so nothing is dead of a client that is not there.
        Ok(record.client.clone())
    }

    async fn change_client(
        &self,
        id: &str,
        version: Option<u64>,
        change: &ClientChange,
        stamp: &Stamp,
    ) -> Result<Option<Registration>, RegistryError> {
        let mut tables = self.tables();
        let Some(before) = tables.clients.get(id).cloned() else { return Ok(None) };
        if version.is_some_and(|version| version != before.client.version) {
            return Err(Conflict::VersionDiffers(before.client.id).into());
        }
        let mut after = before.clone();
        let killed = change.apply(&mut after, &tables.catalog(), stamp.at)?;
        tables.clients.insert(after.client.id.clone(), after.clone());
        if killed.approvals == Fate::Ends {
            tables.end_approvals(|approval| approval.client == after.client.id, stamp.at);
        }
        let deed = Deed::on_client(change.action(), Some(&before.client), &after.client);
        tables.record(&deed, &killed.changes(&after.client), stamp);
        Ok(Some(after.client))
    }

    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault> {
        Ok(self.tables().clients.get(id).map(|record| record.client.clone()))
    }

    async fn registrations(
        &self,
        filter: &ClientFilter,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault> {
        let tables = self.tables();
        let all = tables.clients.values().map(|record| &record.client);
        let shown = all.filter(|client| Some(&client.id) > after && filter.shows(client));
        Ok(shown.take(limit as usize).cloned().collect())
    }

    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.permissions.contains_key(&permission.name) {
            return Err(Conflict::PermissionExists(permission.name.clone()).into());
        }
        if !tables.apis.contains_key(&permission.api) {
            return Err(Conflict::ApiUnknown(permission.api.clone()).into());
        }
        tables.permissions.insert(permission.name.clone(), permission.clone());
        let deed =
            Deed::on("permission.create", "permission", &permission.name, (None, Some(permission)));
        tables.record(&deed, &[Changed::Catalog], stamp);
        Ok(())
    }

    async fn change_permission(
        &self,
        expected: Option<&PermissionEntry>,
        name: &Permission,
        description: &str,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let Some(before) = tables.permissions.get(name).cloned() else {
            return Err(Conflict::PermissionUnknown(name.clone()).into());
        };
        if expected.is_some_and(|expected| *expected != before) {
            return Err(Conflict::PermissionDiffers(name.clone()).into());
        }
        let after = PermissionEntry { description: description.to_owned(), ..before.clone() };
        let deed = Deed::on("permission.update", "permission", name, (Some(&before), Some(&after)));
        tables.permissions.insert(name.clone(), after);
        tables.record(&deed, &[Changed::Catalog], stamp);
        Ok(())
    }

    async fn delete_permission(
        &self,
        name: &Permission,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let before = tables.catalog();
        let Some(entry) = tables.permissions.remove(name) else {
            return Err(Conflict::PermissionUnknown(name.clone()).into());
        };
        let mut changes = tables
            .raise(|permissions, roles| before.rights(permissions, roles).contains(name), stamp.at);
        let roles = tables.roles.values().filter(|role| role.permissions.contains(name));
        let held_by = [
            ("clients", tables.clients_with(|client| client.permissions.contains(name))),
            ("users", tables.users_with(|user| user.permissions.contains(name))),
            ("roles", Held::by(roles.map(|role| &role.name))),
        ];
        for role in tables.roles.values_mut() {
            role.permissions.retain(|known| known != name);
        }
        for record in tables.clients.values_mut() {
            record.client.permissions.retain(|known| known != name);
            if let Some(scope) = &mut record.client.default_scope {
                scope.retain(|known| known != name);
            }
        }
        for record in tables.users.values_mut() {
            record.user.permissions.retain(|known| known != name);
        }
        changes.push(Changed::Catalog);
        tables.forget_permission(name, stamp.at);
        let deed = Deed::on("permission.delete", "permission", name, (Some(&entry), None));
        let deed = deed.held_by(&held_by);
        tables.record(&deed, &changes, stamp);
        Ok(())
    }

    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault> {
        Ok(self.tables().permissions.values().cloned().collect())
    }

    async fn create_role(&self, role: &RoleEntry, stamp: &Stamp) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.roles.contains_key(&role.name) {
            return Err(Conflict::RoleExists(role.name.clone()).into());
        }
        tables.catalog().check_permissions(&role.permissions)?;
        tables.roles.insert(role.name.clone(), role.clone());
        let deed = Deed::on("role.create", "role", &role.name, (None, Some(role)));
        tables.record(&deed, &[Changed::Catalog], stamp);
        Ok(())
    }

    async fn change_role(
        &self,
        name: &RoleName,
        expected: Option<&RoleEntry>,
        role: Option<&RoleEntry>,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let Some(before) = tables.roles.get(name).cloned() else {
            return Err(Conflict::RoleUnknown(name.clone()).into());
        };
        if expected.is_some_and(|expected| *expected != before) {
            return Err(Conflict::RoleDiffers(name.clone()).into());
        }
        tables.catalog().check_permissions(role.iter().flat_map(|role| &role.permissions))?;
        let mut changes = Vec::new();
        if before.narrowed_to(role) {
            changes = tables.raise(|_, roles| roles.contains(name), stamp.at);
        }
        let mut deed = Deed::on(RoleEntry::action(role), "role", name, (Some(&before), role));
        if let Some(role) = role {
            tables.roles.insert(name.clone(), role.clone());
        } else {
            deed = deed.held_by(&[
                ("clients", tables.clients_with(|client| client.roles.contains(name))),
                ("users", tables.users_with(|user| user.roles.contains(name))),
            ]);
            tables.roles.remove(name);
            for record in tables.clients.values_mut() {
                record.client.roles.retain(|known| known != name);
            }
            for record in tables.users.values_mut() {
                record.user.roles.retain(|known| known != name);
            }
        }
        changes.push(Changed::Catalog);
        tables.record(&deed, &changes, stamp);
        Ok(())
    }

    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault> {
        Ok(self.tables().roles.values().cloned().collect())
    }

    async fn create_api(&self, api: &Api, stamp: &Stamp) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let taken = |known: &Arc<Api>| known.name == api.name || known.audience == api.audience;
        if tables.apis.values().any(taken) {
            return Err(Conflict::api_exists(api).into());
        }
        tables.apis.insert(api.name.clone(), Arc::new(api.clone()));
        tables.longest_ttl = tables.longest_ttl.max(api.access_token_ttl.unwrap_or(Ttl::DEFAULT));
        let deed = Deed::on("api.create", "api", &api.name, (None, Some(api)));
        tables.record(&deed, &[Changed::Catalog], stamp);
        Ok(())
    }

    async fn change_api(
        &self,
        expected: Option<&Api>,
        api: &Api,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let Some(before) = tables.apis.get(&api.name).cloned() else {
            return Err(Conflict::ApiUnknown(api.name.clone()).into());
        };
        if expected.is_some_and(|expected| *expected != *before) {
            return Err(Conflict::ApiDiffers(api.name.clone()).into());
        }
        let after = Api { audience: before.audience.clone(), ..api.clone() };
        tables.longest_ttl = tables.longest_ttl.max(api.access_token_ttl.unwrap_or(Ttl::DEFAULT));
        let deed = Deed::on("api.update", "api", &api.name, (Some(&*before), Some(&after)));
        tables.apis.insert(api.name.clone(), Arc::new(after));
        tables.record(&deed, &[Changed::Catalog], stamp);
        Ok(())
    }

    async fn apis(&self) -> Result<Vec<Api>, StorageFault> {
        Ok(self.tables().apis.values().map(|api| Api::clone(api)).collect())
    }

    async fn revoke_key(&self, kid: &str, stamp: &Stamp) -> Result<(), RegistryError> {
        let revoked = [Changed::key(kid, stamp.at)];
        self.tables().record(&Deed::key_revoked(kid), &revoked, stamp);
        Ok(())
    }

    async fn allow_ttl(&self, ttl: Ttl) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        tables.longest_ttl = tables.longest_ttl.max(ttl);
        Ok(())
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.tables().changes.retain(|entry| entry.until.is_none_or(|until| now < until));
        Ok(())
    }

    async fn record_use(&self, uses: &[(CredentialId, LastUse)]) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        for summary in tables.clients.values_mut().flat_map(|record| &mut record.client.credentials)
        {
            for (_, last) in uses.iter().filter(|(id, _)| *id == summary.id) {
                if summary.last_used.as_ref().is_none_or(|known| known.at < last.at) {
                    summary.last_used = Some(last.clone());
                }
            }
        }
        Ok(())
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StorageFault> {
        let tables = self.tables();
        let found = tables.audit.iter().filter(|event| query.asks_for(event));
        let limit = query.limit as usize;
        Ok(match query.order {
            Order::OldestFirst => found.take(limit).cloned().collect(),
            Order::NewestFirst => found.rev().take(limit).cloned().collect(),
        })
    }

    async fn epoch(&self) -> Result<u64, StorageFault> {
        Ok(1)
    }

    async fn audit_length(&self) -> Result<u64, StorageFault> {
        Ok(self.tables().audit.len() as u64)
    }
}
