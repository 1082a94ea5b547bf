//! JWTs: good by a key of the issuer and by their claims (RFC 9068 section 4).

use std::sync::Arc;

use grantd_core::jose::UnverifiedJws;

use crate::{
    GuardRefusal, clock,
    fingerprint::fingerprint,
    key_cache::KeyCache,
    key_ring::KeyRing,
    rules::{Rules, key_named_by},
    seen::{Seal, Seen},
};

/// The issuer's keys, and the tokens that they verified lately.
#[derive(Debug)]
pub(crate) struct Jwts {
    keys: Arc<KeyCache>,
    seen: Seen,
}

impl Jwts {
    /// With room for so many verified tokens.
    pub(crate) fn new(keys: Arc<KeyCache>, remembered: usize) -> Self {
        Self { keys, seen: Seen::with_room(remembered) }
    }

    /// Who sent this token and by which key, revocation aside.
    pub(crate) async fn verify(
        &self,
        token: &str,
        rules: &Arc<Rules>,
    ) -> Result<Seal, GuardRefusal> {
        // What is too long is refused below, and not hashed before.
        let mark = (self.seen.is_kept() && token.len() <= UnverifiedJws::MAX_LENGTH)
            .then(|| fingerprint(token));
        if let Some(mark) = &mark
            && !self.keys.is_stale()
            && let Some(known) = self.seen.recall(mark, self.keys.ring().edition(), clock::now())
        {
            return known;
        }
        let seal = self.verify_anew(token, rules).await?;
        if let Some(mark) = mark {
            self.seen.note(mark, seal.clone());
        }
        Ok(seal)
    }

    async fn verify_anew(&self, token: &str, rules: &Arc<Rules>) -> Result<Seal, GuardRefusal> {
        if self.keys.is_stale() {
            // What is no access token provokes no fetch.
            key_named_by(UnverifiedJws::parse(token)?.header())?;
        } else if let Some(seal) = judge(&self.keys.ring(), token, rules)? {
            return Ok(seal);
        }
        self.keys.refetch().await;
        if self.keys.is_stale() {
            return Err(GuardRefusal::KeysStale);
        }
        let ring = self.keys.ring();
        match judge(&ring, token, rules)? {
            Some(seal) => Ok(seal),
            None if ring.is_empty() => Err(GuardRefusal::KeysUnavailable),
            None => Err(GuardRefusal::KeyUnknown),
        }
    }
}

/// Who sent a token; `None` where the key that it names is not there.
fn judge(ring: &KeyRing, token: &str, rules: &Arc<Rules>) -> Result<Option<Seal>, GuardRefusal> {
    let jws = UnverifiedJws::parse_beside(token, ring.headers())?;
    let kid = key_named_by(jws.header())?;
    let Some(key) = ring.find(kid) else { return Ok(None) };
    let principal = rules.accept(&jws, &key.public, clock::now())?;
    key.header.get_or_init(|| jws.known_header());
    Ok(Some(Seal { principal, kid: kid.into(), edition: ring.edition() }))
}
