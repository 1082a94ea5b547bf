//! The issuer's introspection endpoint, asked over HTTP (RFC 7662 section 2).

use std::future::Future;

use bytes::Bytes;
use http::{
    HeaderValue, Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::{
    FeedCredentials, FetchError,
    fetch::{Fetch, get},
};

/// Where it is, and as whom to ask.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) fetch: Fetch,
    pub(crate) url: Url,
    pub(crate) credentials: FeedCredentials,
}

/// Why there is no answer to believe.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("{0}; check that the issuer is running and reachable from here")]
    Fetch(#[from] FetchError),
    #[error(
        "the answer is {0}: check the credentials; the client must be a resource server: `grantd client create --serves API`"
    )]
    Refused(StatusCode),
    #[error(
        "the answer is no JSON object with `active`: check the issuer's introspection_endpoint"
    )]
    Malformed,
}

impl Endpoint {
    /// What a living token says, as JSON; `None`: there is no such token for this resource server.
    pub(super) async fn ask(&self, token: &str) -> Result<Option<Bytes>, AskError> {
        let mut request = get(&self.url)?;
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.credentials.authorization());
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("token", token), ("token_type_hint", "access_token")])
            .finish();
        *request.body_mut() = Bytes::from(form).into();
        let answer = self.fetch.answer(request).await.map_err(|error| match error {
            FetchError::Status(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                AskError::Refused(status)
            }
            error => AskError::Fetch(error),
        })?;
        Ok(if is_active(&answer)? { Some(answer) } else { None })
    }

    /// What comes of it within the time that one answer may take.
    pub(super) async fn in_time<T>(
        &self,
        question: impl Future<Output = Result<T, AskError>>,
    ) -> Result<T, AskError> {
        let limit = self.fetch.timeout();
        let answer = tokio::time::timeout(limit, question).await;
        answer.unwrap_or(Err(FetchError::TimedOut(limit).into()))
    }
}

impl AskError {
    /// Whether it may be this one token that the issuer, or what stands before it, dislikes. Then it
    /// says nothing of the next token, and nobody can cut the others off with such a one.
    pub(super) fn is_about_the_token(&self) -> bool {
        match self {
            Self::Fetch(FetchError::Status(status)) => {
                status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS
            }
            Self::Malformed => true,
            Self::Fetch(_) | Self::Refused(_) => false,
        }
    }
}

/// `active` of the answer (RFC 7662 section 2.2), which must be there, once, and true or false.
fn is_active(answer: &[u8]) -> Result<bool, AskError> {
    #[derive(Deserialize)]
    struct Answer {
        active: bool,
    }
    // Serde would also take an array of the members in their order.
    if answer.trim_ascii_start().first() != Some(&b'{') {
        return Err(AskError::Malformed);
    }
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| AskError::Malformed)?;
    Ok(answer.active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_true_is_active() {
        for (answer, active) in [
            (r#"{"active":true}"#, Some(true)),
            (r#" {"iss":"x","active":true}"#, Some(true)),
            (r#"{"active":false,"iss":"x"}"#, Some(false)),
            (r#"{"active":true,"active":false}"#, None),
            (r#"{"active":"true"}"#, None),
            (r#"{"active":1}"#, None),
            (r#"{"active":null}"#, None),
            ("{}", None),
            ("[true]", None),
            ("true", None),
            ("", None),
        ] {
            assert_eq!(is_active(answer.as_bytes()).ok(), active, "{answer}");
        }
    }

    #[test]
    fn a_token_that_is_disliked_says_nothing_of_the_next() {
        let status =
            |code| AskError::Fetch(FetchError::Status(StatusCode::from_u16(code).unwrap()));
        assert!(status(400).is_about_the_token() && status(413).is_about_the_token());
        assert!(!status(429).is_about_the_token() && !status(503).is_about_the_token());
        assert!(!AskError::Refused(StatusCode::UNAUTHORIZED).is_about_the_token());
    }
}
