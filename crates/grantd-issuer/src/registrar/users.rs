//! The commands on users.

use grantd_core::{ClientId, PasskeyId, SessionId, UserId, UserState};

use super::{CommandError, Registrar};
use crate::{
    accounts::Proven,
    admin::Admin,
    checks::check_user_name,
    entropy::draw,
    passkey::{Answered, NewPasskey, Passkey, PasskeyRecord},
    password::PasswordHash,
    user::{NewUser, User, UserFilter, UserName},
    user_change::{UserChange, UserEdit},
};

impl Registrar {
    /// Creates a user.
    pub async fn create_user(&self, by: &Admin, new: NewUser) -> Result<User, CommandError> {
        check_user_name(&new.name)?;
        let stamp = self.stamp(by);
        let id = UserId::mint(stamp.at, draw(&*self.entropy));
        let record = new.into_record(id, stamp.at);
        self.registry.create_user(&record, &stamp).await?;
        Ok(record.user)
    }

    /// One user, by id or by name.
    pub async fn user(&self, id_or_name: &str) -> Result<User, CommandError> {
        let found = match (id_or_name.parse::<UserId>(), id_or_name.parse::<UserName>()) {
            (Ok(id), _) => self.registry.user(id).await?,
            (_, Ok(name)) => self.registry.user_named(&name).await?.map(|record| record.user),
            _ => None,
        };
        found.ok_or_else(|| CommandError::UserUnknown(id_or_name.to_owned()))
    }

    /// A page of the users that are asked for, in the order of their ids, those behind `after`.
    pub async fn users(
        &self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, CommandError> {
        Ok(self.registry.users(filter, after, limit).await?)
    }

    /// Changes what is said about a user; with `version`, only if nobody else did meanwhile. Taking a
    /// permission or role away kills the tokens on their behalf.
    pub async fn edit_user(
        &self,
        by: &Admin,
        id: UserId,
        edit: UserEdit,
        version: Option<u64>,
    ) -> Result<User, CommandError> {
        edit.name.as_ref().map_or(Ok(()), check_user_name)?;
        self.change_user(by, id, version, &UserChange::Edit(edit)).await
    }

    /// Disables or enables a user; a disabled one is out at once, and tokens on their behalf are
    /// dead.
    pub async fn set_user_state(
        &self,
        by: &Admin,
        id: UserId,
        state: UserState,
    ) -> Result<User, CommandError> {
        self.change_user(by, id, None, &UserChange::State(state)).await
    }

    /// Gives a user another password; all their sessions end.
    pub async fn set_password(
        &self,
        by: &Admin,
        id: UserId,
        hash: PasswordHash,
    ) -> Result<User, CommandError> {
        let change = UserChange::Password { hash, keep: None, instead_of: None };
        self.change_user(by, id, None, &change).await
    }

    /// Gives somebody who has proved their password another one; all their sessions end but `keep`.
    /// Only if the password that they proved is still theirs: who knows the old one does not undo
    /// what an administrator has set since.
    pub async fn change_own_password(
        &self,
        by: &Admin,
        proven: &Proven,
        hash: PasswordHash,
        keep: SessionId,
    ) -> Result<User, CommandError> {
        let instead_of = Some(proven.matched().clone());
        let change = UserChange::Password { hash, keep: Some(keep), instead_of };
        self.change_user(by, proven.user(), None, &change).await
    }

    /// Takes back what a user allowed a client; whatever it got of that is dead. `false`: there was
    /// nothing.
    pub async fn disconnect(
        &self,
        by: &Admin,
        user: UserId,
        client: &ClientId,
    ) -> Result<bool, CommandError> {
        Ok(self.registry.disconnect(user, client, &self.stamp(by)).await?)
    }

    /// Adds a passkey to a user, whose authority it is: what they call it, and what a browser said.
    pub async fn add_passkey(
        &self,
        by: &Admin,
        new: NewPasskey,
        answered: &Answered,
    ) -> Result<Passkey, CommandError> {
        let stamp = self.stamp(by);
        let id = PasskeyId::mint(stamp.at, draw(&*self.entropy));
        let NewPasskey { user, name, credential, key } = new;
        let passkey = Passkey { id, user, name, created_at: stamp.at, last_used_at: None };
        let record = PasskeyRecord { passkey, credential, key };
        if !self.registry.add_passkey(&record, answered, &stamp).await? {
            return Err(CommandError::UserUnknown(user.to_string()));
        }
        Ok(record.passkey)
    }

    /// Removes passkeys of a user's, one or all, and says how many; sessions go on.
    pub async fn remove_passkeys(
        &self,
        by: &Admin,
        user: UserId,
        which: Option<PasskeyId>,
    ) -> Result<usize, CommandError> {
        Ok(self.registry.remove_passkeys(user, which, &self.stamp(by)).await?)
    }

    async fn change_user(
        &self,
        by: &Admin,
        id: UserId,
        version: Option<u64>,
        change: &UserChange,
    ) -> Result<User, CommandError> {
        let changed = self.registry.change_user(id, version, change, &self.stamp(by)).await?;
        changed.ok_or_else(|| CommandError::UserUnknown(id.to_string()))
    }
}
