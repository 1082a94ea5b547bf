//! `/api/v1/apis`: what tokens are for.

use axum::{extract::State, response::IntoResponse};
use grantd_core::Api;
use grantd_issuer::{ApiView, Setting};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, At, Body, IfMatch, Shown, Tag, Tagged},
    page::{NamesAsked, Page},
    patch::{plainly, setting},
    words::{ApiName, Audience, Format, Seconds, SigningAlg, Word},
};
use crate::serve::routes::Server;

/// An API to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiNew {
    name: ApiName,
    audience: Audience,
    format: Option<Format>,
    signing_alg: Option<SigningAlg>,
    /// What its tokens live, in seconds.
    access_token_ttl: Option<Seconds>,
}

/// Changes of the settings of an API's tokens: members that are not there leave things as they are,
/// null goes back to the default. Its name and audience stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiPatch {
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Format>)]
    format: Setting<Format>,
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<SigningAlg>)]
    signing_alg: Setting<SigningAlg>,
    /// What its tokens live, in seconds.
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Seconds>)]
    access_token_ttl: Setting<Seconds>,
}

/// Lists APIs by name
#[utoipa::path(get, path = "/apis", tag = "apis", params(NamesAsked),
    responses((status = 200, description = "A page of the list", body = Page<ApiView>), Refusals))]
pub(super) async fn list_apis(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<NamesAsked>,
) -> Result<Shown<Page<ApiView>>, ApiError> {
    let apis = server.registrar.apis().await?;
    Ok(Shown(asked.page(apis, |api| api.name.clone())))
}

/// Creates an API
#[utoipa::path(post, path = "/apis", tag = "apis", request_body = ApiNew,
    responses((status = 201, description = "The API", body = ApiView,
        headers(("Location" = String), ("ETag" = String))), Refusals))]
pub(super) async fn create_api(
    State(server): State<Server>,
    Actor(by): Actor,
    Body(new): Body<ApiNew>,
) -> Result<impl IntoResponse, ApiError> {
    let api = Api {
        name: new.name.0,
        audience: Some(new.audience.0),
        format: new.format.map(|format| format.0),
        signing_alg: new.signing_alg.map(|alg| alg.0),
        access_token_ttl: new.access_token_ttl.map(|ttl| ttl.0),
    };
    server.registrar.create_api(&by, &api).await?;
    server.changed().await;
    Ok(server.created("apis", &api.name, tagged(&api)))
}

/// Shows an API
#[utoipa::path(get, path = "/apis/{name}", tag = "apis",
    params(("name" = String, Path, description = "The API\'s name")),
    responses((status = 200, description = "The API", body = ApiView, headers(("ETag" = String))), Refusals))]
pub(super) async fn show_api(
    State(server): State<Server>,
    _: Actor,
    At(name): At<String>,
) -> Result<Tagged<ApiView>, ApiError> {
    Ok(tagged(&find(&server, &name).await?))
}

/// Changes the settings of an API's tokens. With `If-Match`, only if the API still has that ETag
/// (else 412)
#[utoipa::path(patch, path = "/apis/{name}", tag = "apis", request_body = ApiPatch,
    params(("name" = String, Path, description = "The API\'s name")),
    responses((status = 200, description = "The API", body = ApiView, headers(("ETag" = String))), Refusals))]
pub(super) async fn change_api(
    State(server): State<Server>,
    Actor(by): Actor,
    At(name): At<String>,
    seen: IfMatch,
    Body(patch): Body<ApiPatch>,
) -> Result<Tagged<ApiView>, ApiError> {
    let known = find(&server, &name).await?;
    seen.allows(&Tag::of(&ApiView::from(&known)))?;
    let api = Api {
        format: plainly(patch.format, Word::plain).over(known.format),
        signing_alg: plainly(patch.signing_alg, Word::plain).over(known.signing_alg),
        access_token_ttl: plainly(patch.access_token_ttl, Word::plain).over(known.access_token_ttl),
        ..known.clone()
    };
    let changed = server.registrar.change_api(&by, Some(&known), &api).await;
    changed.map_err(|error| seen.explain(error.into()))?;
    server.changed().await;
    Ok(tagged(&api))
}

async fn find(server: &Server, name: &str) -> Result<Api, ApiError> {
    let found = server.registrar.api(name).await?;
    found.ok_or_else(|| ApiError::Unknown(format!("There is no API `{name}`.")))
}

fn tagged(api: &Api) -> Tagged<ApiView> {
    let shown = ApiView::from(api);
    Tagged(StatusCode::OK, Tag::of(&shown), shown)
}
