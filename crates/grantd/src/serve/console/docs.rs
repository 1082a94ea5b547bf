//! How to get and use a token with this server, with its own addresses, for who writes a client.

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_core::Api;
use grantd_issuer::PermissionEntry;
use http::StatusCode;

use super::{
    frame::{Frame, Section},
    operator::Operator,
    page::{Trouble, page},
};
use crate::serve::{
    MANAGE,
    routes::{Server, TOKEN},
};

/// Where the examples differ from what runs: the address, and what is asked for.
const HOLES: [&str; 2] = ["@TOKEN_ENDPOINT@", "@SCOPE@"];

/// What is asked for where this server has no permission yet.
const NO_SCOPE_YET: &str = "invoices.read";

/// Anchor, language, what it needs, text with holes.
const EXAMPLES: [(&str, &str, &str, &str); 7] = [
    ("curl", "curl", "A shell; 7.76 or newer", include_str!("../../../assets/docs/curl.sh")),
    (
        "python",
        "Python",
        "Python 3.8 or newer, nothing else",
        include_str!("../../../assets/docs/client.py"),
    ),
    (
        "javascript",
        "JavaScript",
        "Node 18 or newer, as client.mjs; never in a browser, where everybody reads the secret",
        include_str!("../../../assets/docs/client.mjs"),
    ),
    ("go", "Go", "go get golang.org/x/oauth2", include_str!("../../../assets/docs/client.go")),
    (
        "java",
        "Java",
        "Java 11 or newer, nothing else; as Client.java",
        include_str!("../../../assets/docs/Client.java"),
    ),
    (
        "php",
        "PHP",
        "PHP 8 with its curl extension",
        include_str!("../../../assets/docs/client.php"),
    ),
    (
        "rust",
        "Rust",
        "The crates of the first line",
        include_str!("../../../assets/docs/client.rs.txt"),
    ),
];

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs<'a> {
    frame: Frame,
    issuer: &'a str,
    token_endpoint: String,
    scope: String,
    apis: Vec<Api>,
    permissions: Vec<PermissionEntry>,
    examples: Vec<Example>,
}

struct Example {
    anchor: &'static str,
    language: &'static str,
    needs: &'static str,
    text: String,
}

/// `GET /developer/docs`
pub(super) async fn show(
    operator: Operator,
    State(server): State<Server>,
) -> Result<Response, Trouble> {
    let issuer = server.issuer.identifier();
    let apis = server.registrar.apis().await?;
    let permissions = server.registrar.permissions().await?;
    let token_endpoint = format!("{issuer}{TOKEN}");
    let scope = scope(&permissions);
    let examples = examples(&token_endpoint, &scope);
    let frame = operator.frame(Section::Docs);
    let docs = Docs { frame, issuer, token_endpoint, scope, apis, permissions, examples };
    Ok(page(StatusCode::OK, &docs))
}

fn examples(token_endpoint: &str, scope: &str) -> Vec<Example> {
    let fill = |text: &str| text.replace(HOLES[0], token_endpoint).replace(HOLES[1], scope);
    let filled = EXAMPLES.map(|(anchor, language, needs, text)| Example {
        anchor,
        language,
        needs,
        text: fill(text).trim_end().to_owned(),
    });
    filled.into()
}

/// A permission of this server to ask for, of signs that mean nothing in any of the languages.
fn scope(permissions: &[PermissionEntry]) -> String {
    let plain = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
    };
    let fits = |entry: &&PermissionEntry| {
        let name = entry.name.as_str();
        entry.api == Api::DEFAULT && name != MANAGE && plain(name)
    };
    let found = permissions.iter().find(fits);
    found.map_or_else(|| NO_SCOPE_YET.to_owned(), |entry| entry.name.to_string())
}

impl Docs<'_> {
    fn scopes_of(&self, api: &Api) -> String {
        let of_it = self.permissions.iter().filter(|entry| entry.api == api.name);
        let names: Vec<_> = of_it.map(|entry| entry.name.as_str()).collect();
        if names.is_empty() { "none yet".to_owned() } else { names.join(" ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, api: &str) -> PermissionEntry {
        PermissionEntry {
            name: name.parse().unwrap(),
            api: api.to_owned(),
            description: String::new(),
        }
    }

    #[test]
    fn no_example_has_a_hole_left() {
        for example in examples("https://auth.example/oauth/token", "a.read") {
            let text = example.text;
            assert!(!text.contains('@') || example.anchor == "python", "{text}");
            assert!(HOLES.iter().all(|hole| !text.contains(hole)), "{text}");
            assert!(text.contains("https://auth.example/oauth/token") && text.contains("a.read"));
        }
    }

    #[test]
    fn the_scope_is_one_that_no_language_reads_otherwise() {
        let all = [
            entry("$(id)", "default"),
            entry("other.read", "other"),
            entry("manage_system", "default"),
            entry("bills.read", "default"),
        ];
        assert_eq!(scope(&all), "bills.read");
        assert_eq!(scope(&all[..3]), NO_SCOPE_YET);
    }
}
