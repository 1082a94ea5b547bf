//! Storage in memory: for tests, and for hosts whose clients live in their configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use grantd_core::{
    Api, Client, ClientApi, ClientId, ClientState, Credential, Permission, RoleName, Timestamp,
};

use crate::{
    fault::StorageFault,
    registration::{PermissionEntry, Registration, RoleEntry},
    storage::{Clients, Conflict, Registry, RegistryError},
};

/// Everything in one process; gone with it.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Tables>);

#[derive(Debug)]
struct Tables {
    clients: BTreeMap<ClientId, (Registration, Vec<Credential>)>,
    permissions: BTreeMap<Permission, PermissionEntry>,
    roles: BTreeMap<RoleName, RoleEntry>,
    apis: BTreeMap<String, Arc<Api>>,
    revision: u64,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            clients: BTreeMap::new(),
            permissions: BTreeMap::new(),
            roles: BTreeMap::new(),
            apis: BTreeMap::from([(Api::DEFAULT.to_owned(), Arc::new(Api::default_api()))]),
            revision: 0,
        }
    }
}

impl Memory {
    /// Every change below is complete before its guard is gone, so a poisoned lock is still sound.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn check_permissions<'a>(
        &self,
        names: impl IntoIterator<Item = &'a Permission>,
    ) -> Result<(), Conflict> {
        match names.into_iter().find(|name| !self.permissions.contains_key(*name)) {
            Some(unknown) => Err(Conflict::PermissionUnknown(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Effective permissions API by API, `default` first.
    fn client_apis(&self, client: &Registration) -> Vec<ClientApi> {
        let roles = client.roles.iter().filter_map(|name| self.roles.get(name));
        let of_roles = roles.flat_map(|role| &role.permissions);
        let effective: BTreeSet<_> = client.permissions.iter().chain(of_roles).collect();
        let default_first = |name: &&String| (name.as_str() != Api::DEFAULT, (*name).clone());
        let mut names: Vec<_> = self.apis.keys().collect();
        names.sort_by_key(default_first);
        let of_api = |name: &String| ClientApi {
            api: Arc::clone(&self.apis[name]),
            permissions: effective
                .iter()
                .filter(|permission| {
                    self.permissions.get(**permission).is_some_and(|entry| entry.api == *name)
                })
                .map(|permission| (*permission).clone())
                .collect(),
        };
        let all = names.into_iter().map(of_api);
        all.filter(|known| known.api.name == Api::DEFAULT || !known.permissions.is_empty())
            .collect()
    }
}

#[async_trait]
impl Clients for Memory {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        let tables = self.tables();
        let found = tables.clients.get(id);
        Ok(found.map(|(client, credentials)| {
            client.to_client(credentials.clone(), tables.client_apis(client))
        }))
    }

    async fn revision(&self) -> Result<u64, StorageFault> {
        Ok(self.tables().revision)
    }
}

#[async_trait]
impl Registry for Memory {
    async fn create_client(
        &self,
        client: &Registration,
        secret: Option<&Credential>,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.clients.contains_key(&client.id) {
            return Err(Conflict::ClientExists(client.id.clone()).into());
        }
        tables.check_permissions(
            client.permissions.iter().chain(client.default_scope.iter().flatten()),
        )?;
        if let Some(unknown) = client.roles.iter().find(|name| !tables.roles.contains_key(*name)) {
            return Err(Conflict::RoleUnknown(unknown.clone()).into());
        }
        tables
            .clients
            .insert(client.id.clone(), (client.clone(), secret.into_iter().cloned().collect()));
        tables.revision += 1;
        Ok(())
    }

    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault> {
        Ok(self.tables().clients.get(id).map(|(client, _)| client.clone()))
    }

    async fn registrations(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault> {
        let tables = self.tables();
        let behind = tables
            .clients
            .values()
            .map(|(client, _)| client)
            .filter(|client| Some(&client.id) > after);
        let visible = behind.filter(|client| client.state != ClientState::Deleted);
        Ok(visible.take(limit as usize).cloned().collect())
    }

    async fn set_client_state(
        &self,
        id: &str,
        state: ClientState,
        now: Timestamp,
    ) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        tables.revision += 1;
        let Some((client, _)) = tables.clients.get_mut(id) else { return Ok(false) };
        client.state = state;
        client.generation += 1;
        client.updated_at = now;
        Ok(true)
    }

    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        _now: Timestamp,
    ) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.permissions.contains_key(&permission.name) {
            return Err(Conflict::PermissionExists(permission.name.clone()).into());
        }
        if !tables.apis.contains_key(&permission.api) {
            return Err(Conflict::ApiUnknown(permission.api.clone()).into());
        }
        tables.permissions.insert(permission.name.clone(), permission.clone());
        tables.revision += 1;
        Ok(())
    }

    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault> {
        Ok(self.tables().permissions.values().cloned().collect())
    }

    async fn create_role(&self, role: &RoleEntry, _now: Timestamp) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.roles.contains_key(&role.name) {
            return Err(Conflict::RoleExists(role.name.clone()).into());
        }
        tables.check_permissions(&role.permissions)?;
        tables.roles.insert(role.name.clone(), role.clone());
        tables.revision += 1;
        Ok(())
    }

    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault> {
        Ok(self.tables().roles.values().cloned().collect())
    }

    async fn create_api(&self, api: &Api, _now: Timestamp) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables
            .apis
            .values()
            .any(|known| known.name == api.name || known.audience == api.audience)
        {
            return Err(Conflict::api_exists(api).into());
        }
        tables.apis.insert(api.name.clone(), Arc::new(api.clone()));
        tables.revision += 1;
        Ok(())
    }

    async fn apis(&self) -> Result<Vec<Api>, StorageFault> {
        Ok(self.tables().apis.values().map(|api| Api::clone(api)).collect())
    }
}
