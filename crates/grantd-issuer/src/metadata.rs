//! The server's metadata (RFC 8414): exactly what answers, from settings alone, never from a request.

use bytes::Bytes;
use grantd_core::{CodeChallenge, GrantType, Policy};
use serde_json::json;

/// Where the host mounts the endpoints, each behind the issuer identifier.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) authorization: String,
    pub(crate) token: String,
    pub(crate) introspection: String,
    pub(crate) revocation: String,
}

impl Default for Paths {
    fn default() -> Self {
        let path = |name| format!("/oauth/{name}");
        Self {
            authorization: path("authorize"),
            token: path("token"),
            introspection: path("introspect"),
            revocation: path("revoke"),
        }
    }
}

/// Whether tokens can be asked about and killed one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SingleTokens {
    Known,
    Unknown,
}

/// The document, rendered once. `response_types_supported` is left out where there is no
/// authorization endpoint: it would be empty, and RFC 8414 section 3.2 forbids empty lists.
pub(crate) fn render(policy: &Policy, paths: &Paths, tokens: SingleTokens) -> Bytes {
    let issuer = &policy.issuer;
    let grants: Vec<_> = policy.grants.iter().map(|(grant, _)| grant.as_str()).collect();
    let secret = ["client_secret_basic", "client_secret_post"];
    let mut document = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}{}", paths.token),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": secret,
    });
    if policy.offers(GrantType::AuthorizationCode) {
        document["authorization_endpoint"] = json!(format!("{issuer}{}", paths.authorization));
        document["response_types_supported"] = json!(["code"]);
        document["response_modes_supported"] = json!(["query"]);
        document["code_challenge_methods_supported"] = json!([CodeChallenge::METHOD]);
        document["authorization_response_iss_parameter_supported"] = json!(true);
        document["prompt_values_supported"] = json!(["none", "login", "consent", "select_account"]);
        // A public client redeems its code by its id and the PKCE verifier.
        document["token_endpoint_auth_methods_supported"] = json!([secret[0], secret[1], "none"]);
    }
    if tokens == SingleTokens::Known {
        document["introspection_endpoint"] = json!(format!("{issuer}{}", paths.introspection));
        document["introspection_endpoint_auth_methods_supported"] = json!(secret);
        document["revocation_endpoint"] = json!(format!("{issuer}{}", paths.revocation));
        // A public client ends its own tokens by its id alone.
        document["revocation_endpoint_auth_methods_supported"] =
            json!([secret[0], secret[1], "none"]);
    }
    Bytes::from(document.to_string())
}
