//! Transcripts: requests and the answers they must get, as files that a reviewer reads.
//!
//! `### CASE… sentence`, a request (several bodies joined by `--or--`), then lines with `> `: the
//! status, header lines (`-Name` for absent), `refusal: name` for the log, and a JSON body whose
//! `"<…>"` strings and zeros stand for anything. `{{…}}` in a request is filled by `fill`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    server::{Fixture, furnish},
    wire::{self, Answer},
};

pub(crate) struct Exchange {
    pub(crate) title: String,
    head: Vec<String>,
    bodies: Vec<String>,
    expected: Vec<String>,
}

impl Exchange {
    /// The refusal that this exchange provokes.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.expected.iter().find_map(|line| line.strip_prefix("refusal: "))
    }

    fn run(&self, fixture: &Fixture) {
        for body in &self.bodies {
            let mark = fixture.running.log().len();
            let lines: Vec<String> = self.head.iter().map(|line| fill(line, fixture)).collect();
            let (method, path) = lines[0].split_once(' ').unwrap();
            let headers: Vec<_> =
                lines[1..].iter().map(|line| line.split_once(": ").unwrap_or((line, ""))).collect();
            let body = fill(body, fixture);
            let answer = wire::send(
                fixture.running.address,
                &wire::request(method, path, &headers, body.as_bytes()),
            )
            .unwrap_or_else(|| panic!("{}: no answer", self.title));
            let seen = || {
                format!(
                    "{}\nbody: {body}\nanswer: {} {:?}\n{}",
                    self.title,
                    answer.status,
                    answer.headers,
                    answer.text()
                )
            };
            self.compare(&answer, &seen);
            if let Some(refusal) = self.refusal() {
                assert_eq!(
                    fixture.running.refusal_since(mark).as_deref(),
                    Some(refusal),
                    "{}",
                    seen()
                );
            }
        }
    }

    fn compare(&self, answer: &Answer, seen: &dyn Fn() -> String) {
        let mut lines = self.expected.iter();
        assert_eq!(
            lines.next().map(String::as_str),
            Some(answer.status.to_string().as_str()),
            "{}",
            seen()
        );
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            match line.split_once(": ") {
                Some(("refusal", _)) => {}
                Some((name, value)) => {
                    assert_eq!(answer.header(name), Some(value), "{name}\n{}", seen());
                }
                None => assert_eq!(
                    answer.header(line.trim_start_matches('-')),
                    None,
                    "{line}\n{}",
                    seen()
                ),
            }
        }
        let expected: String = lines.cloned().collect();
        if !expected.is_empty() {
            let expected: Value = serde_json::from_str(&expected)
                .unwrap_or_else(|_| panic!("{}: expected JSON", self.title));
            assert!(matches(&expected, &answer.json()), "{}", seen());
        }
    }
}

/// Equal, member by member, but for strings like `"<token>"`.
fn matches(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        // A moment: no transcript knows when it is read.
        (Value::Number(hole), Value::Number(_)) if hole.as_u64() == Some(0) => true,
        (Value::String(hole), Value::String(_)) if hole.starts_with('<') && hole.ends_with('>') => {
            true
        }
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|(name, value)| {
                    actual.get(name).is_some_and(|actual| matches(value, actual))
                })
        }
        (expected, actual) => expected == actual,
    }
}

/// Fills `{{name.id}}`, `{{name.secret}}`, `{{basic name}}`, `{{token name [scope]}}`, `{{b64 text}}`
/// and `{{repeat N text}}`.
fn fill(text: &str, fixture: &Fixture) -> String {
    let clients = &fixture.clients;
    let Some((before, rest)) = text.split_once("{{") else { return text.to_owned() };
    let (hole, after) = rest.split_once("}}").unwrap();
    let filled = match hole.split_once(' ') {
        Some(("basic", name)) => {
            BASE64_STANDARD.encode(format!("{}:{}", clients[name].id, clients[name].secret))
        }
        Some(("b64", text)) => {
            BASE64_STANDARD.encode(fill(&text.replace('[', "{{").replace(']', "}}"), fixture))
        }
        Some(("token", rest)) => {
            let (name, scope) = rest.split_once(' ').unwrap_or((rest, ""));
            let more = format!("&scope={scope}");
            super::tokens::token(&fixture.running, &clients[name], &more)
        }
        Some(("repeat", rest)) => {
            let (count, text) = rest.split_once(' ').unwrap();
            text.repeat(count.parse().unwrap())
        }
        _ => {
            let (name, member) = hole.split_once('.').unwrap();
            let client = clients.get(name).unwrap_or_else(|| panic!("no client {name}"));
            if member == "id" { client.id.clone() } else { client.secret.clone() }
        }
    };
    format!("{before}{filled}{}", fill(after, fixture))
}

/// All transcripts by file name.
pub(crate) fn all() -> BTreeMap<String, Vec<Exchange>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let exchanges = parse(&fs::read_to_string(&path).unwrap());
        files.insert(path.file_name().unwrap().to_string_lossy().into_owned(), exchanges);
    }
    files
}

fn parse(text: &str) -> Vec<Exchange> {
    text.split("\n### ").skip(1).map(parse_exchange).collect()
}

fn parse_exchange(text: &str) -> Exchange {
    let (title, rest) = text.split_once('\n').unwrap();
    let (expected, sent): (Vec<_>, Vec<_>) = rest.lines().partition(|line| line.starts_with('>'));
    let sent = sent.join("\n");
    let (head, body) = sent.split_once("\n\n").unwrap_or((&sent, ""));
    Exchange {
        title: title.to_owned(),
        head: head.lines().map(ToOwned::to_owned).collect(),
        bodies: body.trim_end().split("\n--or--\n").map(ToOwned::to_owned).collect(),
        expected: expected
            .iter()
            .map(|line| line.trim_start_matches('>').trim().to_owned())
            .collect(),
    }
}

#[test]
fn every_transcript_holds() {
    // A server of their own: beside the noise of other tests the log would leave refusals out.
    let fixture = furnish();
    for (file, exchanges) in all() {
        assert!(!exchanges.is_empty(), "{file} has no exchange");
        for exchange in exchanges {
            exchange.run(&fixture);
        }
    }
}
