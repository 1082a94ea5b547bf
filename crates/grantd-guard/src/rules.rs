//! The rules an access token must meet here (RFC 9068 section 4, RFC 8725 section 3): pure functions.

use std::sync::Arc;

use grantd_core::{
    Algorithm, PublicKey, Timestamp,
    jose::{JoseHeader, UnverifiedJws},
};

use crate::{GuardRefusal, Principal, claims::Claims, principal::OnBehalf};

/// What this resource server expects of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// Seconds that `nbf` and `iat` may lie ahead.
    pub(crate) leeway: i64,
}

/// The key that a header names, if the header is an access token's at all (RFC 9068 section 4).
pub(crate) fn key_named_by(header: &JoseHeader) -> Result<&str, GuardRefusal> {
    let typ = header.typ.as_deref().unwrap_or_default();
    if !typ.eq_ignore_ascii_case("at+jwt") && !typ.eq_ignore_ascii_case("application/at+jwt") {
        return Err(GuardRefusal::TypeWrong);
    }
    // Before any key is looked for, so that `none` and HMAC provoke no fetch.
    if !Algorithm::ALL.iter().any(|algorithm| algorithm.as_str() == header.alg) {
        return Err(GuardRefusal::AlgorithmWrong);
    }
    header.kid.as_deref().ok_or(GuardRefusal::KeyNotNamed)
}

impl Rules {
    /// Verifies the signature, then the claims.
    pub(crate) fn accept(
        self: &Arc<Self>,
        jws: &UnverifiedJws<'_>,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Principal, GuardRefusal> {
        if jws.header().alg != key.algorithm().as_str() {
            return Err(GuardRefusal::AlgorithmWrong);
        }
        let payload = jws.verify(key)?;
        self.believe(Claims::parse(&payload)?, now)
    }

    /// Measures claims that are the issuer's own words, by a signature or by its own answer.
    pub(crate) fn believe(
        self: &Arc<Self>,
        claims: Claims<'_>,
        now: Timestamp,
    ) -> Result<Principal, GuardRefusal> {
        claims.check_names()?;
        self.check_whence_and_when(&claims, now)?;
        let on_behalf = on_behalf(&claims)?;
        Ok(Principal::new(claims, on_behalf, Arc::clone(self)))
    }

    /// `iss`, `aud`, `exp`, `nbf` and `iat`. `exp` is exclusive and has no leeway (RFC 7519 section 4.1.4).
    fn check_whence_and_when(
        &self,
        claims: &Claims<'_>,
        now: Timestamp,
    ) -> Result<(), GuardRefusal> {
        let now = now.seconds();
        let latest = now.saturating_add(self.leeway);
        if claims.iss != self.issuer {
            return Err(GuardRefusal::IssuerWrong);
        }
        if !claims.aud.contains(&self.audience) {
            return Err(GuardRefusal::AudienceWrong);
        }
        if claims.exp <= now {
            return Err(GuardRefusal::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(GuardRefusal::NotYetValid);
        }
        if claims.iat.is_some_and(|iat| iat > latest) {
            return Err(GuardRefusal::IssuedInFuture);
        }
        Ok(())
    }
}

/// For whom the token was issued: a user, or nobody but its client.
///
/// A client's token names the client as its subject, a user's never does: a client whose id equals a
/// user's can pass for that user neither way (RFC 9700 section 4.15). And only a user's has what it dies
/// with when the user loses something or takes the approval back.
fn on_behalf(claims: &Claims<'_>) -> Result<Option<OnBehalf>, GuardRefusal> {
    let names_client = claims.sub == claims.client_id;
    match (&*claims.gty, names_client, claims.ugen, claims.grant.as_deref()) {
        ("client_credentials", true, None, None) => Ok(None),
        ("authorization_code", false, Some(generation), Some(approval)) if !approval.is_empty() => {
            let (user, approval) = (claims.sub.clone(), approval.to_owned());
            Ok(Some(OnBehalf { user, generation, approval }))
        }
        ("client_credentials", true, ..) | ("authorization_code", false, ..) => {
            Err(GuardRefusal::UserClaimsWrong)
        }
        ("client_credentials" | "authorization_code", ..) => Err(GuardRefusal::SubjectWrong),
        _ => Err(GuardRefusal::GrantTypeUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(changes: &str, now: i64) -> Result<(), GuardRefusal> {
        let rules = Rules { issuer: "i".to_owned(), audience: "a".to_owned(), leeway: 5 };
        let json = format!(
            r#"{{"iss":"i","aud":"a","sub":"c","client_id":"c","jti":"t","exp":1000{changes}}}"#
        );
        rules.check_whence_and_when(&Claims::parse(json.as_bytes())?, Timestamp::from_seconds(now))
    }

    #[test]
    fn rs_06_exp_is_exclusive_to_the_second() {
        assert_eq!(judge("", 999), Ok(()));
        assert_eq!(judge("", 1000), Err(GuardRefusal::Expired));
        assert_eq!(judge("", 1001), Err(GuardRefusal::Expired));
    }

    #[test]
    fn nbf_and_iat_may_lie_ahead_by_the_leeway_and_no_more() {
        assert_eq!(judge(r#","nbf":905,"iat":905"#, 900), Ok(()));
        assert_eq!(judge(r#","nbf":906"#, 900), Err(GuardRefusal::NotYetValid));
        assert_eq!(judge(r#","iat":906"#, 900), Err(GuardRefusal::IssuedInFuture));
        assert_eq!(
            judge(&format!(r#","iat":{}"#, i64::MAX), 900),
            Err(GuardRefusal::IssuedInFuture)
        );
    }
}
