//! The server's metadata (RFC 8414): exactly what answers, from settings alone, never from a request.

use bytes::Bytes;
use grantd_core::Policy;
use serde_json::json;

/// The document, rendered once. `response_types_supported` is left out while there is no
/// authorization endpoint: it would be empty, and RFC 8414 section 3.2 forbids empty lists.
pub(crate) fn render(policy: &Policy, token_path: &str) -> Bytes {
    let issuer = &policy.issuer;
    let grants: Vec<_> = policy.grants.iter().map(|(grant, _)| grant.as_str()).collect();
    let document = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}{token_path}"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    Bytes::from(document.to_string())
}
