//! One user's page: what they may do, their password, whether they may come in.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::UserId;
use grantd_issuer::{CommandError, Conflict, User, UserState, UserView, user_change::UserEdit};

use super::{
    complaint::Complaint,
    filters,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
    users::hashed,
};
use crate::serve::{routes::Server, shut_out::OWN_RIGHT};

#[derive(Template)]
#[template(path = "user.html")]
struct Page {
    frame: Frame,
    user: UserView,
    /// The version that the page shows.
    version: u64,
    path: String,
    roles: Vec<Choice>,
    permissions: Vec<Choice>,
    /// Names of passkeys.
    passkeys: Vec<String>,
    done: Option<&'static str>,
    problem: Complaint,
}

struct Choice {
    name: String,
    says: String,
    ticked: bool,
}

/// `GET /developer/users/{id}`
pub(super) async fn show(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    shown(&operator, &server, &user, (done(&query), Complaint::default())).await
}

/// `POST /developer/users/{id}/rights`
pub(super) async fn rights(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    let permissions: Vec<_> = fields.all("permission").filter_map(|it| it.parse().ok()).collect();
    let roles: Vec<_> = fields.all("role").filter_map(|name| name.parse().ok()).collect();
    let edit = UserEdit {
        name: None,
        remove_permissions: lacking(&user.permissions, &permissions),
        add_permissions: permissions,
        remove_roles: lacking(&user.roles, &roles),
        add_roles: roles,
    };
    if server.shuts_out(&operator.by, &user, &edit).await? {
        return shown(&operator, &server, &user, (None, Complaint::at("", OWN_RIGHT))).await;
    }
    let version = fields.text("version").parse().ok().or(Some(user.version));
    let changed = server.registrar.edit_user(&operator.by, user.id, edit, version).await;
    answer(&operator, &server, &user, ("saved", changed)).await
}

/// `POST /developer/users/{id}/password`
pub(super) async fn password(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    if is_own(&operator, &user) {
        // There one proves to be oneself: an open browser alone must not become somebody's account.
        return Ok(Redirect::to(&format!("{}/account/password", server.base)).into_response());
    }
    let hash = match hashed(&server, &fields).await {
        Ok(hash) => hash,
        Err(complaint) => return shown(&operator, &server, &user, (None, complaint)).await,
    };
    let changed = server.registrar.set_password(&operator.by, user.id, hash).await;
    answer(&operator, &server, &user, ("password", changed)).await
}

/// `POST /developer/users/{id}/passkeys/remove`: all of them, where a device is lost.
pub(super) async fn remove_passkeys(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    server.registrar.remove_passkeys(&operator.by, user.id, None).await?;
    Ok(Redirect::to(&format!("{}?done=passkeys", path(&server, user.id))).into_response())
}

/// `POST /developer/users/{id}/disable`: everybody but oneself.
pub(super) async fn disable(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    if is_own(&operator, &user) {
        let own = "This is you: let somebody else do it, or `grantd user disable` on the server.";
        let complaint = Complaint::at("", own);
        return shown(&operator, &server, &user, (None, complaint)).await;
    }
    set_state(&operator, &server, &user, UserState::Disabled).await
}

/// `POST /developer/users/{id}/enable`
pub(super) async fn enable(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let user = find(&server, &id).await?;
    set_state(&operator, &server, &user, UserState::Active).await
}

fn is_own(operator: &Operator, user: &User) -> bool {
    operator.by.name() == format!("user:{}", user.id)
}

async fn set_state(
    operator: &Operator,
    server: &Server,
    user: &User,
    state: UserState,
) -> Result<Response, Trouble> {
    let changed = server.registrar.set_user_state(&operator.by, user.id, state).await;
    answer(operator, server, user, (state.as_str(), changed)).await
}

/// Back to the page, which says what was done, or the page again with what stands against it.
async fn answer(
    operator: &Operator,
    server: &Server,
    user: &User,
    (did, changed): (&str, Result<User, CommandError>),
) -> Result<Response, Trouble> {
    server.changed().await;
    match changed {
        Ok(_) => Ok(Redirect::to(&format!("{}?done={did}", path(server, user.id))).into_response()),
        Err(CommandError::Conflict(Conflict::UserDiffers(_))) => {
            let now = find(server, &user.id.to_string()).await?;
            shown(operator, server, &now, (None, Complaint::lost_race("user"))).await
        }
        Err(error) => {
            let complaint = Complaint::about(error)?;
            shown(operator, server, user, (None, complaint)).await
        }
    }
}

async fn shown(
    operator: &Operator,
    server: &Server,
    user: &User,
    (done, problem): (Option<&'static str>, Complaint),
) -> Result<Response, Trouble> {
    let roles = server.registrar.roles().await?.into_iter().map(|role| Choice {
        ticked: user.roles.contains(&role.name),
        name: role.name.to_string(),
        says: role.description,
    });
    let permissions = server.registrar.permissions().await?.into_iter().map(|entry| Choice {
        ticked: user.permissions.contains(&entry.name),
        name: entry.name.to_string(),
        says: entry.description,
    });
    let passkeys = server.sign_in.accounts.passkeys(user.id).await?;
    let template = Page {
        frame: operator.frame(Section::Users),
        user: UserView::from(user),
        version: user.version,
        path: path(server, user.id),
        roles: roles.collect(),
        permissions: permissions.collect(),
        passkeys: passkeys.into_iter().map(|record| record.passkey.name.to_string()).collect(),
        done,
        problem,
    };
    Ok(page(template.problem.status(), &template))
}

async fn find(server: &Server, id: &str) -> Result<User, Trouble> {
    let missing = || Trouble::Missing("There is no such user.".to_owned());
    let id: UserId = id.parse().map_err(|_| missing())?;
    match server.registrar.user(&id.to_string()).await {
        Err(CommandError::UserUnknown(_)) => Err(missing()),
        found => Ok(found?),
    }
}

fn path(server: &Server, id: UserId) -> String {
    format!("{}/developer/users/{id}", server.base)
}

fn done(fields: &Fields) -> Option<&'static str> {
    Some(match fields.text("done") {
        "created" => "The user is there, and may do nothing yet: tick what they may do.",
        "saved" => "Saved.",
        "password" => "The password is set, and all their sessions are over.",
        "passkeys" => "Their passkeys are removed. Sessions go on: another password ends them.",
        "disabled" => "The user is disabled: they are out, and tokens on their behalf are dead.",
        "active" => "The user is enabled. Tokens from before stay dead.",
        _ => return None,
    })
}

fn lacking<T: PartialEq + Clone>(had: &[T], wanted: &[T]) -> Vec<T> {
    had.iter().filter(|name| !wanted.contains(name)).cloned().collect()
}
