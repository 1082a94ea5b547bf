//! The session's cookie: its name, its flags, and how it is found in a request.

use grantd_core::Secret;
use http::{HeaderMap, HeaderValue, header::COOKIE};

/// How this server's session cookie looks. With https it has the prefix `__Host-`, so that no other
/// host, path or plain connection can have set it (RFC 6265bis section 4.1.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Cookie {
    name: &'static str,
    flags: &'static str,
}

impl Cookie {
    /// That of a server with this issuer identifier.
    pub(super) fn of(issuer: &str) -> Self {
        if issuer.starts_with("https://") {
            Self { name: "__Host-grantd", flags: "Path=/; HttpOnly; SameSite=Lax; Secure" }
        } else {
            Self { name: "grantd", flags: "Path=/; HttpOnly; SameSite=Lax" }
        }
    }

    /// `Set-Cookie` for a session that begins; it goes with the browser, at the latest.
    pub(in crate::serve) fn set(self, secret: &Secret) -> Option<HeaderValue> {
        let text = format!("{}={}; {}", self.name, secret.reveal(), self.flags);
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// `Set-Cookie` for a session that is over.
    pub(in crate::serve) fn clear(self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("{}=; {}; Max-Age=0", self.name, self.flags)).ok()
    }

    /// The secret that a request brings.
    pub(in crate::serve) fn find(self, headers: &HeaderMap) -> Option<&str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(self.name)?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_bound_to_its_host_wherever_https_allows() {
        let secret = Secret::new("s".to_owned());
        let set =
            |issuer: &str| Cookie::of(issuer).set(&secret).unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            set("https://a.example/x"),
            "__Host-grantd=s; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(set("http://127.0.0.1:8080"), "grantd=s; Path=/; HttpOnly; SameSite=Lax");
        let cleared = Cookie::of("https://a.example").clear().unwrap();
        assert!(cleared.to_str().unwrap().starts_with("__Host-grantd=;"));
        assert!(cleared.to_str().unwrap().ends_with("Max-Age=0"));
    }

    #[test]
    fn the_cookie_is_found_by_its_whole_name() {
        let find = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::try_from(line).unwrap());
            Cookie::of("http://localhost").find(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(find("a=b; grantd=x; c=d").as_deref(), Some("x"));
        assert_eq!(find("grantd=x").as_deref(), Some("x"));
        for other in ["", "grantds=x", "agrantd=x", "GRANTD=x", "grantd", "a=grantd=x"] {
            assert_eq!(find(other), None, "{other}");
        }
    }
}
