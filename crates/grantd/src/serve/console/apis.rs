//! APIs, what tokens are for: the list, a new one, other settings of its tokens.

use std::str::FromStr;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::{Algorithm, Api, TokenFormat, Ttl};
use grantd_issuer::{ApiView, PermissionEntry};
use http::StatusCode;

use super::{
    complaint::Complaint,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
    roles::named,
};
use crate::serve::{fingerprint::fingerprint, routes::Server};

#[derive(Template)]
#[template(path = "apis.html")]
struct List<'a> {
    frame: Frame,
    done: Option<&'static str>,
    apis: Vec<Api>,
    permissions: Vec<PermissionEntry>,
    issuer: &'a str,
}

#[derive(Template)]
#[template(path = "api.html")]
struct Page<'a> {
    frame: Frame,
    said: Said,
    issuer: &'a str,
    algorithms: Vec<&'static str>,
    problem: Complaint,
}

/// An API as it was typed.
#[derive(Default)]
struct Said {
    known: bool,
    name: String,
    audience: String,
    format: String,
    signing_alg: String,
    access_token_ttl: String,
    seen: String,
}

/// `GET /developer/apis`
pub(super) async fn list(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let apis = server.registrar.apis().await?;
    let permissions = server.registrar.permissions().await?;
    let done = match query.text("done") {
        "created" => Some("The API is there: now give it permissions."),
        "saved" => Some("The API is saved: tokens from now on are so."),
        _ => None,
    };
    let (frame, issuer) = (operator.frame(Section::Apis), server.issuer.identifier());
    Ok(page(StatusCode::OK, &List { frame, done, apis, permissions, issuer }))
}

/// `GET /developer/apis/new`
pub(super) async fn new(operator: Operator, State(server): State<Server>) -> Response {
    form(&operator, &server, Said::default(), Complaint::default())
}

/// `POST /developer/apis/new`
pub(super) async fn create(
    operator: Operator,
    State(server): State<Server>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let said = Said::of(&fields);
    let api = match said.api(&server, None) {
        Ok(api) => api,
        Err(complaint) => return Ok(form(&operator, &server, said, complaint)),
    };
    let made = server.registrar.create_api(&operator.by, &api).await;
    // A form that was sent twice has done what it says.
    let done = server.registrar.apis().await?.contains(&api);
    if let (Err(error), false) = (made, done) {
        return Ok(form(&operator, &server, said, Complaint::about(error)?));
    }
    server.changed().await;
    Ok(back(&server, "created"))
}

/// `GET /developer/apis/edit?name=…`
pub(super) async fn edit(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let said = Said::showing(&known).at(&known);
    Ok(form(&operator, &server, said, Complaint::default()))
}

/// `POST /developer/apis/edit?name=…`
pub(super) async fn change(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
    fields: Fields,
) -> Result<Response, Trouble> {
    let known = find(&server, &named(&query)).await?;
    let said = Said::of(&fields).at(&known);
    let api = match said.api(&server, Some(&known)) {
        Ok(api) if api == known => return Ok(back(&server, "saved")),
        Ok(api) => api,
        Err(complaint) => return Ok(form(&operator, &server, said, complaint)),
    };
    if fields.text("seen") != said.seen {
        return Ok(form(&operator, &server, said, Complaint::lost_race("API")));
    }
    if let Err(error) = server.registrar.change_api(&operator.by, Some(&known), &api).await {
        return Ok(form(&operator, &server, said, Complaint::about(error)?));
    }
    server.changed().await;
    Ok(back(&server, "saved"))
}

fn form(operator: &Operator, server: &Server, said: Said, problem: Complaint) -> Response {
    let algorithms = Algorithm::ALL.into_iter().filter(|algorithm| {
        server.issuer.keys().signer(Some(*algorithm)).is_some()
            || said.signing_alg == algorithm.as_str()
    });
    let algorithms = algorithms.map(Algorithm::as_str).collect();
    let (frame, issuer) = (operator.frame(Section::Apis), server.issuer.identifier());
    page(problem.status(), &Page { frame, said, issuer, algorithms, problem })
}

