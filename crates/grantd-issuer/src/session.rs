//! Sessions of people in browsers: how long one lasts, and what they ask of storage.

use async_trait::async_trait;
use grantd_core::{Permission, SecretHash, SessionId, Timestamp, Ttl, UserId};

use crate::{admin::Stamp, fault::StorageFault, user::User, user_change::Ended};

/// A session ends so many seconds after it began, whatever happens.
const LONGEST: i64 = 12 * 3600;
/// It ends so many seconds after the last request.
const IDLE: i64 = 3600;
/// What is kept of a browser's own name, in characters.
const AGENT: usize = 200;

/// A session as its user sees it; the secret that proves it is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which proves nothing.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When they were last here, to within a minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// From which address they signed in; empty where that is unknown.
    pub address: String,
    /// What the browser calls itself, cut to a bearable length and to one line.
    pub agent: String,
}

impl Session {
    /// How many sessions a user has at most; a further one ends the oldest.
    pub const MOST: u32 = 100;

    /// One that begins now.
    pub fn begin(id: SessionId, user: UserId, now: Timestamp, from: &Origin) -> Self {
        let agent = from.agent.chars().filter(|c| !c.is_control()).take(AGENT).collect();
        Self {
            id,
            user,
            created_at: now,
            seen_at: now,
            ends_at: later(now, LONGEST),
            address: from.address.clone(),
            agent,
        }
    }

    /// Who begins it, and when, for the audit log.
    pub fn stamp(&self) -> Stamp {
        let address = self.address.parse().ok();
        Stamp { actor: format!("user:{}", self.user), address, at: self.created_at }
    }

    /// Whether it still proves who somebody is; the ends themselves are outside.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.ends_at && now < later(self.seen_at, IDLE)
    }

    /// The moment before which it must have been last seen to be over by now.
    pub fn idle_since(now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.micros().saturating_sub(IDLE * 1_000_000))
    }
}

/// Where a session comes from, as its user should recognise it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address; empty where that is unknown.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
}

/// Somebody who has signed in, as things are at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// By which session.
    pub session: Session,
    /// Who.
    pub user: User,
    /// Their direct permissions and those of their roles, sorted.
    pub permissions: Vec<Permission>,
}

impl SignedIn {
    /// Whether they have this permission.
    pub fn can(&self, name: &str) -> bool {
        self.permissions.iter().any(|permission| permission.as_str() == name)
    }
}

/// What sessions ask of storage. Every call is one transaction, and nothing is cached.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session that this hash proves, and remembers that the user signed in, in the audit log
    /// too ([`ROUTINE`](crate::audit::ROUTINE) an hour); only if they are active and still of the
    /// version that proved itself. `false`: they are not.
    async fn open_session(
        &self,
        session: &Session,
        proof: &SecretHash,
        version: u64,
    ) -> Result<bool, StorageFault>;

    /// Who the session with this proof is of; `None`: it is unknown or over, or the user disabled.
    async fn signed_in(
        &self,
        proof: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, StorageFault>;

    /// Remembers that a session was used.
    async fn session_seen(&self, id: SessionId, now: Timestamp) -> Result<(), StorageFault>;

    /// The live sessions of a user, the last used first.
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageFault>;

    /// Ends one session of a user's, which the audit log remembers; `false`: they have no such session.
    async fn end_session(
        &self,
        user: UserId,
        id: SessionId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault>;

    /// Ends sessions of a user's, which the audit log remembers where there are any.
    async fn end_sessions(
        &self,
        user: UserId,
        ended: Ended,
        stamp: &Stamp,
    ) -> Result<(), StorageFault>;

    /// Forgets sessions that are over.
    async fn forget_sessions(&self, now: Timestamp) -> Result<(), StorageFault>;
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Ttl::from_seconds(seconds).map_or(at, |ttl| at.after(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_session_ends_after_an_hour_unused_and_after_twelve_in_any_case() {
        let (id, user) = (SessionId::mint(at(0), [1; 10]), UserId::mint(at(0), [2; 10]));
        let mut session = Session::begin(id, user, at(0), &Origin::default());
        assert!(session.is_live(at(3599)) && !session.is_live(at(3600)));
        for hour in 1..12 {
            session.seen_at = at(hour * 3600 - 1);
            assert!(session.is_live(at(hour * 3600)));
        }
        session.seen_at = at(12 * 3600 - 1);
        assert!(session.is_live(at(12 * 3600 - 1)) && !session.is_live(at(12 * 3600)));
    }

    #[test]
    fn a_browser_s_name_is_kept_short_and_on_one_line() {
        let from = Origin { address: String::new(), agent: format!("a\r\n\0{}", "é".repeat(500)) };
        let (id, user) = (SessionId::mint(at(0), [1; 10]), UserId::mint(at(0), [2; 10]));
        let session = Session::begin(id, user, at(0), &from);
        assert_eq!(session.agent, format!("a{}", "é".repeat(199)));
    }
}
