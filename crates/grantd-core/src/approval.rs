//! What a user allowed a client: the fact that a code, its refresh tokens and all their access tokens
//! rest on.

use crate::{
    code_challenge::CodeChallenge,
    duration::Ttl,
    id::{ApprovalId, ClientId, UserId},
    permission::Permission,
    time::Timestamp,
};

/// One run through the authorization endpoint that ended with a code (claim `grant`). What the user
/// is remembered to have consented to is another thing, and may have let several of these pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// To whom.
    pub client: ClientId,
    /// By whom.
    pub user: UserId,
    /// The name of the API that all its tokens are for.
    pub api: String,
    /// The permissions, blank-separated: no token of it ever has more.
    pub scope: String,
    /// When.
    pub given_at: Timestamp,
    /// What the code asks of who redeems it.
    pub code: CodeTerms,
    /// Its refresh tokens, if it has any.
    pub refresh: Option<RefreshState>,
    /// Until when it is kept, so that what came of it can be ended; how long its refresh tokens go on is
    /// another question ([`crate::Policy`]).
    pub ends_at: Timestamp,
}

/// What an authorization code asks of who redeems it (RFC 6749 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeTerms {
    /// The redirect URI of the request, where it named one.
    pub redirect_uri: Option<String>,
    /// The PKCE challenge; none only where the client's policy lets it go without.
    pub challenge: Option<CodeChallenge>,
    /// When the code ends; the end itself is outside.
    pub ends_at: Timestamp,
    /// Whether it was presented already.
    pub spent: bool,
}

/// Where a family of refresh tokens stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshState {
    /// The number of the one that works.
    pub number: u32,
    /// Since when.
    pub rotated_at: Timestamp,
}

impl RefreshState {
    /// Whether this member of the family works: the present one, or for a while the one before it,
    /// where the client may send that again. Any other was used already (RFC 9700 section 4.14.2).
    pub fn accepts(self, number: u32, retry: Option<Ttl>, now: Timestamp) -> bool {
        let before = number.checked_add(1) == Some(self.number);
        let again = retry.is_some_and(|window| now < self.rotated_at.after(window));
        number == self.number || (before && again)
    }
}

/// The user behind an approval, as they are at this moment (RFC 6749 section 1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceOwner {
    /// Who.
    pub id: UserId,
    /// Whether they may act.
    pub state: UserState,
    /// Raised whenever tokens on their behalf must die (claim `ugen`).
    pub generation: u64,
    /// Direct permissions and those of their roles, sorted.
    pub permissions: Vec<Permission>,
}

impl ResourceOwner {
    /// Whether they have this permission themselves.
    pub fn can(&self, name: &str) -> bool {
        self.permissions.binary_search_by(|permission| permission.as_str().cmp(name)).is_ok()
    }
}

/// Whether a user may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// They may.
    Active,
    /// They may not sign in, their sessions are over and tokens on their behalf are dead.
    Disabled,
}

impl UserState {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Active, Self::Disabled];

    /// The name in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// A state that no user has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state `{0}`: use active or disabled")]
pub struct UnknownUserState(String);

impl std::str::FromStr for UserState {
    type Err = UnknownUserState;

    fn from_str(text: &str) -> Result<Self, UnknownUserState> {
        let named = Self::ALL.into_iter().find(|state| state.as_str() == text);
        named.ok_or_else(|| UnknownUserState(text.to_owned()))
    }
}

/// An approval and its user, read in one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// What was allowed.
    pub approval: Approval,
    /// By whom.
    pub owner: ResourceOwner,
}

/// For whom a token acts (claims `sub`, `ugen`, `grant`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnBehalf {
    /// The user.
    pub user: UserId,
    /// Their generation at that time.
    pub generation: u64,
    /// The approval that it rests on.
    pub approval: ApprovalId,
}
