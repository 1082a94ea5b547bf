//! Every "no" that grantd gives a caller: one name each, and the one mapping to the wire.

use std::time::Duration;

use crate::{duration::whole_seconds, error_code::ErrorCode, id::ClientId, raw::Authorization};

macro_rules! refusals {
    ($($(#[doc = $fact:literal])+ $variant:ident = $name:literal, $code:ident, $cause:literal, $remedy:literal;)+) => {
        /// Why a request was refused: the caller's fault, named as the fact.
        ///
        /// The wire shows only [`Refusal::code`]; logs and metrics show [`Refusal::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[doc = $fact])+ $variant,)+ }

        impl Refusal {
            /// All of them, for the ledger and the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name: log field, metric label, heading in `docs/refusals.md`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the wire shows.
            pub const fn code(self) -> ErrorCode {
                match self { $(Self::$variant => ErrorCode::$code,)+ }
            }

            /// What happened, with its source.
            pub fn fact(self) -> &'static str {
                match self { $(Self::$variant => concat!($($fact),+).trim(),)+ }
            }

            /// The likely cause, for an operator.
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)+ }
            }

            /// What to do next, for an operator.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

refusals! {
    /// The body is neither `application/x-www-form-urlencoded` nor `application/json` (RFC 6749 section 3.2).
    ContentTypeUnsupported = "content-type-unsupported", InvalidRequest,
        "The client sends no Content-Type, or multipart, text or a charset other than UTF-8.",
        "Send `Content-Type: application/x-www-form-urlencoded`.";
    /// The form body has a broken percent escape or is not UTF-8 (RFC 6749 appendix B).
    FormMalformed = "form-malformed", InvalidRequest,
        "The client builds the body by hand and does not encode it.",
        "Encode every value, e.g. with `curl --data-urlencode`.";
    /// The JSON body is not one flat object of strings (grantd's documented extension).
    JsonMalformed = "json-malformed", InvalidRequest,
        "A number, null, array or object stands where a string belongs, or the text is cut off.",
        "Send a flat object whose values are all strings.";
    /// A parameter appears twice (RFC 6749 section 3.2).
    ParameterRepeated = "parameter-repeated", InvalidRequest,
        "A proxy or the client adds a parameter that is already there.",
        "Send each parameter once.";
    /// More than 64 parameters.
    ParametersTooMany = "parameters-too-many", InvalidRequest,
        "Something other than an OAuth client is talking to the endpoint.",
        "Send only the parameters of the grant.";
    /// No `grant_type` (RFC 6749 section 4.4.2).
    GrantTypeMissing = "grant-type-missing", InvalidRequest,
        "The parameter is absent or empty, or a JSON body was labelled as a form.",
        "Send `grant_type=client_credentials`.";
    /// More than one `Authorization` header.
    AuthorizationRepeated = "authorization-repeated", InvalidRequest,
        "A proxy adds a header of its own.",
        "Send one Authorization header.";
    /// Two ways of client authentication in one request (RFC 6749 section 2.3).
    AuthenticationMethodsMixed = "authentication-methods-mixed", InvalidRequest,
        "The secret is sent in the Authorization header and in the body.",
        "Choose one of the two.";
    /// `client_id` in the body names another client than the Authorization header (RFC 6749 section 3.2.1).
    ClientIdsDiffer = "client-ids-differ", InvalidRequest,
        "Two configurations are mixed, or one client tries another one's name.",
        "Leave `client_id` out of the body, or make both the same.";
    /// No `token` (RFC 7662 section 2.1, RFC 7009 section 2.1).
    TokenMissing = "token-missing", InvalidRequest,
        "The parameter is absent or empty, or the token was sent in the Authorization header.",
        "Send `token=…` in the body, and the client's own credentials beside it.";
    /// The token to be revoked is good and another client's (RFC 7009 section 2.1); nothing was done.
    TokenForeign = "token-foreign", InvalidRequest,
        "A resource server, or a client with several ids, tries to end a token that it did not obtain.",
        "Let the client that obtained the token revoke it, or use `grantd client revoke ID`.";
    /// The grant type is unknown to this server or not enabled (RFC 6749 section 5.2).
    GrantTypeUnsupported = "grant-type-unsupported", UnsupportedGrantType,
        "The client asks for password, implicit or another grant that grantd does not have.",
        "Use a grant type that the server's metadata lists.";
    /// The scope is not a list of scope-tokens (RFC 6749 section 3.3).
    ScopeMalformed = "scope-malformed", InvalidScope,
        "Quotes, commas with blanks, control characters or letters outside ASCII.",
        "Separate permission names by single blanks.";
    /// A requested scope is unknown or not among the client's permissions (RFC 6749 section 3.3).
    ScopeNotAllowed = "scope-not-allowed", InvalidScope,
        "The permission is missing on the client, or its name is misspelt (case counts).",
        "Give the client the permission, or ask for less.";
    /// The requested scopes belong to different APIs, or not to the one that `resource` names (RFC 9068 section 3).
    ScopesOfSeveralApis = "scopes-of-several-apis", InvalidScope,
        "One request asks for permissions of two APIs.",
        "Ask for one token an API.";
    /// `resource` is not an absolute URI without fragment (RFC 8707 section 2).
    ResourceMalformed = "resource-malformed", InvalidTarget,
        "A relative path or a URI with `#` was sent.",
        "Send the API's audience as it is registered.";
    /// `resource` appears more than once (RFC 8707 section 2 leaves the choice to the server).
    ResourceRepeated = "resource-repeated", InvalidTarget,
        "The client wants one token for several APIs.",
        "Ask for one token an API.";
    /// `resource` names no API that this client has a permission in (RFC 8707 section 2).
    ResourceNotAllowed = "resource-not-allowed", InvalidTarget,
        "The audience is misspelt, or the client has no permission in that API.",
        "Compare with `grantd api list`, then give the client a permission of that API.";
    /// The request names no client (RFC 6749 section 3.2.1).
    ClientNotNamed = "client-not-named", InvalidClient,
        "The credentials are missing altogether, or sent in the query string.",
        "Send HTTP Basic, or `client_id` and `client_secret` in the body.";
    /// The Authorization header is not HTTP Basic with `id:secret` in base64 (RFC 7617 section 2).
    BasicMalformed = "basic-malformed", InvalidClient,
        "Another scheme (a Bearer token, for instance), broken base64, or no colon.",
        "Encode `id:secret` in standard base64.";
    /// No client has this id (RFC 6749 section 5.2).
    ClientUnknown = "client-unknown", InvalidClient,
        "The id is misspelt, or belongs to another environment.",
        "Compare with `grantd client list`.";
    /// The client is suspended.
    ClientRevoked = "client-revoked", InvalidClient,
        "An operator revoked it.",
        "Restore it if it may work again: `grantd client restore ID`.";
    /// The client is deleted.
    ClientDeleted = "client-deleted", InvalidClient,
        "An operator deleted it.",
        "Restore it if it may work again: `grantd client restore ID`.";
    /// A confidential client sent no secret (RFC 6749 section 3.2.1).
    ClientSecretMissing = "client-secret-missing", InvalidClient,
        "An environment variable is empty, or the client believes itself public.",
        "Send the secret.";
    /// The secret matches none of the client's (RFC 6749 section 5.2).
    ClientSecretWrong = "client-secret-wrong", InvalidClient,
        "An old secret, one of another environment, or one cut off in copying.",
        "Compare the last characters, or rotate the secret.";
    /// The secret was right once and has expired.
    ClientSecretExpired = "client-secret-expired", InvalidClient,
        "The overlap after a rotation is over, or the secret had an end from the start.",
        "Roll out the newest secret, or rotate again.";
    /// A public client sent a secret; it has none.
    PublicClientSentSecret = "public-client-sent-secret", InvalidClient,
        "The client was meant to be confidential.",
        "Create a confidential client, or leave the secret out.";
    /// Too many authentications of this client, or from this address, have failed (RFC 6749 sections 2.3.1 and 10.10).
    AuthenticationThrottled = "authentication-throttled", TemporarilyUnavailable,
        "A client tries an old secret again and again, or somebody guesses.",
        "Correct the secret, and wait as long as `Retry-After` says. Who has proved itself before is not held up.";
    /// The client asks more often than `GRANTD_CLIENT_RATE` allows (RFC 6585 section 4).
    ClientTooOften = "client-too-often", TemporarilyUnavailable,
        "It gets a new token for each of its calls.",
        "Let it keep a token until shortly before `expires_in`, or raise the rate.";
    /// A public client asked about a token (RFC 7662 section 2.1: callers are authenticated).
    IntrospectionNeedsSecret = "introspection-needs-secret", InvalidClient,
        "A browser or native app asks what its own token is good for.",
        "Let the resource server ask: `grantd client create --serves API` makes one.";
    /// A client that serves no API, or can keep no secret, asked for the revocation feed.
    FeedNotAllowed = "feed-not-allowed", AccessDenied,
        "The guard uses the credentials, or the token, of an ordinary client.",
        "Give it those of a resource server: `grantd client create --serves API` makes one.";
    /// The revocation feed was asked for with a token that is none of this server's, or dead (RFC 6750 section 3.1).
    FeedTokenDead = "feed-token-dead", InvalidToken,
        "The token has expired, its client or secret was revoked, or it is another issuer's.",
        "Get a new token, or read the feed with the client's secret (HTTP Basic).";
    /// The revocation feed was asked for with a token for another API than `default` (RFC 6750 section 3.1).
    FeedTokenForeign = "feed-token-foreign", InvalidToken,
        "The token was made for the API that the resource server calls, or serves.",
        "Get one for the issuer itself: leave `resource` and `scope` out.";
    /// The client may not use this grant type (RFC 6749 section 5.2); a public one never client credentials (section 4.4).
    GrantTypeNotAllowed = "grant-type-not-allowed", UnauthorizedClient,
        "The grant type was not chosen when the client was created, or the client is public.",
        "Create the client with `--grant client_credentials`.";
    /// The redirect URI is not one of the client's (RFC 6749 section 3.1.2.4, RFC 9700 section 2.1).
    RedirectUriUnknown = "redirect-uri-unknown", InvalidRequest,
        "It differs from the registered one in a slash, the case or the port, or somebody tries to get a code sent to them.",
        "Register the very address that the app sends: `grantd client update ID --redirect-uri URI`.";
    /// The request names no redirect URI, and the client has not exactly one (RFC 6749 section 3.1.2.3).
    RedirectUriMissing = "redirect-uri-missing", InvalidRequest,
        "The app leaves `redirect_uri` out although several are registered, or none.",
        "Let the app send `redirect_uri`.";
    /// No `response_type` (RFC 6749 section 3.1.1).
    ResponseTypeMissing = "response-type-missing", InvalidRequest,
        "The parameter is absent or empty.",
        "Send `response_type=code`.";
    /// Another `response_type` than `code` (RFC 9700 section 2.1.2).
    ResponseTypeUnsupported = "response-type-unsupported", UnsupportedResponseType,
        "The app uses the implicit grant or a hybrid of OpenID Connect.",
        "Use the authorization code grant with PKCE.";
    /// Another `response_mode` than `query`.
    ResponseModeUnsupported = "response-mode-unsupported", InvalidRequest,
        "The app asks for the answer in a fragment or a form.",
        "Leave `response_mode` out.";
    /// `request` or `request_uri` was sent (RFC 9101 section 4), which this server does not read.
    RequestObjectUnsupported = "request-object-unsupported", InvalidRequest,
        "The app packs its parameters into a signed object.",
        "Send the parameters themselves.";
    /// No `code_challenge` (RFC 7636 section 4.4.1, RFC 9700 section 2.1.1).
    ChallengeMissing = "challenge-missing", InvalidRequest,
        "The app does not use PKCE.",
        "Switch PKCE on in the app; a confidential client from before it may do without: `--pkce optional`.";
    /// Another `code_challenge_method` than `S256`, or none, which means `plain` (RFC 7636 section 4.3).
    ChallengeMethodUnsupported = "challenge-method-unsupported", InvalidRequest,
        "The app uses the method `plain`, or leaves the method out.",
        "Send `code_challenge_method=S256`.";
    /// `code_challenge` is not 43 characters of base64url (RFC 7636 section 4.2).
    ChallengeMalformed = "challenge-malformed", InvalidRequest,
        "The app sends the verifier itself, hexadecimal digits or padding.",
        "Send the SHA-256 of the verifier in base64url without padding.";
    /// `prompt` has an unknown word, or `none` beside another (OpenID Connect Core section 3.1.2.1).
    PromptUnsupported = "prompt-unsupported", InvalidRequest,
        "The app asks for something that this server cannot show.",
        "Send `none`, `login`, `consent`, or nothing.";
    /// `max_age` is not a number of seconds (OpenID Connect Core section 3.1.2.1).
    MaxAgeMalformed = "max-age-malformed", InvalidRequest,
        "A negative number, a fraction or text was sent.",
        "Send whole seconds.";
    /// Nobody is signed in, or for too long, and `prompt=none` allows no question.
    LoginRequired = "login-required", LoginRequired,
        "The user's session has ended.",
        "Send the user again without `prompt=none`.";
    /// The user has to be asked, and `prompt=none` allows no question.
    ConsentRequired = "consent-required", ConsentRequired,
        "The app asks for more than was allowed before, or is a public client, which is asked for each time.",
        "Send the user again without `prompt=none`.";
    /// The user said no (RFC 6749 section 4.1.2.1).
    ConsentDenied = "consent-denied", AccessDenied,
        "They pressed Cancel.",
        "Nothing: the app should say so kindly.";
    /// The user has none of the permissions that were asked for, so there is nothing to allow.
    UserLacksScope = "user-lacks-scope", AccessDenied,
        "Their account has no role or permission that the app needs.",
        "Give the user a permission that the app asks for.";
    /// No `code` (RFC 6749 section 4.1.3).
    CodeMissing = "code-missing", InvalidRequest,
        "The parameter is absent or empty: the user declined, perhaps, and the app did not look.",
        "Send the code that the redirect brought.";
    /// There is no such code (RFC 6749 section 5.2).
    CodeUnknown = "code-unknown", InvalidGrant,
        "It is cut off, another kind of token, or ended together with what it had produced.",
        "Send the user through the authorization endpoint again.";
    /// The code was given to another client (RFC 6749 section 4.1.3). It is spent now.
    CodeForeign = "code-foreign", InvalidGrant,
        "Two configurations are mixed, or a code was stolen.",
        "Look whether the app's client id is the one that asked.";
    /// The code was presented before (RFC 6749 section 4.1.2). All that it had produced is dead now.
    CodeReused = "code-reused", InvalidGrant,
        "The app sends the request twice, or somebody else got hold of the code.",
        "Let the app redeem a code once; the user goes through the authorization endpoint again.";
    /// The code is older than a minute (RFC 6749 section 4.1.2).
    CodeExpired = "code-expired", InvalidGrant,
        "The app waits before it redeems the code, or its network does.",
        "Redeem the code at once.";
    /// `redirect_uri` is not the one of the authorization request (RFC 6749 section 4.1.3).
    RedirectUriDiffers = "redirect-uri-differs", InvalidGrant,
        "The app builds the address twice, in two ways; or a code was injected.",
        "Send the same text both times.";
    /// No `code_verifier`, and the request had a challenge (RFC 7636 section 4.5).
    VerifierMissing = "verifier-missing", InvalidGrant,
        "The app lost its session between the two requests.",
        "Send the verifier whose hash was the challenge.";
    /// `code_verifier` is not 43 to 128 unreserved characters (RFC 7636 section 4.1).
    VerifierMalformed = "verifier-malformed", InvalidGrant,
        "The app makes it of raw bytes, or too short.",
        "Make it of 32 random bytes in base64url.";
    /// `code_verifier` does not fit the challenge (RFC 7636 section 4.6).
    VerifierWrong = "verifier-wrong", InvalidGrant,
        "Two logins in two tabs share one verifier, or a code was injected.",
        "Keep a verifier for each `state`.";
    /// A `code_verifier`, and the request had no challenge (RFC 9700 section 2.1.1).
    VerifierUnexpected = "verifier-unexpected", InvalidGrant,
        "Somebody took the challenge out of the request on its way.",
        "Require PKCE of the client: `grantd client update ID --pkce required`.";
    /// No `refresh_token` (RFC 6749 section 6).
    RefreshTokenMissing = "refresh-token-missing", InvalidRequest,
        "The parameter is absent or empty.",
        "Send the newest refresh token.";
    /// There is no such refresh token (RFC 6749 section 5.2).
    RefreshTokenUnknown = "refresh-token-unknown", InvalidGrant,
        "It was revoked, its approval was ended or has expired, or it is another kind of token.",
        "Send the user through the authorization endpoint again.";
    /// The refresh token was given to another client (RFC 6749 section 6).
    RefreshTokenForeign = "refresh-token-foreign", InvalidGrant,
        "Two configurations are mixed, or a token was stolen.",
        "Look whether the app's client id is the one that got it.";
    /// The refresh token was used before (RFC 9700 section 4.14.2). Its approval is ended now.
    RefreshTokenReused = "refresh-token-reused", InvalidGrant,
        "The app did not keep the newest one, refreshes in parallel, or the token was stolen.",
        "Keep the token of the last answer; a confidential client may retry for a while with `--refresh-retry 30s`.";
    /// The refresh token is too old, or lay unused for too long (RFC 9700 section 4.14.2).
    RefreshTokenExpired = "refresh-token-expired", InvalidGrant,
        "The user was away for long.",
        "Send the user through the authorization endpoint again.";
    /// The user behind the code or refresh token is disabled.
    UserDisabled = "user-disabled", InvalidGrant,
        "An operator disabled the account.",
        "Enable it if they may work again.";
    /// `resource` is another API than the one that the user's approval is for (RFC 8707 section 2.2).
    ResourceDiffers = "resource-differs", InvalidTarget,
        "The app wants a token for a second API from one approval.",
        "Send the user through the authorization endpoint for the other API.";
    /// A scope was asked for that the user's approval does not have (RFC 6749 section 6).
    ScopeBeyondApproval = "scope-beyond-approval", InvalidScope,
        "The app asks for more when it refreshes than when it asked the user.",
        "Leave `scope` out, or ask the user again.";
}

/// A refusal together with what its answer needs from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The client it concerns, where the named one exists. An id that nobody has is never kept:
    /// people send secrets in its place.
    pub client: Option<ClientId>,
    /// Whether the answer carries `WWW-Authenticate: Basic`.
    pub challenge: bool,
    /// After how many seconds it is worth to try again; zero where time changes nothing.
    pub retry_after: u64,
}

impl Refused {
    /// A challenge goes with a failed authentication where the Authorization header was used or no
    /// client was named (RFC 6749 section 5.2); not with credentials in the body, where common
    /// client libraries would hide the OAuth error behind it.
    pub fn new(
        refusal: Refusal,
        authorization: Authorization<'_>,
        client: Option<&ClientId>,
    ) -> Self {
        let challenge = matches!(refusal.code(), ErrorCode::InvalidClient)
            && (authorization != Authorization::Absent || refusal == Refusal::ClientNotNamed);
        Self { refusal, client: client.cloned(), challenge, retry_after: 0 }
    }

    /// The same, for so long.
    #[must_use]
    pub fn until(self, wait: Duration) -> Self {
        Self { retry_after: whole_seconds(wait), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let names: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
        assert_eq!(names.len(), Refusal::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }

    #[test]
    fn te_28_descriptions_stay_in_the_allowed_characters() {
        for refusal in Refusal::ALL {
            for text in [refusal.code().as_str(), refusal.code().description()] {
                assert!(
                    text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                    "{text}"
                );
            }
        }
    }
}
