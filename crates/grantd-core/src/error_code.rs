//! The error codes of the wire, each with its status and its one text.

/// An error code of RFC 6749 section 5.2, RFC 8707 section 2 or RFC 6750 section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_client`
    InvalidClient,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_target`
    InvalidTarget,
    /// `invalid_grant`
    InvalidGrant,
    /// `unsupported_response_type` (RFC 6749 section 4.1.2.1)
    UnsupportedResponseType,
    /// `login_required` (OpenID Connect Core section 3.1.2.6)
    LoginRequired,
    /// `consent_required` (OpenID Connect Core section 3.1.2.6)
    ConsentRequired,
    /// `access_denied`
    AccessDenied,
    /// `invalid_token`
    InvalidToken,
    /// `temporarily_unavailable` with 429 (RFC 6585 section 4)
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccessDenied => "access_denied",
            Self::InvalidToken => "invalid_token",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status (RFC 6749 section 5.2: 400 unless the client failed to authenticate).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::AccessDenied => 403,
            Self::TemporarilyUnavailable => 429,
            Self::InvalidRequest
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::InvalidGrant
            | Self::UnsupportedResponseType
            | Self::LoginRequired
            | Self::ConsentRequired => 400,
        }
    }

    /// `error_description`: one constant text a code, so that the answer tells nothing of the cause.
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => {
                "The request is malformed: send each parameter once, as a form or a flat JSON object, with one way of client authentication."
            }
            Self::InvalidClient => "Client authentication failed.",
            Self::UnauthorizedClient => "This client may not use this grant type.",
            Self::UnsupportedGrantType => "This server does not offer this grant type.",
            Self::InvalidScope => {
                "A requested scope is malformed, unknown, or not among this client's permissions for one API."
            }
            Self::InvalidTarget => "The requested resource is not one that this client may use.",
            Self::InvalidGrant => {
                "The code or refresh token is unknown, expired, used already, or not for this client or request."
            }
            Self::UnsupportedResponseType => "This server knows the response type `code` only.",
            Self::LoginRequired => "The user is not signed in.",
            Self::ConsentRequired => "The user has to be asked.",
            Self::AccessDenied => {
                "The user did not allow it, or the caller is no resource server that may ask this."
            }
            Self::InvalidToken => {
                "The access token is expired, revoked, malformed or for another API."
            }
            Self::TemporarilyUnavailable => {
                "Too many requests: wait as many seconds as Retry-After says."
            }
        }
    }
}
