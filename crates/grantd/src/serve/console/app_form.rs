//! Creating and editing an app: one form, with what is wrong beside the field where it is.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use grantd_core::{ClientId, ClientKind, GrantType, Pkce, Ttl};
use grantd_issuer::{
    Clock, CommandError, Conflict, Entropy, NewClient, Owner, Registration, Setting,
    client_change::ClientEdit, clock::SystemClock, entropy::SystemEntropy,
};
use http::StatusCode;

use super::{
    app::{back, path_of},
    form::Fields,
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

const GRANTS: [(&str, &str); 3] = [
    ("client_credentials", "It acts for itself"),
    ("authorization_code", "It acts for users who approve it"),
    ("refresh_token", "It goes on acting for them while they are away"),
];

#[derive(Template)]
#[template(path = "app_form.html")]
struct Form {
    frame: Frame,
    title: String,
    new: bool,
    action: String,
    cancel: String,
    said: Said,
    problem: Problem,
}

/// What was typed.
#[derive(Default)]
struct Said {
    /// Of a new app: the id that it will have, so that a form sent twice makes one app. Of one that
    /// is there: the version that was seen.
    id: String,
    name: String,
    description: String,
    public: bool,
    grants: Vec<String>,
    redirect_uris: String,
    owner: String,
    /// Whether it may act for users without PKCE.
    without_pkce: bool,
    /// How long it may send a used refresh token again; empty: not at all.
    refresh_retry: String,
}

/// What is wrong, and with which field.
#[derive(Default)]
struct Problem(Option<(&'static str, String)>);

/// `GET /developer/apps/new`
pub(super) async fn new(operator: Operator, State(server): State<Server>) -> Response {
    let mut entropy = [0; 10];
    SystemEntropy.fill(&mut entropy);
    let id = ClientId::mint(SystemClock.now(), entropy).to_string();
    let said = Said { id, grants: vec!["client_credentials".to_owned()], ..Said::default() };
    creating(&operator, &server, said, Problem::default())
}

/// `POST /developer/apps`
pub(super) async fn create(
    operator: Operator,
    State(server): State<Server>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let said = Said::of(&fields);
    let new = match said.new_client() {
        Ok(new) => new,
        Err(problem) => return Ok(creating(&operator, &server, said, problem)),
    };
    let hasher = server.issuer.secret_hasher();
    match server.registrar.create_client(&operator.by, new, hasher).await {
        Ok(created) => {
            server.changed().await;
            let id = created.client.id.as_str();
            if let Some((_, secret)) = created.secret {
                server.once.keep(&operator.session, id, secret);
            }
            Ok(back(&server, id, "", "created"))
        }
        // Sent twice: the app is there, and the first answer's page is this one's too.
        Err(CommandError::Conflict(Conflict::ClientExists(id))) => {
            Ok(back(&server, id.as_str(), "", "created"))
        }
        Err(error @ CommandError::Storage(_)) => Err(error.into()),
        Err(error) => Ok(creating(&operator, &server, said, Problem::of_command(&error))),
    }
}

/// `GET /developer/apps/{id}/edit`
pub(super) async fn edit(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    Ok(editing(&operator, &server, &client, Said::shown(&client), Problem::default()))
}

/// `POST /developer/apps/{id}/edit`
pub(super) async fn save(
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    let said = Said::of(&fields);
    let edit = match said.edit() {
        Ok(edit) => edit,
        Err(problem) => return Ok(editing(&operator, &server, &client, said, problem)),
    };
    let version = said.id.parse().ok().or(Some(client.version));
    match server.registrar.edit_client(&operator.by, &id, edit, version).await {
        Ok(changed) => {
            server.changed().await;
            let did = if changed.generation > client.generation { "narrowed" } else { "saved" };
            Ok(back(&server, &id, "", did))
        }
        Err(error @ CommandError::Storage(_)) => Err(error.into()),
        Err(error) => {
            let problem = Problem::of_command(&error);
            let said = Said { id: client.version.to_string(), ..said };
            Ok(editing(&operator, &server, &client, said, problem))
        }
    }
}

fn creating(operator: &Operator, server: &Server, said: Said, problem: Problem) -> Response {
    let apps = format!("{}/developer/apps", server.base);
    let form = Form {
        frame: operator.frame(Section::Apps),
        title: "New app".to_owned(),
        new: true,
        action: apps.clone(),
        cancel: apps,
        said,
        problem,
    };
    page(form.problem.status(), &form)
}

fn editing(
    operator: &Operator,
    server: &Server,
    client: &Registration,
    said: Said,
    problem: Problem,
) -> Response {
    let cancel = path_of(server, client.id.as_str());
    let form = Form {
        frame: operator.frame(Section::Apps),
        title: format!("Edit {}", client.name),
        new: false,
        action: format!("{cancel}/edit"),
        cancel,
        said,
        problem,
    };
    page(form.problem.status(), &form)
}

impl Said {
    fn of(fields: &Fields) -> Self {
        Self {
            id: fields.text("id").to_owned(),
            name: fields.text("name").to_owned(),
            description: fields.text("description").to_owned(),
            public: fields.has("kind", "public"),
            grants: fields.all("grant").map(str::to_owned).collect(),
            redirect_uris: fields.lines("redirect_uris").join("\n"),
            owner: fields.text("owner").to_owned(),
            without_pkce: fields.has("pkce", "optional"),
            refresh_retry: fields.text("refresh_retry").to_owned(),
        }
    }

    fn shown(client: &Registration) -> Self {
        Self {
            id: client.version.to_string(),
            name: client.name.clone(),
            description: client.description.clone(),
            public: client.kind == ClientKind::Public,
            grants: client.grants.iter().map(|grant| grant.as_str().to_owned()).collect(),
            redirect_uris: client.redirect_uris.join("\n"),
            owner: client.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
            without_pkce: client.pkce == Pkce::Optional,
            refresh_retry: client.refresh_retry.map(|ttl| ttl.to_string()).unwrap_or_default(),
        }
    }

    const fn grant_choices() -> &'static [(&'static str, &'static str)] {
        &GRANTS
    }

    fn has_grant(&self, grant: &str) -> bool {
        self.grants.iter().any(|known| known == grant)
    }

    fn uris(&self) -> Vec<String> {
        self.redirect_uris.lines().map(str::to_owned).collect()
    }

    fn owned_by(&self) -> Result<Option<Owner>, Problem> {
        if self.owner.is_empty() {
            return Ok(None);
        }
        self.owner.parse().map(Some).map_err(|_| {
            Problem::at("owner", "Write the owner as TYPE:ID, like tenant:42, or nothing.")
        })
    }

    const fn pkce(&self) -> Pkce {
        if self.without_pkce { Pkce::Optional } else { Pkce::Required }
    }

    fn retry(&self) -> Result<Option<Ttl>, Problem> {
        if self.refresh_retry.is_empty() {
            return Ok(None);
        }
        let wrong = |_| Problem::at("refresh_retry", "Write a time like 30s, or nothing.");
        self.refresh_retry.parse().map(Some).map_err(wrong)
    }

    fn granted(&self) -> Result<Vec<GrantType>, Problem> {
        let grants: Vec<_> = self.grants.iter().filter_map(|grant| grant.parse().ok()).collect();
        if grants.is_empty() {
            return Err(Problem::at("grant", "Choose at least one."));
        }
        Ok(grants)
    }

    fn new_client(&self) -> Result<NewClient, Problem> {
        Ok(NewClient {
            // A form of our own carries a UUID; any other id gets a fresh one.
            id: self.id.parse().ok().filter(|_| uuid::Uuid::try_parse(&self.id).is_ok()),
            name: self.name.clone(),
            description: self.description.clone(),
            public: self.public,
            grants: self.granted()?,
            redirect_uris: self.uris(),
            owner: self.owned_by()?,
            pkce: self.pkce(),
            refresh_retry: self.retry()?,
            ..NewClient::default()
        })
    }

    fn edit(&self) -> Result<ClientEdit, Problem> {
        Ok(ClientEdit {
            name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            grants: Some(self.granted()?.into_iter().collect()),
            redirect_uris: Some(self.uris()),
            owner: self.owned_by()?.map_or(Setting::Clear, Setting::Set),
            pkce: Some(self.pkce()),
            refresh_retry: self.retry()?.map_or(Setting::Clear, Setting::Set),
            ..ClientEdit::default()
        })
    }
}

impl Problem {
    fn at(field: &'static str, text: &str) -> Self {
        Self(Some((field, text.to_owned())))
    }

    fn of_command(error: &CommandError) -> Self {
        let field = match error {
            CommandError::Text("the name", _) => "name",
            CommandError::Text("the description", _) => "description",
            CommandError::Text(..) => "owner",
            CommandError::RedirectUri(_) => "redirect_uris",
            CommandError::Grants(_) => "grant",
            _ => "",
        };
        Self(Some((field, format!("Not saved: {error}."))))
    }

    fn status(&self) -> StatusCode {
        if self.0.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
    }

    fn of(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(at, _)| *at == field).map(|(_, text)| text.as_str())
    }

    fn is(&self, field: &str) -> bool {
        self.of(field).is_some()
    }

    /// What is wrong with none of the fields alone.
    fn whole(&self) -> Option<&str> {
        self.of("")
    }
}
