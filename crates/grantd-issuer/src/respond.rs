//! Hop 7: results become HTTP answers. The whole of what the OAuth endpoints say on the wire.

mod cross_origin;
mod introspection;

use std::net::IpAddr;

use bytes::Bytes;
use grantd_core::{Authorization, ErrorCode, Issued, Raw, Refused, Secret, scope_names};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, PRAGMA,
        RETRY_AFTER, WWW_AUTHENTICATE,
    },
};
use serde::{Serialize, Serializer};

use crate::{
    fault::{Fault, TokenError},
    issuer::Issuer,
};

/// An answer as this crate gives it: complete, for any HTTP program to send.
pub type Response = http::Response<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"grantd\", charset=\"UTF-8\"");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");
/// Keys and metadata change with a restart: five minutes is what caches may keep them.
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=300");

impl Issuer {
    /// The token endpoint: answers a POST, whatever is in it. The caller has bounded the body and
    /// checked the method, and says from where the request came, for the secret's last use and the
    /// client's usage.
    ///
    /// The answer carries its [`Refused`] or [`Fault`] as an extension, for the host's log: the wire
    /// does not say the cause.
    pub async fn post_token(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        from: Option<IpAddr>,
    ) -> Response {
        let raw = raw(headers, body, from);
        let (response, client) = match self.token(&raw).await {
            Ok(issued) => {
                self.note_issued(&issued, from);
                (token(&issued), Some(issued.client))
            }
            Err(TokenError::Refused(refused)) => {
                let refused = self.note_refused(refused, &raw, from).await;
                let client = refused.client.clone();
                (refusal(refused), client)
            }
            Err(TokenError::Faulted(fault)) => return self::fault(fault),
        };
        if headers.contains_key(ORIGIN) {
            return self.open_to_page(response, headers, client.as_ref()).await;
        }
        response
    }

    /// The introspection endpoint (RFC 7662): answers a POST as [`Issuer::post_token`] does.
    pub async fn post_introspect(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        from: Option<IpAddr>,
    ) -> Response {
        match self.introspect(&raw(headers, body, from)).await {
            Ok(told) => introspection::answer(&told),
            Err(error) => Self::failure(error),
        }
    }

    /// The revocation endpoint (RFC 7009): answers a POST as [`Issuer::post_token`] does. The body
    /// of a success is `{}`: some clients fail on an empty one. Where it ended something, the answer
    /// carries that as an extension ([`Revoked`](crate::Revoked)), for the host's log.
    pub async fn post_revoke(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        from: Option<IpAddr>,
    ) -> Response {
        match self.revoke(&raw(headers, body, from)).await {
            Ok((client, revoked)) => {
                let mut done = answer(StatusCode::OK, Bytes::from_static(b"{}"));
                revoked.map(|revoked| done.extensions_mut().insert(revoked));
                self.open_to_page(done, headers, Some(&client)).await
            }
            Err(error) => Self::failure(error),
        }
    }

    /// The metadata document (RFC 8414).
    pub fn metadata(&self) -> Response {
        document(self.metadata_json())
    }

    /// The public keys (RFC 7517 section 5).
    pub fn jwks(&self) -> Response {
        document(self.keys().jwks_json())
    }
}

fn raw<'a>(headers: &'a HeaderMap, body: &'a [u8], from: Option<IpAddr>) -> Raw<'a> {
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    Raw {
        authorization: Authorization::from_values(
            headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes),
        ),
        // Two content types are none.
        content_type: content_types
            .next()
            .filter(|_| content_types.next().is_none())
            .map(HeaderValue::as_bytes),
        body,
        from,
    }
}

impl Issuer {
    /// The answer for what got no success, for a host that calls the steps one by one.
    pub fn failure(error: TokenError) -> Response {
        match error {
            TokenError::Refused(refused) => refusal(refused),
            TokenError::Faulted(fault) => self::fault(fault),
        }
    }
}

