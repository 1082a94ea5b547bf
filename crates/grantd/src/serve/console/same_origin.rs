//! No other site sends our forms: a change comes from a page of our own, or from no page at all.
//!
//! A browser says where a request comes from, by `Sec-Fetch-Site` or, on plain http, by `Origin`, and
//! a page cannot forge either. What says neither is no browser, and carries nobody's cookie but its own.
//! The cookie's `SameSite=Lax` stands behind this as a second wall.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{
    HeaderMap, Method, StatusCode,
    header::{HOST, ORIGIN},
};
use url::Url;

use super::page::notice;

/// Lets requests through that change nothing, or come from our own pages.
pub(in crate::serve) async fn same_origin(request: Request, next: Next) -> Response {
    if may_pass(request.method(), request.headers()) {
        return next.run(request).await;
    }
    tracing::warn!("a form that another site sent was refused");
    notice(
        StatusCode::FORBIDDEN,
        "That came from another site",
        "Nothing was done. If it was you, open the page here and send the form again.",
    )
}

fn may_pass(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    match headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes) {
        // `none`: the person themselves, e.g. by reloading the page.
        Some(b"same-origin" | b"none") => return true,
        Some(_) => return false,
        None => {}
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let origin = text(origin).and_then(|origin| Url::parse(&origin).ok());
    let host = headers.get(HOST).and_then(text);
    origin.zip(host).is_some_and(|(origin, host)| is_same(&origin, &host))
}

/// Whether an origin is that of the host and port that were asked.
fn is_same(origin: &Url, host: &str) -> bool {
    let asked = Url::parse(&format!("{}://{host}/", origin.scheme()));
    asked.is_ok_and(|asked| asked.origin() == origin.origin() && origin.origin().is_tuple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "auth.example:8443".parse().unwrap());
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        may_pass(method, &headers)
    }

    #[test]
    fn only_our_own_pages_and_no_pages_at_all_send_forms() {
        for (pairs, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://auth.example:8443")], false),
            (&[("origin", "https://auth.example:8443")], true),
            (&[("origin", "http://auth.example:8443")], true),
            (&[("origin", "https://auth.example")], false),
            (&[("origin", "https://evil.example:8443")], false),
            (&[("origin", "https://auth.example:8443@evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "file://auth.example:8443")], false),
            (&[("origin", "")], false),
        ] {
            assert_eq!(passes(&Method::POST, pairs), expected, "{pairs:?}");
            assert!(passes(&Method::GET, pairs), "looking changes nothing");
        }
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            assert!(!passes(&method, &[("sec-fetch-site", "cross-site")]));
        }
    }
}
