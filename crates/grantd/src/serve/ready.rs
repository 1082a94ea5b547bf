//! `GET /readyz`: whether requests should come here. It asks nobody, so it answers at once.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use super::{
    contact::Contact,
    routes::{Server, problem},
    stage::Stage,
};

/// What a new server waits for the first answer of its database: half a second.
const MOMENT: Duration = Duration::from_millis(20);
const MOMENTS: u32 = 25;

/// 200 while clients get tokens, be it those that are in memory alone; 503 where none does, and from the
/// moment on at which the server is told to stop (decision 0018). All nodes
/// share one database: if it alone made them unready, its absence would be everything's (decision 0015).
pub(super) async fn readyz(State(server): State<Server>) -> Response {
    if *server.stage.borrow() > Stage::Serving {
        return unready("The server is stopping.");
    }
    let contact = met(&server).await;
    let (unseen, left) = (server.issuer.unseen_for(), server.issuer.believed_for());
    match (contact, left) {
        (Contact::Unmet, _) => unready("The database has not answered yet."),
        (Contact::Here, _) => "ready\n".into_response(),
        (Contact::Away, Some(Duration::ZERO)) => {
            let unseen = unseen.as_secs();
            unready(&format!(
                "The database has not answered for {unseen} s: no client gets tokens."
            ))
        }
        (Contact::Away, left) => degraded(unseen, left).into_response(),
    }
}

/// How it stands with the database. Who asks at the very start waits a moment for its first answer.
async fn met(server: &Server) -> Contact {
    for _ in 0..MOMENTS {
        match server.metrics.contacts.now() {
            Contact::Unmet => tokio::time::sleep(MOMENT).await,
            met => return met,
        }
    }
    Contact::Unmet
}

fn degraded(unseen: Duration, left: Option<Duration>) -> String {
    let left = left.map(|left| format!(" for {} s more", left.as_secs())).unwrap_or_default();
    let unseen = unseen.as_secs();
    format!(
        "degraded: the database has not answered for {unseen} s; clients that are known here get \
         tokens{left}, nothing can be changed\n"
    )
}

fn unready(detail: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
