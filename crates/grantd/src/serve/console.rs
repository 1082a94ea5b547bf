//! The console, Developer → Apps: pages made by the server, for people.

mod account;
mod agent;
mod apis;
mod app;
mod app_form;
mod app_life;
mod app_permissions;
mod app_secrets;
mod apps;
mod ask;
mod assets;
mod audit;
mod audit_export;
mod chart;
mod complaint;
mod difference;
mod docs;
mod filters;
mod form;
mod frame;
mod keys;
mod login;
mod once;
mod operator;
mod own_password;
mod page;
mod passkey_login;
mod passkeys;
mod permissions;
mod right;
mod role_form;
mod roles;
mod same_origin;
mod sessions;
mod signed_in;
mod start;
mod user;
mod users;
mod words;

use axum::{
    Router,
    routing::{get, post},
};

use super::routes::Server;

pub(super) use form::Fields;
pub(super) use frame::Frame;
pub(super) use once::Once;
pub(super) use page::{Trouble, dead_end, framed, leave, page, private, unkept};
pub(super) use right::Right;
pub(super) use same_origin::same_origin;
pub(super) use signed_in::present;

/// The console's routes, below the issuer's path.
pub(super) fn console() -> Router<Server> {
    Router::new()
        .route("/assets/{file}", get(assets::asset))
        .route("/developer", get(start::show))
        .route("/developer/apps", get(apps::list).post(app_form::create))
        .route("/developer/apps/new", get(app_form::new))
        .nest("/developer/apps/{id}", app())
        .route("/login", get(login::show).post(login::sign_in))
        .route("/login/passkey", post(passkey_login::sign_in))
        .route("/login/passkey/question", post(passkey_login::ask))
        .route("/logout", post(login::sign_out))
        .nest("/account", account())
        .route("/developer/users", get(users::list))
        .route("/developer/users/new", get(users::new).post(users::create))
        .nest("/developer/users/{id}", user())
        .merge(rights())
        .merge(insight())
}

/// What somebody sees and changes of their own account.
fn account() -> Router<Server> {
    Router::new()
        .route("/", get(account::show))
        .route("/apps", get(account::apps))
        .route("/apps/disconnect", post(account::disconnect))
        .route("/password", get(own_password::show).post(own_password::change))
        .route("/sessions", get(sessions::list))
        .route("/sessions/revoke-others", post(sessions::revoke_others))
        .route("/sessions/{id}/revoke", post(sessions::revoke))
        .route("/passkeys", get(passkeys::list).post(passkeys::add))
        .route("/passkeys/question", post(passkeys::ask))
        .route("/passkeys/{id}/remove", post(passkeys::remove))
}

fn user() -> Router<Server> {
    Router::new()
        .route("/", get(user::show))
        .route("/rights", post(user::rights))
        .route("/password", post(user::password))
        .route("/passkeys/remove", post(user::remove_passkeys))
        .route("/disable", post(user::disable))
        .route("/enable", post(user::enable))
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

/// What apps may do: roles, permissions, APIs. What a page is about stands in its query.
fn rights() -> Router<Server> {
    Router::new()
        .route("/developer/roles", get(roles::list))
        .route("/developer/roles/new", get(roles::new).post(roles::create))
        .route("/developer/roles/edit", get(roles::edit).post(roles::change))
        .route("/developer/roles/delete", get(roles::ask_delete).post(roles::delete))
        .route("/developer/permissions/new", get(permissions::new).post(permissions::create))
        .route("/developer/permissions/edit", get(permissions::edit).post(permissions::change))
        .route(
            "/developer/permissions/delete",
            get(permissions::ask_delete).post(permissions::delete),
        )
        .route("/developer/apis", get(apis::list))
        .route("/developer/apis/new", get(apis::new).post(apis::create))
        .route("/developer/apis/edit", get(apis::edit).post(apis::change))
}

/// What is to be read: keys, the audit log, the page for who writes a client.
fn insight() -> Router<Server> {
    Router::new()
        .route("/developer/keys", get(keys::list))
        .route("/developer/audit", get(audit::list))
        .route("/developer/audit/verification", get(audit::verify))
        .route("/developer/audit/export", get(audit_export::export))
        .route("/developer/docs", get(docs::show))
}
