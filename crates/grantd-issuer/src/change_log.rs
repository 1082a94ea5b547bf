//! The change log: what caches and the revocation feed follow.

use grantd_core::{ApprovalId, ClientId, CredentialId, Timestamp, TokenId, Ttl, UserId};

/// What a change is about, and what it kills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A client; its tokens of a generation below this one are dead.
    Client {
        /// Its id.
        id: ClientId,
        /// Its generation now, where that was raised.
        killed_below: Option<u64>,
    },
    /// A user; tokens on their behalf of a generation below this one are dead.
    User {
        /// Their id.
        id: UserId,
        /// Their generation now, where that was raised.
        killed_below: Option<u64>,
    },
    /// A credential that proves nothing any more; tokens it obtained are dead.
    Credential(CredentialId),
    /// One token; it would end by itself at that moment.
    Token(TokenId, Timestamp),
    /// What a user allowed a client at one moment; tokens that rest on it are dead.
    Approval(ApprovalId),
    /// A signing key, by its `kid`, that is in wrong hands; tokens it signed are dead, and forged ones
    /// may live as long as any token can.
    Key(String, Timestamp),
    /// Roles, permissions or APIs: any client may be affected, no token is.
    Catalog,
}

impl Changed {
    /// A key that is in wrong hands from now on.
    pub fn key(kid: &str, now: Timestamp) -> Self {
        Self::Key(kid.to_owned(), now.after(Ttl::MAX))
    }

    /// The kind in rows and in the feed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Client { .. } => "client",
            Self::User { .. } => "user",
            Self::Credential(_) => "credential",
            Self::Token(..) => "token",
            Self::Approval(_) => "grant",
            Self::Key(..) => "key",
            Self::Catalog => "catalog",
        }
    }

    /// The id in rows and in the feed; empty for the catalog.
    pub fn id(&self) -> String {
        match self {
            Self::Client { id, .. } => id.to_string(),
            Self::User { id, .. } => id.to_string(),
            Self::Credential(id) => id.to_string(),
            Self::Token(id, _) => id.to_string(),
            Self::Approval(id) => id.to_string(),
            Self::Key(kid, _) => kid.clone(),
            Self::Catalog => String::new(),
        }
    }

    /// Below which generation a client's or user's tokens are dead.
    pub const fn killed_below(&self) -> Option<u64> {
        match self {
            Self::Client { killed_below, .. } | Self::User { killed_below, .. } => *killed_below,
            Self::Credential(_)
            | Self::Token(..)
            | Self::Approval(_)
            | Self::Key(..)
            | Self::Catalog => None,
        }
    }

    /// When the last token that dies of it would have ended by itself; `None`: none dies. `end` is
    /// when the last of all tokens will have ended.
    pub const fn until(&self, end: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Client { killed_below: Some(_), .. }
            | Self::User { killed_below: Some(_), .. }
            | Self::Credential(_)
            | Self::Approval(_) => Some(end),
            Self::Token(_, until) | Self::Key(_, until) => Some(*until),
            Self::Client { killed_below: None, .. }
            | Self::User { killed_below: None, .. }
            | Self::Catalog => None,
        }
    }
}

/// One entry of the log: of each kind and id only the newest stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEntry {
    /// Its number; later changes have higher ones, without gaps as they are written.
    pub seq: u64,
    /// `client`, `user`, `credential`, `token`, `grant`, `key` or `catalog`.
    pub kind: String,
    /// Of what.
    pub id: String,
    /// Of a client or user: tokens below it are dead.
    pub generation: Option<u64>,
    /// When the last token it kills will have expired; `None`: it kills nothing.
    pub until: Option<Timestamp>,
}
