//! Hop 3: a raw request becomes a token request, or a refusal. Cheap; no secret is touched.

use std::borrow::Cow;

use crate::{
    credentials::Credentials, grant_type::GrantType, params::Params, raw::Raw, refusal::Refusal,
};

/// A well-formed request to the token endpoint: one client, one way of proving it, one grant.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// Who it says it is.
    pub credentials: Credentials<'a>,
    /// Which grant it asks for, with what it brings.
    pub grant: Grant<'a>,
    /// What it wants the token to be for.
    pub ask: Ask<'a>,
}

/// A grant as it is asked for.
pub enum Grant<'a> {
    /// The client asks for itself.
    ClientCredentials,
    /// It redeems a code.
    AuthorizationCode(CodeProof<'a>),
    /// It goes on with a refresh token, as sent.
    RefreshToken(Cow<'a, str>),
}

impl Grant<'_> {
    /// Its type.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::RefreshToken(_) => GrantType::RefreshToken,
        }
    }
}

impl std::fmt::Debug for Grant<'_> {
    /// Prints neither code nor token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.grant_type().as_str())
    }
}

/// What redeems a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5), as sent.
pub struct CodeProof<'a> {
    /// The code.
    pub code: Cow<'a, str>,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<Cow<'a, str>>,
    /// The PKCE verifier.
    pub verifier: Option<Cow<'a, str>>,
}

impl std::fmt::Debug for CodeProof<'_> {
    /// Prints no code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeProof(…)")
    }
}

/// What a token is asked to be good for.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// `scope` as sent (RFC 6749 section 3.3); absent and empty are the same.
    pub scope: Option<Cow<'a, str>>,
    /// `resource` as sent (RFC 8707 section 2).
    pub resource: Option<Cow<'a, str>>,
}

impl<'a> TokenRequest<'a> {
    /// Reads a token request (RFC 6749 sections 2.3.1, 3.2, 4.4.2).
    pub fn parse(raw: &Raw<'a>) -> Result<Self, Refusal> {
        let mut params = Params::parse(raw.content_type, raw.body)?;
        let credentials = Credentials::parse(raw.authorization, &mut params)?;
        let grant = params.take("grant_type").ok_or(Refusal::GrantTypeMissing)?;
        let grant = match grant.parse().map_err(|_| Refusal::GrantTypeUnsupported)? {
            GrantType::ClientCredentials => Grant::ClientCredentials,
            GrantType::AuthorizationCode => Grant::AuthorizationCode(CodeProof {
                code: params.take("code").ok_or(Refusal::CodeMissing)?,
                redirect_uri: params.take("redirect_uri"),
                verifier: params.take("code_verifier"),
            }),
            GrantType::RefreshToken => Grant::RefreshToken(
                params.take("refresh_token").ok_or(Refusal::RefreshTokenMissing)?,
            ),
        };
        let ask = Ask { scope: params.take("scope"), resource: params.take("resource") };
        Ok(Self { credentials, grant, ask })
    }

    /// Whom a request that cannot be read names, where that much of it can: for the count of what
    /// each client was refused, and for nothing else.
    pub fn credentials(raw: &Raw<'a>) -> Option<Credentials<'a>> {
        let mut params = Params::parse(raw.content_type, raw.body).ok()?;
        Credentials::parse(raw.authorization, &mut params).ok()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use proptest::prelude::*;

    use super::*;
    use crate::raw::Authorization;

    fn parse<'a>(header: Option<&'a str>, body: &'a str) -> Result<TokenRequest<'a>, Refusal> {
        TokenRequest::parse(&Raw {
            authorization: header
                .map_or(Authorization::Absent, |h| Authorization::One(h.as_bytes())),
            content_type: Some(b"application/x-www-form-urlencoded"),
            body: body.as_bytes(),
            from: None,
        })
    }

    fn basic(pair: &str) -> String {
        format!("bAsIc {}", BASE64_STANDARD.encode(pair))
    }

    fn refusal(header: Option<&str>, body: &str) -> Option<Refusal> {
        parse(header, body).err()
    }

    const GRANT: &str = "grant_type=client_credentials";

    #[test]
    fn ca_04_basic_is_form_decoded_after_the_first_colon() {
        let header = basic("an%3Aidentifier:+%25%26%2B%C2%A3%E2%82%AC");
        let request = parse(Some(&header), GRANT).unwrap();
        let Credentials::Basic { decoded: Some((id, secret)), .. } = request.credentials else {
            panic!()
        };
        assert_eq!((id.as_str(), secret.as_str()), ("an:identifier", " %&+£€"));
    }

    #[test]
    fn ca_07_broken_escapes_leave_only_the_raw_pair() {
        let header = basic("foo with %:foo with $");
        let request = parse(Some(&header), GRANT).unwrap();
        assert!(matches!(request.credentials, Credentials::Basic { decoded: None, .. }));
    }

    #[test]
    fn ca_08_to_12_what_is_not_basic_is_refused() {
        let good = basic("a:b");
        let exclaimed = format!("{good}!");
        for header in [
            "Basic",
            "Basic ",
            "",
            "Basic !!!notbase64",
            "Bearer abc.def.ghi",
            &exclaimed,
            &basic("nocolon"),
        ] {
            assert_eq!(refusal(Some(header), GRANT), Some(Refusal::BasicMalformed), "{header}");
        }
    }

    #[test]
    fn ca_22_to_25_one_way_of_authentication_and_one_client() {
        let header = basic("a:b");
        let with = |more: &str| refusal(Some(&header), &format!("{GRANT}&{more}"));
        assert_eq!(with("client_id=a&client_secret=b"), Some(Refusal::AuthenticationMethodsMixed));
        assert_eq!(with("client_secret=b"), Some(Refusal::AuthenticationMethodsMixed));
        assert_eq!(with("client_id=a"), None);
        assert_eq!(with("client_secret="), None, "TE-31: empty is omitted");
    }

    #[test]
    fn ca_19_and_40_a_request_names_its_client() {
        assert_eq!(refusal(None, GRANT), Some(Refusal::ClientNotNamed));
        assert_eq!(
            refusal(None, &format!("{GRANT}&client_secret=x")),
            Some(Refusal::ClientNotNamed)
        );
    }

    #[test]
    fn debug_shows_no_credentials() {
        let header = basic("someid:topsecret");
        let printed = format!("{:?}", parse(Some(&header), GRANT).unwrap());
        assert!(!printed.contains("topsecret") && !printed.contains("someid"), "{printed}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(header: Option<Vec<u8>>, body: Vec<u8>) {
            let authorization = header.as_deref().map_or(Authorization::Absent, Authorization::One);
            for content_type in [&b"application/json"[..], b"application/x-www-form-urlencoded"] {
                let _ = TokenRequest::parse(&Raw { authorization, content_type: Some(content_type), body: &body, from: None });
            }
        }
    }
}
