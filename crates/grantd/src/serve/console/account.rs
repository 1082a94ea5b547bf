//! `/account`: who somebody is here, what they may do, and what they allowed apps.

use askama::Template;
use axum::{
    extract::{Extension, State},
    response::Response,
};
use grantd_core::{ClientId, ClientState, Permission, RoleName};
use grantd_issuer::{Admin, Consent, PermissionEntry};
use http::StatusCode;

use super::{
    filters::said,
    form::{Fields, InQuery},
    frame::Frame,
    page::{Trouble, leave, page},
    right::Right,
    signed_in::SignedIn,
};
use crate::serve::routes::{Peer, Server};

#[derive(Template)]
#[template(path = "account.html")]
struct Profile {
    frame: Frame,
    name: String,
    since: String,
    last: Option<String>,
    roles: Vec<RoleName>,
    permissions: Vec<Right>,
    /// How many apps may act for them.
    apps: usize,
}

#[derive(Template)]
#[template(path = "connected_apps.html")]
struct ConnectedApps {
    frame: Frame,
    done: Option<String>,
    apps: Vec<Connected>,
}

/// An app that may act for them.
struct Connected {
    id: ClientId,
    name: String,
    description: String,
    owner: Option<String>,
    since: String,
    used: Option<String>,
    rights: Vec<Right>,
    /// Whether it works at this moment.
    active: bool,
}

/// `GET /account`
pub(super) async fn show(me: SignedIn, State(server): State<Server>) -> Result<Response, Trouble> {
    let known = server.storage.permissions().await?;
    let user = &me.who.user;
    let shown = Profile {
        frame: me.frame(),
        name: user.name.to_string(),
        since: said(user.created_at),
        last: user.last_login_at.map(said),
        roles: user.roles.clone(),
        permissions: Right::all(me.who.permissions.iter().map(Permission::as_str), &known),
        apps: server.storage.consents(user.id).await?.len(),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `GET /account/apps`
pub(super) async fn apps(
    me: SignedIn,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = server.storage.permissions().await?;
    let mut apps = Vec::new();
    for consent in server.storage.consents(me.who.user.id).await? {
        apps.push(connected(&server, consent, &known).await?);
    }
    let done = query.text("done");
    let done = (done == "disconnected").then(|| {
        "The app is disconnected: whatever it had to act for you is dead as of now.".to_owned()
    });
    Ok(page(StatusCode::OK, &ConnectedApps { frame: me.frame(), done, apps }))
}

/// `POST /account/apps/disconnect`: one that is disconnected already is as good.
pub(super) async fn disconnect(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let user = me.who.user.id;
    if let Ok(client) = fields.exact("client_id").parse() {
        let by = Admin::user(&user.to_string(), Some(address));
        server.registrar.disconnect(&by, user, &client).await?;
        server.changed().await;
    }
    Ok(leave(&format!("{}/account/apps?done=disconnected", server.base)))
}

async fn connected(
    server: &Server,
    consent: Consent,
    known: &[PermissionEntry],
) -> Result<Connected, Trouble> {
    let client = server.storage.registration(consent.client.as_str()).await?;
    let active = client.as_ref().is_some_and(|client| client.state == ClientState::Active);
    let (name, description, owner) =
        client.map_or_else(<_>::default, |it| (it.name, it.description, it.owner));
    Ok(Connected {
        name,
        description,
        owner: owner.map(|owner| format!("{} {}", owner.kind, owner.id)),
        since: said(consent.given_at),
        used: consent.used_at.map(said),
        rights: Right::all(consent.permissions.iter().map(Permission::as_str), known),
        active,
        id: consent.client,
    })
}
