//! The console, Developer → Apps: pages made by the server, for people.

mod apis;
mod apps;
mod ask;
mod assets;
mod audit;
mod audit_export;
mod complaint;
mod difference;
mod docs;
mod form;
mod frame;
mod keys;
mod once;
mod operator;
mod page;
mod permissions;
mod role_form;
mod roles;

use axum::{Router, routing::get};

use super::routes::Server;

pub(super) use once::Once;

/// The console's routes, below the issuer's path.
pub(super) fn console() -> Router<Server> {
    Router::new()
        .route("/assets/{file}", get(assets::asset))
        .route("/developer/apps", get(apps::list))
        .merge(rights())
        .merge(insight())
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
