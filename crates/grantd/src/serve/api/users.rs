//! `/api/v1/users`: lists, creates, shows and changes accounts of people.

use axum::{extract::State, response::Response};
use grantd_core::UserId;
use grantd_issuer::{
    NewUser, Password, PasswordHash, User, UserFilter, UserState, UserView,
    accounts::hash_password, user_change::UserEdit,
};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, At, Body, IfMatch, Shown, Tag, Tagged},
    page::{Limit, Page},
    user_words::{LoginName, PasswordText, UserIdText, UserStateWord},
    words::{PermissionName, RoleText, given, plain},
};
use crate::serve::{routes::Server, shut_out::OWN_RIGHT};

/// Which users are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsersAsked {
    /// Only those in this state.
    #[param(inline)]
    state: Option<UserStateWord>,
    /// Only those with this text in their name.
    search: Option<String>,
    /// Only those behind this one: `next` of the page before.
    #[param(inline)]
    after: Option<UserIdText>,
    /// How many at most; 100 unless said.
    #[param(inline)]
    limit: Option<Limit>,
}

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserNew {
    name: LoginName,
    password: PasswordText,
    #[serde(default)]
    permissions: Vec<PermissionName>,
    #[serde(default)]
    roles: Vec<RoleText>,
}

/// Changes of a user: members that are not there leave things as they are, lists are replaced whole.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<LoginName>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    permissions: Option<Vec<PermissionName>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    roles: Option<Vec<RoleText>>,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordNew {
    password: PasswordText,
}

/// Lists users, in the order of their ids
#[utoipa::path(get, path = "/users", tag = "users", params(UsersAsked),
    responses((status = 200, description = "A page of the list", body = Page<UserView>), Refusals))]
pub(super) async fn list_users(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<UsersAsked>,
) -> Result<Shown<Page<UserView>>, ApiError> {
    let filter = UserFilter { state: asked.state.map(|state| state.0), search: asked.search };
    let limit = asked.limit.unwrap_or_default();
    let after = asked.after.map(|after| after.0);
    let found = server.registrar.users(&filter, after, limit.and_one()).await?;
    Ok(Shown(Page::of(found, limit, |user| user.id.to_string())))
}

/// Creates a user, who may sign in by this name and this password
#[utoipa::path(post, path = "/users", tag = "users", request_body = UserNew,
    responses((status = 201, description = "The user", body = UserView,
        headers(("Location" = String), ("ETag" = String))), Refusals))]
pub(super) async fn create_user(
    State(server): State<Server>,
    Actor(by): Actor,
    Body(new): Body<UserNew>,
) -> Result<Response, ApiError> {
    let new = NewUser {
        name: new.name.0,
        password: Some(hash(&server, new.password.0).await?),
        permissions: plain(new.permissions),
        roles: plain(new.roles),
    };
    let user = server.registrar.create_user(&by, new).await?;
    server.changed().await;
    Ok(server.created("users", &user.id, tagged(&user)))
}

/// Shows a user
#[utoipa::path(get, path = "/users/{user_id}", tag = "users",
    params(("user_id" = String, Path, description = "The user\'s id")),
    responses((status = 200, description = "The user", body = UserView, headers(("ETag" = String))), Refusals))]
pub(super) async fn show_user(
    State(server): State<Server>,
    _: Actor,
    At(id): At<String>,
) -> Result<Tagged<UserView>, ApiError> {
    Ok(tagged(&find(&server, &id).await?))
}

/// Changes what is said about a user; taking a permission or role away kills the tokens on their
/// behalf. With `If-Match`, only if the user still has that ETag (else 412)
#[utoipa::path(patch, path = "/users/{user_id}", tag = "users", request_body = UserPatch,
    params(("user_id" = String, Path, description = "The user\'s id")),
    responses((status = 200, description = "The user", body = UserView, headers(("ETag" = String))), Refusals))]
pub(super) async fn change_user(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
    seen: IfMatch,
    Body(patch): Body<UserPatch>,
) -> Result<Tagged<UserView>, ApiError> {
    let known = find(&server, &id).await?;
    seen.allows(&Tag::version(known.version))?;
    let edit = patch.edit_of(&known);
    if server.shuts_out(&by, &known, &edit).await? {
        return Err(ApiError::Conflict(OWN_RIGHT.to_owned()));
    }
    let changed = server.registrar.edit_user(&by, known.id, edit, Some(known.version)).await;
    let changed = changed.map_err(|error| seen.explain(error.into()))?;
    server.changed().await;
    Ok(tagged(&changed))
}

/// Shuts a user out: their sessions are over, and tokens on their behalf are dead
#[utoipa::path(post, path = "/users/{user_id}/disable", tag = "users",
    params(("user_id" = String, Path, description = "The user\'s id")),
    responses((status = 200, description = "The user", body = UserView, headers(("ETag" = String))), Refusals))]
pub(super) async fn disable_user(
    State(server): State<Server>,
    actor: Actor,
    At(id): At<String>,
) -> Result<Tagged<UserView>, ApiError> {
    let known = find(&server, &id).await?;
    let by = actor.not_on_user(known.id)?;
    let user = server.registrar.set_user_state(&by, known.id, UserState::Disabled).await?;
    server.changed().await;
    Ok(tagged(&user))
}

/// Lets a disabled user in again; tokens and sessions from before stay dead
#[utoipa::path(post, path = "/users/{user_id}/enable", tag = "users",
    params(("user_id" = String, Path, description = "The user\'s id")),
    responses((status = 200, description = "The user", body = UserView, headers(("ETag" = String))), Refusals))]
pub(super) async fn enable_user(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
) -> Result<Tagged<UserView>, ApiError> {
    let known = find(&server, &id).await?;
    let user = server.registrar.set_user_state(&by, known.id, UserState::Active).await?;
    server.changed().await;
    Ok(tagged(&user))
}

/// Gives a user another password; their sessions are over
#[utoipa::path(post, path = "/users/{user_id}/password", tag = "users", request_body = PasswordNew,
    params(("user_id" = String, Path, description = "The user\'s id")),
    responses((status = 204, description = "Done"), Refusals))]
pub(super) async fn set_password(
    State(server): State<Server>,
    Actor(by): Actor,
    At(id): At<String>,
    Body(new): Body<PasswordNew>,
) -> Result<StatusCode, ApiError> {
    let known = find(&server, &id).await?;
    let hash = hash(&server, new.password.0).await?;
    server.registrar.set_password(&by, known.id, hash).await?;
    server.changed().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(server: &Server, id: &str) -> Result<User, ApiError> {
    // By id alone: a name may come to be another's.
    let id: UserId =
        id.parse().map_err(|_| ApiError::Unknown(format!("There is no user `{id}`.")))?;
    Ok(server.registrar.user(&id.to_string()).await?)
}

async fn hash(server: &Server, password: Password) -> Result<PasswordHash, ApiError> {
    let hashed = server.sign_in.passwords.run(move || hash_password(&password)).await;
    hashed.ok().and_then(Result::ok).ok_or(ApiError::Busy)
}

fn tagged(user: &User) -> Tagged<UserView> {
    Tagged(StatusCode::OK, Tag::version(user.version), UserView::from(user))
}

impl UserPatch {
    /// The change that makes of this user what is said.
    fn edit_of(self, known: &User) -> UserEdit {
        let kept = known.clone();
        let patched = User {
            name: self.name.map_or(kept.name, |name| name.0),
            permissions: self.permissions.map_or(kept.permissions, plain),
            roles: self.roles.map_or(kept.roles, plain),
            ..kept
        };
        UserEdit::between(known, &patched)
    }
}
