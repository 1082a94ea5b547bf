//! The start page: numbers, and what is worth a look.

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_core::ClientState;
use grantd_issuer::{Clock, Hour, Outcome, Survey, UsageTotal, WatchedSecret, clock::SystemClock};
use http::StatusCode;

use super::{
    filters::{self, said},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

/// How long each list is at most.
const LINES: u32 = 10;

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    frame: Frame,
    issuer: String,
    active: u64,
    revoked: u64,
    issued: u64,
    refused: u64,
    survey: Survey,
}

/// `GET /developer`
pub(super) async fn show(
    operator: Operator,
    State(server): State<Server>,
) -> Result<Response, Trouble> {
    let now = Hour::of(SystemClock.now());
    let totals = server.registrar.usage_totals(now.plus(-23), now.plus(1)).await?;
    let survey = server.registrar.survey(LINES).await?;
    let start = Start {
        frame: operator.frame(Section::Start),
        issuer: server.issuer.identifier().to_owned(),
        active: survey.clients_in(ClientState::Active),
        revoked: survey.clients_in(ClientState::Revoked),
        issued: sum(&totals, |outcome| *outcome == Outcome::ISSUED),
        refused: sum(&totals, |outcome| *outcome != Outcome::ISSUED),
        survey,
    };
    Ok(page(StatusCode::OK, &start))
}

fn sum(totals: &[UsageTotal], counts: impl Fn(&Outcome) -> bool) -> u64 {
    totals.iter().filter(|total| counts(&total.outcome)).map(|total| total.count).sum()
}

impl Start {
    fn ends(known: &WatchedSecret) -> String {
        known.expires_at.map(said).unwrap_or_default()
    }

    fn made(known: &WatchedSecret) -> String {
        said(known.created_at)
    }

    fn used(known: &WatchedSecret) -> String {
        known.last_used.as_ref().map_or_else(|| "never".to_owned(), |last| said(last.at))
    }
}
