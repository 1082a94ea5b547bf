//! `/account/password`: somebody changes their own password, and stays where they are.

use askama::Template;
use axum::{
    extract::{Extension, State},
    response::Response,
};
use grantd_core::Secret;
use grantd_issuer::{Admin, CommandError, Conflict};
use http::StatusCode;

use super::{
    complaint::Complaint,
    form::Fields,
    frame::Frame,
    login::{leave_for, told, wait_for},
    page::{Trouble, page},
    signed_in::SignedIn,
    users::hashed,
};
use crate::serve::routes::{Peer, Server};

#[derive(Template)]
#[template(path = "own_password.html")]
struct OwnPassword {
    frame: Frame,
    name: String,
    problem: Complaint,
}

impl OwnPassword {
    fn shown(me: &SignedIn, status: StatusCode, problem: Complaint) -> Response {
        let name = me.who.user.name.to_string();
        page(status, &Self { frame: me.frame(), name, problem })
    }
}

/// `GET /account/password`
pub(super) async fn show(me: SignedIn) -> Response {
    OwnPassword::shown(&me, StatusCode::OK, Complaint::default())
}

/// `POST /account/password`: whoever finds a browser open must know the present password.
pub(super) async fn change(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let again = |problem: Complaint| Ok(OwnPassword::shown(&me, problem.status(), problem));
    if fields.exact("password") != fields.exact("again") {
        return again(Complaint::at("again", "The two are not the same."));
    }
    let present = Secret::new(fields.exact("present").to_owned());
    let proven = match server.sign_in.confirm(&me.who, present, address).await? {
        Ok(proven) => proven,
        Err(refused) => {
            let (status, text) = told(refused, "This is not your present password.");
            let response = OwnPassword::shown(&me, status, Complaint::at("present", text));
            return Ok(wait_for(refused, response));
        }
    };
    let hash = match hashed(&server, &fields).await {
        Ok(hash) => hash,
        Err(complaint) => return again(complaint),
    };
    // Their authority over their own password; nothing else is done with it.
    let by = Admin::user(&me.who.user.id.to_string(), Some(address));
    let session = me.who.session.id;
    match server.registrar.change_own_password(&by, &proven, hash, session).await {
        Err(CommandError::Conflict(Conflict::PasswordDiffers(_))) => {
            let text = "Somebody gave you another password meanwhile: that one holds.";
            return again(Complaint::at("", text));
        }
        changed => changed?,
    };
    server.changed().await;
    Ok(leave_for(&format!("{}/account/sessions?done=password", server.base), None))
}
