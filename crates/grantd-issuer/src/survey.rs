//! What an operator should look at: how many clients there are, and what about them is worth a look.

use async_trait::async_trait;
use grantd_core::{ClientId, ClientState, CredentialId, Timestamp};

use crate::{fault::StorageFault, registration::LastUse, usage::Outcome};

/// A secret that ends within so many days is worth a look.
const SOON: i64 = 30;
/// So is one that was not used for so many days.
const LONG: i64 = 90;

/// What is worth a look at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many clients are in each state; a state that none has may be missing.
    pub clients: Vec<(ClientState, u64)>,
    /// Secrets of active clients that end within 30 days, the next one first.
    pub ending: Vec<WatchedSecret>,
    /// Living secrets of active clients that nobody used for 90 days, the longest first.
    pub idle: Vec<WatchedSecret>,
    /// What was refused most often in the last 24 hours, by client and outcome; storage may look only
    /// at what stands out in one of these hours.
    pub refused: Vec<RefusedClient>,
}

/// A secret worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedSecret {
    /// Whose it is.
    pub client: ClientId,
    /// What the client is called.
    pub name: String,
    /// Which.
    pub credential: CredentialId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None`: it does not.
    pub expires_at: Option<Timestamp>,
    /// When and from where it was last used.
    pub last_used: Option<LastUse>,
}

/// Refusals worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedClient {
    /// Whose requests were refused.
    pub client: ClientId,
    /// What the client is called.
    pub name: String,
    /// Why.
    pub outcome: Outcome,
    /// How often.
    pub count: u64,
}

impl Survey {
    /// Up to when an end is soon.
    pub fn soon(now: Timestamp) -> Timestamp {
        days(now, SOON)
    }

    /// Since when nobody has used what is idle.
    pub fn long_ago(now: Timestamp) -> Timestamp {
        days(now, -LONG)
    }

    /// Since when refusals are counted.
    pub fn yesterday(now: Timestamp) -> Timestamp {
        days(now, -1)
    }

    /// How many clients are in this state.
    pub fn clients_in(&self, state: ClientState) -> u64 {
        self.clients.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count)
    }
}

fn days(now: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(days * 86_400_000_000))
}

/// What a survey asks of storage.
#[async_trait]
pub trait Surveys: Send + Sync {
    /// What is worth a look at this moment, of each list so many.
    async fn survey(&self, now: Timestamp, limit: u32) -> Result<Survey, StorageFault>;
}
