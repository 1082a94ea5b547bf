//! Signing in with a passkey: the question, and the answer that leads on like a password.

use axum::{
    Json,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{
    login::{caller, end_present, start_page, told, wait_for},
    page::Trouble,
    signed_in::own_page,
    words::Words,
};
use crate::serve::{
    routes::{Peer, Server, problem},
    sign_in::Refused,
};

/// What is said of every passkey that does not let anybody in.
const WRONG: &str = "This passkey opens no account here. Sign in with your password.";

/// The answer to a question of the login page's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    question: String,
    credential: PublicKeyCredential,
    return_to: String,
}

/// `POST /login/passkey/question`
pub(super) async fn ask(State(server): State<Server>) -> Response {
    server.sign_in.ask_to_sign_in().map_or_else(none_here, |asked| Json(asked).into_response())
}

/// `POST /login/passkey`
pub(super) async fn sign_in(
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    Words(answer): Words<Answer>,
) -> Result<Response, Trouble> {
    let from = caller(&headers, address);
    let attempt = server.sign_in.attempt_by_passkey(&answer.question, &answer.credential, from);
    let opened = match attempt.await? {
        Ok(opened) => opened,
        Err(refused) => {
            return Ok(refusal(refused, WRONG));
        }
    };
    tracing::info!(%address, user = %opened.user.id, "signed in by passkey");
    end_present(&headers, &server, address).await?;
    let location = match own_page(&server.base, &answer.return_to) {
        Some(path) => path.to_owned(),
        None => start_page(&server, opened.secret.reveal()).await?,
    };
    let mut response = Json(json!({ "location": location })).into_response();
    let cookie = server.sign_in.cookie.set(&opened.secret);
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// A refusal as a script shows it.
pub(super) fn refusal(refused: Refused, wrong: &str) -> Response {
    let (status, text) = told(refused, wrong);
    wait_for(refused, problem(status, &text))
}

/// Where the issuer's host is an address, nobody has a passkey.
pub(super) fn none_here() -> Response {
    problem(StatusCode::NOT_FOUND, "This server has no passkeys: its address has no name.")
}
