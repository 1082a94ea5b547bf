//! What the holes of transcripts are filled with.

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::Connection;
use url::form_urlencoded::byte_serialize;

use super::super::{
    app::{CHALLENGE, Tokens, VERIFIER, question},
    server::Fixture,
    tokens::token,
};

/// Whose accounts the holes use where they name nobody.
const USER: &str = "ada";

/// Fills the holes of a text:
///
/// - `{{name.id}}`, `{{name.secret}}`, `{{basic name}}`: a client's;
/// - `{{token name [scope]}}`: a token for itself;
/// - `{{asks name [parameter=value…]}}`: the query of its authorization request, with these changes;
/// - `{{session user}}`: the cookie of who is signed in; `{{consent name}}`: the hidden fields of the
///   form that asks Ada;
/// - `{{code name [scope]}}`, `{{refresh …}}`, `{{access …}}`: what a new approval of hers brings;
///   `{{code-of user name}}`, `{{refresh-of user name}}`: of another user's; `{{late code|absolute|idle name}}`: one that is too old;
/// - `{{kept name}}`: what an earlier exchange kept; `{{verifier}}`, `{{challenge}}`, `{{iss}}`;
/// - `{{b64 text}}`, `{{repeat N text}}`.
pub(super) fn fill(text: &str, fixture: &Fixture) -> String {
    let Some((before, rest)) = text.split_once("{{") else { return text.to_owned() };
    let (hole, after) = rest.split_once("}}").unwrap();
    let (kind, rest) = hole.split_once(' ').unwrap_or((hole, ""));
    let filled = of_client(kind, rest, fixture).or_else(|| of_user(kind, rest, fixture));
    let filled = filled.unwrap_or_else(|| panic!("nothing fills {hole}"));
    format!("{before}{filled}{}", fill(after, fixture))
}

fn of_client(kind: &str, rest: &str, fixture: &Fixture) -> Option<String> {
    let clients = &fixture.clients;
    Some(match kind {
        "basic" => BASE64_STANDARD.encode(format!("{}:{}", clients[rest].id, clients[rest].secret)),
        "b64" => {
            let text = rest.replace('[', "{{").replace(']', "}}");
            BASE64_STANDARD.encode(fill(&text, fixture))
        }
        "token" => {
            let (name, scope) = rest.split_once(' ').unwrap_or((rest, ""));
            token(&fixture.running, &clients[name], &format!("&scope={scope}"))
        }
        "repeat" => {
            let (count, text) = rest.split_once(' ').unwrap();
            text.repeat(count.parse().unwrap())
        }
        "verifier" => VERIFIER.to_owned(),
        "challenge" => CHALLENGE.to_owned(),
        "iss" => {
            let issuer = format!("http://{}", fixture.running.address);
            byte_serialize(issuer.as_bytes()).collect()
        }
        "kept" => fixture.kept.lock().unwrap()[rest].clone(),
        _ => {
            let (name, member) = kind.split_once('.')?;
            let client = clients.get(name).unwrap_or_else(|| panic!("no client {name}"));
            if member == "id" { client.id.clone() } else { client.secret.clone() }
        }
    })
}

fn of_user(kind: &str, rest: &str, fixture: &Fixture) -> Option<String> {
    let (name, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let scope = if more.is_empty() { "schools.read" } else { more };
    let tokens = || {
        let mut ada = fixture.browser(USER);
        fixture.app(name).tokens(fixture.running.address, &mut ada, scope)
    };
    Some(match kind {
        "session" => fixture.browser(name).cookie.unwrap(),
        "asks" => {
            let changes: Vec<_> =
                more.split_terminator(' ').map(|one| one.split_once('=').unwrap()).collect();
            fixture.app(name).query(&changes)
        }
        "consent" => {
            let address = fixture.app(name).address(&[("prompt", "consent")]);
            question(&fixture.browser(USER).get(&address))
        }
        "code" => fixture.app(name).code(&mut fixture.browser(USER), scope),
        "code-of" => fixture.app(more).code(&mut fixture.browser(name), "schools.read"),
        "refresh-of" => {
            let mut browser = fixture.browser(name);
            let tokens =
                fixture.app(more).tokens(fixture.running.address, &mut browser, "schools.read");
            tokens.refresh
        }
        "refresh" => tokens().refresh,
        "access" => tokens().access,
        "late" => late(name, more, fixture),
        _ => return None,
    })
}

/// A code or refresh token whose time is over: its approval is made older.
fn late(what: &str, name: &str, fixture: &Fixture) -> String {
    let (server, app) = (fixture.running.address, fixture.app(name));
    let code = app.code(&mut fixture.browser(USER), "schools.read");
    let (text, columns, days) = match what {
        "code" => (code, "code_ends_at = code_ends_at", 1),
        "absolute" => (Tokens::of(&app.redeem(server, &code)).refresh, "given_at = given_at", 91),
        "idle" => (Tokens::of(&app.redeem(server, &code)).refresh, "rotated_at = rotated_at", 31),
        _ => panic!("late {what}"),
    };
    let age = i64::from(days) * 86_400_000_000;
    let database = Connection::open(fixture.place.path().join("grantd.db")).unwrap();
    let newest = "(SELECT max(id) FROM approvals)";
    let older = format!("UPDATE approvals SET {columns} - {age} WHERE id = {newest}");
    assert_eq!(database.execute(&older, []).unwrap(), 1);
    text
}
