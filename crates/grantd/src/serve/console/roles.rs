//! Roles and permissions: one page for both, since a role is a set of permissions.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::Permission;
use grantd_issuer::{CommandError, Conflict, PermissionEntry, RoleEntry, RoleView};
use http::StatusCode;

use super::{
    ask::{Ask, ask},
    complaint::Complaint,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
    role_form::{RoleForm, choices},
};
use crate::serve::{MANAGE, fingerprint::fingerprint, routes::Server};

/// How many permissions of a role the list shows.
const SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "roles.html")]
struct List {
    frame: Frame,
    done: Option<&'static str>,
    roles: Vec<RoleEntry>,
    permissions: Vec<PermissionEntry>,
}

/// `GET /developer/roles`
pub(super) async fn list(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let roles = server.registrar.roles().await?;
    let permissions = server.registrar.permissions().await?;
    let done = done(&query);
    let frame = operator.frame(Section::Roles);
    Ok(page(StatusCode::OK, &List { frame, done, roles, permissions }))
}

/// `GET /developer/roles/new`
pub(super) async fn new(
    operator: Operator,
    State(server): State<Server>,
) -> Result<Response, Trouble> {
    form(&operator, &server, RoleForm::default()).await
}

/// `POST /developer/roles/new`
pub(super) async fn create(
    operator: Operator,
    State(server): State<Server>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let mut said = RoleForm::of(&fields);
    match create_as_said(&operator, &server, &said).await? {
        Some(problem) => {
            said.problem = problem;
            form(&operator, &server, said).await
        }
        None => Ok(back(&server, "role-created")),
    }
}

async fn create_as_said(
    operator: &Operator,
    server: &Server,
    said: &RoleForm,
) -> Result<Option<Complaint>, Trouble> {
    let role = match said.role() {
        Ok(role) => role,
        Err(complaint) => return Ok(Some(complaint)),
    };
    let made = server.registrar.create_role(&operator.by, &role).await;
    server.changed().await;
    match made {
        // A form that was sent twice has done what it says.
        Err(CommandError::Conflict(Conflict::RoleExists(name)))
            if find(server, name.as_str()).await? == role =>
        {
            Ok(None)
        }
        made => made.err().map(Complaint::about).transpose(),
    }
}

/// `GET /developer/roles/edit?name=…`
pub(super) async fn edit(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    form(&operator, &server, RoleForm::showing(&known)).await
}

/// `POST /developer/roles/edit?name=…`: what takes something away is done when that was confirmed.
pub(super) async fn change(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
    fields: Fields,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let mut said = RoleForm::of(&fields).at(&known);
    match change_as_said(&operator, &server, &known, &mut said).await? {
        Some(problem) => {
            said.problem = problem;
            form(&operator, &server, said).await
        }
        None => Ok(back(&server, "role-saved")),
    }
}

async fn change_as_said(
    operator: &Operator,
    server: &Server,
    known: &RoleEntry,
    said: &mut RoleForm,
) -> Result<Option<Complaint>, Trouble> {
    let role = match said.role() {
        // A form that was sent twice has done what it says.
        Ok(role) if role == *known => return Ok(None),
        Ok(role) => role,
        Err(complaint) => return Ok(Some(complaint)),
    };
    if said.seen != fingerprint(&RoleView::from(known)) {
        said.see(known);
        return Ok(Some(Complaint::lost_race("role")));
    }
    if let Some(complaint) = said.unconfirmed(known, &role) {
        return Ok(Some(complaint));
    }
    let changed = server.registrar.change_role(&operator.by, &known.name, Some(known), Some(&role));
    let changed = changed.await;
    server.changed().await;
    changed.err().map(Complaint::about).transpose()
}

/// `GET /developer/roles/delete?name=…`
pub(super) async fn ask_delete(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    Ok(asking(&operator, &known, Complaint::default()))
}

/// `POST /developer/roles/delete?name=…`
pub(super) async fn delete(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
    fields: Fields,
) -> Result<Response, Trouble> {
    let Some(known) = server.registrar.role(&named(&query)).await? else {
        return Ok(back(&server, "role-deleted"));
    };
    if fields.text("seen") != fingerprint(&RoleView::from(&known)) {
        return Ok(asking(&operator, &known, Complaint::lost_race("role")));
    }
    let changed = server.registrar.change_role(&operator.by, &known.name, Some(&known), None).await;
    if let Err(error) = changed {
        return Ok(asking(&operator, &known, Complaint::about(error)?));
    }
    server.changed().await;
    Ok(back(&server, "role-deleted"))
}

fn asking(operator: &Operator, role: &RoleEntry, problem: Complaint) -> Response {
    let rights = role.permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(", ");
    let mut dies = vec![if rights.is_empty() {
        "It holds no permissions, so nobody loses one.".to_owned()
    } else {
        format!("Everybody who has the role loses what only it gives them: {rights}.")
    }];
    dies.push(
        "All tokens of all who have the role die at once; they have to get new ones.".to_owned(),
    );
    if role.permissions.iter().any(|name| name.as_str() == MANAGE) {
        dies.push("It holds manage_system: who has that from this role only cannot come in here any more, you perhaps among them.".to_owned());
    }
    ask(&Ask {
        frame: operator.frame(Section::Roles),
        what: "role",
        name: role.name.to_string(),
        dies,
        seen: fingerprint(&RoleView::from(role)),
        back: "/developer/roles",
        problem,
    })
}

async fn form(
    operator: &Operator,
    server: &Server,
    mut said: RoleForm,
) -> Result<Response, Trouble> {
    said.choices = choices(server.registrar.permissions().await?, &said.ticked);
    Ok(said.page(operator.frame(Section::Roles)))
}

async fn find(server: &Server, name: &str) -> Result<RoleEntry, Trouble> {
    let found = server.registrar.role(name).await?;
    found.ok_or_else(|| Trouble::Missing(format!("There is no role “{name}”.")))
}

/// What a page is about: names may hold any sign, so they stand in the query, where none of them
/// means anything.
pub(super) fn named(query: &Fields) -> String {
    query.all("name").next().unwrap_or_default().to_owned()
}

/// Back to the list, which says what happened.
pub(super) fn back(server: &Server, done: &str) -> Response {
    Redirect::to(&format!("{}/developer/roles?done={done}", server.base)).into_response()
}

fn done(fields: &Fields) -> Option<&'static str> {
    Some(match fields.text("done") {
        "role-created" => "The role is there: give it to apps on their pages.",
        "role-saved" => "The role is saved.",
        "role-deleted" => "The role is deleted.",
        "permission-created" => "The permission is there: put it into roles, or give it to apps.",
        "permission-saved" => "The permission is saved.",
        "permission-deleted" => "The permission is deleted.",
        _ => return None,
    })
}

impl List {
    fn shown(role: &RoleEntry) -> &[Permission] {
        &role.permissions[..role.permissions.len().min(SHOWN)]
    }

    fn hidden(role: &RoleEntry) -> Option<usize> {
        role.permissions.len().checked_sub(SHOWN).filter(|more| *more > 0)
    }

    fn roles_with(&self, permission: &Permission) -> String {
        let with = self.roles.iter().filter(|role| role.permissions.contains(permission));
        let names: Vec<_> = with.map(|role| role.name.as_str()).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    }

    fn may_delete(permission: &Permission) -> bool {
        permission.as_str() != MANAGE
    }
}
