//! The audit log for people: newest first, filtered, each change with what it changed.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_issuer::{
    AuditEventView, CommandError,
    audit::{AuditQuery, Order},
    hexadecimal,
};
use http::StatusCode;
use url::form_urlencoded::Serializer;

use super::{
    difference::{Difference, difference},
    filters,
    form::{Fields, InQuery},
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::routes::Server;

/// How many changes a page shows.
const PAGE: u32 = 50;

/// What is done most, for a list to choose from; anything else may be typed.
const ACTIONS: [&str; 19] = [
    "client.create",
    "client.update",
    "client.rotate",
    "client.revoke",
    "client.restore",
    "client.delete",
    "role.create",
    "role.update",
    "role.delete",
    "permission.create",
    "permission.delete",
    "api.create",
    "api.update",
    "user.create",
    "user.update",
    "user.password",
    "user.disable",
    "user.sign-in",
    "user.sign-out",
];

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    asked: Asked,
    events: Vec<Event>,
    first: Option<String>,
    next: Option<String>,
}

struct Event {
    /// What was changed by its name, where its id says nothing to people.
    named: Option<String>,
    /// Who did it, as people call them.
    actor: String,
    shown: AuditEventView,
    differences: Vec<Difference>,
}

#[derive(Template)]
#[template(path = "audit_verdict.html")]
struct Verdict {
    frame: Frame,
    events: u64,
    hash: String,
    broken: Option<String>,
}

/// Which changes are asked for, as it was typed.
#[derive(Debug)]
pub(super) struct Asked {
    object: String,
    actor: String,
    action: String,
    after: Option<u64>,
}

/// `GET /developer/audit`
pub(super) async fn list(
    operator: Operator,
    State(server): State<Server>,
    InQuery(query): InQuery,
) -> Result<Response, Trouble> {
    let asked = Asked::of(&query);
    let mut found = server.registrar.audit(&asked.page(asked.after, PAGE + 1)).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let frame = operator.frame(Section::Audit);
    let link = |after| format!("{}/developer/audit?{}", frame.base, asked.query(after));
    let next = found.last().filter(|_| more).map(|last| link(Some(last.seq)));
    let first = asked.after.map(|_| link(None));
    let mut events: Vec<_> = found.iter().map(AuditEventView::from).map(Event::of).collect();
    name_users(&server, &mut events).await?;
    Ok(page(StatusCode::OK, &Audit { frame, asked, events, first, next }))
}

/// Who did it, by the name that people know; an id says nothing to them. The kind stands before it:
/// a person may have been called `cli:root`.
async fn name_users(server: &Server, events: &mut [Event]) -> Result<(), Trouble> {
    let mut known: HashMap<String, String> = HashMap::new();
    for event in events {
        let Some(id) = event.shown.actor.strip_prefix("user:") else { continue };
        if !known.contains_key(id) {
            let name = match server.registrar.user(id).await {
                Ok(user) => format!("user {}", user.name),
                Err(CommandError::UserUnknown(_)) => event.shown.actor.clone(),
                Err(error) => return Err(error.into()),
            };
            known.insert(id.to_owned(), name);
        }
        event.actor.clone_from(&known[id]);
    }
    Ok(())
}

/// `GET /developer/audit/verification`: reads the whole log, so it is asked for.
pub(super) async fn verify(
    operator: Operator,
    State(server): State<Server>,
) -> Result<Response, Trouble> {
    let frame = operator.frame(Section::Audit);
    let verdict = match server.registrar.verify_audit().await {
        Ok(chain) => {
            let hash = hexadecimal(chain.hash());
            Verdict { frame, events: chain.length(), hash, broken: None }
        }
        Err(CommandError::Audit(error)) => {
            let broken = Some(error.to_string());
            Verdict { frame, events: 0, hash: String::new(), broken }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(page(StatusCode::OK, &verdict))
}

impl Event {
    fn of(shown: AuditEventView) -> Self {
        let differences = difference(shown.before.as_ref(), shown.after.as_ref());
        let is_by_id = ["client:", "user:"].iter().any(|kind| shown.object.starts_with(kind));
        let object = shown.after.as_ref().or(shown.before.as_ref()).filter(|_| is_by_id);
        let named = object.and_then(|object| Some(object.get("name")?.as_str()?.to_owned()));
        Self { actor: shown.actor.clone(), named, shown, differences }
    }

    /// The page of the app that was changed.
    fn app(&self) -> Option<&str> {
        self.shown.object.strip_prefix("client:")
    }
}

impl Asked {
    pub(super) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            object: text("object"),
            actor: text("actor"),
            action: text("action"),
            after: fields.text("after").parse().ok(),
        }
    }

    /// The changes from one on, the newest first.
    pub(super) fn page(&self, after: Option<u64>, limit: u32) -> AuditQuery {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        AuditQuery {
            object: some(&self.object),
            actor: some(&self.actor),
            action: some(&self.action),
            order: Order::NewestFirst,
            after,
            limit,
        }
    }

    fn query(&self, after: Option<u64>) -> String {
        let mut query = Serializer::new(String::new());
        let said = [("object", &self.object), ("actor", &self.actor), ("action", &self.action)];
        for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        query.finish()
    }

    fn is_plain(&self) -> bool {
        self.query(None).is_empty()
    }

    fn actions() -> &'static [&'static str] {
        &ACTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(&Fields::parse(query.as_bytes()))
    }

    #[test]
    fn what_was_asked_stands_in_every_link() {
        let given = asked("object=client%3Aa%26b&actor=&after=7&else=1");
        assert_eq!((given.object.as_str(), given.after), ("client:a&b", Some(7)));
        assert_eq!(given.query(Some(3)), "object=client%3Aa%26b&after=3");
        assert!(!given.is_plain() && asked("").is_plain());
    }

    #[test]
    fn a_number_that_is_none_is_the_first_page() {
        assert_eq!(asked("after=-1").after, None);
    }
}
