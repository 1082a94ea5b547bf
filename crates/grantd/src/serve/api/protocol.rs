//! The protocol endpoints as the OpenAPI document describes them; `serve/routes.rs` answers them.

#![expect(dead_code, reason = "only the macros read these, for the OpenAPI document")]

use std::collections::BTreeMap;

use utoipa::{IntoParams, ToSchema};

/// A token request (RFC 6749 sections 4.1.3, 4.4.2 and 6). A flat JSON object of strings is taken too.
#[derive(ToSchema)]
pub(super) struct TokenRequest {
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// The client's id, where it does not prove itself by HTTP Basic.
    client_id: Option<String>,
    /// The client's secret, where it does not prove itself by HTTP Basic.
    client_secret: Option<String>,
    /// Permissions, separated by blanks; none: all that the client has in the API.
    scope: Option<String>,
    /// The audience of the API that the token is for (RFC 8707).
    resource: Option<String>,
    /// What the authorization endpoint gave, for `authorization_code`.
    code: Option<String>,
    /// The one of the authorization request.
    redirect_uri: Option<String>,
    /// What the challenge was made of (RFC 7636).
    code_verifier: Option<String>,
    /// The newest one, for `refresh_token`.
    refresh_token: Option<String>,
    /// Others are ignored, as long as each is there once (RFC 6749 section 3.2).
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// An access token (RFC 6749 section 5.1).
#[derive(ToSchema)]
pub(super) struct TokenAnswer {
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// Seconds.
    expires_in: u32,
    /// What was granted, separated by blanks.
    scope: String,
    /// What was granted, as a list.
    scopes: Vec<String>,
    /// What gets the next token, where a user's approval goes on.
    refresh_token: Option<String>,
}

/// An error of a protocol endpoint (RFC 6749 section 5.2).
#[derive(ToSchema)]
pub(super) struct OAuthError {
    /// The code, e.g. `invalid_client`.
    error: String,
    error_description: Option<String>,
}

/// What is asked about a token, or done to it (RFC 7662 section 2.1, RFC 7009 section 2.1).
#[derive(ToSchema)]
pub(super) struct PresentedToken {
    /// An access token; to be revoked, a refresh token too.
    token: String,
    /// Taken, and not needed.
    token_type_hint: Option<String>,
    /// Others are ignored, as long as each is there once.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// Whether a token is alive, and what it says (RFC 7662 section 2.2).
#[derive(ToSchema)]
pub(super) struct Introspection {
    active: bool,
}

/// A page of the revocation feed.
#[derive(ToSchema)]
pub(super) struct FeedPage {
    /// Whose feed it is.
    issuer: String,
    /// What to say as `after` for the next page.
    cursor: String,
    /// What dies, oldest change first.
    entries: Vec<FeedEntry>,
}

/// One entry: every token that it matches is dead.
#[derive(ToSchema)]
pub(super) struct FeedEntry {
    seq: u64,
    /// `client`, `user`, `credential`, `token` or `grant`.
    kind: String,
    id: String,
    /// Of a client or user: tokens below this generation are dead.
    generation: Option<u64>,
    /// Seconds since the epoch from which on it may be forgotten.
    until: i64,
}

/// Where a reader of the feed goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedPlace {
    /// `cursor` of the page before; none: from the beginning.
    #[param(pattern = r"^[0-9]{1,18}\.[0-9]{1,18}$")]
    after: Option<String>,
}

/// What an app asks of a user (RFC 6749 section 4.1.1, RFC 7636 section 4.3). Each is there once; others
/// are ignored.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuthorizationAsk {
    /// The app.
    client_id: String,
    /// One of the app's, character by character; may be left out where there is one only.
    redirect_uri: Option<String>,
    /// `code`.
    response_type: Option<String>,
    /// Returned as it came.
    state: Option<String>,
    /// Permissions, separated by blanks.
    scope: Option<String>,
    /// The audience of the API that the token will be for (RFC 8707).
    resource: Option<String>,
    /// SHA-256 of the verifier, in base64url.
    code_challenge: Option<String>,
    /// `S256`.
    code_challenge_method: Option<String>,
    /// `none`, `login`, `consent` or `select_account`, separated by blanks.
    prompt: Option<String>,
    /// For how many seconds the user may have been signed in.
    max_age: Option<String>,
}

