//! A sample API: the whole of what a resource server writes to be protected by grantd.

use axum::{Json, Router, routing::get};
use grantd_guard::{Guard, Principal};
use serde_json::{Value, json};

/// One line demands a permission for a route, one line protects them all. Tokens of clients and of
/// users are welcome alike.
pub(crate) fn routes(guard: &Guard) -> Router {
    Router::new()
        .route("/api/v1/schools", get(schools).layer(guard.require("view_schools")))
        .route("/api/v1/invoices", get(invoices).layer(guard.require("invoices.read")))
        .route_layer(guard.protect())
}

/// The principal tells who is behind the token: a client, or a user through a client.
async fn schools(principal: Principal) -> Json<Value> {
    Json(json!({
        "schools": [{ "id": 1, "name": "Hillside School" }, { "id": 2, "name": "Lakeview Academy" }],
        "asked_by": { "client": principal.client_id(), "user": principal.user_id() },
        "may_also_read_invoices": principal.can("invoices.read"),
    }))
}

async fn invoices() -> Json<Value> {
    Json(json!({ "invoices": [] }))
}
