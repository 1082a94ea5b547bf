//! `/account/sessions`: where somebody is signed in, and how to end it.

use askama::Template;
use axum::{
    extract::{Extension, Path, State},
    response::Response,
};
use grantd_core::SessionId;
use grantd_issuer::{Session, moment};
use http::StatusCode;

use super::{
    agent,
    form::InQuery,
    frame::Frame,
    login::leave_for,
    page::{Trouble, page},
    signed_in::SignedIn,
};
use crate::serve::routes::{Peer, Server};

#[derive(Template)]
#[template(path = "sessions.html")]
struct Sessions {
    frame: Frame,
    done: Option<&'static str>,
    present: Row,
    others: Vec<Row>,
}

/// A session as its user should recognise it.
struct Row {
    id: SessionId,
    /// The browser, as its user knows it.
    agent: String,
    /// How it names itself, where that is something else.
    header: Option<String>,
    address: String,
    began: String,
    seen: String,
}

impl From<&Session> for Row {
    fn from(session: &Session) -> Self {
        let or = |text: &str, other: &str| {
            if text.is_empty() { other.to_owned() } else { text.to_owned() }
        };
        let shown = |at| moment(at).replace('T', " ").replace('Z', " UTC");
        let known = agent::known(&session.agent);
        Self {
            id: session.id,
            header: known.is_some().then(|| session.agent.clone()),
            agent: known.unwrap_or_else(|| or(&session.agent, "An unknown browser")),
            address: or(&session.address, "an unknown address"),
            began: shown(session.created_at),
            seen: shown(session.seen_at),
        }
    }
}

/// `GET /account/sessions`
pub(super) async fn list(
    me: SignedIn,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let done = (query.text("done") == "password")
        .then_some("Your password is another one now, and your other sessions are over.");
    let mut all = server.sign_in.accounts.sessions(me.who.user.id).await?;
    all.retain(|session| session.id != me.who.session.id);
    let others = all.iter().map(Row::from).collect();
    let present = Row::from(&me.who.session);
    Ok(page(StatusCode::OK, &Sessions { frame: me.frame(), done, present, others }))
}

/// `POST /account/sessions/{id}/revoke`: one of one's own; one that is over already is as good.
pub(super) async fn revoke(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    if let Ok(id) = id.parse() {
        server.sign_in.accounts.end_session(&me.who, id, Some(address)).await?;
    }
    Ok(back(&server))
}

/// `POST /account/sessions/revoke-others`
pub(super) async fn revoke_others(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
) -> Result<Response, Trouble> {
    server.sign_in.accounts.end_other_sessions(&me.who, Some(address)).await?;
    Ok(back(&server))
}

fn back(server: &Server) -> Response {
    leave_for(&format!("{}/account/sessions", server.base), None)
}
