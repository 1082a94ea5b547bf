//! The login page, and the way out.

use std::net::IpAddr;

use askama::Template;
use axum::{
    extract::{Extension, State},
    response::Response,
};
use grantd_core::{Secret, whole_seconds};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{RETRY_AFTER, SET_COOKIE, USER_AGENT},
};

use super::{
    form::{Fields, InQuery},
    frame::Frame,
    page::{Trouble, page, private, see_other},
    signed_in::{own_page, present},
};
use crate::serve::{
    MANAGE,
    authorization::form_target,
    routes::{Peer, Server},
    sign_in::{Caller, Refused},
};

/// What is said of a wrong name and of a wrong password alike.
const WRONG: &str = "The name or the password is wrong.";

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    name: String,
    return_to: String,
    problem: Option<String>,
    /// Whether a form brought them here that nobody was signed in to send.
    unsaved: bool,
    /// Whether there are passkeys on this server.
    passkeys: bool,
}

impl Login {
    fn of(server: &Server, fields: &Fields) -> Self {
        let return_to = own_page(&server.base, fields.text("return_to")).unwrap_or_default();
        let return_to = return_to.to_owned();
        let frame = Frame::bare(&server.base);
        let unsaved = fields.has("form", "unsaved");
        let passkeys = server.sign_in.has_passkeys();
        let name = fields.text("name").to_owned();
        Self { frame, name, return_to, problem: None, unsaved, passkeys }
    }

    /// The form again, with what was typed, the password excepted.
    async fn again(self, server: &Server, status: StatusCode, problem: String) -> Response {
        Self { problem: Some(problem), ..self }.shown(server, status).await
    }

    async fn shown(self, server: &Server, status: StatusCode) -> Response {
        let target = form_target(server, &self.return_to).await;
        let response = page(status, &self);
        match target {
            Some(target) => private(response, server, &target),
            // The next page is ours, and wants to know whether it is the way back to a form.
            None => response,
        }
    }
}

/// `GET /login`
pub(super) async fn show(State(server): State<Server>, InQuery(fields): InQuery) -> Response {
    let form = Login { name: String::new(), ..Login::of(&server, &fields) };
    form.shown(&server, StatusCode::OK).await
}

/// `POST /login`
pub(super) async fn sign_in(
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Trouble> {
    let form = Login::of(&server, &fields);
    let password = Secret::new(fields.exact("password").to_owned());
    let from = caller(&headers, address);
    let opened = match server.sign_in.attempt(&form.name, password, from).await? {
        Ok(opened) => opened,
        Err(refused) => {
            let (status, text) = told(refused, WRONG);
            return Ok(wait_for(refused, form.again(&server, status, text).await));
        }
    };
    tracing::info!(%address, user = %opened.user.id, "signed in");
    // The session before, if there was one in this browser, would be nobody's to end.
    end_present(&headers, &server, address).await?;
    let start = start_page(&server, opened.secret.reveal()).await?;
    let address = if form.return_to.is_empty() { start } else { form.return_to };
    Ok(leave_for(&address, server.sign_in.cookie.set(&opened.secret)))
}

/// `POST /logout`
pub(super) async fn sign_out(
    State(server): State<Server>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    end_present(&headers, &server, address).await?;
    let address = format!("{}/login", server.base);
    Ok(leave_for(&address, server.sign_in.cookie.clear()))
}

/// Who tries to come in.
pub(super) fn caller(headers: &HeaderMap, address: IpAddr) -> Caller {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Caller { address, agent: agent.to_owned() }
}

/// Where somebody goes who was on their way to nowhere: the console, if they may enter it.
pub(super) async fn start_page(server: &Server, secret: &str) -> Result<String, Trouble> {
    let who = server.sign_in.accounts.signed_in(secret).await?;
    let may_enter = who.is_some_and(|who| who.can(MANAGE));
    let path = if may_enter { "/developer" } else { "/account" };
    Ok(format!("{}{path}", server.base))
}

/// Ends the session that a browser had before.
pub(super) async fn end_present(
    headers: &HeaderMap,
    server: &Server,
    from: IpAddr,
) -> Result<(), Trouble> {
    if let Some(who) = present(headers, server).await? {
        server.sign_in.accounts.end_session(&who, who.session.id, Some(from)).await?;
    }
    Ok(())
}

/// To another page, with another cookie.
pub(super) fn leave_for(address: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = see_other(address);
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// How a refusal is told.
pub(super) fn told(refused: Refused, wrong: &str) -> (StatusCode, String) {
    match refused {
        Refused::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, wrong.to_owned()),
        Refused::Stale => {
            let text = "That took too long, or it counted already. Try again.";
            (StatusCode::UNPROCESSABLE_ENTITY, text.to_owned())
        }
        Refused::TooMany(wait) => {
            let unit = if whole_seconds(wait) == 1 { "second" } else { "seconds" };
            let text = format!("Too many attempts. Try again in {} {unit}.", whole_seconds(wait));
            (StatusCode::TOO_MANY_REQUESTS, text)
        }
        Refused::Busy => {
            let text = "Many people sign in at this moment. Try again in a second.";
            (StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
        }
    }
}

/// The answer, with `Retry-After` where waiting helps, and for the log what was refused.
pub(super) fn wait_for(refused: Refused, mut response: Response) -> Response {
    response.extensions_mut().insert(refused);
    let wait = match refused {
        Refused::Wrong(_) | Refused::Stale => return response,
        Refused::TooMany(wait) => whole_seconds(wait),
        Refused::Busy => 1,
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    response
}
