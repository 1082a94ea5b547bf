//! The audit log as a file: CSV or JSON, written page by page while it is read.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::Response,
};
use futures_util::stream;
use grantd_issuer::{AuditEventView, CommandError, StorageFault};
use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde_json::Value;

use super::{audit::Asked, form::InQuery, operator::Operator};
use crate::serve::{MANAGE, feed::Streaming, routes::Server};

/// How many changes are in memory at a time.
const PAGE: u32 = 500;

const HEADINGS: [&str; 9] =
    ["seq", "at", "actor", "address", "action", "object", "before", "after", "hash"];

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// RFC 4180, with a line of headings.
    Csv,
    /// One list of the objects that the admin API shows.
    Json,
}

/// Where the writing is.
enum Place {
    Start,
    Behind(u64),
    End,
}

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Storage(#[from] StorageFault),
    #[error("who saves the audit log may read it no more")]
    NotAllowed,
}

/// `GET /developer/audit/export?format=csv|json`: what is filtered, the newest first. Where storage
/// fails in the middle, or the right to read it has ended, the answer breaks off, so that nobody takes
/// a part for the whole.
pub(super) async fn export(
    _: Operator,
    State(server): State<Server>,
    headers: HeaderMap,
    InQuery(fields): InQuery,
) -> Response {
    let form = if fields.text("format") == "json" { Form::Json } else { Form::Csv };
    let asked = Asked::of(&fields);
    let state = (server, headers, Place::Start);
    let parts =
        stream::try_unfold((state, asked), move |((server, headers, place), asked)| async move {
            let (after, first) = match place {
                Place::Start => (None, true),
                Place::Behind(seq) => (Some(seq), false),
                Place::End => return Ok::<_, Broken>(None),
            };
            may_read_on(&server, &headers).await?;
            let events = server.registrar.audit(&asked.page(after, PAGE)).await?;
            let next = match events.last() {
                Some(last) if events.len() == PAGE as usize => Place::Behind(last.seq),
                _ => Place::End,
            };
            let views: Vec<_> = events.iter().map(AuditEventView::from).collect();
            let text = form.part(&views, first, matches!(next, Place::End));
            Ok(Some((Bytes::from(text), ((server, headers, next), asked))))
        });
    answer(form, Body::from_stream(parts))
}

/// A slow reader takes longer than a right may last: it is looked at anew before each page.
async fn may_read_on(server: &Server, headers: &HeaderMap) -> Result<(), Broken> {
    let who = match server.sign_in.cookie.find(headers) {
        Some(secret) => server.sign_in.accounts.signed_in(secret).await?,
        None => None,
    };
    if who.is_some_and(|who| who.can(MANAGE)) { Ok(()) } else { Err(Broken::NotAllowed) }
}

fn answer(form: Form, body: Body) -> Response {
    let (content_type, disposition) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"grantd-audit.csv\""),
        Form::Json => ("application/json", "attachment; filename=\"grantd-audit.json\""),
    };
    let mut response = Response::new(body);
    // Its end is the connection's: a slow reader is not taken for an idle connection. One that takes
    // nothing at all is dropped (`pulse.rs`).
    response.extensions_mut().insert(Streaming);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Form {
    /// A page of the file; the first begins it and the last ends it.
    fn part(self, events: &[AuditEventView], first: bool, last: bool) -> String {
        match self {
            Self::Csv => {
                let mut text = String::new();
                if first {
                    text = line(&HEADINGS.map(str::to_owned));
                }
                text.extend(events.iter().map(|event| line(&cells(event))));
                text
            }
            Self::Json => {
                let mut text = if first { "[" } else { "" }.to_owned();
                for (at, event) in events.iter().enumerate() {
                    text.push_str(if first && at == 0 { "\n" } else { ",\n" });
                    text.push_str(&serde_json::to_string(event).unwrap_or_default());
                }
                text.push_str(if last { "\n]\n" } else { "" });
                text
            }
        }
    }
}

fn cells(event: &AuditEventView) -> [String; 9] {
    let json = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    [
        event.seq.to_string(),
        event.at.clone(),
        event.actor.clone(),
        event.address.clone().unwrap_or_default(),
        event.action.clone(),
        event.object.clone(),
        json(&event.before),
        json(&event.after),
        event.hash.clone(),
    ]
}

fn line(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that a spreadsheet takes for text and never for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, actor: &str) -> AuditEventView {
        AuditEventView {
            seq,
            at: "1970-01-01T00:00:01Z".to_owned(),
            actor: actor.to_owned(),
            address: None,
            action: "role.update".to_owned(),
            object: "role:r".to_owned(),
            before: Some(serde_json::json!({ "a": 1 })),
            after: None,
            hash: "00".to_owned(),
        }
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        assert_eq!(cell("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(cell("client:a"), "client:a");
        assert_eq!(cell("two\r\nlines"), "\"two\r\nlines\"");
    }

    #[test]
    fn pages_of_csv_make_one_file_with_one_line_of_headings() {
        let text = Form::Csv.part(&[event(2, "cli:root")], true, false)
            + &Form::Csv.part(&[event(1, "=x")], false, true);
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines[0], "seq,at,actor,address,action,object,before,after,hash");
        let row = "1970-01-01T00:00:01Z,cli:root,,role.update,role:r,\"{\"\"a\"\":1}\",,00";
        assert_eq!(lines[1], format!("2,{row}"));
        assert!(lines[2].contains(",'=x,"), "{}", lines[2]);
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn pages_of_json_make_one_list_and_none_an_empty_one() {
        let text = Form::Json.part(&[event(3, "a"), event(2, "b")], true, false)
            + &Form::Json.part(&[event(1, "c")], false, false)
            + &Form::Json.part(&[], false, true);
        let list: Value = serde_json::from_str(&text).unwrap();
        let actors: Vec<_> = list.as_array().unwrap().iter().map(|one| &one["actor"]).collect();
        assert_eq!(actors, ["a", "b", "c"]);
        let none: Value = serde_json::from_str(&Form::Json.part(&[], true, true)).unwrap();
        assert_eq!(none, serde_json::json!([]));
    }
}
