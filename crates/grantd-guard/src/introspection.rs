//! Opaque tokens: the issuer is asked (RFC 7662), and its answer believed for a moment.

mod endpoint;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use grantd_core::TokenSealer;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    GuardRefusal, Principal,
    claims::Claims,
    clock,
    fingerprint::{Fingerprint, fingerprint},
    rules::Rules,
};

pub(crate) use endpoint::Endpoint;

/// The most tokens whose answer is kept. One that is used pushes out one that was not, so that a
/// flood of invented tokens displaces none in use.
const MAX_TOKENS: usize = 10_000;
/// The most questions that are open at a time.
const MAX_QUESTIONS: usize = 64;
/// How long nobody asks after the issuer gave no answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How much shorter a "no" is kept than a "yes".
const SHORTER: u32 = 5;

/// Whether answers of before count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// They do, for their time.
    Used,
    /// The issuer is asked anew.
    Unused,
}

/// Asks the issuer about opaque tokens.
pub(crate) struct Introspection {
    endpoint: Endpoint,
    ttl: Duration,
    verdicts: Cache<Fingerprint, Verdict>,
    questions: Semaphore,
    silent_until: Mutex<Option<Instant>>,
}

/// What the issuer said of a token.
#[derive(Clone)]
struct Verdict {
    outcome: Result<Principal, GuardRefusal>,
    until: Instant,
}

impl Introspection {
    /// Answers are believed for `ttl`, and never beyond the token's end.
    pub(crate) fn new(endpoint: Endpoint, ttl: Duration) -> Self {
        let (verdicts, questions) = (Cache::new(MAX_TOKENS), Semaphore::new(MAX_QUESTIONS));
        Self { endpoint, ttl, verdicts, questions, silent_until: Mutex::new(None) }
    }

    /// Who sent this token. Of many who bring the same one, one asks and the others wait.
    pub(crate) async fn verify(
        &self,
        token: &str,
        rules: &Arc<Rules>,
        memory: Memory,
    ) -> Result<Principal, GuardRefusal> {
        // Whatever has not even the look of a token costs the issuer nothing.
        if token.len() > TokenSealer::MAX_LENGTH {
            return Err(GuardRefusal::TokenTooLong);
        }
        if !TokenSealer::has_look(token) {
            return Err(GuardRefusal::TokenMalformed);
        }
        if memory == Memory::Unused || self.ttl.is_zero() {
            return self.ask(token, rules).await?.outcome;
        }
        let fingerprint = fingerprint(token);
        if let Some(verdict) = self.verdicts.get(&fingerprint).filter(Verdict::is_fresh) {
            return verdict.counted();
        }
        let known = self.verdicts.entry_async(&fingerprint, |_, verdict| {
            if verdict.is_fresh() {
                EntryAction::Retain(verdict.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        let place = match known.await {
            EntryResult::Retained(verdict) => return verdict.counted(),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => place,
            // Neither is asked for above.
            EntryResult::Removed(..) | EntryResult::Timeout => {
                return Err(GuardRefusal::IntrospectionUnavailable);
            }
        };
        // Without an answer the place is given up, and the next in line finds the issuer silent.
        let verdict = self.ask(token, rules).await?;
        // It fails only where the place was taken meanwhile; the answer is as good.
        let _ = place.insert(verdict.clone());
        verdict.outcome
    }

    /// The issuer's answer, if there is one in time.
    async fn ask(&self, token: &str, rules: &Arc<Rules>) -> Result<Verdict, GuardRefusal> {
        let asked = clock::tick();
        if self.silence().is_some_and(|until| asked < until) {
            return Err(GuardRefusal::IntrospectionUnavailable);
        }
        let question = async {
            // Nobody closes it.
            let _slot = self.questions.acquire().await.ok();
            self.endpoint.ask(token).await
        };
        let answer = self.endpoint.in_time(question).await.map_err(|error| {
            tracing::error!(%error, "an opaque token cannot be introspected");
            if !error.is_about_the_token() {
                *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(clock::tick() + PAUSE);
            }
            GuardRefusal::IntrospectionUnavailable
        })?;
        let outcome = match answer {
            Some(facts) => {
                Claims::parse(&facts).and_then(|claims| rules.believe(claims, clock::now()))
            }
            None => Err(GuardRefusal::TokenInactive),
        };
        // Counted from the question: what died while the answer was on its way died after it.
        let ttl = if outcome.is_ok() { self.ttl } else { self.ttl / SHORTER };
        Ok(Verdict { outcome, until: asked + ttl })
    }

    fn silence(&self) -> Option<Instant> {
        *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verdict {
    fn is_fresh(&self) -> bool {
        clock::tick() < self.until
    }

    /// What it says now: no token is good beyond its end.
    fn counted(self) -> Result<Principal, GuardRefusal> {
        match self.outcome {
            Ok(principal) if principal.expires_at() <= clock::now() => Err(GuardRefusal::Expired),
            outcome => outcome,
        }
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("endpoint", &self.endpoint)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
