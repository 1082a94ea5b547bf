//! Signing in with a passkey: whom one belongs to, and the session that its signature opens.

use grantd_core::{UserId, UserState};

use super::{Accounts, Opened, Origin};
use crate::{
    fault::StorageFault,
    passkey::{PasskeyRecord, PasskeyUse},
    user::User,
};

impl Accounts {
    /// The passkeys of a user, as they were added.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault> {
        self.registry.passkeys(user).await
    }

    /// The passkey that a browser answers with, and its user, if they may come in.
    pub async fn passkey(
        &self,
        credential: &[u8],
    ) -> Result<Option<(PasskeyRecord, User)>, StorageFault> {
        let found = self.registry.passkey_named(credential).await?;
        Ok(found.filter(|(_, user)| user.state == UserState::Active))
    }

    /// Begins a session for a signature that was right. `None`: user or passkey were changed since,
    /// or the same answer opened one already.
    pub async fn open_by_passkey(
        &self,
        user: User,
        used: &PasskeyUse,
        from: &Origin,
    ) -> Result<Option<Opened>, StorageFault> {
        let (secret, session, proof) = self.begin(user.id, from);
        let opened = self.registry.enter_by_passkey(&session, &proof, used).await?;
        Ok(opened.then_some(Opened { secret, session, user }))
    }
}
