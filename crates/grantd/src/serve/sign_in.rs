//! Signing in: attempts that are throttled, passwords that are checked aside, cookies that are given.

mod cookie;
mod passkeys;
mod passwords;
mod question;
mod relying_party;
mod throttle;

use std::{net::IpAddr, sync::Arc, time::Duration};

use grantd_core::{Secret, UserId};
use grantd_issuer::{
    Accounts, Issuer, Registry, SignedIn, StorageFault,
    accounts::{Opened, Origin, Proven},
};

pub(super) use cookie::Cookie;
pub(super) use passwords::{Busy, Passwords};
use question::Questions;
use relying_party::RelyingParty;
use throttle::Throttle;

/// What signing in needs.
pub(super) struct SignIn {
    pub(super) accounts: Accounts,
    pub(super) passwords: Passwords,
    pub(super) cookie: Cookie,
    /// `None`: no passkeys here.
    party: Option<RelyingParty>,
    questions: Questions,
    throttle: Throttle,
}

/// Why an attempt did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody enters by this name and this password; whose name it is, for the log alone.
    Wrong(Option<UserId>),
    /// Too many attempts: nothing was looked at, and nothing will be before that time is over.
    TooMany(Duration),
    /// Too many people sign in at this moment.
    Busy,
    /// The question was asked too long ago, or for something else, or its answer counted already.
    Stale,
}

impl Refused {
    /// As the log names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wrong(_) => "password-wrong",
            Self::TooMany(_) => "too-many-attempts",
            Self::Busy => "busy",
            Self::Stale => "question-stale",
        }
    }

    /// Whose account it was, where that is known.
    pub(super) const fn user(self) -> Option<UserId> {
        match self {
            Self::Wrong(user) => user,
            Self::TooMany(_) | Self::Busy | Self::Stale => None,
        }
    }
}

/// Who tries, as far as a server knows.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    /// What the browser calls itself.
    pub(super) agent: String,
}

impl SignIn {
    pub(super) fn new(registry: Arc<dyn Registry>, issuer: &Issuer) -> Self {
        Self {
            accounts: Accounts::new(registry, issuer.session_hasher().clone()),
            passwords: Passwords::default(),
            cookie: Cookie::of(issuer.identifier()),
            party: RelyingParty::of(issuer.identifier()),
            questions: Questions::new(issuer.passkey_hasher().clone()),
            throttle: Throttle::default(),
        }
    }

    /// Signs somebody in. A name that nobody has takes as long as a wrong password, and is throttled
    /// alike.
    pub(super) async fn attempt(
        &self,
        name: &str,
        password: Secret,
        from: Caller,
    ) -> Result<Result<Opened, Refused>, StorageFault> {
        let origin = Origin { address: from.address.to_string(), agent: from.agent };
        let proven = match self.prove(name, password, from.address).await? {
            Ok(proven) => proven,
            Err(refused) => return Ok(Err(refused)),
        };
        let user = proven.user();
        Ok(self.accounts.open(proven, &origin).await?.ok_or(Refused::Wrong(Some(user))))
    }

    /// Whether somebody who is signed in knows their password, throttled like a sign-in: a browser
    /// left open is no licence to guess.
    pub(super) async fn confirm(
        &self,
        who: &SignedIn,
        password: Secret,
        address: IpAddr,
    ) -> Result<Result<Proven, Refused>, StorageFault> {
        let proven = self.prove(who.user.name.as_str(), password, address).await?;
        // The name may have become another's since.
        Ok(proven.and_then(|proven| {
            let own = proven.user() == who.user.id;
            own.then_some(proven).ok_or(Refused::Wrong(Some(who.user.id)))
        }))
    }

    async fn prove(
        &self,
        name: &str,
        password: Secret,
        address: IpAddr,
    ) -> Result<Result<Proven, Refused>, StorageFault> {
        let trial = match self.throttle.begin(name, address) {
            Ok(trial) => trial,
            Err(wait) => return Ok(Err(Refused::TooMany(wait))),
        };
        // Nothing was judged where storage failed: that is no attempt.
        let claim =
            self.accounts.claim(name).await.inspect_err(|_| self.throttle.forget(&trial))?;
        let user = claim.user();
        match self.passwords.run(move || claim.check(password)).await {
            Ok(Some(proven)) => {
                self.throttle.succeeded(&trial);
                Ok(Ok(proven))
            }
            Ok(None) => Ok(Err(Refused::Wrong(user))),
            Err(Busy) => {
                self.throttle.forget(&trial);
                Ok(Err(Refused::Busy))
            }
        }
    }
}
