//! `/api/v1/clients`: lists, creates, shows, changes and deletes app clients.

use axum::{extract::State, response::IntoResponse};
use grantd_core::{ClientState, Secret};
use grantd_issuer::{
    ClientFilter, ClientView, Clock, Created, NewClient, NewSecret, Registration,
    client_change::ClientEdit, clock::SystemClock,
};
use http::{HeaderValue, StatusCode, header::LOCATION};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, At, Body, IfMatch, Shown, Tag, Tagged},
    page::{Limit, Page},
    patch::ClientPatch,
    words::{
        ClientIdText, Description, Format, Grant, ImportedSecret, Name, OwnerText, PermissionName,
        PkcePolicy, RedirectUri, RoleText, Seconds, SigningAlg, State as StateWord, plain,
    },
};
use crate::serve::routes::Server;

/// Which clients are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClientsAsked {
    /// Only those of this owner: `TYPE`, or `TYPE:ID`.
    owner: Option<String>,
    /// Only those in this state; without it, all that are not deleted.
    #[param(inline)]
    state: Option<StateWord>,
    /// Only those with this text in their name, or at the beginning of their id.
    search: Option<String>,
    /// Only those behind this one: `next` of the page before.
    #[param(inline)]
    after: Option<ClientIdText>,
    /// How many at most; 100 unless said.
    #[param(inline)]
    limit: Option<Limit>,
}

/// A client to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientNew {
    name: Name,
    #[serde(default, deserialize_with = "super::words::given")]
    #[schema(nullable = false)]
    description: Option<Description>,
    /// Its id, where it brings one from elsewhere; else a UUID is made.
    client_id: Option<ClientIdText>,
    /// Without a secret: a browser or native app, which uses PKCE instead.
    #[serde(default)]
    public: bool,
    /// None said: `client_credentials`, or `authorization_code` for a public client.
    #[serde(default)]
    grants: Vec<Grant>,
    /// What `authorization_code` needs.
    #[serde(default)]
    redirect_uris: Vec<RedirectUri>,
    owner: Option<OwnerText>,
    #[serde(default)]
    permissions: Vec<PermissionName>,
    #[serde(default)]
    roles: Vec<RoleText>,
    /// What a request without `scope` gets; none said: all of its permissions.
    #[serde(default)]
    default_scope: Vec<PermissionName>,
    /// The APIs that it is a resource server of.
    #[serde(default)]
    serves: Vec<String>,
    /// What its access tokens live, in seconds.
    access_token_ttl: Option<Seconds>,
    format: Option<Format>,
    signing_alg: Option<SigningAlg>,
    /// Whether it must use PKCE when it acts for users; `optional` only for a confidential client.
    #[serde(default, deserialize_with = "super::words::given")]
    #[schema(nullable = false)]
    pkce: Option<PkcePolicy>,
    /// For how many seconds it may send a used refresh token again, 300 at most; none said: not at all.
    refresh_retry: Option<Seconds>,
    client_secret: Option<ImportedSecret>,
    /// When its secret ends, in seconds from now; none said: never.
    secret_ttl: Option<Seconds>,
}

/// A client with a secret that is shown here and nowhere else, ever.
#[derive(Serialize, ToSchema)]
pub(super) struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientView,
    /// The id of the new secret; not there for a public client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    credential_id: Option<String>,
    /// The new secret; not there for a public client, or where it was brought in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// Whether an answer shows the secret: one that was brought in is known already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    Shown,
    Kept,
}

impl ClientWithSecret {
    pub(super) fn of(created: &Created, secrets: Secrets) -> Self {
        let secret = created.secret.as_ref();
        Self {
            client: ClientView::from(&created.client),
            credential_id: secret.map(|(id, _)| id.to_string()),
            client_secret: secret
                .filter(|_| secrets == Secrets::Shown)
                .map(|(_, secret)| secret.reveal().to_owned()),
        }
    }
}

/// Lists clients, in the order of their ids
#[utoipa::path(get, path = "/clients", tag = "clients", params(ClientsAsked),
    responses((status = 200, description = "A page of the list", body = Page<ClientView>), Refusals))]
pub(super) async fn list_clients(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<ClientsAsked>,
) -> Result<Shown<Page<ClientView>>, ApiError> {
    let (kind, id) = match asked.owner.as_deref().map(|owner| owner.split_once(':')) {
        Some(Some((kind, id))) => (Some(kind.to_owned()), Some(id.to_owned())),
        Some(None) => (asked.owner, None),
        None => (None, None),
    };
    let filter = ClientFilter {
        owner_kind: kind,
        owner_id: id,
        state: asked.state.map(|state| state.0),
        search: asked.search,
    };
    let limit = asked.limit.unwrap_or_default();
    let after = asked.after.map(|after| after.0);
    let found = server.registrar.clients(&filter, after.as_ref(), limit.and_one()).await?;
    Ok(Shown(Page::of(found, limit, |client| client.id.to_string())))
}

