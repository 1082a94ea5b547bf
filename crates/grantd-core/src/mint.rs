//! Hop 6: a decision becomes a token.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    authorize::Authorized,
    id::{ClientId, CredentialId, TokenId},
    jose::{Algorithm, SigningKey},
    opaque::TokenSealer,
    permission::RoleName,
    secret::Secret,
    time::Timestamp,
};

/// An issued access token, ready to be answered.
pub struct Issued {
    /// The token itself.
    pub access_token: String,
    /// Its id.
    pub id: TokenId,
    /// The client that obtained it.
    pub client: ClientId,
    /// The credential that obtained it; `None` for a public client.
    pub credential: Option<CredentialId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How long it lives, in seconds.
    pub expires_in: u32,
    /// The granted permissions, blank-separated.
    pub scope: String,
    /// What signed it; `None`: nothing, it is opaque.
    pub algorithm: Option<Algorithm>,
    /// What gets the next one, where the approval goes on (RFC 6749 section 1.5).
    pub refresh_token: Option<Secret>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// What writes a token: one way for each [`crate::TokenFormat`].
pub enum Pen<'a> {
    /// Signs a JWT.
    Sign(&'a SigningKey),
    /// Seals an opaque token, with these random bytes.
    Seal(&'a TokenSealer, [u8; TokenSealer::NONCE]),
}

impl Pen<'_> {
    fn write(&self, claims: &[u8]) -> Option<String> {
        match self {
            Self::Sign(key) => key.sign_access_token(claims),
            Self::Seal(sealer, nonce) => sealer.seal(claims, *nonce),
        }
    }

    fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Sign(key) => Some(key.algorithm()),
            Self::Seal(..) => None,
        }
    }
}

/// The claims of an access token of either format (RFC 9068 section 2.2, and grantd's `roles gty
/// gen cid ugen grant`).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: Subject<'a>,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: IdText,
    scope: &'a str,
    #[serde(serialize_with = "as_names")]
    roles: &'a [RoleName],
    gty: &'static str,
    r#gen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<IdText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ugen: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<IdText>,
}

/// Whom a token speaks of: a client itself, or the user whom it acts for.
#[derive(Serialize)]
#[serde(untagged)]
enum Subject<'a> {
    Client(&'a str),
    User(IdText),
}

/// Makes the token that was decided on. `None` only if the crypto library fails.
///
/// `entropy` makes the token's id unique; a signature's own nonce is the crypto library's.
pub fn mint(
    authorized: Authorized<'_>,
    issuer: &str,
    pen: &Pen<'_>,
    now: Timestamp,
    entropy: [u8; 10],
) -> Option<Issued> {
    let id = TokenId::mint(now, entropy);
    let client_id = authorized.client.id.as_str();
    let (iat, owner) = (now.seconds(), authorized.on_behalf);
    let claims = Claims {
        iss: issuer,
        sub: owner
            .map_or(Subject::Client(client_id), |owner| Subject::User(IdText(owner.user.uuid()))),
        aud: authorized.audience,
        client_id,
        iat,
        exp: iat + i64::from(authorized.ttl.seconds()),
        jti: IdText(id.uuid()),
        scope: &authorized.scope,
        // The user's approval names permissions; roles, which may mean more, are not handed on.
        roles: if owner.is_some() { &[] } else { &authorized.client.roles },
        gty: authorized.grant.as_str(),
        r#gen: authorized.client.generation,
        cid: authorized.credential.map(|id| IdText(id.uuid())),
        ugen: owner.map(|owner| owner.generation),
        grant: owner.map(|owner| IdText(owner.approval.uuid())),
    };
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, &claims).ok()?;
    Some(Issued {
        access_token: pen.write(&json)?,
        id,
        client: authorized.client.id.clone(),
        credential: authorized.credential,
        issued_at: now,
        expires_in: authorized.ttl.seconds(),
        scope: authorized.scope,
        algorithm: pen.algorithm(),
        refresh_token: None,
    })
}

/// A UUID that is written without an allocation of its own.
struct IdText(Uuid);

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut [0; 36]))
    }
}

fn as_names<S: Serializer>(names: &[RoleName], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(RoleName::as_str))
}
