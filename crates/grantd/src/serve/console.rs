//! The console, Developer → Apps: pages made by the server, for people.

mod apps;
mod assets;
mod form;
mod frame;
mod login;
mod once;
mod operator;
mod page;
mod same_origin;
mod sessions;
mod signed_in;

use axum::{
    Router,
    middleware::from_fn,
    routing::{get, post},
};

use super::routes::Server;

pub(super) use once::Once;

/// The console's routes, below the issuer's path.
pub(super) fn console() -> Router<Server> {
    Router::new()
        .route("/assets/{file}", get(assets::asset))
        .route("/developer/apps", get(apps::list))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/account/sessions", get(sessions::list))
        .route("/account/sessions/revoke-others", post(sessions::revoke_others))
        .route("/account/sessions/{id}/revoke", post(sessions::revoke))
        .layer(from_fn(same_origin::same_origin))
}
