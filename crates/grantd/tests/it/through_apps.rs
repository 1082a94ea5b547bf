//! Somebody in a browser who lets apps act for them, and the apps.

use serde_json::Value;
use url::{Url, form_urlencoded::Serializer};

use super::{
    dead_tokens::post,
    server::{Client, Running},
    visitor::Visitor,
};

/// Where every app here gets its answers.
pub(crate) const CALLBACK: &str = "https://app.example/cb";

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What an app has of a user.
pub(crate) struct Held {
    pub(crate) code: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Sends them to grantd and back, and trades the code; they say yes where they are asked.
pub(crate) fn allow(running: &Running, user: &mut Visitor, app: &Client, scope: &str) -> Held {
    let mut query = Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", &app.id);
    query.append_pair("redirect_uri", CALLBACK).append_pair("scope", scope);
    query.append_pair("state", "s").append_pair("code_challenge", CHALLENGE);
    query.append_pair("code_challenge_method", "S256");
    let mut answer = user.get(&format!("/oauth/authorize?{}", query.finish()));
    if answer.status == 200 {
        answer = user.post("/oauth/consent", &yes(&answer.text()));
    }
    assert_eq!(answer.status, 303, "{}", answer.text());
    let back = Url::parse(answer.header("location").unwrap()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code");
    let code = code.unwrap_or_else(|| panic!("no code: {back}")).1.into_owned();
    let told = redeem(running, app, &code).unwrap();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    Held { access: text("access_token"), refresh: text("refresh_token"), code }
}

/// Trades a code; nothing if it is refused.
pub(crate) fn redeem(running: &Running, app: &Client, code: &str) -> Option<Value> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", CALLBACK).append_pair("code_verifier", VERIFIER);
    let answer = post(running, "/oauth/token", app, &form.finish());
    (answer.status == 200).then(|| answer.json())
}

/// The consent form, with yes.
pub(crate) fn yes(page: &str) -> String {
    let mut form = Serializer::new(String::new());
    for field in page.split(r#"<input type="hidden" name=""#).skip(1) {
        let (name, rest) = field.split_once(r#"" value=""#).unwrap();
        let value = rest.split_once('"').unwrap().0;
        form.append_pair(name, &value.replace("&#38;", "&").replace("&#39;", "'"));
    }
    form.append_pair("decision", "allow").finish()
}
