//! The revocation feed: who reads it, and what a page of it says.

use grantd_core::{
    Client, ClientId, CredentialId, FeedProof, PresentedToken, Raw, Refusal, Timestamp, admit_feed,
    admit_feed_token,
};
use serde::Serialize;

use crate::{
    change_log::ChangeEntry,
    fault::{Fault, StorageFault, TokenError},
    issuer::{Issuer, refused},
    storage::Registry,
};

/// How many entries a page has at most.
const PAGE: u32 = 1000;

/// A place in the feed of one database, as text `EPOCH.SEQ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Tells one database's cursors from another's.
    pub epoch: u64,
    /// The last change before this place.
    pub seq: u64,
}

impl Cursor {
    /// Reads a cursor's text.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = text.split_once('.')?;
        let number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        };
        Some(Self { epoch: number(epoch)?, seq: number(seq)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// A page of the feed.
#[derive(Debug, Serialize)]
pub struct FeedPage {
    /// Whose feed it is.
    pub issuer: String,
    /// Where the next page begins.
    pub cursor: String,
    /// What dies, oldest change first.
    pub entries: Vec<FeedEntry>,
}

/// One entry: every token that it matches is dead.
#[derive(Debug, Serialize)]
pub struct FeedEntry {
    /// The number of the change.
    pub seq: u64,
    /// `client`, `user`, `credential`, `token`, `grant` or `key`.
    pub kind: String,
    /// Whose tokens, or which.
    pub id: String,
    /// Of a client or user: tokens below it are dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Seconds since the epoch from which on it may be forgotten.
    pub until: i64,
}

impl FeedEntry {
    /// The entry for a change, if any token dies of it.
    fn of(entry: ChangeEntry) -> Option<Self> {
        let until = entry.until?.seconds().saturating_add(1);
        let ChangeEntry { seq, kind, id, generation, .. } = entry;
        Some(Self { seq, kind, id, generation, until })
    }
}

/// Who was let in to the feed, and by what: it may end before the reader does.
#[derive(Debug)]
pub struct FeedReader(Proven);

#[derive(Debug)]
enum Proven {
    Secret(ClientId, CredentialId),
    Token(Box<PresentedToken>),
}

impl Issuer {
    /// Whether this request may read the feed: a resource server, by HTTP Basic or by an access token
    /// of its own for this server itself (RFC 6750 section 2.1).
    pub async fn admit_to_feed(&self, raw: &Raw<'_>) -> Result<FeedReader, TokenError> {
        let now = self.clock().now();
        let proof = FeedProof::parse(raw.authorization).map_err(|why| refused(why, raw, None))?;
        let credentials = match proof {
            FeedProof::Secret(credentials) => credentials,
            FeedProof::Token(token) => {
                let dead = || refused(Refusal::FeedTokenDead, raw, None);
                let token = self.read(token).ok_or_else(dead)?;
                let client = self.clients.client(&token.client).await?;
                self.check_token(&token, client.as_deref(), now)
                    .await?
                    .map_err(|why| refused(why, raw, client.as_deref()))?;
                return Ok(FeedReader(Proven::Token(Box::new(token))));
            }
        };
        let client = self.clients.find(&credentials).await?;
        let known = client.as_deref();
        let caller = self.admit(raw, &credentials, known, now)?;
        let known = known.map(|known| &*known.client);
        admit_feed(caller.client()).map_err(|why| refused(why, raw, known))?;
        let credential = caller.credential();
        let credential = credential.ok_or_else(|| refused(Refusal::FeedNotAllowed, raw, known))?;
        Ok(FeedReader(Proven::Secret(caller.client().id.clone(), credential)))
    }

    /// Whether a reader may still read, as things are now: it serves an API, and its secret or its
    /// token is alive. A stream asks before each of its events.
    pub async fn still_admits(&self, reader: &FeedReader) -> Result<bool, Fault> {
        let now = self.clock().now();
        match &reader.0 {
            Proven::Secret(client, credential) => {
                let client = self.clients.client(client.as_str()).await?;
                Ok(client.is_some_and(|client| {
                    let mut proofs = client.credentials.iter();
                    let proof = proofs.find(|proof| proof.id == *credential);
                    proof.is_some_and(|proof| proof.is_live(now)) && admit_feed(&client).is_ok()
                }))
            }
            Proven::Token(token) => {
                let client = self.clients.client(&token.client).await?;
                Ok(self.check_token(token, client.as_deref(), now).await?.is_ok())
            }
        }
    }

    /// The token by storage, the client by the cache.
    async fn check_token(
        &self,
        token: &PresentedToken,
        client: Option<&Client>,
        now: Timestamp,
    ) -> Result<Result<(), Refusal>, Fault> {
        let standing = self.tokens()?.standing(&token.names()).await?;
        let Some(client) = client else { return Ok(Err(Refusal::FeedTokenDead)) };
        let admitted = admit_feed_token(token, &standing, self.identifier(), now);
        Ok(admitted.and_then(|()| admit_feed(client)))
    }

    /// The page behind a cursor, or the first of the whole list; `None`: the cursor is not of this
    /// feed, and the reader must start over.
    pub async fn feed_page(
        &self,
        registry: &dyn Registry,
        after: Option<Cursor>,
    ) -> Result<Option<FeedPage>, StorageFault> {
        let epoch = registry.epoch().await?;
        let head = registry.revision().await?;
        if after.is_some_and(|after| after.epoch != epoch || after.seq > head) {
            return Ok(None);
        }
        let after = after.map_or(0, |after| after.seq);
        let changes = registry.changes(after, PAGE).await?.unwrap_or_default();
        // An empty page leaves the reader at the head it has seen.
        let seq = changes.last().map_or(after.max(head), |last| last.seq);
        let entries = changes.into_iter().filter_map(FeedEntry::of).collect();
        let cursor = Cursor { epoch, seq }.to_string();
        Ok(Some(FeedPage { issuer: self.identifier().to_owned(), cursor, entries }))
    }
}
