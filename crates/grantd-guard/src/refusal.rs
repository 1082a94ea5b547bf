//! Every "no" that the guard gives a caller: one name each.

use grantd_core::jose::JwsError;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $advice:literal;)+) => {
        /// Why a request was refused: the caller's fault, named as the fact, except where the issuer's
        /// keys or the route itself are missing.
        ///
        /// The wire shows an error code of RFC 6750 section 3.1 ([`GuardRefusal::response`]); logs and
        /// metrics show [`GuardRefusal::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        pub enum GuardRefusal { $($(#[doc = $doc])+ #[error($advice)] $variant,)+ }

        impl GuardRefusal {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable kebab-case name: log field and metric label.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

refusals! {
    /// No `Authorization` header, or one of another scheme than Bearer (RFC 6750 section 3.1).
    CredentialsMissing = "credentials-missing",
        "the request has no bearer token: send `Authorization: Bearer TOKEN`";
    /// More than one `Authorization` header.
    AuthorizationRepeated = "authorization-repeated",
        "the request has several Authorization headers: send one";
    /// Nothing, or something other than a token, after the scheme (RFC 6750 section 2.1).
    BearerMalformed = "bearer-malformed",
        "the Authorization header is not `Bearer` and one token: send the token as it was issued";
    /// `access_token` in the query string, where it would end up in logs (RFC 9700 section 4.3.2).
    TokenInQuery = "token-in-query",
        "the query string has an access_token: send it in the Authorization header instead";
    /// A token in the header and another in the form body (RFC 6750 section 2).
    TokenInForm = "token-in-form",
        "the form has an access_token beside the Authorization header: send only the header";
    /// The form body broke off or is longer than it said.
    FormUnreadable = "form-unreadable", "the form body cannot be read to its end: send the request again";
    /// Longer than 16 KiB.
    TokenTooLong = "token-too-long", "the token is longer than 16 KiB: ask for fewer permissions at once";
    /// Neither a compact JWS (RFC 7515 section 7.1) nor, by its check sum, a whole opaque token.
    TokenMalformed = "token-malformed", "the token is not a token of grantd's: send it whole, as it was issued";
    /// An opaque token, at a guard that can only verify JWTs.
    OpaqueTokenUnsupported = "opaque-token-unsupported",
        "the token is opaque, and this guard verifies JWTs only: add `.introspection(…)` to the guard, or have the API's tokens issued with `--format jwt`";
    /// The header has critical extensions (RFC 7515 section 4.1.11).
    ExtensionCritical = "extension-critical", "the token has critical extensions: get one without";
    /// `typ` is not `at+jwt` (RFC 9068 section 2.1): an ID token, for instance.
    TypeWrong = "type-wrong", "the token is not an access token (`typ` is not at+jwt): send the access token";
    /// `alg` is none of RS256, PS256, ES256 and EdDSA, or not the one its key is for (RFC 8725 section 3.1).
    AlgorithmWrong = "algorithm-wrong", "the token's algorithm is not its key's: get a new token from the issuer";
    /// The header names no key.
    KeyNotNamed = "key-not-named", "the token names no key (`kid`): get a new token from the issuer";
    /// The issuer publishes no key of that name.
    KeyUnknown = "key-unknown", "the token's key is not among the issuer's: get a new token from the issuer";
    /// The issuer publishes no usable key at all, so nothing can be verified: not the caller's fault.
    KeysUnavailable = "keys-unavailable", "the issuer publishes no usable key: look at its jwks_uri, then try again";
    /// The issuer's keys could not be read for longer than allowed, so that a withdrawn one could not be
    /// told from a good one: not the caller's fault.
    KeysStale = "keys-stale", "the issuer's keys are too old: look at the issuer and at the log, then try again";
    /// The signature is not the key's.
    SignatureWrong = "signature-wrong", "the token's signature does not verify: get a new token from the issuer";
    /// The payload is no JSON object, or a claim is missing, repeated, empty or of the wrong type (RFC 9068 section 2.2).
    ClaimsMalformed = "claims-malformed", "the token's claims are incomplete or malformed: get one from grantd";
    /// `iss` is not exactly the guard's issuer (RFC 9068 section 4).
    IssuerWrong = "issuer-wrong", "the token is another issuer's: get one from the issuer of this API";
    /// `aud` has not the guard's audience (RFC 9068 section 4).
    AudienceWrong = "audience-wrong", "the token is for another API: ask for one with this API's `resource`";
    /// `exp` is now or in the past (RFC 7519 section 4.1.4).
    Expired = "expired", "the token has expired: get a new one";
    /// `nbf` is in the future (RFC 7519 section 4.1.5).
    NotYetValid = "not-yet-valid", "the token is not valid yet: wait, or set the clocks right";
    /// `iat` is in the future (RFC 7519 section 4.1.6).
    IssuedInFuture = "issued-in-future", "the token was issued in the future: set the clocks right";
    /// `gty` is missing or neither `client_credentials` nor `authorization_code`, so whose token it is cannot be told.
    GrantTypeUnknown = "grant-type-unknown", "the token does not say by which grant it was issued: get one from grantd";
    /// `sub` is not what `gty` says: a client's token names the client, a user's never does (RFC 9700 section 4.15).
    SubjectWrong = "subject-wrong", "the token's subject contradicts its grant type: get a new token from the issuer";
    /// A user's token without `ugen` or `grant`, which could not be ended with the user or their approval,
    /// or a client's token with one of them.
    UserClaimsWrong = "user-claims-wrong",
        "what the token says of a user contradicts its grant type: get a new token from the issuer";
    /// The issuer says that there is no such living token (RFC 7662 section 2.2).
    TokenInactive = "token-inactive", "the issuer knows no such living token for this API: get a new one";
    /// The issuer, asked about the token, does not answer, or not so that it can be believed: not the
    /// caller's fault.
    IntrospectionUnavailable = "introspection-unavailable",
        "the issuer does not say whether the token is alive: look at the issuer and at the log, then try again";
    /// The revocation feed says that the token, or what it was issued under, is revoked.
    Revoked = "revoked", "the token was revoked: get a new one, if the client still may";
    /// The revocation feed has been out of reach for longer than allowed, so that a revoked token could
    /// not be told from a good one: not the caller's fault.
    FeedCut = "feed-cut", "the revocation feed is out of reach: look at the issuer and at the log, then try again";
    /// The route's permission is not among the token's (RFC 6750 section 3.1).
    PermissionMissing = "permission-missing",
        "the token lacks a permission: give it to the client, then get a new token";
    /// A handler asks for a `Principal` on a route that no guard protects: the application's fault, refused safely.
    RouteUnprotected = "route-unprotected",
        "a handler takes a Principal on a route without a guard: add `.layer(guard.protect())` to its router";
}

impl From<JwsError> for GuardRefusal {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TokenTooLong,
            JwsError::Malformed => Self::TokenMalformed,
            JwsError::Critical => Self::ExtensionCritical,
            JwsError::Signature => Self::SignatureWrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let names: HashSet<_> = GuardRefusal::ALL.iter().map(|refusal| refusal.name()).collect();
        assert_eq!(names.len(), GuardRefusal::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }
}
