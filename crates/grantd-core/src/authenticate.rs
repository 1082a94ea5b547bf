//! Hop 4: presented credentials against the client's own. After this, who the client is stands.

use std::sync::Arc;

use crate::{
    client::{Client, ClientKind, ClientState},
    credentials::Credentials,
    id::CredentialId,
    refusal::Refusal,
    secret::{SecretHash, SecretHasher},
    time::Timestamp,
};

/// A client that has proved itself. Nothing after this looks at the request's `client_id` again.
#[derive(Clone, Debug)]
pub struct Authenticated {
    client: Arc<Client>,
    credential: Option<CredentialId>,
}

impl Authenticated {
    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The credential that proved it; `None` for a public client.
    pub fn credential(&self) -> Option<CredentialId> {
        self.credential
    }
}

/// Decides whether these credentials prove this client (RFC 6749 section 2.3).
///
/// A client that does not exist costs the same hashing as one that does. State is looked at after
/// the secret, so that only who knows the secret learns it, and only from the log.
pub fn authenticate(
    credentials: &Credentials<'_>,
    client: Option<Arc<Client>>,
    hasher: &SecretHasher,
    now: Timestamp,
) -> Result<Authenticated, Refusal> {
    let id = client.as_deref().map(|client| client.id.as_str());
    let presented = Presented::hash(credentials, id, hasher);
    let client = client.ok_or(Refusal::ClientUnknown)?;
    if let Credentials::Basic { body_id: Some(named), .. } = credentials
        && named != client.id.as_str()
    {
        return Err(Refusal::ClientIdsDiffer);
    }
    let credential = match (client.kind, presented) {
        (ClientKind::Public, Presented::Nothing) => None,
        (ClientKind::Public, Presented::Hashes(_)) => return Err(Refusal::PublicClientSentSecret),
        (ClientKind::Confidential, Presented::Nothing) => return Err(Refusal::ClientSecretMissing),
        (ClientKind::Confidential, Presented::Hashes(hashes)) => {
            Some(match_secret(&client, hashes, now)?)
        }
    };
    match client.state {
        ClientState::Active => Ok(Authenticated { client, credential }),
        ClientState::Revoked => Err(Refusal::ClientRevoked),
        ClientState::Deleted => Err(Refusal::ClientDeleted),
    }
}

/// What was presented, hashed: each reading of it under the server's key and the one before.
enum Presented {
    Nothing,
    Hashes([Option<SecretHash>; 4]),
}

impl Presented {
    fn hash(credentials: &Credentials<'_>, client_id: Option<&str>, hasher: &SecretHasher) -> Self {
        let (first, second) = match credentials {
            Credentials::IdOnly { .. } => return Self::Nothing,
            Credentials::Body { secret, .. } => (hasher.candidates(secret), [None, None]),
            Credentials::Basic { decoded, raw, .. } => {
                // Each reading counts only with the id that the same reading gives.
                let hash = |(id, secret): &(String, zeroize::Zeroizing<String>)| {
                    let meant = client_id.is_none_or(|known| known == id);
                    if meant { hasher.candidates(secret) } else { [None, None] }
                };
                // The raw pair is a second try, for imported secrets.
                let raw_differs = decoded.as_ref().is_none_or(|decoded| decoded != raw);
                let decoded = decoded.as_ref().map_or([None, None], hash);
                (decoded, if raw_differs { hash(raw) } else { [None, None] })
            }
        };
        Self::Hashes([first[0], first[1], second[0], second[1]])
    }
}

/// Compares with every secret of the client, live or not, in constant time each.
fn match_secret(
    client: &Client,
    presented: [Option<SecretHash>; 4],
    now: Timestamp,
) -> Result<CredentialId, Refusal> {
    let mut verdict = Err(Refusal::ClientSecretWrong);
    for credential in &client.credentials {
        for hash in presented.iter().flatten() {
            if credential.hash.matches(hash) && verdict.is_err() {
                verdict = if credential.is_live(now) {
                    Ok(credential.id)
                } else {
                    Err(Refusal::ClientSecretExpired)
                };
            }
        }
    }
    verdict
}
