//! Where a code may be sent: exactly where it was registered (RFC 9700 section 2.1), but for the port
//! of a native app on its own machine (RFC 8252 section 7.3).

use std::fmt::Write;

/// A redirect URI that was found among those of the client. Only [`RedirectUri::find`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The one that was asked for, if one of the registered ones is the same, character by character.
    pub fn find(registered: &[String], asked: &str) -> Option<Self> {
        registered.iter().any(|known| is_same(known, asked)).then(|| Self(asked.to_owned()))
    }

    /// The only one that is registered, for requests that name none (RFC 6749 section 3.1.2.3).
    pub fn only(registered: &[String]) -> Option<Self> {
        match registered {
            [one] => Some(Self(one.clone())),
            _ => None,
        }
    }

    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with these parameters behind its own query (RFC 6749 section 4.1.2). What is not
    /// unreserved is escaped, blanks as `%20`, so that every reader gets the same bytes back.
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut address = self.0.clone();
        let mut separator = match self.0.find('?') {
            None => "?",
            Some(at) if at + 1 == self.0.len() => "",
            Some(_) => "&",
        };
        for (name, value) in parameters {
            address.push_str(separator);
            address.push_str(name);
            address.push('=');
            push_escaped(&mut address, value);
            separator = "&";
        }
        address
    }
}

fn push_escaped(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

fn is_same(registered: &str, asked: &str) -> bool {
    registered == asked || loopback(registered).is_some_and(|known| loopback(asked) == Some(known))
}

/// Host and what follows the port, of an address on the app's own machine.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let path = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            // A port has 1 to 5 digits; what it leads to is the app's own machine.
            if !(1..=5).contains(&digits) {
                return None;
            }
            &port[digits..]
        }
        None => rest,
    };
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(registered: &str, asked: &str) -> bool {
        RedirectUri::find(&[registered.to_owned()], asked).is_some()
    }

    #[test]
    fn az_04_a_redirect_uri_is_compared_character_by_character() {
        let known = "https://app.example/cb";
        assert!(finds(known, known));
        for other in [
            "https://app.example/CB",
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb/../evil",
            "https://app.example/..;/cb",
            "https://app.example@evil.example/cb",
            "https://app.example.evil.example/cb",
            "https://app.example:8443/cb",
            "https://app.example:443/cb",
            "http://app.example/cb",
            "https://app.example/cb#frag",
            "https://app.example\\@evil.example/cb",
            "https://app.example/cb\r\nX:y",
            "https://app.example/cb%0d%0aX:y",
            "HTTPS://app.example/cb",
            "",
        ] {
            assert!(!finds(known, other), "{other}");
        }
    }

    #[test]
    fn az_05_a_native_app_chooses_its_port_and_nothing_else() {
        let known = "http://127.0.0.1/cb";
        for same in [known, "http://127.0.0.1:51004/cb", "http://127.0.0.1:1/cb"] {
            assert!(finds(known, same), "{same}");
        }
        assert!(finds("http://127.0.0.1:7/cb", known) && finds("http://[::1]/", "http://[::1]:8/"));
        for other in [
            "http://127.0.0.1:51004/cb?bar=foo",
            "http://127.0.0.1:51004/other",
            "http://localhost:51004/cb",
            "http://[::1]:51004/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1:51004@evil.test/cb",
            "http://127.0.0.1:@evil.test/cb",
            "http://127.0.0.1:123456/cb",
            "http://127.0.0.1:/cb",
            "https://127.0.0.1:51004/cb",
        ] {
            assert!(!finds(known, other), "{other}");
        }
        assert!(!finds("https://app.example/cb", "http://127.0.0.1/cb"), "AZ-05c");
        assert!(!finds("http://127.0.0.1", "http://127.0.0.1evil.test"));
    }

    #[test]
    fn az_27_parameters_follow_the_uri_s_own_query() {
        let with = |uri: &str| {
            RedirectUri::only(&[uri.to_owned()]).unwrap().with(&[("a", "x y+&=é"), ("b", "")])
        };
        let added = "a=x%20y%2B%26%3D%C3%A9&b=";
        assert_eq!(with("https://a.example/cb"), format!("https://a.example/cb?{added}"));
        assert_eq!(with("https://a.example/cb?c=d"), format!("https://a.example/cb?c=d&{added}"));
        assert_eq!(with("https://a.example/cb?"), format!("https://a.example/cb?{added}"));
        assert_eq!(with("com.example.app:/cb"), format!("com.example.app:/cb?{added}"));
    }

    proptest! {
        #[test]
        fn az_18_every_state_comes_back(state in ".{0,200}") {
            let uri = RedirectUri::only(&["https://a.example/cb".to_owned()]).unwrap();
            let address = url::Url::parse(&uri.with(&[("state", &state)])).unwrap();
            prop_assert_eq!(address.query_pairs().next().unwrap().1, state);
            prop_assert_eq!(address.host_str(), Some("a.example"));
        }

        #[test]
        fn only_the_app_s_own_machine_has_a_free_port(asked in "http://(127.0.0.1|\\[::1\\])[:@./0-9a-z?#]{0,20}") {
            if finds("http://127.0.0.1/cb", &asked) {
                let url = url::Url::parse(&asked).unwrap();
                prop_assert_eq!((url.host_str(), url.path()), (Some("127.0.0.1"), "/cb"));
                prop_assert!(url.username().is_empty() && url.query().is_none());
            }
        }
    }
}
