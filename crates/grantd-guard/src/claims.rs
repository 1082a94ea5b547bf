//! The claims of an access token, typed (RFC 9068 section 2.2, and grantd's `roles gty gen cid ugen grant`).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use crate::{ActiveToken, GuardRefusal};

/// What a payload says: members have the right type, none is there twice, unknown ones are passed
/// over. A member that may be absent may still not be `null`.
#[derive(Deserialize)]
pub(crate) struct Claims<'a> {
    #[serde(borrow)]
    pub(crate) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) aud: Audience<'a>,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) jti: String,
    pub(crate) exp: i64,
    #[serde(default, deserialize_with = "present")]
    pub(crate) nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) iat: Option<i64>,
    #[serde(default)]
    pub(crate) scope: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(borrow, default)]
    pub(crate) gty: Cow<'a, str>,
    #[serde(default)]
    pub(crate) r#gen: u64,
    #[serde(default, deserialize_with = "present")]
    pub(crate) cid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) ugen: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) grant: Option<String>,
}

/// Whom the token is for: one text or a list of them (RFC 7519 section 4.1.3).
pub(crate) enum Audience<'a> {
    One(Cow<'a, str>),
    Several(Vec<Text<'a>>),
}

/// A text that is borrowed from the payload unless it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Claims<'a> {
    /// Reads a payload whose signature was verified, or an answer of the issuer's own.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, GuardRefusal> {
        // Serde would also take an array of the members in their order.
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(GuardRefusal::ClaimsMalformed);
        }
        // All of it at once is looked through faster than one text after the other.
        let payload = std::str::from_utf8(payload).map_err(|_| GuardRefusal::ClaimsMalformed)?;
        serde_json::from_str(payload).map_err(|_| GuardRefusal::ClaimsMalformed)
    }

    /// An application would find an empty name equal to a setting that somebody left empty.
    pub(crate) fn check_names(&self) -> Result<(), GuardRefusal> {
        if self.sub.is_empty() || self.client_id.is_empty() || self.jti.is_empty() {
            return Err(GuardRefusal::ClaimsMalformed);
        }
        Ok(())
    }
}

impl From<ActiveToken> for Claims<'static> {
    fn from(token: ActiveToken) -> Self {
        Self {
            iss: token.issuer.into(),
            aud: Audience::One(token.audience.into()),
            sub: token.subject,
            client_id: token.client_id,
            jti: token.token_id,
            exp: token.expires_at.seconds(),
            nbf: None,
            iat: None,
            scope: token.scope,
            roles: token.roles,
            gty: token.grant_type.as_str().into(),
            r#gen: token.generation,
            cid: token.credential_id,
            ugen: token.user_generation,
            grant: token.grant_id,
        }
    }
}

impl Audience<'_> {
    /// Whether it is for this audience, compared byte by byte.
    pub(crate) fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|Text(one)| one == audience),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or an array of texts")
            }

            fn visit_borrowed_str<E>(self, one: &'de str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Borrowed(one)))
            }

            fn visit_str<E>(self, one: &str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Owned(one.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(one) = members.next_element()? {
                    several.push(one);
                }
                Ok(Audience::Several(several))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// `Some`, and no `null`: called only when the member is there.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
