//! One app's page: what stands above its tabs, and the overview.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use grantd_core::{Client, Secret};
use grantd_issuer::{
    ClientView, Clock, Hour, Registration, UsageCount, UsageQuery, clock::SystemClock,
};
use http::{Method, StatusCode};

use super::{
    chart::Chart,
    filters::{self, readable},
    form::InQuery,
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

/// The counts that a page draws at most.
const COUNTS: u32 = 20_000;

/// What stands above the tabs.
pub(super) struct App {
    pub(super) client: ClientView,
    pub(super) tab: Tab,
    /// Where it is, the issuer's path included.
    pub(super) path: String,
    /// What was just done, by name.
    did: String,
}

/// A tab of an app's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Permissions,
    Secrets,
    Activity,
    Danger,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Overview, "", "Overview"),
    (Tab::Permissions, "/permissions", "Permissions"),
    (Tab::Secrets, "/secrets", "Secrets"),
    (Tab::Activity, "/activity", "Activity"),
    (Tab::Danger, "/danger", "Danger zone"),
];

/// What a page says after a redirect; a name that is not here says nothing.
const DONE: [(&str, &str); 9] = [
    ("created", "The app is created."),
    ("saved", "Saved."),
    ("narrowed", "Saved. All tokens that the app had are dead."),
    ("rotated", "There is a new secret."),
    ("finished", "The rotation is finished: the old secret and its tokens are dead."),
    ("ended", "The secret and its tokens are dead."),
    ("revoked", "The app is revoked: it gets no tokens, and those it had are dead."),
    ("deleted", "The app is deleted: it gets no tokens, and those it had are dead."),
    ("restored", "The app is restored. Tokens from before stay dead."),
];

#[derive(Template)]
#[template(path = "app_overview.html")]
struct Overview {
    frame: Frame,
    app: App,
    secret: Option<Secret>,
    /// The id as it may stand between a shell's single quotes.
    shell_id: String,
    token_endpoint: String,
    rights: Vec<String>,
    day: String,
    month: String,
}

/// `GET /developer/apps/{id}`
pub(super) async fn overview(
    method: Method,
    operator: Operator,
    State(server): State<Server>,
    Path(id): Path<String>,
    InQuery(fields): InQuery,
) -> Result<Response, Trouble> {
    let client = server.registrar.client(&id).await?;
    let now = Hour::of(SystemClock.now());
    let asked = UsageQuery {
        client: Some(client.id.clone()),
        from: now.plus(-31 * 24),
        until: now.plus(1),
        after: None,
        limit: COUNTS,
    };
    let usage: Vec<UsageCount> = server.registrar.usage(&asked).await?;
    let known = server.storage.client(&id).await.map_err(grantd_issuer::CommandError::from)?;
    let template = Overview {
        frame: operator.frame(Section::Apps),
        app: App::new(&server, &client, Tab::Overview, fields.text("did")),
        // A look at the head alone shows nobody the secret, and must not use it up.
        secret: (method == Method::GET).then(|| server.once.take(&operator.session, &id)).flatten(),
        shell_id: id.replace('\'', r"'\''"),
        token_endpoint: format!("{}/oauth/token", server.issuer.identifier()),
        rights: known.as_ref().map(rights).unwrap_or_default(),
        day: Chart::of_a_day(&usage, now).render().unwrap_or_default(),
        month: Chart::of_a_month(&usage, now).render().unwrap_or_default(),
    };
    Ok(page(StatusCode::OK, &template))
}

/// All effective permissions, sorted.
fn rights(client: &Client) -> Vec<String> {
    let all = client.apis.iter().flat_map(|api| &api.permissions);
    let mut all: Vec<_> = all.map(ToString::to_string).collect();
    all.sort();
    all
}

impl App {
    pub(super) fn new(server: &Server, client: &Registration, tab: Tab, did: &str) -> Self {
        let path = path_of(server, client.id.as_str());
        Self { client: ClientView::from(client), tab, path, did: did.to_owned() }
    }

    pub(super) const fn tabs() -> &'static [(Tab, &'static str, &'static str)] {
        &TABS
    }

    pub(super) fn done(&self) -> Option<&'static str> {
        DONE.iter().find(|(name, _)| *name == self.did).map(|(_, text)| *text)
    }

    pub(super) fn last_used(&self) -> String {
        let used = self.client.credentials.iter();
        let last =
            used.filter_map(|known| Some((known.last_used_at.clone()?, &known.last_used_from)));
        match last.max() {
            None => "never".to_owned(),
            Some((at, from)) => match from.as_deref().filter(|from| !from.is_empty()) {
                Some(from) => format!("{} from {from}", readable(&at)),
                None => readable(&at),
            },
        }
    }
}

/// Back to a tab of an app, which says what was done.
pub(super) fn back(server: &Server, id: &str, tab: &str, did: &str) -> Response {
    Redirect::to(&format!("{}{tab}?did={did}", path_of(server, id))).into_response()
}

/// An app's page, the issuer's path included.
pub(super) fn path_of(server: &Server, id: &str) -> String {
    server.path_to(&["developer", "apps", id])
}
