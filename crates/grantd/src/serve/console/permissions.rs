//! The forms of a permission: a new one, another description, and none any more.

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_core::Api;
use grantd_issuer::{PermissionEntry, PermissionView};
use http::StatusCode;

use super::{
    ask::{Ask, ask},
    complaint::Complaint,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, message, page},
    role_form::NAME_RULE,
    roles::{back, named},
};
use crate::serve::{MANAGE, fingerprint::fingerprint, routes::Server};

/// A permission as it was typed.
#[derive(Default)]
struct Said {
    known: bool,
    name: String,
    api: String,
    description: String,
    seen: String,
}

#[derive(Template)]
#[template(path = "permission.html")]
struct Page {
    frame: Frame,
    said: Said,
    apis: Vec<Api>,
    problem: Complaint,
}

/// `GET /developer/permissions/new`
pub(super) async fn new(
    operator: Operator,
    State(server): State<Server>,
) -> Result<Response, Trouble> {
    let said = Said { api: Api::DEFAULT.to_owned(), ..Said::default() };
    form(&operator, &server, said, Complaint::default()).await
}

/// `POST /developer/permissions/new`
pub(super) async fn create(
    operator: Operator,
    State(server): State<Server>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let said = Said::of(&fields);
    let Ok(name) = said.name.parse() else {
        return form(&operator, &server, said, Complaint::at("name", NAME_RULE)).await;
    };
    let entry =
        PermissionEntry { name, api: said.api.clone(), description: said.description.clone() };
    let made = server.registrar.create_permission(&operator.by, &entry).await;
    // A form that was sent twice has done what it says.
    let done = server.registrar.permission(entry.name.as_str()).await? == Some(entry);
    if let (Err(error), false) = (made, done) {
        return form(&operator, &server, said, Complaint::about(error)?).await;
    }
    server.changed().await;
    Ok(back(&server, "permission-created"))
}

/// `GET /developer/permissions/edit?name=…`
pub(super) async fn edit(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let said = Said { description: known.description.clone(), ..Said::at(&known) };
    form(&operator, &server, said, Complaint::default()).await
}

/// `POST /developer/permissions/edit?name=…`
pub(super) async fn change(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
    fields: Fields,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let description = fields.text("description");
    let said = Said { description: description.to_owned(), ..Said::at(&known) };
    // A form that was sent twice has done what it says.
    if known.description == description {
        return Ok(back(&server, "permission-saved"));
    }
    if fields.text("seen") != said.seen {
        return form(&operator, &server, said, Complaint::lost_race("permission")).await;
    }
    let by = &operator.by;
    let changed =
        server.registrar.change_permission(by, Some(&known), &known.name, description).await;
    if let Err(error) = changed {
        return form(&operator, &server, said, Complaint::about(error)?).await;
    }
    server.changed().await;
    Ok(back(&server, "permission-saved"))
}

/// `GET /developer/permissions/delete?name=…`
pub(super) async fn ask_delete(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let stays = stays(&operator, &known);
    Ok(stays.unwrap_or_else(|| asking(&operator, &known, Complaint::default())))
}

/// `POST /developer/permissions/delete?name=…`
pub(super) async fn delete(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
    fields: Fields,
) -> Result<Response, Trouble> {
    let Some(known) = server.registrar.permission(&named(&query)).await? else {
        return Ok(back(&server, "permission-deleted"));
    };
    if let Some(stays) = stays(&operator, &known) {
        return Ok(stays);
    }
    if fields.text("seen") != fingerprint(&PermissionView::from(&known)) {
        return Ok(asking(&operator, &known, Complaint::lost_race("permission")));
    }
    if let Err(error) = server.registrar.delete_permission(&operator.by, &known.name).await {
        return Ok(asking(&operator, &known, Complaint::about(error)?));
    }
    server.changed().await;
    Ok(back(&server, "permission-deleted"))
}

/// Without this one nobody could come in here.
fn stays(operator: &Operator, entry: &PermissionEntry) -> Option<Response> {
    let text = "Without it nobody could use the console. Only `grantd permission delete` on the server removes it.";
    let frame = operator.frame(Section::Roles);
    (entry.name.as_str() == MANAGE)
        .then(|| message(StatusCode::CONFLICT, frame, "This permission stays", text))
}

fn asking(operator: &Operator, entry: &PermissionEntry, problem: Complaint) -> Response {
    ask(&Ask {
        frame: operator.frame(Section::Roles),
        what: "permission",
        name: entry.name.to_string(),
        dies: vec![
            "It goes out of all roles and from all apps that have it, and no app can ask for this scope again."
                .to_owned(),
            "All tokens of all who have it now die at once; they have to get new ones.".to_owned(),
        ],
        seen: fingerprint(&PermissionView::from(entry)),
        back: "/developer/roles",
        problem,
    })
}

async fn form(
    operator: &Operator,
    server: &Server,
    said: Said,
    problem: Complaint,
) -> Result<Response, Trouble> {
    let apis = server.registrar.apis().await?;
    let frame = operator.frame(Section::Roles);
    Ok(page(problem.status(), &Page { frame, said, apis, problem }))
}

async fn find(server: &Server, name: &str) -> Result<PermissionEntry, Trouble> {
    let found = server.registrar.permission(name).await?;
    found.ok_or_else(|| Trouble::Missing(format!("There is no permission `{name}`.")))
}

impl Said {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            name: text("name"),
            api: text("api"),
            description: text("description"),
            ..Self::default()
        }
    }

    fn at(entry: &PermissionEntry) -> Self {
        Self {
            known: true,
            name: entry.name.to_string(),
            api: entry.api.clone(),
            description: String::new(),
            seen: fingerprint(&PermissionView::from(entry)),
        }
    }
}