/// Asks a user whether an app may act for them, in their browser
#[utoipa::path(get, path = "/oauth/authorize", tag = "oauth", params(AuthorizationAsk), security(()),
    responses(
        (status = 200, description = "The page that asks", body = String, content_type = "text/html"),
        (status = 303, description = "To the login page, or back to the app with `code` or `error`, `state` and `iss`",
            headers(("Location" = String))),
        (status = 400, description = "A page: the app is unknown, or the address is not its own", body = String, content_type = "text/html"),
        (status = 503, description = "A page: the database does not answer", body = String, content_type = "text/html")))]
pub(super) fn authorize() {}

/// Gives an access token
#[utoipa::path(post, path = "/oauth/token", tag = "oauth",
    request_body(content((TokenRequest = "application/x-www-form-urlencoded"), (TokenRequest = "application/json"))),
    security((), ("client" = [])),
    responses(
        (status = 200, description = "A token", body = TokenAnswer, headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 400, description = "A refusal", body = OAuthError), (status = 401, description = "A refusal", body = OAuthError),
        (status = 405, description = "A refusal", body = OAuthError), (status = 408, description = "A refusal", body = OAuthError), (status = 413, description = "A refusal", body = OAuthError),
        (status = 415, description = "A refusal", body = OAuthError), (status = 500, description = "A refusal", body = OAuthError), (status = 503, description = "A refusal", body = OAuthError)))]
pub(super) fn token() {}

/// Says whether a token is alive, to a resource server of its API (RFC 7662)
#[utoipa::path(post, path = "/oauth/introspect", tag = "oauth",
    request_body(content = PresentedToken, content_type = "application/x-www-form-urlencoded"),
    security(("client" = [])),
    responses(
        (status = 200, description = "What is said of the token", body = Introspection), (status = 400, description = "A refusal", body = OAuthError),
        (status = 401, description = "A refusal", body = OAuthError), (status = 405, description = "A refusal", body = OAuthError),
        (status = 408, description = "A refusal", body = OAuthError), (status = 413, description = "A refusal", body = OAuthError),
        (status = 415, description = "A refusal", body = OAuthError), (status = 503, description = "A refusal", body = OAuthError)))]
pub(super) fn introspect() {}

/// Kills one token of the caller's (RFC 7009)
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth",
    request_body(content = PresentedToken, content_type = "application/x-www-form-urlencoded"),
    security(("client" = [])),
    responses(
        (status = 200, description = "The document", body = serde_json::Value), (status = 400, description = "A refusal", body = OAuthError),
        (status = 401, description = "A refusal", body = OAuthError), (status = 405, description = "A refusal", body = OAuthError),
        (status = 408, description = "A refusal", body = OAuthError), (status = 413, description = "A refusal", body = OAuthError),
        (status = 415, description = "A refusal", body = OAuthError), (status = 503, description = "A refusal", body = OAuthError)))]
pub(super) fn revoke() {}

/// The revocation feed, for resource servers: a page, or `text/event-stream` where that is asked for
#[utoipa::path(get, path = "/oauth/revocations", tag = "oauth", params(FeedPlace),
    security(("client" = []), ("oauth2" = [])),
    responses(
        (status = 200, description = "A page, or a stream", content((FeedPage = "application/json"), (String = "text/event-stream"))),
        (status = 400, description = "A refusal", body = OAuthError), (status = 401, description = "A refusal", body = OAuthError), (status = 403, description = "A refusal", body = OAuthError),
        (status = 410, description = "A problem", body = super::error::Problem, content_type = "application/problem+json"),
        (status = 503, description = "A problem", body = super::error::Problem, content_type = "application/problem+json")))]
pub(super) fn revocations() {}

/// The server's metadata (RFC 8414)
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", security(()),
    responses((status = 200, description = "The document", body = serde_json::Value)))]
pub(super) fn metadata() {}

/// The public half of the signing keys (RFC 7517)
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "oauth", security(()),
    responses((status = 200, description = "The document", body = serde_json::Value)))]
pub(super) fn jwks() {}

/// Whether the process is alive
#[utoipa::path(get, path = "/healthz", tag = "operations", security(()),
    responses((status = 200, description = "Yes", body = String, content_type = "text/plain")))]
pub(super) fn healthz() {}

/// Whether clients get tokens here: `degraded` where only those in memory do, as the database is away
#[utoipa::path(get, path = "/readyz", tag = "operations", security(()),
    responses((status = 200, description = "Yes", body = String, content_type = "text/plain"),
        (status = 503, description = "A problem", body = super::error::Problem, content_type = "application/problem+json")))]
pub(super) fn readyz() {}
