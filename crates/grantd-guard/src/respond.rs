//! Refusals on the wire (RFC 6750 section 3): status, challenge and a JSON body.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::GuardRefusal;

/// What the wire shows of a refusal.
#[derive(Clone, Copy)]
enum Answer {
    TokenMissing,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
    Unavailable,
}

impl GuardRefusal {
    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self.answer() {
            Answer::TokenMissing | Answer::InvalidToken => StatusCode::UNAUTHORIZED,
            Answer::InvalidRequest => StatusCode::BAD_REQUEST,
            Answer::InsufficientScope => StatusCode::FORBIDDEN,
            Answer::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The whole answer, for those who call [`Guard::verify`](crate::Guard::verify) themselves.
    pub fn response<R: From<Bytes>>(self) -> Response<R> {
        let answer = self.answer();
        let mut response = json(self.status(), Bytes::from_static(answer.body()));
        let headers = response.headers_mut();
        match answer.challenge() {
            Some(challenge) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            }
            None => headers.insert(RETRY_AFTER, HeaderValue::from_static(self.retry_after())),
        };
        response
    }

    const fn answer(self) -> Answer {
        match self {
            Self::CredentialsMissing | Self::RouteUnprotected => Answer::TokenMissing,
            Self::AuthorizationRepeated
            | Self::BearerMalformed
            | Self::TokenInQuery
            | Self::TokenInForm
            | Self::FormUnreadable => Answer::InvalidRequest,
            Self::TokenTooLong
            | Self::TokenMalformed
            | Self::OpaqueTokenUnsupported
            | Self::ExtensionCritical
            | Self::TypeWrong
            | Self::AlgorithmWrong
            | Self::KeyNotNamed
            | Self::KeyUnknown
            | Self::SignatureWrong
            | Self::ClaimsMalformed
            | Self::IssuerWrong
            | Self::AudienceWrong
            | Self::Expired
            | Self::NotYetValid
            | Self::IssuedInFuture
            | Self::GrantTypeUnknown
            | Self::SubjectWrong
            | Self::UserClaimsWrong
            | Self::TokenInactive
            | Self::Revoked => Answer::InvalidToken,
            Self::PermissionMissing => Answer::InsufficientScope,
            Self::KeysUnavailable
            | Self::KeysStale
            | Self::IntrospectionUnavailable
            | Self::FeedCut => Answer::Unavailable,
        }
    }

    /// Seconds: the longest pause between two tries to reach the feed, the shortest time after which
    /// keys are asked for again, or enough for an issuer that restarts.
    const fn retry_after(self) -> &'static str {
        match self {
            Self::IntrospectionUnavailable => "2",
            Self::FeedCut => "5",
            _ => "10",
        }
    }
}

impl Answer {
    const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::TokenMissing => Some("Bearer"),
            Self::InvalidRequest => Some(r#"Bearer error="invalid_request""#),
            Self::InvalidToken => Some(r#"Bearer error="invalid_token""#),
            Self::InsufficientScope => Some(r#"Bearer error="insufficient_scope""#),
            Self::Unavailable => None,
        }
    }

    /// One constant text an answer, so that it tells nothing of the cause. Without a token there is
    /// no error code either (RFC 6750 section 3.1).
    const fn body(self) -> &'static [u8] {
        match self {
            Self::TokenMissing => {
                br#"{"message":"This needs an access token: send it as `Authorization: Bearer TOKEN`."}"#
            }
            Self::InvalidRequest => {
                br#"{"error":"invalid_request","message":"The request is malformed: send one access token, in one Authorization header, and nowhere else."}"#
            }
            Self::InvalidToken => {
                br#"{"error":"invalid_token","message":"The access token is expired, revoked, malformed or not for this API: get a new one from the issuer."}"#
            }
            Self::InsufficientScope => {
                br#"{"error":"insufficient_scope","message":"The access token lacks a permission: give it to the client, then get a new token."}"#
            }
            Self::Unavailable => {
                br#"{"error":"temporarily_unavailable","message":"Access tokens cannot be verified at the moment: try again later."}"#
            }
        }
    }
}

/// The answer to a token without a permission, made once for a route.
#[derive(Clone, Debug)]
pub(crate) struct InsufficientScope {
    challenge: HeaderValue,
    body: Bytes,
}

impl InsufficientScope {
    /// For this permission. A name that no token can carry is left out of the challenge, where its
    /// characters could do harm; see `scope-token` in RFC 6749 section 3.3.
    pub(crate) fn new(permission: &str) -> Self {
        let message = format!(
            "The access token lacks the permission `{permission}`: give it to the client, then get a new token with it."
        );
        let body = serde_json::json!({ "error": "insufficient_scope", "message": message });
        let named = permission.parse::<grantd_core::Permission>().ok().and_then(|permission| {
            HeaderValue::try_from(format!(
                r#"Bearer error="insufficient_scope", scope="{permission}""#
            ))
            .ok()
        });
        Self {
            challenge: named
                .unwrap_or(HeaderValue::from_static(r#"Bearer error="insufficient_scope""#)),
            body: body.to_string().into(),
        }
    }

    /// The whole answer.
    pub(crate) fn response<R: From<Bytes>>(&self) -> Response<R> {
        let mut response = json(StatusCode::FORBIDDEN, self.body.clone());
        response.headers_mut().insert(WWW_AUTHENTICATE, self.challenge.clone());
        response
    }
}

fn json<R: From<Bytes>>(status: StatusCode, body: Bytes) -> Response<R> {
    let mut response = Response::new(R::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_json_message_and_no_answer_but_the_bare_ones_lacks_an_error() {
        for refusal in GuardRefusal::ALL {
            let response: Response<Bytes> = refusal.response();
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert!(body["message"].is_string(), "{}", refusal.name());
            let bare = response
                .headers()
                .get(WWW_AUTHENTICATE)
                .is_some_and(|challenge| challenge == "Bearer");
            assert_eq!(body.get("error").is_none(), bare, "{}", refusal.name());
        }
    }

    #[test]
    fn a_permission_name_cannot_break_out_of_the_challenge() {
        let answer: Response<Bytes> =
            InsufficientScope::new("a\", error=\"x\r\nSet-Cookie: b").response();
        assert_eq!(answer.headers()[WWW_AUTHENTICATE], r#"Bearer error="insufficient_scope""#);
    }
}
