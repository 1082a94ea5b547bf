//! Why an authorization request gets no code, and how the user or the app is told.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use grantd_core::{Refusal, Refused};
use grantd_issuer::{Answer, AuthorizationError, Fault, StorageFault};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use crate::serve::{
    console::{self, Frame},
    routes::{Peer, Server},
};

/// Why there is no code.
pub(super) enum Trouble {
    /// The user is told, and nobody else.
    Shown(Refused),
    /// The app is told.
    Sent(Answer),
    /// Too many requests of one user: for so long.
    TooMany(Duration),
    /// Something changed while it was decided.
    Changed,
    /// The server could not.
    Faulted(Fault),
}

impl From<AuthorizationError> for Trouble {
    fn from(error: AuthorizationError) -> Self {
        match error {
            AuthorizationError::Shown(refused) => Self::Shown(refused),
            AuthorizationError::Sent(answer) => Self::Sent(answer),
            AuthorizationError::Changed => Self::Changed,
            AuthorizationError::Faulted(fault) => Self::Faulted(fault),
        }
    }
}

impl From<StorageFault> for Trouble {
    fn from(fault: StorageFault) -> Self {
        Self::Faulted(Fault::Storage(fault))
    }
}

impl Trouble {
    /// The answer; a refusal is counted, and left for the log.
    pub(super) fn told(self, server: &Server, Peer(from): Peer) -> Response {
        let (mut response, refused) = match self {
            Self::Faulted(fault) => return faulted(server, fault),
            Self::TooMany(wait) => return too_many(server, wait),
            Self::Changed => return changed(server),
            Self::Shown(refused) => (shown(server, refused.refusal), refused),
            Self::Sent(answer) => (console::leave(&answer.location), answer.refused),
        };
        server.issuer.note_refused_authorization(&refused, Some(from));
        response.extensions_mut().insert(refused);
        response
    }
}

/// For the person in front of it, and a word for whoever writes the app.
fn shown(server: &Server, refusal: Refusal) -> Response {
    let (text, name) = match refusal {
        Refusal::ClientNotNamed
        | Refusal::ClientUnknown
        | Refusal::ClientRevoked
        | Refusal::ClientDeleted => (
            "The app that sent you here is not known to this server, or may not be used any more.",
            // Which of them is in the log: what became of an app is nobody's to find out here.
            "client-unknown",
        ),
        Refusal::RedirectUriUnknown | Refusal::RedirectUriMissing => (
            "The app that sent you here wants the answer at an address that is not registered for it, so nothing was sent.",
            refusal.name(),
        ),
        _ => ("The address that brought you here is malformed.", refusal.name()),
    };
    let text =
        format!("{text} Go back and try again; if it stays, tell the app's makers “{name}”.");
    let frame = Frame::bare(&server.base);
    console::dead_end(StatusCode::BAD_REQUEST, frame, "This request cannot be answered", &text)
}

fn too_many(server: &Server, wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let text = format!("Apps have sent you here very often. Try again in {seconds} seconds.");
    let frame = Frame::bare(&server.base);
    let mut response = console::dead_end(StatusCode::TOO_MANY_REQUESTS, frame, "One moment", &text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn changed(server: &Server) -> Response {
    let text = "The app, your account or what you allowed changed just now. Go back to the app and start again.";
    let frame = Frame::bare(&server.base);
    console::dead_end(StatusCode::CONFLICT, frame, "That has changed meanwhile", text)
}

fn faulted(server: &Server, fault: Fault) -> Response {
    match fault {
        Fault::Storage(fault) => console::Trouble::from(fault).into_response(),
        fault @ Fault::Stale { .. } => {
            let fault = StorageFault::new("out of sight", fault);
            console::Trouble::from(fault).into_response()
        }
        fault => {
            let frame = Frame::bare(&server.base);
            let text = "This server does not let apps act for users.";
            let mut response = console::dead_end(StatusCode::NOT_FOUND, frame, "Not here", text);
            response.extensions_mut().insert(fault);
            response
        }
    }
}
