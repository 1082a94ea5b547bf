//! `/api/v1/permissions`: named rights, which are the scopes of tokens.

use axum::{extract::State, response::IntoResponse};
use grantd_core::Api;
use grantd_issuer::{PermissionEntry, PermissionView};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    authority::{Actor, MANAGE},
    error::{ApiError, Refusals},
    extract::{Ask, At, Body, IfMatch, Shown, Tag, Tagged},
    page::{NamesAsked, Page},
    words::{ApiName, Description, PermissionName, given},
};
use crate::serve::routes::Server;

/// A permission to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionNew {
    name: PermissionName,
    /// The API it belongs to; none said: `default`.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    api: Option<ApiName>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<Description>,
}

/// Lists permissions by name
#[utoipa::path(get, path = "/permissions", tag = "permissions", params(NamesAsked),
    responses((status = 200, description = "A page of the list", body = Page<PermissionView>), Refusals))]
pub(super) async fn list_permissions(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<NamesAsked>,
) -> Result<Shown<Page<PermissionView>>, ApiError> {
    let permissions = server.registrar.permissions().await?;
    Ok(Shown(asked.page(permissions, |entry| entry.name.to_string())))
}

/// Creates a permission
#[utoipa::path(post, path = "/permissions", tag = "permissions", request_body = PermissionNew,
    responses((status = 201, description = "The permission", body = PermissionView,
        headers(("Location" = String), ("ETag" = String))), Refusals))]
pub(super) async fn create_permission(
    State(server): State<Server>,
    Actor(by): Actor,
    Body(new): Body<PermissionNew>,
) -> Result<impl IntoResponse, ApiError> {
    let entry = PermissionEntry {
        name: new.name.0,
        api: new.api.map_or_else(|| Api::DEFAULT.to_owned(), |name| name.0),
        description: new.description.map(|text| text.0).unwrap_or_default(),
    };
    server.registrar.create_permission(&by, &entry).await?;
    server.changed().await;
    Ok(server.created("permissions", &entry.name, tagged(&entry)))
}

/// Shows a permission
#[utoipa::path(get, path = "/permissions/{name}", tag = "permissions",
    params(("name" = String, Path, description = "The permission\'s name")),
    responses((status = 200, description = "The permission", body = PermissionView, headers(("ETag" = String))), Refusals))]
pub(super) async fn show_permission(
    State(server): State<Server>,
    _: Actor,
    At(name): At<String>,
) -> Result<Tagged<PermissionView>, ApiError> {
    Ok(tagged(&find(&server, &name).await?))
}

/// Changes of a permission: its name and API stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<Description>,
}

/// Describes a permission anew. With `If-Match`, only if the permission still has that ETag (else 412)
#[utoipa::path(patch, path = "/permissions/{name}", tag = "permissions", request_body = PermissionPatch,
    params(("name" = String, Path, description = "The permission's name")),
    responses((status = 200, description = "The permission", body = PermissionView, headers(("ETag" = String))), Refusals))]
pub(super) async fn change_permission(
    State(server): State<Server>,
    Actor(by): Actor,
    At(name): At<String>,
    seen: IfMatch,
    Body(patch): Body<PermissionPatch>,
) -> Result<Tagged<PermissionView>, ApiError> {
    let known = find(&server, &name).await?;
    seen.allows(&Tag::of(&PermissionView::from(&known)))?;
    let mut entry = known.clone();
    if let Some(description) = patch.description {
        entry.description = description.0;
        let described = entry.description.as_str();
        let changed =
            server.registrar.change_permission(&by, Some(&known), &known.name, described).await;
        changed.map_err(|error| seen.explain(error.into()))?;
        server.changed().await;
    }
    Ok(tagged(&entry))
}

/// Removes a permission from the server and from all that have it; their tokens die
#[utoipa::path(delete, path = "/permissions/{name}", tag = "permissions",
    params(("name" = String, Path, description = "The permission\'s name")),
    responses((status = 204, description = "Done"), Refusals))]
pub(super) async fn delete_permission(
    State(server): State<Server>,
    Actor(by): Actor,
    At(name): At<String>,
) -> Result<StatusCode, ApiError> {
    let known = find(&server, &name).await?;
    if name == MANAGE {
        let detail = "Without this permission nobody could use the admin API: `grantd permission delete` on the server removes it.";
        return Err(ApiError::Conflict(detail.to_owned()));
    }
    server.registrar.delete_permission(&by, &known.name).await?;
    server.changed().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(server: &Server, name: &str) -> Result<PermissionEntry, ApiError> {
    let found = server.registrar.permission(name).await?;
    found.ok_or_else(|| ApiError::Unknown(format!("There is no permission `{name}`.")))
}

fn tagged(entry: &PermissionEntry) -> Tagged<PermissionView> {
    let shown = PermissionView::from(entry);
    Tagged(StatusCode::OK, Tag::of(&shown), shown)
}
