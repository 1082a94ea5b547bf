//! Whether a token still stands: what is said of its client, its credential, its user and itself.

use crate::{
    approval::UserState,
    client::ClientState,
    id::{ApprovalId, CredentialId, TokenId, UserId},
    presented_token::PresentedToken,
    time::Timestamp,
};

/// Everything a token names that can die before it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenNames {
    /// Its client.
    pub client: String,
    /// The credential that obtained it.
    pub credential: Option<CredentialId>,
    /// The token itself.
    pub token: TokenId,
    /// The key that signed it (`kid`); `None`: it is opaque.
    pub key: Option<String>,
    /// The user whom it acts for, and the approval that it rests on.
    pub on_behalf: Option<(UserId, ApprovalId)>,
}

/// What stands against a token, as it is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one answer of storage, and all may be true at once"
)]
pub struct Standing {
    /// The client's state and generation; `None`: there is no such client.
    pub client: Option<(ClientState, u64)>,
    /// Whether the credential was revoked.
    pub credential_dead: bool,
    /// Whether the token was revoked.
    pub token_dead: bool,
    /// Whether the key that signed it was revoked.
    pub key_dead: bool,
    /// The state and generation of the user whom it acts for; `None`: there is no such user, or the
    /// token names none.
    pub user: Option<(UserState, u64)>,
    /// Whether the approval that it rests on was ended.
    pub approval_dead: bool,
}

/// One thing that stands against a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Its client is not there.
    #[error("its client is unknown here: is this the database of the server that issued it?")]
    ClientUnknown,
    /// Its client is suspended.
    #[error("its client is revoked")]
    ClientRevoked,
    /// Its client is deleted.
    #[error("its client is deleted")]
    ClientDeleted,
    /// It was revoked itself.
    #[error("it was revoked itself")]
    TokenRevoked,
    /// The key that signed it was revoked.
    #[error("the key that signed it was revoked")]
    KeyRevoked,
    /// The credential that obtained it was ended.
    #[error("the secret that obtained it was ended")]
    CredentialEnded,
    /// Its client lost something since, or was suspended for a while.
    #[error(
        "its generation is {token}, and the client's is {client}: the client lost a permission, role or grant \
         since, or was revoked and restored; a new token works"
    )]
    GenerationOld {
        /// The token's.
        token: u64,
        /// The client's now.
        client: u64,
    },
    /// The user whom it acts for is not there.
    #[error("its user is unknown here: is this the database of the server that issued it?")]
    UserUnknown,
    /// The user whom it acts for is disabled.
    #[error("its user is disabled")]
    UserDisabled,
    /// The user lost something since, or was disabled for a while.
    #[error(
        "its user's generation is {token}, and now it is {user}: the user lost a permission or role since, or was \
         disabled and enabled; a new token works"
    )]
    UserGenerationOld {
        /// The token's.
        token: u64,
        /// The user's now.
        user: u64,
    },
    /// The approval was ended.
    #[error("the user disconnected the app, or its code or refresh token was used twice")]
    ApprovalEnded,
    /// It has ended by itself.
    #[error("it has expired")]
    Expired,
}

impl Objection {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientUnknown => "client-unknown",
            Self::ClientRevoked => "client-revoked",
            Self::ClientDeleted => "client-deleted",
            Self::TokenRevoked => "token-revoked",
            Self::KeyRevoked => "key-revoked",
            Self::CredentialEnded => "credential-ended",
            Self::GenerationOld { .. } => "generation-old",
            Self::UserUnknown => "user-unknown",
            Self::UserDisabled => "user-disabled",
            Self::UserGenerationOld { .. } => "user-generation-old",
            Self::ApprovalEnded => "approval-ended",
            Self::Expired => "token-expired",
        }
    }
}

impl Standing {
    /// Whether the token is alive: not ended, and nothing stands against it. Generations decide
    /// between a revocation and an issue in the same second; no clock does.
    pub fn holds(&self, token: &PresentedToken, now: Timestamp) -> bool {
        self.objections(token, now).next().is_none()
    }

    /// All that stands against the token, the weightiest first.
    pub fn objections(
        &self,
        token: &PresentedToken,
        now: Timestamp,
    ) -> impl Iterator<Item = Objection> {
        let state = match self.client {
            None => Some(Objection::ClientUnknown),
            Some((ClientState::Revoked, _)) => Some(Objection::ClientRevoked),
            Some((ClientState::Deleted, _)) => Some(Objection::ClientDeleted),
            Some((ClientState::Active, _)) => None,
        };
        let old = self.client.filter(|(_, generation)| token.generation < *generation);
        let old =
            old.map(|(_, client)| Objection::GenerationOld { token: token.generation, client });
        let objections = [
            state,
            self.token_dead.then_some(Objection::TokenRevoked),
            self.key_dead.then_some(Objection::KeyRevoked),
            self.credential_dead.then_some(Objection::CredentialEnded),
            old,
            self.approval_dead.then_some(Objection::ApprovalEnded),
            token.on_behalf.and_then(|owner| self.of_user(owner.generation)),
            (now >= token.expires_at).then_some(Objection::Expired),
        ];
        objections.into_iter().flatten()
    }

    fn of_user(&self, token: u64) -> Option<Objection> {
        match self.user {
            None => Some(Objection::UserUnknown),
            Some((UserState::Disabled, _)) => Some(Objection::UserDisabled),
            Some((UserState::Active, user)) if token < user => {
                Some(Objection::UserGenerationOld { token, user })
            }
            Some((UserState::Active, _)) => None,
        }
    }
}
