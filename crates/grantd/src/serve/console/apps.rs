//! The list of apps: search, filter, pages.

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_core::ClientId;
use grantd_issuer::{ClientFilter, ClientView};
use http::StatusCode;
use url::form_urlencoded::Serializer;

use super::{
    filters::readable,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

/// How many apps a page shows.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "apps.html")]
struct Apps {
    frame: Frame,
    asked: Asked,
    clients: Vec<ClientView>,
    first: Option<String>,
    next: Option<String>,
}

/// What was asked for, as it was typed.
struct Asked {
    search: String,
    owner: String,
    state: String,
    after: String,
}

/// `GET /developer/apps`
pub(super) async fn list(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let asked = Asked::of(&query);
    let after: Option<ClientId> = asked.after.parse().ok();
    let mut found = server.registrar.clients(&asked.filter(), after.as_ref(), PAGE + 1).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let frame = operator.frame(Section::Apps);
    let link = |after: &str| format!("{}/developer/apps?{}", frame.base, asked.query(after));
    let next = found.last().filter(|_| more).map(|last| link(last.id.as_str()));
    let first = after.map(|_| link(""));
    let clients = found.iter().map(ClientView::from).collect();
    Ok(page(StatusCode::OK, &Apps { frame, asked, clients, first, next }))
}

impl Asked {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            search: text("search"),
            owner: text("owner"),
            state: text("state"),
            after: text("after"),
        }
    }

    fn filter(&self) -> ClientFilter {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (kind, id) = self.owner.split_once(':').unwrap_or((&self.owner, ""));
        ClientFilter {
            owner_kind: some(kind),
            owner_id: some(id).filter(|_| !kind.is_empty()),
            state: self.state.parse().ok(),
            search: some(&self.search),
        }
    }

    fn query(&self, after: &str) -> String {
        let mut query = Serializer::new(String::new());
        let said = [
            ("search", &*self.search),
            ("owner", &*self.owner),
            ("state", &*self.state),
            ("after", after),
        ];
        for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }

    fn is_plain(&self) -> bool {
        self.query("").is_empty() && self.after.is_empty()
    }
}

impl Apps {
    fn rights(client: &ClientView) -> String {
        let roles = client.roles.iter().map(|role| format!("role {role}"));
        let all: Vec<_> = roles.chain(client.permissions.iter().cloned()).collect();
        match all.len() {
            0 => "nothing".to_owned(),
            1..=3 => all.join(", "),
            more => format!("{} and {} more", all[..2].join(", "), more - 2),
        }
    }

    fn last_used(client: &ClientView) -> String {
        let last = client.credentials.iter().filter_map(|known| known.last_used_at.clone()).max();
        last.map_or_else(|| "never".to_owned(), |at| readable(&at))
    }
}
