//! An app that acts for people: where they are sent, where they come back, and what its server does then.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::RawQuery,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use url::form_urlencoded::{self, Serializer};

/// RFC 7636 appendix B. A real app makes another verifier for each request, and a `state` too.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const PATH: &str = "/demo/callback";

/// Its redirect URI.
pub(super) fn callback(base: &str) -> String {
    format!("{base}{PATH}")
}

/// Where it sends people (RFC 6749 section 4.1.1).
pub(super) fn address(base: &str, id: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", id);
    query.append_pair("redirect_uri", &callback(base)).append_pair("scope", "view_schools");
    query.append_pair("code_challenge", CHALLENGE).append_pair("code_challenge_method", "S256");
    format!("{base}/oauth/authorize?{}", query.finish())
}

/// Its only page.
pub(super) fn routes(base: &str, id: &str) -> Router {
    let (base, id) = (base.to_owned(), id.to_owned());
    let page =
        async move |RawQuery(query): RawQuery| answer(&base, &id, &query.unwrap_or_default());
    Router::new().route(PATH, get(page))
}

fn answer(base: &str, id: &str, query: &str) -> Response {
    let text = match code(query) {
        Some(code) => next_steps(base, id, &code),
        None => {
            "The app got no code: the answer was no. Open the address again to say yes.\n".into()
        }
    };
    // Plain text, so that nothing of the address is ever taken for a page.
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

/// The code, if it may be shown in a line that somebody pastes into a shell.
fn code(query: &str) -> Option<String> {
    let (_, code) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code")?;
    let plain = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain.then(|| code.into_owned())
}

fn next_steps(base: &str, id: &str, code: &str) -> String {
    let mut text =
        "School Planner got a code, which is good for a minute and works once. Paste these lines \
                    into the terminal that has APP_SECRET:\n\n"
            .to_owned();
    let post = format!(
        r#"curl -s -X POST {base}/oauth/token -d client_id={id} -d client_secret="$APP_SECRET""#
    );
    let of =
        |member: &str| format!(r#"$(echo "$TOKENS" | sed 's/.*"{member}":"\([^"]*\)".*/\1/')"#);
    let trade =
        format!("-d grant_type=authorization_code -d code={code} -d code_verifier={VERIFIER}");
    for (title, command) in [
        (
            "Its server trades the code, with its secret and its verifier, for tokens",
            format!(
                r#"TOKENS=$({post} {trade} -d redirect_uri={}); echo "$TOKENS""#,
                callback(base)
            ),
        ),
        (
            "The same API, now for a user through an app: `asked_by` tells both",
            format!(
                r#"curl {base}/api/v1/schools -H "Authorization: Bearer {}""#,
                of("access_token")
            ),
        ),
        (
            "When the token has expired: a refresh token works once, and brings the next",
            format!("{post} -d grant_type=refresh_token -d refresh_token={}", of("refresh_token")),
        ),
    ] {
        // Writing to a string does not fail.
        let _ = write!(text, "# {title}\n{command}\n\n");
    }
    let _ = writeln!(text, "What apps may do for you, and to take it back: {base}/account/apps");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_is_shown_in_a_line_to_paste() {
        assert_eq!(code("iss=x&code=gac_1aZ").as_deref(), Some("gac_1aZ"));
        for other in
            ["", "error=access_denied", "code=%24(id)", "code=a%3Bb", "code=a%0Ab", "code=%22"]
        {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