/// Creates a client; its secret is in this answer and nowhere else, ever
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = ClientNew,
    responses((status = 201, description = "The client, with its secret", body = ClientWithSecret,
        headers(("Location" = String), ("ETag" = String))), Refusals))]
pub(super) async fn create_client(
    State(server): State<Server>,
    Actor(by): Actor,
    Body(new): Body<ClientNew>,
) -> Result<impl IntoResponse, ApiError> {
    let imported = new.client_secret.as_ref().map(|secret| secret.0.clone());
    let secrets = if imported.is_some() { Secrets::Kept } else { Secrets::Shown };
    let new = new.into_client(imported);
    let created = server.registrar.create_client(&by, new, server.issuer.secret_hasher()).await?;
    server.changed().await;
    let tag = Tag::version(created.client.version);
    let mut response =
        Tagged(StatusCode::CREATED, tag, ClientWithSecret::of(&created, secrets)).into_response();
    if let Ok(location) = HeaderValue::try_from(server.address_of("clients", &created.client.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Shows a client; a deleted one is in the list of those with `state=deleted`
#[utoipa::path(get, path = "/clients/{client_id}", tag = "clients",
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client", body = ClientView, headers(("ETag" = String))), Refusals))]
pub(super) async fn show_client(
    State(server): State<Server>,
    _: Actor,
    At(id): At<String>,
) -> Result<Tagged<ClientView>, ApiError> {
    Ok(tagged(&visible(&server, &id).await?))
}

/// Changes what is said about a client; taking a permission, role or grant away kills its tokens.
/// With `If-Match`, only if the client still has that ETag (else 412)
#[utoipa::path(patch, path = "/clients/{client_id}", tag = "clients", request_body = ClientPatch,
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 200, description = "The client", body = ClientView, headers(("ETag" = String))), Refusals))]
pub(super) async fn change_client(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
    seen: IfMatch,
    Body(patch): Body<ClientPatch>,
) -> Result<Tagged<ClientView>, ApiError> {
    let known = visible(&server, &id).await?;
    seen.allows(&Tag::version(known.version))?;
    let edit: ClientEdit = patch.edit_of(&known);
    let changed = server.registrar.edit_client(&by, &id, edit, Some(known.version)).await;
    let changed = changed.map_err(|error| seen.explain(error.into()))?;
    server.changed().await;
    Ok(tagged(&changed))
}

/// Deletes a client: it gets no tokens, all it has are dead, and it can be restored
#[utoipa::path(delete, path = "/clients/{client_id}", tag = "clients",
    params(("client_id" = String, Path, description = "The client\'s id")),
    responses((status = 204, description = "Done"), Refusals))]
pub(super) async fn delete_client(
    State(server): State<Server>,
    actor: Actor,
    At(id): At<String>,
) -> Result<StatusCode, ApiError> {
    visible(&server, &id).await?;
    let by = actor.not_on(&id)?;
    server.registrar.set_client_state(&by, &id, ClientState::Deleted).await?;
    server.changed().await;
    Ok(StatusCode::NO_CONTENT)
}

/// A client that is not deleted.
pub(super) async fn visible(server: &Server, id: &str) -> Result<Registration, ApiError> {
    let client = server.registrar.client(id).await?;
    if client.state == ClientState::Deleted {
        let detail = format!("Client `{id}` is deleted: POST to its `restore` to bring it back.");
        return Err(ApiError::Unknown(detail));
    }
    Ok(client)
}

pub(super) fn tagged(client: &Registration) -> Tagged<ClientView> {
    Tagged(StatusCode::OK, Tag::version(client.version), ClientView::from(client))
}

impl ClientNew {
    fn into_client(self, imported: Option<Secret>) -> NewClient {
        let expires_at = self.secret_ttl.map(|ttl| SystemClock.now().after(ttl.0));
        NewClient {
            id: self.client_id.map(|id| id.0),
            name: self.name.0,
            description: self.description.map(|text| text.0).unwrap_or_default(),
            public: self.public,
            grants: plain(self.grants),
            redirect_uris: plain(self.redirect_uris),
            owner: self.owner.map(|owner| owner.0),
            permissions: plain(self.permissions),
            roles: plain(self.roles),
            default_scope: plain(self.default_scope),
            serves: self.serves,
            access_token_ttl: self.access_token_ttl.map(|ttl| ttl.0),
            format: self.format.map(|format| format.0),
            signing_alg: self.signing_alg.map(|alg| alg.0),
            pkce: self.pkce.map(|policy| policy.0).unwrap_or_default(),
            refresh_retry: self.refresh_retry.map(|ttl| ttl.0),
            secret: NewSecret { imported, expires_at },
        }
    }
}
