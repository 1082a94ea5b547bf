//! The console, Developer → Apps: pages made by the server, for people.

mod apps;
mod assets;
mod form;
mod frame;
mod once;
mod operator;
mod page;

use axum::{Router, routing::get};

use super::routes::Server;

pub(super) use once::Once;

/// The console's routes, below the issuer's path.
pub(super) fn console() -> Router<Server> {
    Router::new()
        .route("/assets/{file}", get(assets::asset))
        .route("/developer/apps", get(apps::list))
}
