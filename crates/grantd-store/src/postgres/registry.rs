//! The commands' side of the port: every call one transaction, answered when it is on disk.

use async_trait::async_trait;
use grantd_core::{Api, ClientId, CredentialId, Permission, RoleName, Timestamp, Ttl};
use grantd_issuer::{
    ClientFilter, LastUse, PermissionEntry, Registration, Registry, RegistryError, RoleEntry,
    Stamp, StorageFault,
    audit::{AuditEvent, AuditQuery, Deed, Order},
    change_log::Changed,
    client_change::{ClientChange, ClientRecord},
};

use super::{
    Postgres, api_writes, catalog, client_writes, clients,
    link::Ask,
    parameters::{wanted, with},
    record::{allow_ttl, record},
    rows, statements as sql,
};

#[async_trait]
impl Registry for Postgres {
    async fn create_client(
        &self,
        record: &ClientRecord,
        stamp: &Stamp,
    ) -> Result<Registration, RegistryError> {
        let work = self.link.alone().await?;
        let done = client_writes::create(&work, record, stamp).await;
        work.end(done).await
    }

    async fn change_client(
        &self,
        id: &str,
        version: Option<u64>,
        change: &ClientChange,
        stamp: &Stamp,
    ) -> Result<Option<Registration>, RegistryError> {
        let work = self.link.alone().await?;
        let done = client_writes::change(&work, (id, version), change, stamp).await;
        work.end(done).await
    }

    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault> {
        Ok(clients::record(&self.link, id).await?.map(|record| record.client))
    }

    async fn registrations(
        &self,
        filter: &ClientFilter,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault> {
        clients::page(&self.link, filter, after, limit).await
    }

    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = catalog::create_permission(&work, permission, stamp).await;
        work.end(done).await
    }

    async fn change_permission(
        &self,
        expected: Option<&PermissionEntry>,
        name: &Permission,
        description: &str,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = catalog::change_permission(&work, expected, (name, description), stamp).await;
        work.end(done).await
    }

    async fn delete_permission(
        &self,
        name: &Permission,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = catalog::delete_permission(&work, name, stamp).await;
        work.end(done).await
    }

    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault> {
        catalog::permissions(&self.link).await
    }

    async fn create_role(&self, role: &RoleEntry, stamp: &Stamp) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = catalog::create_role(&work, role, stamp).await;
        work.end(done).await
    }

    async fn change_role(
        &self,
        name: &RoleName,
        expected: Option<&RoleEntry>,
        role: Option<&RoleEntry>,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = catalog::change_role(&work, name, (expected, role), stamp).await;
        work.end(done).await
    }

    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault> {
        catalog::roles(&self.link).await
    }

    async fn create_api(&self, api: &Api, stamp: &Stamp) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = api_writes::create(&work, api, stamp).await;
        work.end(done).await
    }

    async fn change_api(
        &self,
        expected: Option<&Api>,
        api: &Api,
        stamp: &Stamp,
    ) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = api_writes::change(&work, expected, api, stamp).await;
        work.end(done).await
    }

    async fn apis(&self) -> Result<Vec<Api>, StorageFault> {
        catalog::apis(&self.link).await
    }

    async fn revoke_key(&self, kid: &str, stamp: &Stamp) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let revoked = [Changed::key(kid, stamp.at)];
        let done = record(&work, &Deed::key_revoked(kid), &revoked, stamp).await;
        work.end(done).await
    }

    async fn allow_ttl(&self, ttl: Ttl) -> Result<(), StorageFault> {
        // Whoever logs meanwhile has read the shorter one, or waits for this.
        let work = self.link.alone().await?;
        let done = allow_ttl(&work, Some(ttl)).await;
        work.end(done).await
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let done = work.execute(sql::FORGET_ENDED, with![now.micros()]).await.map(drop);
        work.end(done).await
    }

    async fn record_use(&self, uses: &[(CredentialId, LastUse)]) -> Result<(), StorageFault> {
        let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
        let moments: Vec<_> = uses.iter().map(|(_, last)| last.at.micros()).collect();
        let from: Vec<_> = uses.iter().map(|(_, last)| last.address.as_str()).collect();
        // Many rows in an order of their own: alone, so that nobody waits for each other.
        let work = self.link.alone().await?;
        let done = work.execute(sql::RECORD_USE, with![ids, moments, from]).await.map(drop);
        work.end(done).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StorageFault> {
        let (statement, start) = match query.order {
            Order::OldestFirst => (sql::AUDIT, 0),
            Order::NewestFirst => (sql::AUDIT_BACKWARDS, i64::MAX),
        };
        let after = query.after.map_or(start, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let (limit, actor) = (i64::from(query.limit), query.actor.as_deref().map(wanted));
        let (action, object) =
            (query.action.as_deref().map(wanted), query.object.as_deref().map(wanted));
        let found = self.link.rows(statement, with![after, limit, actor, action, object]).await?;
        found.iter().map(rows::audit).collect()
    }

    async fn epoch(&self) -> Result<u64, StorageFault> {
        self.counter("epoch").await
    }

    async fn audit_length(&self) -> Result<u64, StorageFault> {
        self.counter("audit_seq").await
    }
}
