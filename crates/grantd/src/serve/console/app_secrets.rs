//! An app's secrets: age, last use, rotation, the end of one.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use grantd_core::{Timestamp, Ttl};
use grantd_issuer::{
    Clock, CommandError, Conflict, CredentialSummary, Registration, Rotation,
    client_change::Finish, clock::SystemClock,
};
use http::StatusCode;

use super::{
    app::{App, Tab, back},
    filters::said,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

#[derive(Template)]
#[template(path = "app_secrets.html")]
struct Secrets {
    frame: Frame,
    app: App,
    rows: Vec<Row>,
    /// Whether more than one lives.
    rotating: bool,
    /// By whom an old one was used since the newest was made.
    still_used: Option<String>,
    problem: Option<String>,
}

struct Row {
    id: String,
    age: String,
    used: String,
    ends: String,
    live: bool,
}

/// To whom sent a form of a page that is not true any more, by a second click perhaps.
const TWICE: &str = "Not rotated: the app was changed since you opened this page. If you sent the form \
    twice, it was rotated once, and the new secret waits a minute for you on the Overview.";

/// `GET /developer/apps/{id}/secrets`
pub(super) async fn show(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(fields): InQuery,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    Ok(shown(&operator, &server, &client, fields.text("did"), None))
}

/// `POST /developer/apps/{id}/secrets/rotate`
pub(super) async fn rotate(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let overlap: Option<Ttl> = match fields.text("overlap") {
        "0" => None,
        text => match text.parse() {
            Ok(overlap) => Some(overlap),
            Err(error) => {
                // No overlap would cut callers off: that is done only when it is said.
                let client = server.registrar.client(&id).await?;
                let problem = Some(format!("Not rotated: {error}."));
                return Ok(shown(&operator, &server, &client, "", problem));
            }
        },
    };
    let hasher = server.issuer.secret_hasher();
    // A form that does not say what it was made of rotates nothing: no client has version 0.
    let version = Some(fields.text("version").parse().unwrap_or_default());
    let rotation = Rotation { overlap, version };
    let created = match server.registrar.rotate(&operator.by, &id, rotation, hasher).await {
        Ok(created) => created,
        Err(CommandError::Conflict(Conflict::VersionDiffers(_))) => {
            let client = server.registrar.client(&id).await?;
            let problem = Some(TWICE.to_owned());
            return Ok(shown(&operator, &server, &client, "", problem));
        }
        Err(error) => return Err(error.into()),
    };
    server.changed().await;
    if let Some((_, secret)) = created.secret {
        server.once.keep(&operator.session, &id, secret);
    }
    Ok(back(&server, &id, "", "rotated"))
}

/// `POST /developer/apps/{id}/secrets/finish`
pub(super) async fn finish(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let finish = if fields.has("force", "yes") { Finish::Anyway } else { Finish::IfUnused };
    match server.registrar.finish_rotation(&operator.by, &id, finish).await {
        Ok(_) => {
            server.changed().await;
            Ok(back(&server, &id, "/secrets", "finished"))
        }
        Err(CommandError::Conflict(Conflict::SecretStillUsed { at, address, .. })) => {
            let client = server.registrar.client(&id).await?;
            let text = format!("Not finished: the old secret was used at {at} from {address}.");
            Ok(shown(&operator, &server, &client, "", Some(text)))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /developer/apps/{id}/secrets/{credential}/end`
pub(super) async fn end(
    operator: Operator,
    State(server): State<Server>,
    Path((id, credential)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let missing = || Trouble::Missing("The app has no such secret.".to_owned());
    let credential = credential.parse().map_err(|_| missing())?;
    server.registrar.revoke_secret(&operator.by, &id, credential).await?;
    server.changed().await;
    Ok(back(&server, &id, "/secrets", "ended"))
}

fn shown(
    operator: &Operator,
    server: &Server,
    client: &Registration,
    did: &str,
    problem: Option<String>,
) -> Response {
    let now = SystemClock.now();
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let template = Secrets {
        frame: operator.frame(Section::Apps),
        app: App::new(server, client, Tab::Secrets, did),
        rows: client.credentials.iter().rev().map(|known| Row::of(known, now)).collect(),
        rotating: client.credentials.iter().filter(|known| known.is_live(now)).count() > 1,
        still_used: client.old_secret_in_use(now).map(used),
        problem,
    };
    page(status, &template)
}

impl Row {
    fn of(known: &CredentialSummary, now: Timestamp) -> Self {
        Self {
            id: known.id.to_string(),
            age: age(known.created_at, now),
            used: used(known),
            ends: known.expires_at.map_or_else(|| "never".to_owned(), said),
            live: known.is_live(now),
        }
    }
}

fn used(known: &CredentialSummary) -> String {
    match &known.last_used {
        None => "never".to_owned(),
        Some(last) if last.address.is_empty() => said(last.at),
        Some(last) => format!("{} from {}", said(last.at), last.address),
    }
}

fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds().saturating_sub(since.seconds());
    let (count, unit) = match seconds {
        ..60 => return "just made".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_the_largest_whole_unit() {
        let said = |seconds| age(Timestamp::from_seconds(0), Timestamp::from_seconds(seconds));
        assert_eq!([said(-5), said(59)], ["just made", "just made"]);
        assert_eq!([said(60), said(7199), said(86_400)], ["1 minute", "1 hour", "1 day"]);
        assert_eq!(said(400 * 86_400), "400 days");
    }
}
