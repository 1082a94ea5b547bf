//! Users in memory.

use std::ops::Bound;

use async_trait::async_trait;
use grantd_core::UserId;

use super::{Memory, tables::Tables};
use crate::{
    admin::Stamp,
    audit::Deed,
    change_log::Changed,
    client_change::Fate,
    fault::StorageFault,
    password::PasswordHash,
    storage::{Conflict, RegistryError},
    user::{User, UserFilter, UserName, UserRecord},
    user_change::UserChange,
    user_storage::Users,
};

#[async_trait]
impl Users for Memory {
    async fn create_user(&self, record: &UserRecord, stamp: &Stamp) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        let user = &record.user;
        tables.check_name(user)?;
        if tables.clients.contains_key(user.id.to_string().as_str()) {
            return Err(Conflict::UserIdIsClients(user.id).into());
        }
        let catalog = tables.catalog();
        catalog.check_permissions(&user.permissions)?;
        catalog.check_roles(&user.roles)?;
        tables.users.insert(user.id, record.clone());
        let deed = Deed::on("user.create", "user", &user.id, (None, Some(user)));
        let changed = Changed::User { id: user.id, killed_below: None };
        tables.record(&deed, &[changed], stamp);
        Ok(())
    }

    async fn change_user(
        &self,
        id: UserId,
        version: Option<u64>,
        change: &UserChange,
        stamp: &Stamp,
    ) -> Result<Option<User>, RegistryError> {
        let mut tables = self.tables();
        let Some(before) = tables.users.get(&id).cloned() else { return Ok(None) };
        if version.is_some_and(|version| version != before.user.version) {
            return Err(Conflict::UserDiffers(before.user.name).into());
        }
        let mut after = before.clone();
        let killed = change.apply(&mut after, &tables.catalog(), stamp.at)?;
        tables.check_name(&after.user)?;
        tables.users.insert(id, after.clone());
        tables.end_sessions(id, killed.sessions);
        if killed.approvals == Fate::Ends {
            tables.end_approvals(|approval| approval.user == id, stamp.at);
        }
        let shown = (Some(&before.user), Some(&after.user));
        let deed = Deed::on(change.action(), "user", &id, shown);
        tables.record(&deed, &[killed.change(&after.user)], stamp);
        Ok(Some(after.user))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StorageFault> {
        Ok(self.tables().users.get(&id).map(|record| record.user.clone()))
    }

    async fn user_named(&self, name: &UserName) -> Result<Option<UserRecord>, StorageFault> {
        let (tables, key) = (self.tables(), name.key());
        Ok(tables.users.values().find(|record| record.user.name.key() == key).cloned())
    }

    async fn users(
        &self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StorageFault> {
        let tables = self.tables();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = tables.users.range((from, Bound::Unbounded)).map(|(_, record)| &record.user);
        Ok(behind.filter(|user| filter.shows(user)).take(limit as usize).cloned().collect())
    }

    async fn rehash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        if let Some(record) = tables.users.get_mut(&id)
            && record.password.as_ref() == Some(from)
        {
            record.password = Some(to.clone());
        }
        Ok(())
    }
}

impl Tables {
    /// Whether nobody else has the name.
    fn check_name(&self, user: &User) -> Result<(), Conflict> {
        let key = user.name.key();
        let others = self.users.values().filter(|record| record.user.id != user.id);
        if others.into_iter().any(|record| record.user.name.key() == key) {
            return Err(Conflict::UserExists(user.name.clone()));
        }
        Ok(())
    }
}
