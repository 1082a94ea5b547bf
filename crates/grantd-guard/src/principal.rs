//! Who is behind a token: a client, or a user through a client.

use std::{fmt, sync::Arc};

use grantd_core::{GrantType, Timestamp, scope_names};

use crate::{claims::Claims, rules::Rules};

/// Who calls, as a verified access token says. Cheap to clone.
///
/// Only the guard makes one, so a handler that has it has a caller whose token was good.
#[derive(Clone)]
pub struct Principal(Arc<Verified>);

struct Verified {
    client_id: String,
    on_behalf: Option<OnBehalf>,
    scope: String,
    roles: Vec<String>,
    token_id: String,
    expires_at: Timestamp,
    generation: u64,
    credential_id: Option<String>,
    rules: Arc<Rules>,
}

/// The user whom a client acts for, and what the token dies with.
pub(crate) struct OnBehalf {
    pub(crate) user: String,
    pub(crate) generation: u64,
    pub(crate) approval: String,
}

impl Principal {
    pub(crate) fn new(claims: Claims<'_>, on_behalf: Option<OnBehalf>, rules: Arc<Rules>) -> Self {
        Self(Arc::new(Verified {
            client_id: claims.client_id,
            on_behalf,
            scope: claims.scope,
            roles: claims.roles,
            token_id: claims.jti,
            expires_at: Timestamp::from_seconds(claims.exp),
            generation: claims.r#gen,
            credential_id: claims.cid,
            rules,
        }))
    }

    /// Whether these are the rules that the token was measured by.
    pub(crate) fn met(&self, rules: &Arc<Rules>) -> bool {
        Arc::ptr_eq(&self.0.rules, rules)
    }

    /// Whether the token carries this permission, e.g. `invoices.read`; case counts.
    pub fn can(&self, permission: &str) -> bool {
        self.scopes().any(|scope| scope == permission)
    }

    /// The client that sent the token (claim `client_id`).
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The user on whose behalf the client acts; `None` for a machine, which speaks for itself alone.
    pub fn user_id(&self) -> Option<&str> {
        self.on_behalf().map(|owner| &*owner.user)
    }

    /// How the token was obtained: client credentials, or authorization code for a user's.
    pub fn grant_type(&self) -> GrantType {
        match self.on_behalf() {
            Some(_) => GrantType::AuthorizationCode,
            None => GrantType::ClientCredentials,
        }
    }

    /// The token's permissions, in its order; none if it has no `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        scope_names(&self.0.scope)
    }

    /// The names of the roles that the permissions come from, as far as they come from roles.
    pub fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// The token's own id (claim `jti`), for logs: it tells a token without giving it away.
    pub fn token_id(&self) -> &str {
        &self.0.token_id
    }

    /// From this moment on the token is refused (claim `exp`).
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// The client's generation that the token was issued under (claim `gen`); 0 if it does not say,
    /// which is older than every other.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The client's credential that obtained the token (claim `cid`).
    pub fn credential_id(&self) -> Option<&str> {
        self.0.credential_id.as_deref()
    }

    /// The user's generation that the token was issued under (claim `ugen`); `None` for a machine.
    pub fn user_generation(&self) -> Option<u64> {
        self.on_behalf().map(|owner| owner.generation)
    }

    /// The user's approval that the token rests on (claim `grant`); `None` for a machine.
    pub fn grant_id(&self) -> Option<&str> {
        self.on_behalf().map(|owner| &*owner.approval)
    }

    fn on_behalf(&self) -> Option<&OnBehalf> {
        self.0.on_behalf.as_ref()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("client_id", &self.0.client_id)
            .field("user_id", &self.user_id())
            .field("grant_type", &self.grant_type())
            .field("scope", &self.0.scope)
            .finish_non_exhaustive()
    }
}
