//! A passkey: a key pair whose private half stays with its owner (WebAuthn), a second way in.

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use grantd_core::{PasskeyId, SecretHash, Timestamp, UserId};
use serde_json::{Value, json};

use crate::{
    admin::Stamp,
    audit::Deed,
    fault::StorageFault,
    registration_json::{ToJson, moment},
    session::Session,
    storage::RegistryError,
    user::User,
};

/// A passkey as its owner sees it; what it signs with is elsewhere, and what checks that as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id, which proves nothing.
    pub id: PasskeyId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: PasskeyName,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its owner last signed in with it; `None`: never.
    pub last_used_at: Option<Timestamp>,
}

impl Passkey {
    /// How many a user has at most.
    pub const MOST: u32 = 20;

    /// The passkey added to its user, for the audit log.
    pub fn added(&self) -> Deed {
        Deed::on("user.passkey_add", "user", &self.user, (None, Some(self)))
    }

    /// The passkey taken from its user, for the audit log.
    pub fn removed(&self) -> Deed {
        Deed::on("user.passkey_remove", "user", &self.user, (Some(self), None))
    }
}

impl ToJson for Passkey {
    fn to_json(&self) -> Value {
        json!({
            "passkey_id": self.id.to_string(),
            "name": self.name.to_string(),
            "created_at": moment(self.created_at),
            "last_used_at": self.last_used_at.map(moment),
        })
    }
}

/// A passkey with what its signatures are checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// What its owner sees.
    pub passkey: Passkey,
    /// By which id browsers know it (WebAuthn section 5.8.3), unique on the server.
    pub credential: Vec<u8>,
    /// Public key and counter, in the words of whoever checks signatures: storage does not look in.
    pub key: String,
}

/// A passkey to be.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub name: PasskeyName,
    /// As [`PasskeyRecord::credential`].
    pub credential: Vec<u8>,
    /// As [`PasskeyRecord::key`].
    pub key: String,
}

/// What an owner calls a passkey: 1 to 64 characters on one line without blanks at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyName(Arc<str>);

/// Why a text cannot name a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passkey's name has 1 to 64 characters on one line")]
pub struct PasskeyNameError;

impl PasskeyName {
    /// The most characters a name has.
    pub const MAX_LENGTH: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasskeyName {
    type Err = PasskeyNameError;

    fn from_str(text: &str) -> Result<Self, PasskeyNameError> {
        let fits = (1..=Self::MAX_LENGTH).contains(&text.chars().count()) && text.trim() == text;
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if !fits || text.contains(breaks) {
            return Err(PasskeyNameError);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for PasskeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A question that a passkey has answered: it is remembered, so that no answer counts twice
/// (WebAuthn section 13.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What tells the question from any other.
    pub question: SecretHash,
    /// When answers to it come too late anyway.
    pub until: Timestamp,
}

/// A signature of a passkey's that was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// Whose.
    pub passkey: PasskeyId,
    /// What it was checked by, and what the next one will be: the counter has moved.
    pub key: (String, String),
    /// The version of the user whom it was checked for.
    pub version: u64,
    /// What was answered.
    pub answered: Answered,
}

/// What passkeys ask of storage. Every call is one transaction, and nothing is cached.
#[async_trait]
pub trait Passkeys: Send + Sync {
    /// Adds a passkey; `false`: its user is not there or not active. One that is known already, one
    /// more than [`Passkey::MOST`], or an answer that counted already is a conflict.
    async fn add_passkey(
        &self,
        record: &PasskeyRecord,
        answered: &Answered,
        stamp: &Stamp,
    ) -> Result<bool, RegistryError>;

    /// The passkeys of a user, as they were added.
    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault>;

    /// The passkey that browsers know by this id, and its user.
    async fn passkey_named(
        &self,
        credential: &[u8],
    ) -> Result<Option<(PasskeyRecord, User)>, StorageFault>;

    /// Removes passkeys of a user's, one or all, and says how many.
    async fn remove_passkeys(
        &self,
        user: UserId,
        which: Option<PasskeyId>,
        stamp: &Stamp,
    ) -> Result<usize, RegistryError>;

    /// Begins a session as [`crate::Sessions::open_session`] does, and remembers the passkey's use.
    /// `false`: user or passkey are not what they were, or the answer counted already.
    async fn enter_by_passkey(
        &self,
        session: &Session,
        proof: &SecretHash,
        used: &PasskeyUse,
    ) -> Result<bool, StorageFault>;

    /// Forgets answers that come too late anyway.
    async fn forget_answered(&self, now: Timestamp) -> Result<(), StorageFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        for good in ["a", "Ada's phone", &"é".repeat(64)] {
            assert_eq!(good.parse::<PasskeyName>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a\nb", "a\u{2028}b", "\u{0}", &"a".repeat(65)] {
            assert_eq!(bad.parse::<PasskeyName>(), Err(PasskeyNameError), "{bad:?}");
        }
    }
}