/// An error of the OAuth endpoints (RFC 6749 section 5.2) that no decision gave, such as 405 or 413.
pub(crate) fn error(status: StatusCode, code: &str, description: &str) -> Response {
    let body = serde_json::json!({ "error": code, "error_description": description });
    answer(status, Bytes::from(body.to_string()))
}

fn token(issued: &Issued) -> Response {
    /// RFC 6749 section 5.1, and `scopes` as a list.
    #[derive(Serialize)]
    struct TokenAnswer<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: u32,
        scope: &'a str,
        #[serde(serialize_with = "as_list")]
        scopes: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
    }
    let mut body = Vec::with_capacity(issued.access_token.len() + issued.scope.len() * 2 + 128);
    let written = serde_json::to_writer(
        &mut body,
        &TokenAnswer {
            access_token: &issued.access_token,
            token_type: "Bearer",
            expires_in: issued.expires_in,
            scope: &issued.scope,
            scopes: &issued.scope,
            refresh_token: issued.refresh_token.as_ref().map(Secret::reveal),
        },
    );
    if written.is_err() {
        return fault(Fault::Signing);
    }
    answer(StatusCode::OK, Bytes::from(body))
}

fn as_list<S: Serializer>(scope: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scope_names(scope))
}

fn refusal(refused: Refused) -> Response {
    let code = refused.refusal.code();
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = error(status, code.as_str(), code.description());
    if refused.challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, BASIC);
    }
    if refused.retry_after > 0 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(refused.retry_after));
    }
    if code == ErrorCode::InvalidToken {
        response.headers_mut().insert(WWW_AUTHENTICATE, BEARER);
    }
    response.extensions_mut().insert(refused);
    response
}

fn fault(fault: Fault) -> Response {
    let mut response = match &fault {
        Fault::Storage(_) => {
            unavailable("The server cannot reach its database. Try again shortly.")
        }
        Fault::Stale { .. } => {
            unavailable("The server has not reached its database for too long. Try again shortly.")
        }
        Fault::EndpointOff => error(
            StatusCode::NOT_FOUND,
            ErrorCode::InvalidRequest.as_str(),
            "This server does not offer this endpoint.",
        ),
        Fault::KeyMissing(_) | Fault::Signing => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "The server could not issue the token. Its log says why.",
        ),
    };
    response.extensions_mut().insert(fault);
    response
}

fn unavailable(description: &str) -> Response {
    let mut response =
        error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

fn document(body: Bytes) -> Response {
    let mut response = answer(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHEABLE);
    headers.remove(PRAGMA);
    // Public, and the same for everybody.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn answer(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(PRAGMA, NO_CACHE);
    response
}

/// An answer for what is wrong before a request reaches an endpoint.
impl Issuer {
    /// 405 for another method than POST (RFC 6749 section 3.2, RFC 7662 section 2.1, RFC 7009 section 2).
    pub fn method_not_allowed() -> Response {
        let mut response = error(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::InvalidRequest.as_str(),
            "This endpoint takes POST requests only.",
        );
        response.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("POST"));
        response
    }

    /// 503 for a request that comes while there is more to do than can be done. The host adds
    /// `Retry-After`.
    pub fn overloaded() -> Response {
        const BODY: &str = r#"{"error":"temporarily_unavailable","error_description":"The server has more to do than it can. Try again shortly."}"#;
        answer(StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(BODY.as_bytes()))
    }

    /// 413 for a body over the limit.
    pub fn body_too_large() -> Response {
        error(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest.as_str(),
            "The request body is larger than 64 KiB.",
        )
    }

    /// 400 for a body that breaks off, or whose framing does.
    pub fn body_broken_off() -> Response {
        error(
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest.as_str(),
            "The request body broke off.",
        )
    }

    /// 408 for a body that does not come.
    pub fn body_too_slow() -> Response {
        error(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::InvalidRequest.as_str(),
            "The request body did not arrive in time.",
        )
    }
}
