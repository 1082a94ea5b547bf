//! The user's way (RFC 6749 section 4.1): an app sends somebody here; they sign in, are asked, and are
//! sent back.

mod bounds;
mod consent;
mod trouble;

use axum::{
    Router,
    body::Body,
    extract::{Extension, OriginalUri, State},
    response::Response,
    routing::{get, post},
};
use grantd_core::redirect_uri::RedirectUri;
use grantd_issuer::{AuthorizationError, Issuer, Next};
use http::{HeaderMap, Method, Uri};
use url::{
    Url,
    form_urlencoded::{self, Serializer},
};

use super::{
    console::{leave, present},
    routes::{Peer, Server},
};
pub(super) use bounds::Bounds;
use consent::question;
use trouble::Trouble;

/// Where the authorization endpoint is.
const AUTHORIZE: &str = "/oauth/authorize";

/// Its routes, below the issuer's path.
pub(super) fn authorization() -> Router<Server> {
    Router::new().route(AUTHORIZE, get(show)).route("/oauth/consent", post(consent::answer))
}

/// `GET /oauth/authorize`
async fn show(
    State(server): State<Server>,
    Extension(peer): Extension<Peer>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if method == Method::HEAD || !is_navigation(&headers) {
        // Nobody is there to be asked, and nobody should get a code for looking ahead.
        return Issuer::method_not_allowed().map(Body::from);
    }
    match step(&server, &uri, &headers).await {
        Ok(response) => response,
        Err(trouble) => trouble.told(&server, peer),
    }
}

/// Whether a person goes to this address, as far as a browser says (Fetch Metadata section 2.1): no
/// image of another page does, and no page that is fetched before anybody asked for it. What is no
/// browser says nothing of it.
fn is_navigation(headers: &HeaderMap) -> bool {
    let pages = ["document", "iframe", "frame"];
    let page = headers.get("sec-fetch-dest").is_none_or(|dest| pages.iter().any(|it| dest == it));
    page && !headers.contains_key("sec-purpose") && !headers.contains_key("purpose")
}

async fn step(server: &Server, uri: &Uri, headers: &HeaderMap) -> Result<Response, Trouble> {
    let query = uri.query().unwrap_or_default();
    let who = present(headers, server).await?;
    let request = match server.issuer.authorization(query).await {
        // A request is answered when somebody is known to be there, so that this is no way from here to
        // wherever an app's address leads by now (RFC 9700 section 4.11.2).
        Err(AuthorizationError::Sent(_)) if who.is_none() && !is_silent(query) => {
            return Ok(leave(&to_login(server, query)));
        }
        request => request?,
    };
    if let Some(who) = &who {
        server.bounds.admit(who.user.id).map_err(Trouble::TooMany)?;
    }
    match (server.issuer.next(&request, who.as_ref()).await?, who) {
        (Next::Ask(scope), Some(who)) => question(server, &request, query, &who, &scope).await,
        (Next::Go(location), _) => Ok(leave(&location)),
        (Next::SignIn | Next::Ask(_), _) => Ok(leave(&to_login(server, query))),
    }
}

/// Whether the app wants nobody to be asked anything.
fn is_silent(query: &str) -> bool {
    let mut all = form_urlencoded::parse(query.as_bytes());
    all.any(|(name, value)| name == "prompt" && value.split(' ').any(|word| word == "none"))
}

/// The login page, which leads back here: whoever goes on must have signed in since.
fn to_login(server: &Server, query: &str) -> String {
    login_before(server, &server.issuer.ask_for_login(query), &[])
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
