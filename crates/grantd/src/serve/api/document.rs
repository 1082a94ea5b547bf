//! The OpenAPI 3.1 document: what stands beside the operations.

use utoipa::{
    OpenApi,
    openapi::{
        self, ServerBuilder,
        security::{
            ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
        },
    },
};

use super::{authority::MANAGE, error::Problem, protocol};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "grantd",
        description = "The OAuth 2.0 authorization server for machines: its protocol endpoints and its admin API. \
            Every operation under `/api/v1` needs an access token with the permission `manage_system`. Errors there are \
            problem details (RFC 9457). An update with `If-Match: ETAG` is made only if the thing still has that ETag, \
            else it answers 412.",
    ),
    paths(
        protocol::authorize, protocol::token, protocol::introspect, protocol::revoke, protocol::revocations,
        protocol::metadata, protocol::jwks, protocol::healthz, protocol::readyz,
    ),
    components(schemas(Problem)),
    security(("oauth2" = ["manage_system"])),
)]
struct Document;

/// The document of the server with this issuer identifier, without the admin API.
pub(super) fn document(issuer: &str) -> openapi::OpenApi {
    let mut document = Document::openapi();
    let base = issuer.trim_end_matches('/');
    document.servers = Some(vec![ServerBuilder::new().url(base).build()]);
    let components = document.components.get_or_insert_default();
    let scopes = Scopes::from_iter([(MANAGE, "Everything under /api/v1")]);
    let flow = ClientCredentials::new(format!("{base}/oauth/token"), scopes);
    let oauth2 = OAuth2::new([Flow::ClientCredentials(flow)]);
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(oauth2));
    let client = HttpBuilder::new().scheme(HttpAuthScheme::Basic);
    let client =
        client.description(Some("A client's id and secret (RFC 6749 section 2.3.1)")).build();
    components.add_security_scheme("client", SecurityScheme::Http(client));
    document
}
