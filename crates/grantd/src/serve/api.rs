//! The admin API: `/api/v1`, guarded by our own guard, and the OpenAPI document made of the code.

#![expect(unused_qualifications, reason = "the macros of the OpenAPI document repeat paths whole")]

mod apis;
mod audit;
mod authority;
mod client_life;
mod clients;
mod document;
mod error;
mod extract;
mod page;
mod patch;
mod permissions;
mod protocol;
mod roles;
mod uris;
mod usage;
mod user_words;
mod users;
mod words;

use axum::{
    Router,
    body::{Body, Bytes},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use grantd_guard::Guard;
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use authority::MANAGE;

use super::routes::{Server, problem};
use extract::Tagged;

/// The admin API behind its guard, and `/openapi.json` of the whole server.
pub(super) fn api(guard: &Guard, issuer: &str) -> Router<Server> {
    let api = OpenApiRouter::new()
        .routes(routes!(clients::list_clients, clients::create_client))
        .routes(routes!(clients::show_client, clients::change_client, clients::delete_client))
        .routes(routes!(client_life::rotate_secret))
        .routes(routes!(client_life::finish_rotation))
        .routes(routes!(client_life::revoke_client))
        .routes(routes!(client_life::restore_client))
        .routes(routes!(client_life::revoke_secret))
        .routes(routes!(roles::list_roles, roles::create_role))
        .routes(routes!(roles::show_role, roles::change_role, roles::delete_role))
        .routes(routes!(permissions::list_permissions, permissions::create_permission))
        .routes(routes!(
            permissions::show_permission,
            permissions::change_permission,
            permissions::delete_permission
        ))
        .routes(routes!(apis::list_apis, apis::create_api))
        .routes(routes!(apis::show_api, apis::change_api))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::show_user, users::change_user))
        .routes(routes!(users::disable_user))
        .routes(routes!(users::enable_user))
        .routes(routes!(users::set_password))
        .routes(routes!(audit::list_audit_events))
        .routes(routes!(audit::verify_audit_log))
        .routes(routes!(usage::list_usage))
        .routes(routes!(usage::sum_usage));
    let (routes, paths) = api.split_for_parts();
    let guarded = routes
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(nothing_here)
        .layer(guard.require(authority::MANAGE))
        .layer(guard.protect())
        .layer(map_response(authority::as_problem));
    let document = document::document(issuer).nest("/api/v1", paths);
    let document = Bytes::from(document.to_json().unwrap_or_default());
    Router::new()
        .nest("/api/v1", guarded)
        .route("/openapi.json", get(async move || openapi(document)))
}

fn openapi(document: Bytes) -> Response {
    let mut response = Response::new(Body::from(document));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn method_not_allowed() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method: see Allow.")
}

async fn nothing_here() -> Response {
    problem(StatusCode::NOT_FOUND, "There is nothing at this address: see /openapi.json.")
}

impl Server {
    /// Makes a change known at once, here and to the feed's readers.
    pub(super) async fn changed(&self) {
        if let Err(fault) = self.issuer.refresh().await {
            // The watcher will see it; until then, tokens issued are born dead.
            tracing::warn!(fault = &fault as &dyn std::error::Error, "cannot look for changes");
        }
        self.noticed.notify_one();
    }

    /// Where something is, as a path on this server.
    fn address_of(&self, kind: &str, name: &dyn std::fmt::Display) -> String {
        self.path_to(&["api", "v1", kind, &name.to_string()])
    }

    /// The answer to who created something.
    fn created<T: Serialize>(
        &self,
        kind: &str,
        name: &dyn std::fmt::Display,
        mut shown: Tagged<T>,
    ) -> Response {
        shown.0 = StatusCode::CREATED;
        let mut response = shown.into_response();
        if let Ok(location) = HeaderValue::try_from(self.address_of(kind, name)) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
