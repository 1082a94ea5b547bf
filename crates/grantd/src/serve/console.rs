//! The console, Developer → Apps: pages made by the server, for people.

mod assets;
mod frame;
mod page;

use axum::{Router, routing::get};

use super::routes::Server;

/// The console's routes, below the issuer's path.
pub(super) fn console() -> Router<Server> {
    Router::new().route("/assets/{file}", get(assets::asset))
}
