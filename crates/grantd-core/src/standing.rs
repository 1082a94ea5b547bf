//! Whether a token still stands: what is said of its client, its credential and itself.

use crate::{
    client::ClientState,
    id::{CredentialId, TokenId},
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
}

/// What stands against a token, as it is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The client's state and generation; `None`: there is no such client.
    pub client: Option<(ClientState, u64)>,
    /// Whether the credential was revoked.
    pub credential_dead: bool,
    /// Whether the token was revoked.
    pub token_dead: bool,
}

impl Standing {
    /// Whether the token is alive: not ended, and nothing stands against it. Generations decide
    /// between a revocation and an issue in the same second; no clock does.
    pub fn holds(&self, token: &PresentedToken, now: Timestamp) -> bool {
        let client = self.client.is_some_and(|(state, generation)| {
            state == ClientState::Active && token.generation >= generation
        });
        client && !self.credential_dead && !self.token_dead && now < token.expires_at
    }
}
