//! Signing in and out: who a name and password are, and who a session cookie is.

mod passkeys;

use std::{net::IpAddr, sync::Arc};

use grantd_core::{Secret, SecretHash, SecretHasher, SessionId, Timestamp, UserId, UserState};

pub use crate::session::Origin;
use crate::{
    admin::{Admin, Stamp},
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy, draw},
    fault::StorageFault,
    password::{HashingFailed, Password, PasswordHash},
    registration_json::hexadecimal,
    session::{Session, SignedIn},
    storage::Registry,
    user::{User, UserName},
    user_change::Ended,
};

/// A session's last use is written when it is this much later than the one that is known.
const SEEN_EVERY: i64 = 60_000_000;

/// The accounts of people on a storage.
pub struct Accounts {
    registry: Arc<dyn Registry>,
    hasher: SecretHasher,
    clock: Box<dyn Clock>,
    entropy: Box<dyn Entropy>,
}

/// Who a name claims to be, and what the password must match. Where nobody may enter by the name it
/// looks just the same, and costs the same to check.
#[derive(Debug)]
pub struct Claim {
    user: Option<User>,
    hash: PasswordHash,
    salt: [u8; 16],
}

/// A user whose password was right. Only [`Claim::check`] makes one.
#[derive(Debug)]
pub struct Proven {
    user: User,
    /// The hash that matched.
    matched: PasswordHash,
    /// The one to keep instead, where today's parameters are others.
    fresh: Option<PasswordHash>,
}

impl Claim {
    /// Whose name it is, for the log alone: who asks must not be told.
    pub fn user(&self) -> Option<UserId> {
        self.user.as_ref().map(|user| user.id)
    }

    /// Compares the password. Slow by intent ([`PasswordHash::of`]): not for a thread that others
    /// wait for. `None`: nobody enters by this name and this password.
    pub fn check(self, typed: Secret) -> Option<Proven> {
        let right = self.hash.matches(&typed);
        let user = self.user.filter(|_| right)?;
        let fresh = if self.hash.is_outdated() { Password::choose(typed).ok() } else { None };
        // A failure to hash anew costs nothing: the next sign-in tries again.
        let fresh = fresh.and_then(|password| PasswordHash::of(&password, self.salt).ok());
        Some(Proven { user, matched: self.hash, fresh })
    }
}

impl Proven {
    /// Whose password it was.
    pub fn user(&self) -> UserId {
        self.user.id
    }

    /// What the password was compared with.
    pub(crate) fn matched(&self) -> &PasswordHash {
        &self.matched
    }
}

/// A session just begun.
#[derive(Debug)]
pub struct Opened {
    /// What the cookie says: 256 random bits, of which only a keyed hash is kept.
    pub secret: Secret,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

impl Accounts {
    /// The accounts on this registry; `hasher` is [`grantd_core::SecretKey::session_hasher`].
    pub fn new(registry: Arc<dyn Registry>, hasher: SecretHasher) -> Self {
        let (clock, entropy) = (Box::new(SystemClock), Box::new(SystemEntropy));
        Self { registry, hasher, clock, entropy }
    }

    /// Another clock than the machine's, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// What a name claims, for a check of the password.
    pub async fn claim(&self, name: &str) -> Result<Claim, StorageFault> {
        let found = match name.parse::<UserName>() {
            Ok(name) => self.registry.user_named(&name).await?,
            Err(_) => None,
        };
        let (user, hash) =
            found.map_or((None, None), |record| (Some(record.user), record.password));
        let user = user.filter(|user| user.state == UserState::Active && hash.is_some());
        let hash = hash.unwrap_or_else(PasswordHash::nobody);
        Ok(Claim { user, hash, salt: draw(&*self.entropy) })
    }

    /// Begins a session. `None`: the user was changed since, so that the proof is none any more.
    pub async fn open(
        &self,
        proven: Proven,
        from: &Origin,
    ) -> Result<Option<Opened>, StorageFault> {
        let user = proven.user;
        if let Some(fresh) = &proven.fresh {
            self.registry.rehash(user.id, &proven.matched, fresh).await?;
        }
        let (secret, session, proof) = self.begin(user.id, from);
        let opened = self.registry.open_session(&session, &proof, user.version).await?;
        Ok(opened.then_some(Opened { secret, session, user }))
    }

    /// A session to be, what its cookie will say, and what is kept of that.
    fn begin(&self, user: UserId, from: &Origin) -> (Secret, Session, SecretHash) {
        let (now, secret) = (self.clock.now(), hexadecimal(&draw::<32>(&*self.entropy)));
        let id = SessionId::mint(now, draw(&*self.entropy));
        let proof = self.hasher.hash(&secret);
        (Secret::new(secret), Session::begin(id, user, now, from), proof)
    }

    /// Who a session cookie's secret proves, as the database says at this moment.
    pub async fn signed_in(&self, secret: &str) -> Result<Option<SignedIn>, StorageFault> {
        let now = self.clock.now();
        // What cannot be one of ours is nobody's, and never reaches the database.
        if secret.len() != 64 || !secret.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let found = self.registry.signed_in(&self.hasher.hash(secret), now).await?;
        if let Some(found) = &found {
            self.note_seen(&found.session, now).await?;
        }
        Ok(found)
    }

    /// Once a minute, not at every request.
    async fn note_seen(&self, session: &Session, now: Timestamp) -> Result<(), StorageFault> {
        if now.micros().saturating_sub(session.seen_at.micros()) < SEEN_EVERY {
            return Ok(());
        }
        self.registry.session_seen(session.id, now).await
    }

    /// The live sessions of a user, the last used first.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StorageFault> {
        self.registry.sessions(user, self.clock.now()).await
    }

    /// Ends one session of somebody's own; `false`: they have no such session.
    pub async fn end_session(
        &self,
        who: &SignedIn,
        id: SessionId,
        from: Option<IpAddr>,
    ) -> Result<bool, StorageFault> {
        self.registry.end_session(who.user.id, id, &self.stamp(who, from)).await
    }

    /// Ends all sessions of somebody but the one they are here by.
    pub async fn end_other_sessions(
        &self,
        who: &SignedIn,
        from: Option<IpAddr>,
    ) -> Result<(), StorageFault> {
        let others = Ended::AllBut(who.session.id);
        self.registry.end_sessions(who.user.id, others, &self.stamp(who, from)).await
    }

    fn stamp(&self, who: &SignedIn, from: Option<IpAddr>) -> Stamp {
        Stamp::of(&Admin::user(&who.user.id.to_string(), from), self.clock.now())
    }
}

/// Hashes a password with fresh randomness. Slow by intent, as [`PasswordHash::of`].
pub fn hash_password(password: &Password) -> Result<PasswordHash, HashingFailed> {
    PasswordHash::of(password, draw(&SystemEntropy))
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}