async fn find(server: &Server, name: &str) -> Result<Api, Trouble> {
    let found = server.registrar.api(name).await?;
    found.ok_or_else(|| Trouble::Missing(format!("There is no API `{name}`.")))
}

fn back(server: &Server, done: &str) -> Response {
    Redirect::to(&format!("{}/developer/apis?done={done}", server.base)).into_response()
}

impl Said {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            name: text("name"),
            audience: text("audience"),
            format: text("format"),
            signing_alg: text("signing_alg"),
            access_token_ttl: text("access_token_ttl"),
            ..Self::default()
        }
    }

    fn showing(api: &Api) -> Self {
        Self {
            format: api.format.map(TokenFormat::as_str).unwrap_or_default().to_owned(),
            signing_alg: api.signing_alg.map(Algorithm::as_str).unwrap_or_default().to_owned(),
            access_token_ttl: api.access_token_ttl.map(|ttl| ttl.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Of an API that is there: its name and audience stay.
    fn at(self, api: &Api) -> Self {
        Self {
            known: true,
            name: api.name.clone(),
            audience: api.audience.clone().unwrap_or_default(),
            seen: fingerprint(&ApiView::from(api)),
            ..self
        }
    }

    /// The API that is meant; only an algorithm that somebody newly asks for must have its key.
    fn api(&self, server: &Server, known: Option<&Api>) -> Result<Api, Complaint> {
        let signing_alg: Option<Algorithm> = chosen(&self.signing_alg)
            .map_err(|()| Complaint::at("signing_alg", "Choose one of the list."))?;
        let kept = known.is_some_and(|known| known.signing_alg == signing_alg);
        let signer = server.issuer.keys().signer(signing_alg);
        if !kept && signer.is_none() {
            return Err(Complaint::at("signing_alg", "This server has no key of this algorithm."));
        }
        Ok(Api {
            name: self.name.clone(),
            audience: known
                .map_or_else(|| Some(self.audience.clone()), |known| known.audience.clone()),
            format: chosen(&self.format)
                .map_err(|()| Complaint::at("format", "Choose one of the list."))?,
            signing_alg,
            access_token_ttl: chosen::<Ttl>(&self.access_token_ttl).map_err(|()| {
                Complaint::at(
                    "access_token_ttl",
                    "Write it like 90s, 15m, 1h or 30d, at most 3650d.",
                )
            })?,
        })
    }

    fn is_format(&self, format: &str) -> bool {
        self.format == format
    }

    fn is_algorithm(&self, algorithm: &str) -> bool {
        self.signing_alg == algorithm
    }
}

/// What was chosen; nothing said is the default.
fn chosen<T: FromStr>(text: &str) -> Result<Option<T>, ()> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| ()) }
}

impl List<'_> {
    fn count(&self, api: &Api) -> usize {
        self.permissions.iter().filter(|entry| entry.api == api.name).count()
    }

    fn format(api: &Api) -> &'static str {
        api.format.map_or("as the server: jwt", TokenFormat::as_str)
    }

    fn algorithm(api: &Api) -> &'static str {
        api.signing_alg.map_or("as the server", Algorithm::as_str)
    }

    fn lifetime(api: &Api) -> String {
        api.access_token_ttl.map_or_else(|| "as the server".to_owned(), |ttl| ttl.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_chosen_is_the_default_and_nonsense_is_none() {
        assert_eq!(chosen::<Ttl>(""), Ok(None));
        assert_eq!(chosen::<Ttl>("15m"), Ok("15m".parse().ok()));
        assert_eq!(chosen::<Ttl>("soon"), Err(()));
        assert_eq!(chosen::<Algorithm>("none"), Err(()));
    }

    #[test]
    fn an_api_shown_and_sent_back_says_the_same() {
        let api = Api {
            format: Some(TokenFormat::Opaque),
            access_token_ttl: "90s".parse().ok(),
            ..Api::default_api()
        };
        let said = Said::showing(&api).at(&api);
        assert_eq!((said.format.as_str(), said.access_token_ttl.as_str()), ("opaque", "90s"));
        assert_eq!(said.signing_alg, "", "as the server");
    }
}
