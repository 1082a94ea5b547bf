//! URIs in the admin API: the pattern in the OpenAPI document is the one that is checked.

use std::{str::FromStr, sync::LazyLock};

use regex_lite::Regex;

/// A host, and what may stand behind it.
macro_rules! host {
    () => {
        concat!(
            r"(([a-z0-9]([a-z0-9_-]*[a-z0-9])?\.)*[a-z]([a-z0-9_-]*[a-z0-9])?",
            r"|((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]))"
        )
    };
}
/// With these bytes more in path and query.
macro_rules! rest {
    ($more:literal) => {
        concat!(
            r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?",
            r"([/?][!$%&'()+,./0-9:;=?@A-Z_a-z~",
            $more,
            "-]*)?"
        )
    };
}

/// Of a redirect URI (RFC 8252 section 7).
pub(super) const REDIRECT_URI: &str = concat!(
    "^(https://",
    host!(),
    rest!(""),
    r"|http://(127\.0\.0\.1|\[::1\])",
    rest!(""),
    r"|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/{1,2}[A-Za-z0-9.-]+(/[A-Za-z0-9._~/-]*)?)$"
);
/// Of an audience.
pub(super) const AUDIENCE: &str = concat!(
    "^(https?://",
    host!(),
    rest!("*"),
    r"|[a-z][a-z0-9+-]{2,20}:(//[A-Za-z0-9.-]+|[A-Za-z0-9._:-]+)(/[A-Za-z0-9._~/-]*)?)$"
);

/// A redirect URI as the pattern says; what else is demanded of it, the command checks.
#[derive(Clone, Debug)]
pub(super) struct RedirectWord(String);

/// An audience as the pattern says.
#[derive(Clone, Debug)]
pub(super) struct AudienceWord(String);

impl FromStr for RedirectWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(REDIRECT_URI).ok());
        let refuse = "write https, http on 127.0.0.1 or [::1], or a private scheme with a dot, without fragment or `*`";
        matching(PATTERN.as_ref(), text).map(Self).ok_or(refuse)
    }
}

impl FromStr for AudienceWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(AUDIENCE).ok());
        let refuse = "write an absolute URI without fragment, like https://api.example";
        matching(PATTERN.as_ref(), text).map(Self).ok_or(refuse)
    }
}

impl From<RedirectWord> for String {
    fn from(word: RedirectWord) -> Self {
        word.0
    }
}

impl From<AudienceWord> for String {
    fn from(word: AudienceWord) -> Self {
        word.0
    }
}

fn matching(pattern: Option<&Regex>, text: &str) -> Option<String> {
    let fits = text.len() <= 2000 && pattern.is_some_and(|pattern| pattern.is_match(text));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_real_clients_register_is_taken_and_what_leaks_codes_is_not() {
        for good in [
            "https://app.example/cb",
            "https://app.example:10443/cb?x=1&y=%20",
            "https://10.0.0.7:8443/cb",
            "http://127.0.0.1:65535/",
            "http://[::1]/cb",
            "com.example.app:/oauth2redirect",
            "com.example.app://callback",
        ] {
            assert!(good.parse::<RedirectWord>().is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "https://app.example/cb#there",
            "https://user@app.example/cb",
            "https://app.example:70000/",
            "https:app.example",
            "javascript:alert(1)",
            "https://app.example/\n",
            "",
        ] {
            assert!(bad.parse::<RedirectWord>().is_err(), "{bad}");
        }
        for good in
            ["https://api.example", "urn:example:api", "api://0190c0de-77", "https://a.example/v1"]
        {
            assert!(good.parse::<AudienceWord>().is_ok(), "{good}");
        }
        for bad in ["api.example", "https://api.example#x", "https://", "a b:c"] {
            assert!(bad.parse::<AudienceWord>().is_err(), "{bad}");
        }
    }
}
