//! The commands' side of the port: every call one transaction, answered when it is on disk.

use async_trait::async_trait;
use grantd_core::{Api, ClientId, CredentialId, Permission, RoleName, Timestamp, Ttl};
use grantd_issuer::{
    ClientFilter, LastUse, PermissionEntry, Registration, Registry, RegistryError, RoleEntry,
    Stamp, StorageFault,
    audit::{AuditEvent, AuditQuery, Deed},
    change_log::Changed,
    client_change::{ClientChange, ClientRecord},
};
use rusqlite::{Connection, params};

use super::{
    Sqlite, audit, catalog, client_writes, clients,
    record::{allow_ttl, execute, record},
    statements as sql,
};

#[async_trait]
impl Registry for Sqlite {
    async fn create_client(
        &self,
        record: &ClientRecord,
        stamp: &Stamp,
    ) -> Result<Registration, RegistryError> {
        let (record, stamp) = (record.clone(), stamp.clone());
        self.writer.write(move |open| client_writes::create(open, &record, &stamp)).await
    }

    async fn change_client(
        &self,
        id: &str,
        version: Option<u64>,
        change: &ClientChange,
        stamp: &Stamp,
    ) -> Result<Option<Registration>, RegistryError> {
        let (id, change, stamp) = (id.to_owned(), change.clone(), stamp.clone());
        self.writer
            .write(move |open| client_writes::change(open, &id, version, &change, &stamp))
            .await
    }

    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault> {
        let id = id.to_owned();
        self.reader().read(move |connection| clients::registration(connection, &id)).await
    }

    async fn registrations(
        &self,
        filter: &ClientFilter,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault> {
        let filter = filter.clone();
        let after = after.map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.reader()
            .read(move |connection| clients::registrations(connection, &filter, &after, limit))
            .await
    }

    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let (permission, stamp) = (permission.clone(), stamp.clone());
        self.writer.write(move |open| catalog::create_permission(open, &permission, &stamp)).await
    }

    async fn change_permission(
        &self,
        expected: Option<&PermissionEntry>,
        name: &Permission,
        description: &str,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let (name, description, stamp) = (name.clone(), description.to_owned(), stamp.clone());
        let expected = expected.cloned();
        let change = move |open: &Connection| {
            catalog::change_permission(open, expected.as_ref(), (&name, &description), &stamp)
        };
        self.writer.write(change).await
    }

    async fn delete_permission(
        &self,
        name: &Permission,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let (name, stamp) = (name.clone(), stamp.clone());
        self.writer.write(move |open| catalog::delete_permission(open, &name, &stamp)).await
    }

    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault> {
        self.reader().read(catalog::permissions).await
    }

    async fn create_role(&self, role: &RoleEntry, stamp: &Stamp) -> Result<(), RegistryError> {
        let (role, stamp) = (role.clone(), stamp.clone());
        self.writer.write(move |open| catalog::create_role(open, &role, &stamp)).await
    }

    async fn change_role(
        &self,
        name: &RoleName,
        expected: Option<&RoleEntry>,
        role: Option<&RoleEntry>,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let (name, stamp) = (name.clone(), stamp.clone());
        let (expected, role) = (expected.cloned(), role.cloned());
        self.writer
            .write(move |open| {
                catalog::change_role(open, &name, (expected.as_ref(), role.as_ref()), &stamp)
            })
            .await
    }

    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault> {
        let whole = |connection: &Connection| {
            let snapshot = connection.unchecked_transaction()?;
            catalog::roles(&snapshot)
        };
        self.reader().read(whole).await
    }

    async fn create_api(&self, api: &Api, stamp: &Stamp) -> Result<(), RegistryError> {
        let (api, stamp) = (api.clone(), stamp.clone());
        self.writer.write(move |open| catalog::create_api(open, &api, &stamp)).await
    }

    async fn change_api(
        &self,
        expected: Option<&Api>,
        api: &Api,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let (expected, api, stamp) = (expected.cloned(), api.clone(), stamp.clone());
        self.writer
            .write(move |open| catalog::change_api(open, expected.as_ref(), &api, &stamp))
            .await
    }

    async fn apis(&self) -> Result<Vec<Api>, StorageFault> {
        self.reader().read(catalog::apis).await
    }

    async fn revoke_key(&self, kid: &str, stamp: &Stamp) -> Result<(), RegistryError> {
        let (deed, revoked) = (Deed::key_revoked(kid), [Changed::key(kid, stamp.at)]);
        let stamp = stamp.clone();
        self.writer.write(move |open| record(open, &deed, &revoked, &stamp)).await
    }

    async fn allow_ttl(&self, ttl: Ttl) -> Result<(), StorageFault> {
        self.write_plain(move |open| allow_ttl(open, Some(ttl))).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.write_plain(move |open| execute(open, sql::FORGET_ENDED, [now.micros()]).map(drop))
            .await
    }

    async fn record_use(&self, uses: &[(CredentialId, LastUse)]) -> Result<(), StorageFault> {
        let uses = uses.to_vec();
        let change = move |open: &Connection| {
            for (id, last) in &uses {
                let row = params![id.to_string(), last.at.micros(), last.address];
                execute(open, sql::RECORD_USE, row)?;
            }
            Ok(())
        };
        self.write_plain(change).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StorageFault> {
        let query = query.clone();
        self.reader().read(move |connection| audit::page(connection, &query)).await
    }

    async fn epoch(&self) -> Result<u64, StorageFault> {
        self.counter("epoch").await
    }

    async fn audit_length(&self) -> Result<u64, StorageFault> {
        self.counter("audit_seq").await
    }
}

impl Sqlite {
    /// A write that nothing can contradict.
    pub(super) async fn write_plain<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StorageFault> + Send + 'static,
    ) -> Result<T, StorageFault> {
        let written =
            self.writer.write(move |open| change(open).map_err(RegistryError::from)).await;
        written.map_err(RegistryError::into_fault)
    }
}
