//! What happens to a client after its creation: rotate, revoke, restore, and the end of its secrets.

use axum::extract::State;
use grantd_core::{ClientState, CredentialId, Ttl};
use grantd_issuer::{ClientView, Rotation, client_change::Finish};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    authority::Actor,
    clients::{ClientWithSecret, Secrets, tagged, visible},
    error::{ApiError, Refusals},
    extract::{At, IfMatch, Tag, Tagged, Wish},
};
use crate::serve::routes::Server;

/// How a secret is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationAsked {
    /// How long the old secrets still work, in seconds; 0: they end at once.
    #[serde(default, deserialize_with = "super::words::whole")]
    #[schema(minimum = 0, maximum = 315_360_000)]
    overlap: i64,
}

/// How a rotation is finished.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Finishing {
    /// Even if somebody still uses the old secret.
    #[serde(default)]
    force: bool,
}

/// Gives a client a new secret, which is in this answer and nowhere else, ever. With `If-Match`, only
/// if the client still has that ETag (else 412), so that what is sent twice makes one secret
#[utoipa::path(post, path = "/clients/{client_id}/rotate", tag = "clients",
    request_body = Option<RotationAsked>,
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client, with its secret", body = ClientWithSecret, headers(("ETag" = String))), Refusals))]
pub(super) async fn rotate_secret(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
    seen: IfMatch,
    Wish(asked): Wish<RotationAsked>,
) -> Result<Tagged<ClientWithSecret>, ApiError> {
    let overlap = match asked.overlap {
        0 => None,
        seconds => Some(Ttl::from_seconds(seconds).ok_or_else(|| {
            ApiError::Malformed("The overlap is 0 to 315360000 seconds.".to_owned())
        })?),
    };
    let known = visible(&server, &id).await?;
    seen.allows(&Tag::version(known.version))?;
    let rotation = Rotation { overlap, version: seen.bound_to(known.version) };
    let hasher = server.issuer.secret_hasher();
    let created = server.registrar.rotate(&by, &id, rotation, hasher).await?;
    server.changed().await;
    let tag = Tag::version(created.client.version);
    Ok(Tagged(StatusCode::OK, tag, ClientWithSecret::of(&created, Secrets::Shown)))
}

/// Ends the overlap of a rotation now; 409 while the old secret is still in use, unless forced
#[utoipa::path(post, path = "/clients/{client_id}/finish-rotation", tag = "clients",
    request_body = Option<Finishing>,
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client", body = ClientView, headers(("ETag" = String))), Refusals))]
pub(super) async fn finish_rotation(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
    Wish(finishing): Wish<Finishing>,
) -> Result<Tagged<ClientView>, ApiError> {
    visible(&server, &id).await?;
    let finish = if finishing.force { Finish::Anyway } else { Finish::IfUnused };
    let client = server.registrar.finish_rotation(&by, &id, finish).await?;
    server.changed().await;
    Ok(tagged(&client))
}

/// Ends one secret now; the tokens that it obtained die, and no others
#[utoipa::path(delete, path = "/clients/{client_id}/credentials/{credential_id}", tag = "clients",
    params(("client_id" = String, Path, description = "The client\'s id"),
        ("credential_id" = String, Path, description = "The secret\'s id")),
    responses((status = 204, description = "Done"), Refusals))]
pub(super) async fn revoke_secret(
    State(server): State<Server>,
    Actor(by): Actor,
    At((id, credential)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let client = visible(&server, &id).await?;
    let known = client.credentials.iter().map(|known| known.id);
    let meant: Option<CredentialId> = known.into_iter().find(|id| id.to_string() == credential);
    let meant = meant
        .ok_or_else(|| ApiError::Unknown(format!("Client `{id}` has no secret `{credential}`.")))?;
    server.registrar.revoke_secret(&by, &id, meant).await?;
    server.changed().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Suspends a client: it gets no tokens, and all it has are dead
#[utoipa::path(post, path = "/clients/{client_id}/revoke", tag = "clients",
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client", body = ClientView, headers(("ETag" = String))), Refusals))]
pub(super) async fn revoke_client(
    State(server): State<Server>,
    actor: Actor,
    At(id): At<String>,
) -> Result<Tagged<ClientView>, ApiError> {
    visible(&server, &id).await?;
    let by = actor.not_on(&id)?;
    let client = server.registrar.set_client_state(&by, &id, ClientState::Revoked).await?;
    server.changed().await;
    Ok(tagged(&client))
}

/// Brings a revoked or deleted client back; tokens from before stay dead
#[utoipa::path(post, path = "/clients/{client_id}/restore", tag = "clients",
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client", body = ClientView, headers(("ETag" = String))), Refusals))]
pub(super) async fn restore_client(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
) -> Result<Tagged<ClientView>, ApiError> {
    let client = server.registrar.set_client_state(&by, &id, ClientState::Active).await?;
    server.changed().await;
    Ok(tagged(&client))
}
