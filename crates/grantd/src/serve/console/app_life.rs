//! An app's activity, and the danger zone: revoke, delete, restore.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use grantd_core::ClientState;
use grantd_issuer::{
    AuditEventView, Clock, Hour, Outcome, Registration, UsageQuery, UsageView,
    audit::{AuditQuery, Order},
    clock::SystemClock,
};
use http::StatusCode;

use super::{
    app::{App, Tab, back},
    filters,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

#[derive(Template)]
#[template(path = "app_activity.html")]
struct Activity {
    frame: Frame,
    app: App,
    refusals: Vec<UsageView>,
    events: Vec<AuditEventView>,
}

#[derive(Template)]
#[template(path = "app_danger.html")]
struct Danger {
    frame: Frame,
    app: App,
    problem: Option<String>,
}

/// `GET /developer/apps/{id}/activity`
pub(super) async fn activity(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    let query = AuditQuery {
        object: Some(format!("client:{id}")),
        order: Order::NewestFirst,
        limit: 50,
        ..AuditQuery::default()
    };
    let events = server.registrar.audit(&query).await?;
    let template = Activity {
        frame: operator.frame(Section::Apps),
        app: App::new(&server, &client, Tab::Activity, ""),
        refusals: refusals(&server, &client).await?,
        events: events.iter().map(AuditEventView::from).collect(),
    };
    Ok(page(StatusCode::OK, &template))
}

/// The refusals of a week, each kind once, the most frequent first.
async fn refusals(server: &Server, client: &Registration) -> Result<Vec<UsageView>, Trouble> {
    let now = Hour::of(SystemClock.now());
    let query = UsageQuery {
        client: Some(client.id.clone()),
        from: now.plus(-7 * 24),
        until: now.plus(1),
        after: None,
        limit: 5000,
    };
    let mut sums: Vec<UsageView> = Vec::new();
    for counted in server.registrar.usage(&query).await? {
        if counted.key.outcome == Outcome::ISSUED {
            continue;
        }
        let view = UsageView::from(&counted);
        match sums.iter_mut().find(|known| known.outcome == view.outcome) {
            Some(known) => *known = UsageView { count: known.count + view.count, ..view },
            None => sums.push(view),
        }
    }
    sums.sort_by_key(|known| std::cmp::Reverse(known.count));
    Ok(sums)
}

/// `GET /developer/apps/{id}/danger`
pub(super) async fn danger(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(fields): InQuery,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    Ok(asking(&operator, &server, &client, fields.text("did"), None))
}

/// `POST /developer/apps/{id}/revoke`
pub(super) async fn revoke(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    end(&operator, &server, &id, (&fields, ClientState::Revoked)).await
}

/// `POST /developer/apps/{id}/delete`
pub(super) async fn delete(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    end(&operator, &server, &id, (&fields, ClientState::Deleted)).await
}

/// `POST /developer/apps/{id}/restore`
pub(super) async fn restore(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    server.registrar.set_client_state(&operator.by, &id, ClientState::Active).await?;
    server.changed().await;
    Ok(back(&server, &id, "", "restored"))
}

async fn end(
    operator: &Operator,
    server: &Server,
    id: &str,
    (fields, state): (&Fields, ClientState),
) -> Result<Response, Trouble> {
    let client = server.registrar.client(id).await?;
    if fields.text("typed") != client.name.trim() {
        let text = "That is not the app's name. Nothing was done.".to_owned();
        return Ok(asking(operator, server, &client, "", Some(text)));
    }
    server.registrar.set_client_state(&operator.by, id, state).await?;
    server.changed().await;
    Ok(back(server, id, "/danger", state.as_str()))
}

fn asking(
    operator: &Operator,
    server: &Server,
    client: &Registration,
    did: &str,
    problem: Option<String>,
) -> Response {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let app = App::new(server, client, Tab::Danger, did);
    page(status, &Danger { frame: operator.frame(Section::Apps), app, problem })
}
