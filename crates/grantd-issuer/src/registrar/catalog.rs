//! The commands on permissions, roles and APIs, and questions to the audit log.

use grantd_core::{Api, Permission, RoleName};

use super::{CommandError, Registrar};
use crate::{
    admin::Admin,
    audit::{AuditEvent, AuditQuery, Chain},
    checks::{check_api, check_description},
    registration::{PermissionEntry, RoleEntry},
};

/// How many audit events are read at a time.
const PAGE: u32 = 1000;

impl Registrar {
    /// Whether an API may be created so, whatever else the server has. Tokens for one with the issuer
    /// as its audience would pass for tokens for the issuer.
    pub fn check_new_api(&self, api: &Api) -> Result<(), CommandError> {
        check_api(api)?;
        let bare = |text: &str| text.trim_end_matches('/').to_owned();
        let audience = api.audience.as_deref().unwrap_or_default();
        if self.issuer.as_deref().map(bare) == Some(bare(audience)) {
            return Err(CommandError::OwnAudience(audience.to_owned()));
        }
        Ok(())
    }

    /// Creates an API.
    pub async fn create_api(&self, by: &Admin, api: &Api) -> Result<(), CommandError> {
        self.check_new_api(api)?;
        Ok(self.registry.create_api(api, &self.stamp(by)).await?)
    }

    /// Changes an API's settings; its name and audience stay. With `expected`, only if it still is
    /// so.
    pub async fn change_api(
        &self,
        by: &Admin,
        expected: Option<&Api>,
        api: &Api,
    ) -> Result<(), CommandError> {
        Ok(self.registry.change_api(expected, api, &self.stamp(by)).await?)
    }

    /// All APIs.
    pub async fn apis(&self) -> Result<Vec<Api>, CommandError> {
        Ok(self.registry.apis().await?)
    }

    /// One API; `None`: none is called so.
    pub async fn api(&self, name: &str) -> Result<Option<Api>, CommandError> {
        Ok(self.apis().await?.into_iter().find(|api| api.name == name))
    }

    /// Says that a signing key is in wrong hands: what it signed is refused from now on, by guards that
    /// read the feed and by introspection. Nodes that still sign with it sign what is dead.
    pub async fn revoke_key(&self, by: &Admin, kid: &str) -> Result<(), CommandError> {
        Ok(self.registry.revoke_key(kid, &self.stamp(by)).await?)
    }

    /// Creates a permission.
    pub async fn create_permission(
        &self,
        by: &Admin,
        permission: &PermissionEntry,
    ) -> Result<(), CommandError> {
        check_description(&permission.description)?;
        Ok(self.registry.create_permission(permission, &self.stamp(by)).await?)
    }

    /// Describes a permission anew; its name and API stay. With `expected`, only if it still is so.
    pub async fn change_permission(
        &self,
        by: &Admin,
        expected: Option<&PermissionEntry>,
        name: &Permission,
        description: &str,
    ) -> Result<(), CommandError> {
        check_description(description)?;
        Ok(self.registry.change_permission(expected, name, description, &self.stamp(by)).await?)
    }

    /// Removes a permission from all that have it; their tokens die.
    pub async fn delete_permission(
        &self,
        by: &Admin,
        name: &Permission,
    ) -> Result<(), CommandError> {
        Ok(self.registry.delete_permission(name, &self.stamp(by)).await?)
    }

    /// All permissions.
    pub async fn permissions(&self) -> Result<Vec<PermissionEntry>, CommandError> {
        Ok(self.registry.permissions().await?)
    }

    /// One permission; `None`: none is called so.
    pub async fn permission(&self, name: &str) -> Result<Option<PermissionEntry>, CommandError> {
        Ok(self.permissions().await?.into_iter().find(|entry| entry.name.as_str() == name))
    }

    /// Creates a role.
    pub async fn create_role(&self, by: &Admin, role: &RoleEntry) -> Result<(), CommandError> {
        check_description(&role.description)?;
        Ok(self.registry.create_role(role, &self.stamp(by)).await?)
    }

    /// Makes a role what it is given as, or removes it; what that takes away dies in tokens too. With
    /// `expected`, only if it still is so.
    pub async fn change_role(
        &self,
        by: &Admin,
        name: &RoleName,
        expected: Option<&RoleEntry>,
        role: Option<&RoleEntry>,
    ) -> Result<(), CommandError> {
        check_description(role.map(|role| role.description.as_str()).unwrap_or_default())?;
        Ok(self.registry.change_role(name, expected, role, &self.stamp(by)).await?)
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Vec<RoleEntry>, CommandError> {
        Ok(self.registry.roles().await?)
    }

    /// One role; `None`: none is called so.
    pub async fn role(&self, name: &str) -> Result<Option<RoleEntry>, CommandError> {
        Ok(self.roles().await?.into_iter().find(|role| role.name.as_str() == name))
    }

    /// The audit events that are asked for.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEvent>, CommandError> {
        Ok(self.registry.audit(query).await?)
    }

    /// Follows the whole audit log and checks that nothing was altered, removed or reordered.
    pub async fn verify_audit(&self) -> Result<Chain, CommandError> {
        let mut chain = Chain::default();
        // Read first: what is written meanwhile is no gap.
        let written = self.registry.audit_length().await?;
        while chain.length() < written {
            let query =
                AuditQuery { after: Some(chain.length()), limit: PAGE, ..AuditQuery::default() };
            let page = self.registry.audit(&query).await?;
            if page.is_empty() {
                break;
            }
            page.iter().try_for_each(|event| chain.follow(event))?;
        }
        chain.end(written.max(chain.length()))?;
        Ok(chain)
    }
}
