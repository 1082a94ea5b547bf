//! Who is signed in: the one way from a cookie to a person. Who is not goes to the login page.

use axum::{
    extract::{FromRequestParts, OriginalUri},
    response::{IntoResponse, Response},
};
use grantd_issuer::StorageFault;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{LOCATION, REFERER},
    request::Parts,
};
use url::{Url, form_urlencoded::Serializer};

use super::{
    frame::{Frame, Reach},
    page::Trouble,
};
use crate::serve::{MANAGE, routes::Server};

/// The longest address of a page that somebody is led back to, in bytes.
const LONGEST: usize = 8000;

/// Somebody who is signed in, as the database says at this moment.
pub(in crate::serve) struct SignedIn {
    /// User, session and rights.
    pub(in crate::serve) who: grantd_issuer::SignedIn,
    base: String,
}

impl SignedIn {
    /// The frame of a page of theirs.
    pub(in crate::serve) fn frame(&self) -> Frame {
        let reach = if self.who.can(MANAGE) { Reach::Everything } else { Reach::Own };
        let user = Some(self.who.user.name.to_string());
        Frame { user, reach, ..Frame::bare(&self.base) }
    }
}

impl FromRequestParts<Server> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Response> {
        let found = present(&parts.headers, server).await;
        let found = found.map_err(|fault| Trouble::from(fault).into_response())?;
        found
            .map(|who| Self { who, base: server.base.to_string() })
            .ok_or_else(|| to_login(parts, server))
    }
}

/// Who a request's cookie proves.
pub(in crate::serve) async fn present(
    headers: &HeaderMap,
    server: &Server,
) -> Result<Option<grantd_issuer::SignedIn>, StorageFault> {
    let Some(secret) = server.sign_in.cookie.find(headers) else { return Ok(None) };
    server.sign_in.accounts.signed_in(secret).await
}

/// To the login page, and back to this one afterwards; back to the page with the form, where a form
/// was sent.
fn to_login(parts: &Parts, server: &Server) -> Response {
    let back = match parts.method {
        Method::GET | Method::HEAD => {
            // As it was asked for: nested routes see a shorter path.
            let asked = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
            asked.path_and_query().map(ToString::to_string)
        }
        _ => page_of_form(&parts.headers),
    };
    let mut address = format!("{}/login", server.base);
    if let Some(back) = back.as_deref().and_then(own_path) {
        let mut query = Serializer::new(String::new());
        query.append_pair("return_to", back);
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            query.append_pair("form", "unsaved");
        }
        address = format!("{address}?{}", query.finish());
    }
    let Ok(address) = HeaderValue::try_from(address) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // htmx would put the login page into a part of this one; it is told to load it whole.
    if parts.headers.contains_key("hx-request") {
        let headers = [(HeaderName::from_static("hx-redirect"), address)];
        return (StatusCode::UNAUTHORIZED, headers).into_response();
    }
    (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response()
}

fn page_of_form(headers: &HeaderMap) -> Option<String> {
    let url = Url::parse(headers.get(REFERER)?.to_str().ok()?).ok()?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", url.path()))
}

/// The text, if it is a path on this very server: whatever a browser might read as another host, by
/// two slashes, a backslash or a line end that it leaves out, is none (RFC 9700 section 4.11).
pub(super) fn own_path(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let own = text.starts_with('/') && !text.starts_with("//") && text.len() <= LONGEST;
    (plain && own).then_some(text)
}

/// The same, below the issuer's path: another application may live on this host beside it.
pub(super) fn own_page<'t>(base: &str, text: &'t str) -> Option<&'t str> {
    own_path(text).filter(|path| path.strip_prefix(base).is_some_and(|at| at.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_on_this_server_leads_back() {
        for own in ["/", "/developer/apps?search=a%20b&state=", "/a//b", "/x:y@z"] {
            assert_eq!(own_path(own), Some(own));
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for other in [
            "",
            "developer",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            " /a",
            "/a b",
            "javascript:alert(1)",
            "/é",
            &long,
        ] {
            assert_eq!(own_path(other), None, "{other:?}");
        }
    }

    #[test]
    fn only_a_page_below_the_issuer_s_path_leads_back() {
        assert_eq!(own_page("/auth", "/auth/account"), Some("/auth/account"));
        assert_eq!(own_page("", "/account"), Some("/account"));
        for other in ["/other", "/authority", "/auth", "//evil.example"] {
            assert_eq!(own_page("/auth", other), None, "{other}");
        }
    }

    /// What passes leads a browser to the same host, whatever it is joined to.
    #[test]
    fn what_passes_stays_on_its_host() {
        let base = Url::parse("https://auth.example/login").unwrap();
        let parts = ["/", "\\", "evil.example", "@", ":", "?", "#", "%2f", ".", ";", "\t", "//"];
        for a in parts {
            for b in parts {
                for c in parts {
                    let text = format!("/{a}{b}{c}");
                    if let Some(path) = own_path(&text) {
                        let led = base.join(path).unwrap();
                        assert_eq!(led.origin(), base.origin(), "{text:?}");
                    }
                }
            }
        }
    }
}
