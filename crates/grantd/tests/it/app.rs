//! An app that acts for users, as far as a server sees it: it sends a browser away, and redeems what comes back.

use std::net::SocketAddr;

use url::{
    Url,
    form_urlencoded::{Serializer, parse},
};

use super::{
    server::Client,
    visitor::Visitor,
    wire::{self, Answer, form},
};

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An app with one address to come back to.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) client: Client,
    pub(crate) redirect_uri: &'static str,
}

/// What redeeming a code brings.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Empty where there is none.
    pub(crate) refresh: String,
}

impl App {
    pub(crate) fn new(client: &Client, redirect_uri: &'static str) -> Self {
        Self { client: client.clone(), redirect_uri }
    }

    /// The query of its request for `schools.read` with these changes; an empty value leaves a
    /// parameter out.
    pub(crate) fn query(&self, changes: &[(&str, &str)]) -> String {
        let all = [
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", self.redirect_uri),
            ("scope", "schools.read"),
            ("state", "xyz"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let changed = |name: &str| changes.iter().find(|(known, _)| *known == name);
        let kept = all.iter().map(|pair| changed(pair.0).unwrap_or(pair));
        let new = changes.iter().filter(|(name, _)| all.iter().all(|(known, _)| known != name));
        let mut query = Serializer::new(String::new());
        query.extend_pairs(kept.chain(new).filter(|(_, value)| !value.is_empty()));
        query.finish()
    }

    /// The address that it sends a browser to.
    pub(crate) fn address(&self, changes: &[(&str, &str)]) -> String {
        format!("/oauth/authorize?{}", self.query(changes))
    }

    /// A code for this scope: whoever is signed in says yes, where they are asked.
    pub(crate) fn code(&self, browser: &mut Visitor, scope: &str) -> String {
        let answer = self.ask(browser, scope);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let location = answer.header("location").unwrap();
        assert!(location.starts_with(self.redirect_uri), "{location}");
        parameter(location, "code").unwrap_or_else(|| panic!("no code: {location}"))
    }

    /// What becomes of a request for this scope, where whoever is signed in says yes if they are asked.
    pub(crate) fn ask(&self, browser: &mut Visitor, scope: &str) -> Answer {
        let answer = browser.get(&self.address(&[("scope", scope)]));
        if answer.status == 200 { decide(browser, &answer, "allow") } else { answer }
    }

    /// A post of its own to the token endpoint.
    pub(crate) fn post(&self, server: SocketAddr, body: &str) -> Answer {
        self.try_post(server, body).unwrap()
    }

    /// The same where the server may be dead by now.
    pub(crate) fn try_post(&self, server: SocketAddr, body: &str) -> Option<Answer> {
        let Client { id, secret } = &self.client;
        let secret =
            if secret.is_empty() { String::new() } else { format!("&client_secret={secret}") };
        wire::try_send(server, &form(&format!("client_id={id}{secret}&{body}")))
    }

    /// Redeems a code as it should be done.
    pub(crate) fn redeem(&self, server: SocketAddr, code: &str) -> Answer {
        self.post(server, &self.redemption(code))
    }

    /// The body that does so.
    pub(crate) fn redemption(&self, code: &str) -> String {
        let mut body = Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code").append_pair("code", code);
        body.append_pair("redirect_uri", self.redirect_uri).append_pair("code_verifier", VERIFIER);
        body.finish()
    }

    pub(crate) fn refresh(&self, server: SocketAddr, token: &str) -> Answer {
        self.post(server, &refreshment(token))
    }

    /// The tokens of a new approval.
    pub(crate) fn tokens(&self, server: SocketAddr, browser: &mut Visitor, scope: &str) -> Tokens {
        let code = self.code(browser, scope);
        Tokens::of(&self.redeem(server, &code))
    }
}

impl Tokens {
    /// Those of an answer, which is a good one.
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// The body that goes on with a refresh token.
pub(crate) fn refreshment(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}

/// The hidden fields of the consent form on this page, as a form.
pub(crate) fn question(page: &Answer) -> String {
    let text = page.text();
    let mut body = Serializer::new(String::new());
    for name in ["query", "scope", "seal"] {
        let before = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = text.split_once(&before).unwrap_or_else(|| panic!("no {name}: {text}"));
        body.append_pair(name, &unescaped(rest.split_once('"').unwrap().0));
    }
    body.finish()
}

/// Answers the consent form on this page.
pub(crate) fn decide(browser: &mut Visitor, page: &Answer, decision: &str) -> Answer {
    browser.post("/oauth/consent", &format!("{}&decision={decision}", question(page)))
}

/// A parameter of an address.
pub(crate) fn parameter(location: &str, name: &str) -> Option<String> {
    let query = Url::parse(location).ok()?.query()?.to_owned();
    parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// HTML as askama escapes it.
fn unescaped(text: &str) -> String {
    let escapes = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
