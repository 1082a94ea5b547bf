//! Hop 4 with its limits: how often a client may ask, and how often anybody may fail in its name. Both are
//! decided before any hash of a secret is made.

use std::{sync::Arc, time::Duration};

use grantd_core::{
    Authenticated, ClientKind, Credentials, ErrorCode, Raw, Refusal, Refused, Timestamp,
    authenticate,
};

use crate::{
    client_cache::Known,
    fault::TokenError,
    issuer::{Issuer, refused},
    throttle::{Attempt, Mark},
};

impl Issuer {
    /// The client, proved by these credentials; or why not, and when to come again.
    pub(crate) fn admit(
        &self,
        raw: &Raw<'_>,
        credentials: &Credentials<'_>,
        known: Option<&Known>,
        now: Timestamp,
    ) -> Result<Authenticated, TokenError> {
        let client = known.map(|known| &*known.client);
        let later = |why: Refusal, wait: Duration| {
            let refused = Refused::new(why, raw.authorization, client.map(|client| &client.id));
            TokenError::Refused(refused.until(wait))
        };
        if let Some(wait) = known.and_then(|known| known.pace.wait(self.client_rate?, now)) {
            return Err(later(Refusal::ClientTooOften, wait));
        }
        let mark = self.mark(raw, credentials, known);
        let attempt = || self.attempt(raw, credentials, known);
        if self.throttle.is_awake(now)
            && !self.throttle.marks.have(mark)
            && let Some(wait) = attempt().and_then(|attempt| self.throttle.wait(&attempt, now))
        {
            return Err(later(Refusal::AuthenticationThrottled, wait));
        }
        match authenticate(
            credentials,
            known.map(|known| Arc::clone(&known.client)),
            &self.hasher,
            now,
        ) {
            Ok(proven) => {
                if let Some(known) = known.filter(|_| proven.credential().is_some()) {
                    self.throttle.marks.note(mark);
                    self.count_request(known, now);
                }
                Ok(proven)
            }
            Err(why) => {
                if why.code() == ErrorCode::InvalidClient {
                    self.throttle.marks.forget(mark);
                    attempt().inspect(|attempt| self.throttle.failed(attempt, now));
                }
                Err(refused(why, raw, client))
            }
        }
    }

    /// Counts a request against what its client may ask: once the client has proved itself, or, of a public
    /// one, been served. Anybody can name a client, and must not use anything up for it.
    pub(crate) fn count_request(&self, known: &Known, now: Timestamp) {
        if let Some(rate) = self.client_rate {
            known.pace.take(rate, now);
        }
    }

    /// What is presented, and from where; of nothing where the host does not say where requests come from.
    fn mark(&self, raw: &Raw<'_>, credentials: &Credentials<'_>, known: Option<&Known>) -> Mark {
        let id = name(credentials, known);
        let mark = id.zip(raw.from).map(|(id, from)| self.throttle.mark(id, credentials, from));
        mark.unwrap_or_default()
    }

    /// What can be slowed down: not the name of a public client, which proves nothing, and nothing where
    /// the host does not say where requests come from.
    fn attempt(
        &self,
        raw: &Raw<'_>,
        credentials: &Credentials<'_>,
        known: Option<&Known>,
    ) -> Option<Attempt> {
        let name_only = matches!(credentials, Credentials::IdOnly { .. });
        if name_only && known.is_some_and(|known| known.client.kind == ClientKind::Public) {
            return None;
        }
        Some(self.throttle.attempt(name(credentials, known)?, raw.from?))
    }
}

/// The client's id, or the one that is presented where nobody has it.
fn name<'a>(credentials: &'a Credentials<'_>, known: Option<&'a Known>) -> Option<&'a str> {
    let id = known.map(|known| known.client.id.as_str());
    id.or_else(|| credentials.client_ids().next())
}
