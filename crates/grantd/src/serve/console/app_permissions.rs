//! An app's roles and single permissions, with the effect before it is saved.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use grantd_core::{Permission, RoleName};
use grantd_issuer::{
    CommandError, Conflict, PermissionEntry, Registration, RoleEntry, client_change::ClientEdit,
};
use http::StatusCode;

use super::{
    app::{App, Tab, back},
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

#[derive(Template)]
#[template(path = "app_permissions.html")]
struct Permissions {
    frame: Frame,
    app: App,
    roles: Vec<Choice>,
    single: Vec<Choice>,
    effect: String,
    problem: Option<String>,
}

struct Choice {
    name: String,
    says: String,
    ticked: bool,
}

/// What becomes of the rights, rendered for the page and for its preview alike.
#[derive(Template)]
#[template(path = "effect.html")]
struct Effect {
    rights: Vec<Right>,
    lost: Vec<String>,
    /// Whether it was sent without the confirmation that it needs.
    asked: bool,
}

/// Whether a confirmation is due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Confirmed {
    /// It is not asked for yet, or was given.
    Open,
    /// It was sent without.
    Missing,
}

struct Right {
    name: String,
    new: bool,
}

const LOST_RACE: &str = "Not saved: somebody changed this app while you looked at it. What you ticked \
                         is still ticked; look at its effect, then save again.";

/// Everything the page is about.
struct Scene {
    client: Registration,
    roles: Vec<RoleEntry>,
    permissions: Vec<PermissionEntry>,
}

/// What is ticked.
struct Ticked {
    roles: Vec<RoleName>,
    permissions: Vec<Permission>,
}

/// `GET /developer/apps/{id}/permissions`
pub(super) async fn show(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let scene = Scene::load(&server, &id).await?;
    let app = App::new(&server, &scene.client, Tab::Permissions, query.text("did"));
    let shown = scene.page(operator.frame(Section::Apps), app, &scene.present(), Confirmed::Open);
    Ok(page(StatusCode::OK, &shown))
}

/// `GET /developer/apps/{id}/permissions/preview`
pub(super) async fn preview(
    _: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(fields): InQuery,
) -> Result<Response, Trouble> {
    let scene = Scene::load(&server, &id).await?;
    Ok(page(StatusCode::OK, &scene.effect(&Ticked::of(&fields), Confirmed::Open)))
}

/// `POST /developer/apps/{id}/permissions`
pub(super) async fn save(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let scene = Scene::load(&server, &id).await?;
    let ticked = Ticked::of(&fields);
    let again = |confirmed| {
        let app = App::new(&server, &scene.client, Tab::Permissions, "");
        scene.page(operator.frame(Section::Apps), app, &ticked, confirmed)
    };
    let narrows = !scene.effect(&ticked, Confirmed::Open).lost.is_empty();
    if narrows && !fields.has("confirmed", "yes") {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again(Confirmed::Missing)));
    }
    let target = Registration {
        roles: ticked.roles.clone(),
        permissions: ticked.permissions.clone(),
        ..scene.client.clone()
    };
    let edit = ClientEdit::between(&scene.client, &target);
    let version = fields.text("version").parse().ok().or(Some(scene.client.version));
    match server.registrar.edit_client(&operator.by, &id, edit, version).await {
        Ok(_) => server.changed().await,
        Err(CommandError::Conflict(Conflict::VersionDiffers(_))) => {
            let shown = again(Confirmed::Open);
            let problem = Some(LOST_RACE.to_owned());
            return Ok(page(StatusCode::CONFLICT, &Permissions { problem, ..shown }));
        }
        Err(error) => return Err(error.into()),
    }
    let did = if narrows { "narrowed" } else { "saved" };
    Ok(back(&server, &id, "/permissions", did))
}

impl Scene {
    async fn load(server: &Server, id: &str) -> Result<Self, Trouble> {
        Ok(Self {
            client: server.registrar.client(id).await?,
            roles: server.registrar.roles().await?,
            permissions: server.registrar.permissions().await?,
        })
    }

    fn present(&self) -> Ticked {
        Ticked { roles: self.client.roles.clone(), permissions: self.client.permissions.clone() }
    }

    /// The page with these ticks.
    fn page(&self, frame: Frame, app: App, ticked: &Ticked, confirmed: Confirmed) -> Permissions {
        let role = |role: &RoleEntry| Choice {
            name: role.name.to_string(),
            says: joined(&role.description, &role.permissions),
            ticked: ticked.roles.contains(&role.name),
        };
        let permission = |entry: &PermissionEntry| Choice {
            name: entry.name.to_string(),
            says: format!("{} ({})", entry.description, entry.api).trim().to_owned(),
            ticked: ticked.permissions.contains(&entry.name),
        };
        Permissions {
            frame,
            app,
            roles: self.roles.iter().map(role).collect(),
            single: self.permissions.iter().map(permission).collect(),
            effect: self.effect(ticked, confirmed).render().unwrap_or_default(),
            problem: None,
        }
    }

    fn effect(&self, ticked: &Ticked, confirmed: Confirmed) -> Effect {
        let present = self.present();
        let before = self.effective(&present);
        let after = self.effective(ticked);
        let lost_role = |role: &&RoleName| !ticked.roles.contains(role);
        let roles = self.client.roles.iter().filter(lost_role).map(|role| format!("role {role}"));
        let lost = before.difference(&after).map(ToString::to_string);
        let right =
            |name: &&Permission| Right { name: name.to_string(), new: !before.contains(*name) };
        Effect {
            rights: after.iter().map(right).collect(),
            lost: lost.chain(roles).collect(),
            asked: confirmed == Confirmed::Missing,
        }
    }

    fn effective<'a>(&'a self, ticked: &'a Ticked) -> BTreeSet<&'a Permission> {
        let roles = self.roles.iter().filter(|role| ticked.roles.contains(&role.name));
        ticked.permissions.iter().chain(roles.flat_map(|role| &role.permissions)).collect()
    }
}

impl Ticked {
    /// A name that cannot be one is none.
    fn of(fields: &Fields) -> Self {
        Self {
            roles: fields.all("role").filter_map(|name| name.parse().ok()).collect(),
            permissions: fields.all("permission").filter_map(|name| name.parse().ok()).collect(),
        }
    }
}

fn joined(description: &str, permissions: &[Permission]) -> String {
    let names: Vec<_> = permissions.iter().map(Permission::as_str).collect();
    let names = if names.is_empty() { "no permissions".to_owned() } else { names.join(", ") };
    if description.is_empty() { names } else { format!("{description} ({names})") }
}
