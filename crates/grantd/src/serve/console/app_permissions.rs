//! An app's roles and single permissions, with the effect before it is saved.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::{Permission, RoleName};
use grantd_issuer::{
    CommandError, Conflict, PermissionEntry, Registration, RoleEntry, client_change::ClientEdit,
};
use http::StatusCode;

use super::{
    app::{App, Tab},
    form::Fields,
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
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let scene = Scene::load(&server, &id).await?;
    let ticked = scene.present();
    let did = Fields::parse(query.unwrap_or_default().as_bytes()).text("did").to_owned();
    Ok(scene.page(&operator, &server, &ticked, &did))
}

/// `GET /developer/apps/{id}/permissions/preview`
pub(super) async fn preview(
    _: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let scene = Scene::load(&server, &id).await?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    Ok(page(StatusCode::OK, &scene.effect(&Ticked::of(&fields), false)))
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
    let narrows = !scene.effect(&ticked, false).lost.is_empty();
    if narrows && !fields.has("confirmed", "yes") {
        let effect = scene.effect(&ticked, true).render().unwrap_or_default();
        let shown = scene.template(&operator, &server, &ticked, effect);
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &shown));
    }
    let target = Registration {
        roles: ticked.roles,
        permissions: ticked.permissions,
        ..scene.client.clone()
    };
    let edit = ClientEdit::between(&scene.client, &target);
    let version = fields.text("version").parse().ok().or(Some(scene.client.version));
    match server.registrar.edit_client(&operator.by, &id, edit, version).await {
        Ok(_) => server.changed().await,
        Err(CommandError::Conflict(Conflict::VersionDiffers(_))) => {
            let ticked = Ticked::of(&fields);
            let effect = scene.effect(&ticked, false).render().unwrap_or_default();
            let mut shown = scene.template(&operator, &server, &ticked, effect);
            shown.problem = Some(LOST_RACE.to_owned());
            return Ok(page(StatusCode::CONFLICT, &shown));
        }
        Err(error) => return Err(error.into()),
    }
    let did = if narrows { "narrowed" } else { "saved" };
    let path = super::app::path_of(&server, &id);
    Ok(Redirect::to(&format!("{path}/permissions?did={did}")).into_response())
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

    fn page(&self, operator: &Operator, server: &Server, ticked: &Ticked, did: &str) -> Response {
        let effect = self.effect(ticked, false).render().unwrap_or_default();
        let mut shown = self.template(operator, server, ticked, effect);
        shown.app = App::new(server, &self.client, Tab::Permissions, did);
        page(StatusCode::OK, &shown)
    }

    fn template(
        &self,
        operator: &Operator,
        server: &Server,
        ticked: &Ticked,
        effect: String,
    ) -> Permissions {
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
            frame: operator.frame(Section::Apps),
            app: App::new(server, &self.client, Tab::Permissions, ""),
            roles: self.roles.iter().map(role).collect(),
            single: self.permissions.iter().map(permission).collect(),
            effect,
            problem: None,
        }
    }

    fn effect(&self, ticked: &Ticked, asked: bool) -> Effect {
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
            asked,
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
