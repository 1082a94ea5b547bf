//! What acting for users asks of storage: approvals, what users are remembered to have consented to.

use async_trait::async_trait;
use grantd_core::{
    Approval, ApprovalId, Approved, ClientId, Permission, SecretHash, Timestamp, Ttl, UserId,
    scope_names,
};
use serde_json::{Value, json};

use crate::{admin::Stamp, fault::StorageFault, registration::sorted, registration_json::ToJson};

/// What a user consented a client to have, over all times they were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub user: UserId,
    /// To whom.
    pub client: ClientId,
    /// Which permissions, sorted.
    pub permissions: Vec<Permission>,
    /// When they were first asked.
    pub given_at: Timestamp,
    /// When the client last got a token on their behalf; `None`: never.
    pub used_at: Option<Timestamp>,
}

impl Consent {
    /// How many clients a list of a user's consents shows at most.
    pub const MOST: u32 = 500;

    /// What is remembered once the user was asked and said yes to this approval, too.
    #[must_use]
    pub fn after(before: Option<&Self>, approval: &Approval, now: Timestamp) -> Self {
        let named = scope_names(&approval.scope).filter_map(|name| name.parse().ok());
        let known = before.iter().flat_map(|consent| consent.permissions.iter().cloned());
        Self {
            user: approval.user,
            client: approval.client.clone(),
            permissions: sorted(known.chain(named).collect()),
            given_at: before.map_or(now, |consent| consent.given_at),
            used_at: before.and_then(|consent| consent.used_at),
        }
    }
}

impl Consent {
    /// Whether it has all these permissions, blank-separated.
    pub fn covers(&self, scope: &str) -> bool {
        let has = |name: &str| self.permissions.iter().any(|known| known.as_str() == name);
        scope_names(scope).all(has)
    }
}

impl ToJson for Consent {
    fn to_json(&self) -> Value {
        let permissions: Vec<_> = self.permissions.iter().map(Permission::as_str).collect();
        json!({ "user_id": self.user.to_string(), "permissions": permissions })
    }
}

/// An approval to be, with what it was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// What is allowed.
    pub approval: Approval,
    /// The hash of its code.
    pub code: SecretHash,
    /// The generation that the client must still have.
    pub client_generation: u64,
    /// The generation that the user must still have.
    pub user_generation: u64,
    /// Where the user was asked just now: by whom and when their consent is remembered. `None`: it is
    /// remembered already, and must still be.
    pub asked: Option<Stamp>,
}

/// What becomes of an approval whose code was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeem {
    /// When.
    pub at: Timestamp,
    /// The hash of the family of refresh tokens that it begins; `None`: it gets none.
    pub family: Option<SecretHash>,
    /// Until when the approval is kept at least.
    pub ends_at: Timestamp,
}

/// What came of presenting a code, or a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// It was good. The number of the refresh token that works now; 0 where there is none.
    Good(u32),
    /// It was presented before: the approval is ended, and its tokens are dead.
    Again,
    /// The approval was ended before.
    Gone,
}

/// A refresh token that is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// Its number.
    pub number: u32,
    /// How long the one before the present one may be sent again.
    pub retry: Option<Ttl>,
    /// When.
    pub at: Timestamp,
    /// Until when the approval is kept at least.
    pub ends_at: Timestamp,
    /// The hash of its family under this server key.
    pub family: SecretHash,
}

/// Approvals, and the consent that is remembered. Every call is one transaction, on disk when it
/// returns, and nothing is cached.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Keeps an approval, if client and user are active and as they were when it was decided on, and
    /// the consent that nobody asked for again is still there. `false`: something changed. A consent
    /// that is new or grows is in the audit log.
    async fn approve(&self, new: &NewApproval) -> Result<bool, StorageFault>;

    /// The approval of a code, spent or not, with its user as they are now; `None`: no such code.
    async fn approval_of_code(&self, code: &SecretHash) -> Result<Option<Approved>, StorageFault>;

    /// Spends a code, once: of many who present it at a time one is told [`Presented::Good`], and any
    /// other ends the approval, which the audit log tells.
    async fn redeem(&self, id: ApprovalId, redeem: &Redeem) -> Result<Presented, StorageFault>;

    /// Forgets an approval whose code was refused, unless the code was redeemed meanwhile.
    async fn discard(&self, id: ApprovalId) -> Result<(), StorageFault>;

    /// The approval of a family of refresh tokens, by the hash of the family under this server key or
    /// the one before, with its user as they are now.
    async fn approval_of_family(
        &self,
        family: &[Option<SecretHash>; 2],
    ) -> Result<Option<Approved>, StorageFault>;

    /// Makes the next refresh token the one that works, where the one presented still may be; where it
    /// may not ([`grantd_core::RefreshState::accepts`]), the approval ends, which the audit log tells.
    async fn rotate(&self, id: ApprovalId, rotate: &Rotate) -> Result<Presented, StorageFault>;

    /// Ends an approval: its code and refresh tokens work no more, and its tokens are dead.
    async fn end_approval(&self, id: ApprovalId, now: Timestamp) -> Result<(), StorageFault>;

    /// What a user consented a client to have; `None`: they were never asked, or took it back.
    async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StorageFault>;

    /// What a user consented to, the client last used first; [`Consent::MOST`] at most.
    async fn consents(&self, user: UserId) -> Result<Vec<Consent>, StorageFault>;

    /// Takes a consent back: all approvals that the user gave the client end. `false`: there was neither.
    async fn disconnect(
        &self,
        user: UserId,
        client: &ClientId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault>;

    /// Forgets approvals that have ended by themselves.
    async fn forget_approvals(&self, now: Timestamp) -> Result<(), StorageFault>;
}

/// How many approvals of which tokens came a user has with a client: a further one ends the oldest.
pub const MOST_APPROVALS: u32 = 100;

/// How many codes that nobody has redeemed yet: a further one makes the oldest worthless, and ends
/// nothing that works.
pub const MOST_CODES: u32 = 10;
