//! Signing in: attempts that are throttled, passwords that are checked aside, cookies that are given.

mod cookie;
mod passwords;
mod throttle;

use std::{net::IpAddr, sync::Arc, time::Duration};

use grantd_core::{Secret, SecretHasher};
use grantd_issuer::{
    Accounts, Registry, StorageFault,
    accounts::{Opened, Origin},
};

pub(super) use cookie::Cookie;
pub(super) use passwords::{Busy, Passwords};
use throttle::Throttle;

/// What signing in needs.
pub(super) struct SignIn {
    pub(super) accounts: Accounts,
    pub(super) passwords: Passwords,
    pub(super) cookie: Cookie,
    throttle: Throttle,
}

/// How an attempt to sign in ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Somebody is in.
    Opened(Box<Opened>),
    /// Nobody enters by this name and this password.
    Wrong,
    /// Too many attempts: nothing was looked at, and nothing will be before that time is over.
    TooMany(Duration),
    /// Too many people sign in at this moment.
    Busy(Busy),
}

impl SignIn {
    pub(super) fn new(registry: Arc<dyn Registry>, hasher: SecretHasher, issuer: &str) -> Self {
        Self {
            accounts: Accounts::new(registry, hasher),
            passwords: Passwords::default(),
            cookie: Cookie::of(issuer),
            throttle: Throttle::default(),
        }
    }

    /// Tries a name and a password. A name that nobody has takes as long as a wrong password, and is
    /// throttled alike.
    pub(super) async fn attempt(
        &self,
        name: &str,
        password: Secret,
        (address, agent): (IpAddr, String),
    ) -> Result<Attempt, StorageFault> {
        let trial = match self.throttle.begin(name, address) {
            Ok(trial) => trial,
            Err(wait) => return Ok(Attempt::TooMany(wait)),
        };
        let claim = self.accounts.claim(name).await?;
        let proven = match self.passwords.run(move || claim.check(password)).await {
            Ok(proven) => proven,
            Err(busy) => {
                self.throttle.forget(&trial);
                return Ok(Attempt::Busy(busy));
            }
        };
        let Some(proven) = proven else { return Ok(Attempt::Wrong) };
        let from = Origin { address: address.to_string(), agent };
        let Some(opened) = self.accounts.open(proven, &from).await? else {
            return Ok(Attempt::Wrong);
        };
        self.throttle.succeeded(&trial);
        Ok(Attempt::Opened(Box::new(opened)))
    }
}
