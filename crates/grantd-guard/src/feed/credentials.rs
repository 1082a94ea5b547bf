//! What the guard proves itself with to the issuer.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use grantd_core::Secret;
use http::HeaderValue;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// The credentials of a resource server, for the revocation feed and for introspection: a client that
/// serves this API (`grantd client create --serves API`). The secret is never printed, and wiped when dropped.
#[derive(Clone)]
pub struct FeedCredentials {
    client_id: String,
    secret: Secret,
}

impl FeedCredentials {
    /// Client id and secret, sent by HTTP Basic (RFC 6749 section 2.3.1).
    pub fn basic(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), secret: Secret::new(secret.into()) }
    }

    /// The Authorization header. Both parts are form-encoded first, as the section demands.
    pub(crate) fn authorization(&self) -> HeaderValue {
        // Three times the length at most, so that no growing leaves copies behind.
        let room = 3 * (self.client_id.len() + self.secret.reveal().len()) + 1;
        let mut pair = Zeroizing::new(String::with_capacity(room));
        pair.extend(byte_serialize(self.client_id.as_bytes()));
        pair.push(':');
        pair.extend(byte_serialize(self.secret.reveal().as_bytes()));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        let header = Zeroizing::new(["Basic ", &encoded].concat());
        let mut value =
            HeaderValue::from_str(&header).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for FeedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedCredentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_form_encoded_before_they_are_joined() {
        let header = FeedCredentials::basic("a:b c", "ü%+_").authorization();
        let pair = BASE64_STANDARD.decode(&header.as_bytes()[6..]).unwrap();
        assert_eq!(pair, b"a%3Ab+c:%C3%BC%25%2B_");
    }

    #[test]
    fn the_secret_is_never_printed() {
        let credentials = FeedCredentials::basic("c1", "hush");
        assert!(!format!("{credentials:?} {:?}", credentials.authorization()).contains("hush"));
        assert!(!format!("{:?}", credentials.authorization()).contains("Basic"));
    }
}
