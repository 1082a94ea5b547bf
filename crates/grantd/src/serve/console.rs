//! The console, Developer → Apps: pages made by the server, for people.

mod app;
mod app_form;
mod app_life;
mod app_permissions;
mod app_secrets;
mod apps;
mod assets;
mod chart;
mod filters;
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
        .route("/developer/apps", get(apps::list).post(app_form::create))
        .route("/developer/apps/new", get(app_form::new))
        .nest("/developer/apps/{id}", app())
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/account/sessions", get(sessions::list))
        .route("/account/sessions/revoke-others", post(sessions::revoke_others))
        .route("/account/sessions/{id}/revoke", post(sessions::revoke))
        .layer(from_fn(same_origin::same_origin))
}

fn app() -> Router<Server> {
    Router::new()
        .route("/", get(app::overview))
        .route("/edit", get(app_form::edit).post(app_form::save))
        .route("/permissions", get(app_permissions::show).post(app_permissions::save))
        .route("/permissions/preview", get(app_permissions::preview))
        .route("/secrets", get(app_secrets::show))
        .route("/secrets/rotate", post(app_secrets::rotate))
        .route("/secrets/finish", post(app_secrets::finish))
        .route("/secrets/{credential}/end", post(app_secrets::end))
        .route("/activity", get(app_life::activity))
        .route("/danger", get(app_life::danger))
        .route("/revoke", post(app_life::revoke))
        .route("/delete", post(app_life::delete))
        .route("/restore", post(app_life::restore))
}
