//! Ids: each a type of its own, so that one cannot be taken for another.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use uuid::{Builder, Uuid};

use crate::time::Timestamp;

/// Why a text cannot be an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing, or more than [`ClientId::MAX_LENGTH`] bytes.
    #[error("an id has 1 to {max} characters", max = ClientId::MAX_LENGTH)]
    Length,
    /// A character outside RFC 6749's VSCHAR.
    #[error("an id has only printable ASCII characters (RFC 6749 appendix A.1)")]
    Character,
    /// Not a UUID where only a UUID will do.
    #[error("not a UUID")]
    NotUuid,
}

/// A client's identifier (RFC 6749 section 2.2): a UUID unless the client brought its own.
///
/// Public, at most 255 characters of VSCHAR (`%x20-7E`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The longest id, in bytes.
    pub const MAX_LENGTH: usize = 255;

    /// A fresh id: UUID v7, so that ids sort by creation.
    pub fn mint(now: Timestamp, entropy: [u8; 10]) -> Self {
        Self(mint_uuid(now, entropy).to_string().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(IdError::Length);
        }
        if !text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
            return Err(IdError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id: UUID v7 of this moment and these random bytes.
            pub fn mint(now: Timestamp, entropy: [u8; 10]) -> Self {
                Self(mint_uuid(now, entropy))
            }

            /// The id's 16 bytes.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::NotUuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_id! {
    /// One credential of a client; a token names the one that obtained it (claim `cid`).
    CredentialId
}
uuid_id! {
    /// One access token (claim `jti`, RFC 7519 section 4.1.7).
    TokenId
}

uuid_id! {
    /// One user: a person with an account (claim `sub` of the tokens a client gets on their behalf).
    UserId
}
uuid_id! {
    /// One approval of a client by a user (claim `grant` of the tokens that rest on it).
    ApprovalId
}
uuid_id! {
    /// One session of a user in a browser; names it, and proves nothing.
    SessionId
}
uuid_id! {
    /// One passkey of a user; names it, and proves nothing.
    PasskeyId
}

fn mint_uuid(now: Timestamp, entropy: [u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(now.millis(), &entropy).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_id_is_a_uuid_of_version_7_and_sorts_by_time() {
        let early = ClientId::mint(Timestamp::from_seconds(1_000), [9; 10]);
        let late = ClientId::mint(Timestamp::from_seconds(1_001), [1; 10]);
        assert_eq!(Uuid::try_parse(early.as_str()).unwrap().get_version_num(), 7);
        assert!(early < late);
    }

    #[test]
    fn legacy_ids_are_kept_and_unprintable_ones_refused() {
        assert_eq!("an:identifier".parse::<ClientId>().unwrap().as_str(), "an:identifier");
        assert_eq!("".parse::<ClientId>(), Err(IdError::Length));
        assert_eq!("a".repeat(256).parse::<ClientId>(), Err(IdError::Length));
        assert_eq!("a\0b".parse::<ClientId>(), Err(IdError::Character));
        assert_eq!("é".parse::<ClientId>(), Err(IdError::Character));
    }
}
