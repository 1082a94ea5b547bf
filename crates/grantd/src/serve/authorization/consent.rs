//! The consent screen: who asks, for what in plain words, and the answer.

use askama::Template;
use axum::{
    extract::{Extension, State},
    response::Response,
};
use grantd_core::{AuthorizationRequest, ClientKind, Refusal, scope_names};
use grantd_issuer::{Admin, Next, SignedIn};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::{Trouble, login_before, policy_source, to_login};
use crate::serve::{
    MANAGE,
    console::{self, Fields, Frame, Right},
    routes::{Peer, Server},
};

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent {
    frame: Frame,
    app: String,
    description: String,
    owner: Option<String>,
    user: String,
    allowed: Vec<Right>,
    /// What is asked for and the user does not have.
    missing: Vec<Right>,
    /// Where the answer goes, as people read it.
    target: String,
    /// Whether anybody could claim to be this app.
    public: bool,
    /// Whether it asks for the whole server.
    everything: bool,
    query: String,
    scope: String,
    seal: String,
    other_account: String,
}

/// The page that asks.
pub(super) async fn question(
    server: &Server,
    request: &AuthorizationRequest,
    query: &str,
    who: &SignedIn,
    scope: &str,
) -> Result<Response, Trouble> {
    let client = &request.addressed.client;
    let public = client.kind == ClientKind::Public;
    // Anybody may claim a public client's id: nobody gets the whole server by one click at such.
    let kept = |name: &&str| !(public && *name == MANAGE);
    let scope = &scope_names(scope).filter(kept).collect::<Vec<_>>().join(" ");
    let registration = server.storage.registration(client.id.as_str()).await?;
    let permissions = server.storage.permissions().await?;
    let has = |name: &&str| scope_names(scope).any(|known| known == *name);
    let (app, description, owner) = registration.map_or_else(
        || (client.id.to_string(), String::new(), None),
        |known| (known.name, known.description, known.owner),
    );
    let shown = Consent {
        frame: Frame::bare(&server.base),
        app,
        description,
        owner: owner.map(|owner| format!("{} {}", owner.kind, owner.id)),
        user: who.user.name.to_string(),
        allowed: Right::all(request.asked.names().filter(has), &permissions),
        missing: Right::all(request.asked.names().filter(|name| !has(name)), &permissions),
        target: place(request.addressed.redirect_uri.as_str()),
        public,
        everything: scope_names(scope).any(|name| name == MANAGE),
        query: query.to_owned(),
        scope: scope.clone(),
        seal: server.issuer.seal_question(who.session.id, query, scope),
        other_account: login_before(server, query, &[]),
    };
    let response = console::page(StatusCode::OK, &shown);
    let source = policy_source(&request.addressed.redirect_uri);
    Ok(console::private(response, server, &source))
}

/// `POST /oauth/consent`
pub(super) async fn answer(
    State(server): State<Server>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    match decide(&server, peer, &headers, &fields).await {
        Ok(response) => response,
        Err(trouble) => trouble.told(&server, peer),
    }
}

async fn decide(
    server: &Server,
    Peer(address): Peer,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<Response, Trouble> {
    let (query, scope, seal) = (fields.exact("query"), fields.exact("scope"), fields.exact("seal"));
    // The page tells nobody its address, so the way back is in the form.
    let Some(who) = console::present(headers, server).await? else {
        return Ok(console::leave(&login_before(server, query, &[("form", "unsaved")])));
    };
    server.bounds.admit(who.user.id).map_err(Trouble::TooMany)?;
    let ours = server.issuer.has_seal(seal, who.session.id, query, scope);
    if !ours || !server.bounds.answer(seal) {
        let text = "Nothing was allowed: this page is too old, was answered before, or somebody else signed in \
                    meanwhile. Go back to the app and start again.";
        let frame = Frame::bare(&server.base);
        return Ok(console::dead_end(
            StatusCode::FORBIDDEN,
            frame,
            "That was not asked here",
            text,
        ));
    }
    // Looked at anew: the client, its redirect URIs and its rights may have changed since.
    let request = server.issuer.authorization(query).await?;
    if fields.text("decision") != "allow" {
        return Err(Trouble::Sent(
            server.issuer.refuse(&request.addressed, Refusal::ConsentDenied),
        ));
    }
    let by = Admin::user(&who.user.id.to_string(), Some(address));
    match server.issuer.approve(&request, &who, scope, &by).await? {
        Next::Go(location) => Ok(console::leave(&location)),
        // It took them so long that they have to sign in anew.
        Next::SignIn | Next::Ask(_) => Ok(console::leave(&to_login(server, query))),
    }
}

/// The host that gets the answer; an app on the user's own machine has none.
fn place(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    match url.as_ref().and_then(|url| url.host_str().map(|host| (url.scheme(), host))) {
        Some(("https", host)) => host.to_owned(),
        _ => "an app on this device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn the_user_reads_where_the_answer_goes() {
        assert_eq!(place("https://app.example:8443/cb"), "app.example");
        for own in ["http://127.0.0.1:7/cb", "com.example.app:/cb", "com.example.app://cb"] {
            assert_eq!(place(own), "an app on this device");
        }
    }
}
