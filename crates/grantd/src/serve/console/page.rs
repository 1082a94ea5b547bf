//! A page on the wire: HTML that no other site may frame, run scripts in, or keep.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use grantd_issuer::{CommandError, Fault, StorageFault};
use http::{
    HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        RETRY_AFTER, X_FRAME_OPTIONS,
    },
};

use super::frame::Frame;
use crate::serve::routes::Server;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    /// Whether the console's start page is where one would go next.
    leads_on: bool,
}

/// Why there is no page.
pub(in crate::serve) enum Trouble {
    /// There is no such thing.
    Missing(String),
    /// The command was refused.
    Refused(CommandError),
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::ClientUnknown(id) => Self::Missing(format!("There is no app “{id}”.")),
            CommandError::UserUnknown(id) => Self::Missing(format!("There is no user “{id}”.")),
            error => Self::Refused(error),
        }
    }
}

impl From<StorageFault> for Trouble {
    fn from(fault: StorageFault) -> Self {
        Self::Refused(CommandError::Storage(fault))
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::Missing(text) => notice(StatusCode::NOT_FOUND, "Not found", text),
            Self::Refused(CommandError::Storage(fault)) => {
                let text = "The database does not answer. Try again in a moment.";
                let mut response = notice(StatusCode::SERVICE_UNAVAILABLE, "Not now", text);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
                response.extensions_mut().insert(Fault::Storage(fault));
                response
            }
            Self::Refused(error) => {
                let text = format!("{error}. Go back and look at it again.");
                notice(StatusCode::CONFLICT, "That was not done", text)
            }
        }
    }
}

/// What a page says whose maker does not know where the server's pages are.
#[derive(Clone)]
struct Notice {
    title: &'static str,
    text: String,
}

/// An answer that [`framed`] makes a page of.
pub(in crate::serve) fn notice(
    status: StatusCode,
    title: &'static str,
    text: impl Into<String>,
) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Notice { title, text: text.into() });
    response
}

/// Gives a notice the frame of this server: below the issuer's path are its style and its links.
pub(in crate::serve) async fn framed(
    State(base): State<Arc<str>>,
    mut response: Response,
) -> Response {
    let Some(Notice { title, text }) = response.extensions_mut().remove() else { return response };
    let mut told = message(response.status(), Frame::bare(&base), title, &text);
    *told.extensions_mut() = std::mem::take(response.extensions_mut());
    told
}

/// A page as an answer.
pub(in crate::serve) fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        return crate::serve::routes::problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The page could not be made.",
        );
    };
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // Back button and shared machines: nothing of the console outlives its session on the disk.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same page for who is on the way to an app: its address, which has what the app asked, is told
/// nobody (RFC 9700 section 4.2.4), and its form may lead on to `target`.
pub(in crate::serve) fn private(mut response: Response, server: &Server, target: &str) -> Response {
    let headers = response.headers_mut();
    // A browser that hides where a form comes from says so by `Sec-Fetch-Site` instead; on plain http
    // from afar it says neither, and the form would be taken for another site's.
    if server.is_trustworthy {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    let target = format!("form-action 'self' {target};");
    if let Ok(policy) = HeaderValue::try_from(POLICY.replacen("form-action 'self';", &target, 1)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// To another address, as after a form: never with the form's body (RFC 9700 section 4.12).
pub(super) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(location) else {
        return crate::serve::routes::problem(StatusCode::BAD_REQUEST, "The address is malformed.");
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response
}

/// The same, and nobody is told from where.
pub(in crate::serve) fn leave(location: &str) -> Response {
    let mut response = see_other(location);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Redirects, too, are made for one person at one moment.
pub(in crate::serve) async fn unkept(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page that says what happened and what to do.
pub(in crate::serve) fn message(
    status: StatusCode,
    frame: Frame,
    title: &str,
    text: &str,
) -> Response {
    page(status, &Message { frame, title, text, leads_on: true })
}

/// The same for who was sent here by an app, and has no business with the console.
pub(in crate::serve) fn dead_end(
    status: StatusCode,
    frame: Frame,
    title: &str,
    text: &str,
) -> Response {
    page(status, &Message { frame, title, text, leads_on: false })
}
