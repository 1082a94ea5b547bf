//! `/account/passkeys`: somebody's own passkeys, another one, and one less.

use askama::Template;
use axum::{
    Json,
    extract::{Extension, Path, State},
    response::{IntoResponse, Response},
};
use grantd_core::{PasskeyId, Secret};
use grantd_issuer::{
    Admin, CommandError, Passkey, PasskeyName, moment,
    passkey::{NewPasskey, PasskeyNameError},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{
    filters,
    form::InQuery,
    frame::Frame,
    login::leave_for,
    page::{Trouble, page},
    passkey_login::{none_here, refusal},
    signed_in::SignedIn,
    words::Words,
};
use crate::serve::routes::{Peer, Server, problem};

/// What is said of an answer that does not hold.
const WRONG: &str = "That is no passkey that can be added here. Try again, or another device.";

#[derive(Template)]
#[template(path = "passkeys.html")]
struct Passkeys {
    frame: Frame,
    user: String,
    /// Whether there are any here, and room for one more.
    possible: bool,
    full: bool,
    rows: Vec<Row>,
    done: Option<&'static str>,
}

/// A passkey as its owner should recognise it.
struct Row {
    id: PasskeyId,
    name: String,
    added: String,
    used: Option<String>,
}

impl From<Passkey> for Row {
    fn from(passkey: Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name.to_string(),
            added: moment(passkey.created_at),
            used: passkey.last_used_at.map(moment),
        }
    }
}

/// What is asked for before a browser is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    name: String,
    password: String,
}

/// What the browser answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    name: String,
    question: String,
    credential: RegisterPublicKeyCredential,
}

/// `GET /account/passkeys`
pub(super) async fn list(
    me: SignedIn,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let own = server.sign_in.accounts.passkeys(me.who.user.id).await?;
    let template = Passkeys {
        frame: me.frame(),
        user: me.who.user.name.to_string(),
        possible: server.sign_in.has_passkeys(),
        full: own.len() >= Passkey::MOST as usize,
        rows: own.into_iter().map(|record| record.passkey.into()).collect(),
        done: match query.text("done") {
            "added" => Some("The passkey is added: from now on you can sign in with it."),
            "removed" => Some("The passkey is removed, and opens nothing here any more."),
            _ => None,
        },
    };
    Ok(page(StatusCode::OK, &template))
}

/// `POST /account/passkeys/question`: whoever finds a browser open must know the password, or could
/// come back by a passkey of their own for ever.
pub(super) async fn ask(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    Words(wish): Words<Wish>,
) -> Result<Response, Trouble> {
    if let Err(error) = wish.name.trim().parse::<PasskeyName>() {
        return Ok(unnamed(error));
    }
    let asked = server.sign_in.ask_to_add(&me.who, Secret::new(wish.password), address).await?;
    Ok(match asked {
        Ok(Some(asked)) => Json(asked).into_response(),
        Ok(None) => none_here(),
        Err(refused) => refusal(refused, "This is not your present password."),
    })
}

/// `POST /account/passkeys`
pub(super) async fn add(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    Words(answer): Words<Answer>,
) -> Result<Response, Trouble> {
    let name: PasskeyName = match answer.name.trim().parse() {
        Ok(name) => name,
        Err(error) => return Ok(unnamed(error)),
    };
    let made = match server.sign_in.check_added(&me.who, &answer.question, &answer.credential) {
        Ok(made) => made,
        Err(refused) => return Ok(refusal(refused, WRONG)),
    };
    let user = me.who.user.id;
    let new = NewPasskey { user, name, credential: made.credential, key: made.key };
    // Their authority over themselves; nothing else is done with it.
    let by = Admin::user(&user.to_string(), Some(address));
    match server.registrar.add_passkey(&by, new, &made.answered).await {
        Ok(_) => Ok(Json(json!({ "location": path(&server, "added") })).into_response()),
        Err(CommandError::Conflict(conflict)) => {
            Ok(problem(StatusCode::CONFLICT, &format!("Not added: {conflict}.")))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/passkeys/{id}/remove`: one of one's own; one that is gone already is as good.
pub(super) async fn remove(
    me: SignedIn,
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let user = me.who.user.id;
    if let Ok(id) = id.parse() {
        let by = Admin::user(&user.to_string(), Some(address));
        server.registrar.remove_passkeys(&by, user, Some(id)).await?;
    }
    Ok(leave_for(&path(&server, "removed"), None))
}

fn path(server: &Server, done: &str) -> String {
    format!("{}/account/passkeys?done={done}", server.base)
}

fn unnamed(error: PasskeyNameError) -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, &format!("Name it: {error}."))
}
