//! `/api/v1/roles`: named sets of permissions.

use axum::{extract::State, response::IntoResponse};
use grantd_issuer::{RoleEntry, RoleView};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, At, Body, IfMatch, Shown, Tag, Tagged},
    page::{NamesAsked, Page},
    words::{Description, PermissionName, RoleText, given, plain},
};
use crate::serve::routes::Server;

/// A role to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleNew {
    name: RoleText,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<Description>,
    #[serde(default)]
    permissions: Vec<PermissionName>,
}

/// Changes of a role: members that are not there leave things as they are.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RolePatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<Description>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    permissions: Option<Vec<PermissionName>>,
}

/// Lists roles by name
#[utoipa::path(get, path = "/roles", tag = "roles", params(NamesAsked),
    responses((status = 200, description = "A page of the list", body = Page<RoleView>), Refusals))]
pub(super) async fn list_roles(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<NamesAsked>,
) -> Result<Shown<Page<RoleView>>, ApiError> {
    let roles = server.registrar.roles().await?;
    Ok(Shown(asked.page(roles, |role| role.name.to_string())))
}

/// Creates a role
#[utoipa::path(post, path = "/roles", tag = "roles", request_body = RoleNew,
    responses((status = 201, description = "The role", body = RoleView,
        headers(("Location" = String), ("ETag" = String))), Refusals))]
pub(super) async fn create_role(
    State(server): State<Server>,
    Actor(by): Actor,
    Body(new): Body<RoleNew>,
) -> Result<impl IntoResponse, ApiError> {
    let description = new.description.map(|text| text.0).unwrap_or_default();
    let role = RoleEntry::new(new.name.0, description, plain(new.permissions));
    server.registrar.create_role(&by, &role).await?;
    server.changed().await;
    Ok(server.created("roles", &role.name, tagged(&role)))
}

/// Shows a role
#[utoipa::path(get, path = "/roles/{name}", tag = "roles",
    params(("name" = String, Path, description = "The role\'s name")),
    responses((status = 200, description = "The role", body = RoleView, headers(("ETag" = String))), Refusals))]
pub(super) async fn show_role(
    State(server): State<Server>,
    _: Actor,
    At(name): At<String>,
) -> Result<Tagged<RoleView>, ApiError> {
    Ok(tagged(&find(&server, &name).await?))
}

/// Changes a role; taking a permission kills the tokens of all who have the role.
/// With `If-Match`, only if the role still has that ETag (else 412)
#[utoipa::path(patch, path = "/roles/{name}", tag = "roles", request_body = RolePatch,
    params(("name" = String, Path, description = "The role\'s name")),
    responses((status = 200, description = "The role", body = RoleView, headers(("ETag" = String))), Refusals))]
pub(super) async fn change_role(
    State(server): State<Server>,
    Actor(by): Actor,
    At(name): At<String>,
    seen: IfMatch,
    Body(patch): Body<RolePatch>,
) -> Result<Tagged<RoleView>, ApiError> {
    let known = find(&server, &name).await?;
    seen.allows(&Tag::of(&RoleView::from(&known)))?;
    let mut role = known.clone();
    if let Some(description) = patch.description {
        role.description = description.0;
    }
    if let Some(permissions) = patch.permissions {
        role = RoleEntry::new(role.name, role.description, plain(permissions));
    }
    let changed = server.registrar.change_role(&by, &known.name, Some(&known), Some(&role)).await;
    changed.map_err(|error| seen.explain(error.into()))?;
    server.changed().await;
    Ok(tagged(&role))
}

/// Removes a role from the server and from all who have it; their tokens die
#[utoipa::path(delete, path = "/roles/{name}", tag = "roles",
    params(("name" = String, Path, description = "The role\'s name")),
    responses((status = 204, description = "Done"), Refusals))]
pub(super) async fn delete_role(
    State(server): State<Server>,
    Actor(by): Actor,
    At(name): At<String>,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    let known = find(&server, &name).await?;
    seen.allows(&Tag::of(&RoleView::from(&known)))?;
    let changed = server.registrar.change_role(&by, &known.name, Some(&known), None).await;
    changed.map_err(|error| seen.explain(error.into()))?;
    server.changed().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(server: &Server, name: &str) -> Result<RoleEntry, ApiError> {
    let found = server.registrar.role(name).await?;
    found.ok_or_else(|| ApiError::Unknown(format!("There is no role `{name}`.")))
}

fn tagged(role: &RoleEntry) -> Tagged<RoleView> {
    let shown = RoleView::from(role);
    Tagged(StatusCode::OK, Tag::of(&shown), shown)
}
