//! The user's way (RFC 6749 section 4.1): an app sends somebody here; they sign in, are asked, and are
//! sent back.

mod consent;
mod trouble;

use axum::{
    Router,
    extract::{Extension, OriginalUri, State},
    middleware::{from_fn, map_response},
    response::Response,
    routing::{get, post},
};
use grantd_core::{AuthorizationRequest, redirect_uri::RedirectUri};
use grantd_issuer::Next;
use http::{HeaderMap, Uri};
use url::{
    Url,
    form_urlencoded::{self, Serializer},
};

use super::{
    console::{leave, present, same_origin, unkept},
    routes::{Peer, Server},
};
use consent::question;
use trouble::Trouble;

/// Where the authorization endpoint is.
const AUTHORIZE: &str = "/oauth/authorize";

/// Its routes, below the issuer's path.
pub(super) fn authorization() -> Router<Server> {
    Router::new()
        .route(AUTHORIZE, get(show))
        .route("/oauth/consent", post(consent::answer))
        .layer(from_fn(same_origin))
        .layer(map_response(unkept))
}

/// `GET /oauth/authorize`
async fn show(
    State(server): State<Server>,
    Extension(peer): Extension<Peer>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    match step(&server, &uri, &headers).await {
        Ok(response) => response,
        Err(trouble) => trouble.told(&server, peer),
    }
}

async fn step(server: &Server, uri: &Uri, headers: &HeaderMap) -> Result<Response, Trouble> {
    let query = uri.query().unwrap_or_default();
    let request = server.issuer.authorization(query).await?;
    let who = present(headers, server).await?;
    match (server.issuer.next(&request, who.as_ref()).await?, who) {
        (Next::Ask(scope), Some(who)) => question(server, &request, query, &who, &scope).await,
        (Next::Go(location), _) => Ok(leave(&location)),
        (Next::SignIn | Next::Ask(_), _) => Ok(leave(&to_login(server, &request, query))),
    }
}

/// The login page, which leads back here; what made them sign in is done then, and not asked again.
fn to_login(server: &Server, request: &AuthorizationRequest, query: &str) -> String {
    let mut rest = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "prompt" && name != "max_age" {
            rest.append_pair(&name, &value);
        }
    }
    if request.prompt.consent {
        rest.append_pair("prompt", "consent");
    }
    login_before(server, &rest.finish(), &[])
}

/// The login page, which leads back to a request with this query.
fn login_before(server: &Server, query: &str, more: &[(&str, &str)]) -> String {
    let mut login = Serializer::new(String::new());
    login.append_pair("return_to", &format!("{}{AUTHORIZE}?{query}", server.base));
    login.extend_pairs(more);
    format!("{}/login?{}", server.base, login.finish())
}

/// Where a form may lead whose answer goes back to such a path: browsers ask the page's policy about
/// every address that a sent form is led on to.
pub(super) async fn form_target(server: &Server, return_to: &str) -> Option<String> {
    let query =
        return_to.strip_prefix(&*server.base)?.strip_prefix(AUTHORIZE)?.strip_prefix('?')?;
    let request = server.issuer.authorization(query).await.ok()?;
    Some(policy_source(&request.addressed.redirect_uri))
}

/// A redirect URI as a source of a Content-Security-Policy (CSP level 3 section 2.3.1): its origin,
/// or its scheme where the origin cannot be written there.
fn policy_source(uri: &RedirectUri) -> String {
    let Ok(url) = Url::parse(uri.as_str()) else { return String::new() };
    let origin = url.origin().ascii_serialization();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:/-_".contains(&byte);
    if url.origin().is_tuple() && origin.bytes().all(plain) {
        origin
    } else {
        format!("{}:", url.scheme())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_the_app_and_to_nobody_else() {
        for (uri, source) in [
            ("https://app.example/cb?a=1", "https://app.example"),
            ("https://app.example:8443/cb", "https://app.example:8443"),
            ("http://127.0.0.1:51004/cb", "http://127.0.0.1:51004"),
            ("http://[::1]:51004/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("https://a;script-src.example/cb", "https:"),
        ] {
            let uri = RedirectUri::only(&[uri.to_owned()]).unwrap();
            assert_eq!(policy_source(&uri), source);
        }
    }
}
