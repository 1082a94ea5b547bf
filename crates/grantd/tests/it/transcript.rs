//! Transcripts: requests and the answers they must get, as files that a reviewer reads.
//!
//! `### CASE… sentence`, command lines of grantd (or `sql …`) after `! `, a request (several bodies joined by `--or--`;
//! that of a GET is its query), then lines with `> `: the status, header lines (`-Name` for absent, `<…>`
//! for anything), `refusal: name` for the log, `shows: text`, `keep: name member` for later, and a JSON
//! body whose `"<…>"` strings and zeros stand for anything. `{{…}}` is filled by `fill`.

mod holes;

use std::{collections::BTreeMap, fs, path::PathBuf, thread, time::Duration};

use rusqlite::Connection;
use serde_json::Value;

use super::{
    app::parameter,
    server::{Fixture, furnish},
    wire::{self, Answer},
};
use holes::fill;

/// How long a running server may take to notice what another process changed.
const NOTICED: Duration = Duration::from_millis(800);

pub(crate) struct Exchange {
    pub(crate) title: String,
    commands: Vec<String>,
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
            let lines: Vec<String> = self.head.iter().map(|line| fill(line, fixture)).collect();
            let (method, path) = lines[0].split_once(' ').unwrap();
            let headers: Vec<_> =
                lines[1..].iter().map(|line| line.split_once(": ").unwrap_or((line, ""))).collect();
            let body = fill(body, fixture);
            // What is filled in may be of before, and is to be sent after.
            for command in &self.commands {
                change(&fill(command, fixture), fixture);
            }
            let mark = fixture.running.log().len();
            let request = if method == "GET" && !body.is_empty() {
                wire::request(method, &format!("{path}?{body}"), &headers, b"")
            } else {
                wire::request(method, path, &headers, body.as_bytes())
            };
            let answer = wire::send(fixture.running.address, &request)
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
            self.compare(&answer, fixture, &seen);
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

    fn compare(&self, answer: &Answer, fixture: &Fixture, seen: &dyn Fn() -> String) {
        let mut lines = self.expected.iter();
        assert_eq!(
            lines.next().map(String::as_str),
            Some(answer.status.to_string().as_str()),
            "{}",
            seen()
        );
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let line = &fill(line, fixture);
            match line.split_once(": ") {
                Some(("refusal", _)) => {}
                Some(("shows", text)) => assert!(answer.text().contains(text), "{}", seen()),
                Some(("keep", what)) => keep(what, answer, fixture),
                Some((name, value)) => {
                    let found = answer.header(name).unwrap_or_default();
                    assert!(is_like(value, found), "{name}\n{}", seen());
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

/// Runs a command line of grantd, or a statement on its database, as only a race or a clock would do it.
fn change(command: &str, fixture: &Fixture) {
    if let Some(statement) = command.strip_prefix("sql ") {
        let database = Connection::open(fixture.place.path().join("grantd.db")).unwrap();
        assert_eq!(database.execute(statement, []).unwrap(), 1, "{statement}");
    } else {
        fixture.place.grantd(command);
        thread::sleep(NOTICED);
    }
}

/// Keeps a member of the answer, or a parameter of the address that it leads to.
fn keep(what: &str, answer: &Answer, fixture: &Fixture) {
    let (name, member) = what.split_once(' ').unwrap();
    let value = match answer.header("location") {
        Some(location) => parameter(location, member),
        None => answer.json()[member].as_str().map(ToOwned::to_owned),
    };
    fixture.kept.lock().unwrap().insert(name.to_owned(), value.unwrap());
}

/// Equal, but for what stands where the pattern has `<…>`, which is not nothing.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('<') else { return pattern == text };
    let Some((_, after)) = rest.split_once('>') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    (1..=rest.len()).any(|at| rest.is_char_boundary(at) && is_like(after, &rest[at..]))
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
    let (commands, head): (Vec<_>, Vec<_>) = head.lines().partition(|line| line.starts_with("! "));
    Exchange {
        title: title.to_owned(),
        commands: commands.iter().map(|line| line[2..].to_owned()).collect(),
        head: head.into_iter().map(ToOwned::to_owned).collect(),
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
