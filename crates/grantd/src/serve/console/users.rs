//! The list of users, and new ones.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::{Secret, UserId};
use grantd_issuer::{
    CommandError, NewUser, Password, PasswordHash, UserFilter, UserName, UserView,
    accounts::hash_password,
};
use http::StatusCode;
use url::form_urlencoded::Serializer;

use super::{
    complaint::Complaint,
    filters::readable,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

/// How many users a page shows.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    frame: Frame,
    search: String,
    state: String,
    rows: Vec<UserView>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "user_new.html")]
struct New {
    frame: Frame,
    name: String,
    problem: Complaint,
}

/// `GET /developer/users`
pub(super) async fn list(
    operator: Operator,
    State(server): State<Server>,
    InQuery(asked): InQuery,
) -> Result<Response, Trouble> {
    let (search, state) = (asked.text("search").to_owned(), asked.text("state").to_owned());
    let search_for = Some(search.clone()).filter(|text| !text.is_empty());
    let filter = UserFilter { state: state.parse().ok(), search: search_for };
    let after: Option<UserId> = asked.text("after").parse().ok();
    let mut found = server.registrar.users(&filter, after, PAGE + 1).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let frame = operator.frame(Section::Users);
    let link = |after: &str| {
        let mut query = Serializer::new(String::new());
        query.append_pair("search", &search).append_pair("state", &state);
        format!("{}/developer/users?{}", frame.base, query.append_pair("after", after).finish())
    };
    let next = found.last().filter(|_| more).map(|last| link(&last.id.to_string()));
    let first = after.map(|_| link(""));
    let rows = found.iter().map(UserView::from).collect();
    Ok(page(StatusCode::OK, &Users { frame, search, state, rows, first, next }))
}

/// `GET /developer/users/new`
pub(super) async fn new(operator: Operator) -> Response {
    asking(&operator, String::new(), Complaint::default())
}

/// `POST /developer/users/new`
pub(super) async fn create(
    operator: Operator,
    State(server): State<Server>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let typed = fields.text("name").to_owned();
    let name: UserName = match typed.parse() {
        Ok(name) => name,
        Err(error) => {
            return Ok(asking(&operator, typed, Complaint::at("name", format!("{error}."))));
        }
    };
    let password = match hashed(&server, &fields).await {
        Ok(hash) => Some(hash),
        Err(complaint) => return Ok(asking(&operator, typed, complaint)),
    };
    let new = NewUser { name, password, permissions: Vec::new(), roles: Vec::new() };
    match server.registrar.create_user(&operator.by, new).await {
        Ok(user) => {
            let to = format!("{}/developer/users/{}?done=created", server.base, user.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(CommandError::Conflict(taken)) => {
            Ok(asking(&operator, typed, Complaint::at("name", format!("{taken}."))))
        }
        Err(error) => Ok(asking(&operator, typed, Complaint::about(error)?)),
    }
}

/// The password of a form, hashed beside the requests that others wait for.
pub(super) async fn hashed(server: &Server, fields: &Fields) -> Result<PasswordHash, Complaint> {
    let chosen = Password::choose(Secret::new(fields.exact("password").to_owned()))
        .map_err(|refused| Complaint::at("password", format!("{refused}.")))?;
    let hashed = server.sign_in.passwords.run(move || hash_password(&chosen)).await;
    hashed.ok().and_then(Result::ok).ok_or_else(|| {
        Complaint::at("password", "The server is busy with other passwords: send it again.")
    })
}

fn asking(operator: &Operator, name: String, problem: Complaint) -> Response {
    let frame = operator.frame(Section::Users);
    page(problem.status(), &New { frame, name, problem })
}

impl Users {
    fn last_here(user: &UserView) -> String {
        user.last_login_at.as_deref().map_or_else(|| "never".to_owned(), readable)
    }

    fn rights(user: &UserView) -> String {
        let roles = user.roles.iter().map(|role| format!("role {role}"));
        let all: Vec<_> = roles.chain(user.permissions.iter().cloned()).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    }
}
