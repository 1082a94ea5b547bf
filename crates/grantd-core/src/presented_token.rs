//! A token that comes back: read only where this server made it.

use serde::Deserialize;

use crate::{
    approval::OnBehalf,
    grant_type::GrantType,
    id::{CredentialId, TokenId},
    jose::{PublicKey, UnverifiedJws},
    opaque::TokenSealer,
    standing::TokenNames,
    time::Timestamp,
    token_flaw::TokenFlaw,
};

/// The only kind of JWT that is an access token here (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";

/// What a token of this server says: verified or unsealed, and believed. Whether it still holds is
/// another question ([`crate::Standing`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// Its id (`jti`).
    pub id: TokenId,
    /// Who issued it: this server (`iss`).
    pub issuer: String,
    /// Whom it speaks of (`sub`).
    pub subject: String,
    /// What it is for (`aud`).
    pub audience: String,
    /// The client that obtained it (`client_id`).
    pub client: String,
    /// The credential that obtained it (`cid`).
    pub credential: Option<CredentialId>,
    /// The client's generation at that time (`gen`).
    pub generation: u64,
    /// By which grant (`gty`).
    pub grant: GrantType,
    /// For whom it acts (`sub ugen grant`); `None`: the client speaks for itself.
    pub on_behalf: Option<OnBehalf>,
    /// The granted permissions, blank-separated (`scope`).
    pub scope: String,
    /// The names of the client's roles (`roles`).
    pub roles: Vec<String>,
    /// The key that signed it (`kid`); `None`: it is opaque.
    pub key: Option<String>,
    /// When it was issued (`iat`).
    pub issued_at: Timestamp,
    /// When it ends; the end itself is outside (`exp`).
    pub expires_at: Timestamp,
}

/// The claims as [`crate::mint()`] writes them; a later version's new ones are passed over.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    roles: Vec<String>,
    gty: String,
    r#gen: u64,
    #[serde(default)]
    cid: Option<String>,
    #[serde(default)]
    ugen: Option<u64>,
    #[serde(default)]
    grant: Option<String>,
}

impl Claims {
    /// A machine's token never speaks of a user, nor a user's of none: such claims are of no token.
    fn on_behalf(&self, grant: GrantType) -> Result<Option<OnBehalf>, ()> {
        match (grant, self.ugen, &self.grant) {
            (GrantType::ClientCredentials, None, None) if self.sub == self.client_id => Ok(None),
            (GrantType::AuthorizationCode, Some(generation), Some(approval)) => {
                let user = self.sub.parse().map_err(drop)?;
                let approval = approval.parse().map_err(drop)?;
                Ok(Some(OnBehalf { user, generation, approval }))
            }
            _ => Err(()),
        }
    }
}

impl PresentedToken {
    /// Reads an access token of either format, if this issuer made it: a JWT that one of `keys`
    /// signed, or an opaque one of `sealer`. Every other text, of whatever size, is nothing.
    pub fn read(
        text: &str,
        issuer: &str,
        keys: &[PublicKey],
        sealer: &TokenSealer,
    ) -> Option<Self> {
        Self::examine(text, issuer, keys, sealer).ok()
    }

    /// As [`PresentedToken::read`], and says what is wrong with a text that is nothing: for those
    /// who run the server, never for a caller.
    pub fn examine(
        text: &str,
        issuer: &str,
        keys: &[PublicKey],
        sealer: &TokenSealer,
    ) -> Result<Self, TokenFlaw> {
        let (claims, key) = if text.starts_with(TokenSealer::PREFIX) {
            (sealer.unseal(text).ok_or_else(|| TokenFlaw::of_opaque(text))?, None)
        } else {
            let (claims, key) = verify(text, keys)?;
            (claims, Some(key.kid().to_owned()))
        };
        let token = Self::from_claims(&claims, key).ok_or(TokenFlaw::Claims)?;
        if token.issuer == issuer { Ok(token) } else { Err(TokenFlaw::Issuer(token.issuer)) }
    }

    fn from_claims(json: &[u8], key: Option<String>) -> Option<Self> {
        let claims: Claims = serde_json::from_slice(json).ok()?;
        let grant = claims.gty.parse().ok()?;
        let on_behalf = claims.on_behalf(grant).ok()?;
        let credential = claims.cid.map(|id| id.parse()).transpose().ok()?;
        Some(Self {
            id: claims.jti.parse().ok()?,
            issuer: claims.iss,
            subject: claims.sub,
            audience: claims.aud,
            client: claims.client_id,
            credential,
            generation: claims.r#gen,
            grant,
            on_behalf,
            scope: claims.scope,
            roles: claims.roles,
            key,
            issued_at: Timestamp::from_seconds(claims.iat),
            expires_at: Timestamp::from_seconds(claims.exp),
        })
    }

    /// What storage is asked about it.
    pub fn names(&self) -> TokenNames {
        TokenNames {
            client: self.client.clone(),
            credential: self.credential,
            token: self.id,
            key: self.key.clone(),
            on_behalf: self.on_behalf.map(|owner| (owner.user, owner.approval)),
        }
    }
}

/// The payload of a JWT access token, once the key that it names has verified it, and that key.
fn verify<'a>(text: &str, keys: &'a [PublicKey]) -> Result<(Vec<u8>, &'a PublicKey), TokenFlaw> {
    let jws = UnverifiedJws::parse(text)?;
    let header = jws.header();
    if header.typ.as_deref() != Some(TYPE) {
        return Err(TokenFlaw::Type);
    }
    let key = keys.iter().find(|key| header.kid.as_deref() == Some(key.kid()));
    let key = key.ok_or(TokenFlaw::KeyUnknown)?;
    Ok((jws.verify(key)?, key))
}
